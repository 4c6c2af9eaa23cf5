"""The search on one task: engines in turn, cheap rounds first, until the answer is clear or the budget is used.

Round ``i`` grows the value graph by ``FIRST_ROUND * ROUND_FACTOR**i`` operations and runs the cell rules on what it
then offers; object rules run in the first round. The same is done on the view with a black ground, where the task has
another one. From the second round on it is also done on the views with colors named by rank, and after it the rules run
on the task's other symmetries. A found program is believed only after it was run on every input: those proposed one by
one as parsed from their printed text, those that rules voted for as they were written, in the view where they were
found.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from dsl.grid import Grid, GridKey, grid_key
from dsl.program import Program
from dsl.search.budget import Budget, Meter
from dsl.search.cells import CellConfig, ExtraImage, solve_cells
from dsl.search.enumerate import EnumerationConfig
from dsl.search.found import Found, Listener
from dsl.search.graph.engine import GraphEngine
from dsl.search.image import ImageEngine
from dsl.search.normalize import ROLE_COST, Roles, find_ground, find_roles, normalize, with_roles
from dsl.search.objects import action_images, solve_objects
from dsl.search.proposal import Proposal
from dsl.search.ranking import CLEAR
from dsl.search.solution import Solution
from dsl.search.views import SYMMETRIES, view_of, viewed
from dsl.symmetry import inverse_name, transform
from dsl.task import Task

FIRST_ROUND = 30_000
"""Operations that the value graph tries in the first round."""
ROUND_FACTOR = 5
TYPED_SHARE = 0.01
"""Nodes of the typed enumeration beside one operation of the value graph: its nodes cost about ten times as much."""
ACTIONS_FROM_ROUND = 1
"""From this round on the cell rules are offered images of single actions on objects."""
ROLES_FROM_ROUND = 1
GROUND_SHARE = 0.5
ROLES_SHARE = 0.2
"""Operations of the value graph of a view with colors named otherwise, beside one of the task's own."""
SYMMETRIES_AFTER_ROUND = 1
RULES_SHARE = 0.4
MAX_ROLE_RULES = 5
RESERVE = 0.12
"""Share of the budget kept back for composing and verifying what the last round found."""
GRAPH_MEMORY_SHARE = 0.4
GROUND_MEMORY_SHARE = 0.2
ROLES_MEMORY_SHARE = 0.2
TYPED_MEMORY_SHARE = 0.1
CERTAIN = math.log(30.0)
"""Log odds of the best solution that end the search with its stage."""


def synthesize(task: Task, budget: Budget, on_solution: Listener | None = None) -> list[Solution]:
    """Search for programs that explain the demonstrations.

    Args:
        task: demonstrations and test inputs.
        budget: with ``nodes`` set the result is the same on every machine and the clock is not read.
        on_solution: called with every solution as it is found.

    Returns:
        Verified solutions, likeliest first (``dsl.search.ranking``).
    """
    search = _Search(task, budget, Found(task, on_solution))
    for round_number in itertools.count():
        last_round = search.found.log_odds >= CLEAR
        if not search.run_round(round_number) or last_round:
            break
    return search.found.ranked()


class _RoleView:
    """A task with colors named otherwise, its value graph, and the way back; the task may be that of another view."""

    def __init__(self, task: Task, roles: Roles, max_bytes: int, above: "_RoleView | None" = None) -> None:
        self.roles = roles
        self.above = above
        self.task = normalize(task, roles)
        self.graph = GraphEngine(self.task, max_bytes)

    def for_task(self, program: Program, cost: float, engine: str) -> Proposal:
        """Return a program of the view as one of the task."""
        program, cost = with_roles(self.roles, program), cost + ROLE_COST
        return self.above.for_task(program, cost, engine) if self.above else Proposal(program, cost, engine)


class _Search:
    """The engines on one task; each round continues the last."""

    def __init__(self, task: Task, budget: Budget, found: Found) -> None:
        self.task = task
        self.budget = budget
        self.found = found
        self.meter = Meter(budget)
        self.work = self.meter.slice(1 - RESERVE)
        self.graph = GraphEngine(task, int(GRAPH_MEMORY_SHARE * budget.memory_bytes))
        self.actions: list[ExtraImage] = []
        self.images: list[ExtraImage] = []
        self.typed: ImageEngine | None = None
        self.role_views: list[_RoleView] | None = None
        self.ground_view: _RoleView | None = None
        ground = find_ground(task)
        if ground is not None:
            self.ground_view = _RoleView(task, ground, int(GROUND_MEMORY_SHARE * budget.memory_bytes))
        self.first_round = FIRST_ROUND if budget.nodes is None else min(FIRST_ROUND, budget.nodes // 4)

    def run_round(self, number: int) -> bool:
        """Run every engine once; return whether another round is worth it."""
        nodes = self.first_round * ROUND_FACTOR**number
        steps: list[Callable[[], None]] = [lambda: self._grow(nodes), lambda: self._run_cells(number)]
        if number == 0:
            steps.append(self._run_objects)
        if self.ground_view is not None:
            steps.append(partial(self._run_view, self.ground_view, int(GROUND_SHARE * nodes)))
        steps.append(lambda: self._enumerate(nodes))
        if number >= ROLES_FROM_ROUND:
            steps.append(lambda: self._run_role_views(int(ROLES_SHARE * nodes)))
        if number == SYMMETRIES_AFTER_ROUND:
            steps.extend(self._symmetry(name) for name in SYMMETRIES)
        for step in steps:
            step()
            if self.work.exhausted or self.found.log_odds >= CERTAIN:
                return False
        return not self.graph.finished

    def _grow(self, nodes: int) -> None:
        self.graph.grow(self.work, nodes)
        self.found.propose(self.graph.proposals(self.meter))

    def _run_cells(self, number: int) -> None:
        config = CellConfig() if number == 0 else CellConfig(only_rules=True)
        if number == ACTIONS_FROM_ROUND:
            self.actions = action_images(self.task, self.work)
        self.images = [*self.graph.images(), *self.actions]
        self.found.vote("cells", self._cells(self.task, self.images, config))

    def _run_objects(self) -> None:
        self.found.vote("objects", self._objects(self.task))

    def _cells(self, task: Task, images: Sequence[ExtraImage], config: CellConfig) -> list[Solution]:
        part = self.work.slice(RULES_SHARE)
        solutions = solve_cells(task, part, images, config)
        self.work.spend(part.nodes)
        return solutions

    def _objects(self, task: Task) -> list[Solution]:
        part = self.work.slice(RULES_SHARE)
        solutions = solve_objects(task, part)
        self.work.spend(part.nodes)
        return solutions

    def _enumerate(self, nodes: int) -> None:
        """Grow the typed enumeration, which knows every registered primitive."""
        if self.typed is None:
            config = EnumerationConfig(max_bytes=int(TYPED_MEMORY_SHARE * self.budget.memory_bytes))
            self.typed = ImageEngine(self.task, config)
        self.typed.grow(self.work, int(TYPED_SHARE * nodes))
        self.found.propose(self.typed.proposals(self.meter))

    def _run_role_views(self, nodes: int) -> None:
        if self.role_views is None:
            ground = self.ground_view
            task = ground.task if ground else self.task
            roles = find_roles(task)
            room = int(ROLES_MEMORY_SHARE * self.budget.memory_bytes) // max(1, len(roles))
            self.role_views = [_RoleView(task, each, room, ground) for each in roles]
        for view in self.role_views:
            self._run_view(view, nodes)

    def _run_view(self, view: _RoleView, nodes: int) -> None:
        """Run the value graph and the cell rules on a view with other colors."""
        if self.work.exhausted or view.graph.finished:
            return
        view.graph.grow(self.work, nodes)
        proposals = view.graph.proposals(self.meter)
        self.found.propose(view.for_task(p.program, p.cost, p.engine) for p in proposals)
        config = CellConfig(only_rules=True)
        solutions = self._cells(view.task, view.graph.images(), config)[:MAX_ROLE_RULES]
        self.found.propose(view.for_task(s.program, s.cost, s.engine) for s in solutions)

    def _symmetry(self, name: str) -> Callable[[], None]:
        """Return the step that runs the rules on the task turned or mirrored."""

        def run_rules() -> None:
            back = inverse_name(name)
            task = view_of(self.task, name)
            images = [
                (viewed(back, program), cost, tuple(transform(grid, name) for grid in grids))
                for program, cost, grids in self.images
            ]
            for kind, solutions in (
                ("cells", self._cells(task, images, CellConfig(only_rules=True))),
                ("objects", self._objects(task)),
            ):
                self.found.vote(kind, [_turned_back(solution, name) for solution in solutions])

        return run_rules


def _turned_back(solution: Solution, name: str) -> Solution:
    """Return a solution of a view as one of the task."""
    outputs = tuple(None if grid is None else transform(grid, inverse_name(name)) for grid in solution.outputs)
    return replace(solution, program=viewed(name, solution.program), outputs=outputs)


def answers(solutions: Sequence[Solution], test_index: int, limit: int = 2) -> list[Grid]:
    """Return the distinct grids that ranked solutions predict for one test input, best first."""
    seen: dict[GridKey, Grid] = {}
    for solution in solutions:
        output = solution.outputs[test_index]
        if output is not None:
            seen.setdefault(grid_key(output), output)
    return list(seen.values())[:limit]
