"""The search on one task: engines in turn, cheap rounds first, until the answer is clear or the budget is used.

Round ``i`` grows the value graph by ``FIRST_ROUND * ROUND_FACTOR**i`` operations and the typed enumeration by a share
of it; the rule engines run once, on the images of the first round. A found program is believed only after its printed
text was parsed and run on every input.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dsl.errors import DslError
from dsl.grid import Grid, GridKey, grid_key
from dsl.program import Program, parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.cells import CellConfig, ExtraImage, solve_cells
from dsl.search.enumerate import EnumerationConfig
from dsl.search.graph.engine import GraphEngine
from dsl.search.image import ImageEngine
from dsl.search.normalize import find_roles
from dsl.search.objects import solve_objects
from dsl.search.proposal import Proposal
from dsl.search.ranking import CLEAR, family, rank
from dsl.search.solution import Solution
from dsl.task import Task

FIRST_ROUND = 30_000
"""Operations that the value graph tries in the first round."""
ROUND_FACTOR = 5
TYPED_SHARE = 0.05
"""Nodes of the typed enumeration beside one operation of the value graph: its nodes cost about ten times as much."""
ROLES_AFTER_ROUND = 1
"""Views with colors named by rank are enumerated from the round after this one on."""
RULES_SHARE = 0.4
MAX_ROLE_RULES = 5
RESERVE = 0.12
"""Share of the budget kept back for composing and verifying what the last round found."""
GRAPH_MEMORY_SHARE = 0.45
TYPED_MEMORY_SHARE = 0.25
CERTAIN = math.log(30.0)
"""Log odds of the best solution that end the search with its stage."""

Listener = Callable[[Solution], None]


def synthesize(task: Task, budget: Budget, on_solution: Listener | None = None) -> list[Solution]:
    """Search for programs that explain the demonstrations.

    Args:
        task: demonstrations and test inputs.
        budget: with ``nodes`` set the result is the same on every machine and the clock is not read.
        on_solution: called with every solution as it is found.

    Returns:
        Verified solutions, likeliest first (``dsl.search.ranking``).
    """
    meter = Meter(budget)
    work = meter.slice(1 - RESERVE)
    found = _Found(task, on_solution)
    graph = GraphEngine(task, int(GRAPH_MEMORY_SHARE * budget.memory_bytes))
    views = [None, *find_roles(task)]
    config = EnumerationConfig(max_bytes=int(TYPED_MEMORY_SHARE * budget.memory_bytes) // len(views))
    typed: list[ImageEngine] = []
    first_round = FIRST_ROUND if budget.nodes is None else min(FIRST_ROUND, budget.nodes // 4)
    for round_number in itertools.count():
        last_round = found.log_odds >= CLEAR
        nodes = first_round * ROUND_FACTOR**round_number
        graph.grow(work, nodes)
        found.propose(graph.proposals(meter))
        if round_number == 0 and not work.exhausted:
            _run_rules(task, graph.images(), found, work)
        if found.log_odds >= CERTAIN or work.exhausted:
            break
        for roles in views[len(typed) : 1 if round_number < ROLES_AFTER_ROUND else len(views)]:
            typed.append(ImageEngine(task, roles, config))
        for engine in typed:
            engine.grow(work, int(TYPED_SHARE * nodes / len(typed)))
            found.propose(engine.proposals(meter))
        if round_number == ROLES_AFTER_ROUND:
            _run_role_rules(typed[1:], found, work)
        if last_round or work.exhausted or (graph.finished and all(engine.finished for engine in typed)):
            break
    return found.ranked()


def _run_rules(task: Task, images: Sequence[ExtraImage], found: "_Found", meter: Meter) -> None:
    """Run the engines of cell rules and of object rules, each on a share of what is left."""
    part = meter.slice(RULES_SHARE)
    found.accept(solve_cells(task, part, images))
    meter.spend(part.nodes)
    part = meter.slice(RULES_SHARE)
    found.accept(solve_objects(task, part))
    meter.spend(part.nodes)


def _run_role_rules(engines: Sequence[ImageEngine], found: "_Found", meter: Meter) -> None:
    """Run the engines of cell rules on the views with colors named by rank."""
    for engine in engines:
        part = meter.slice(RULES_SHARE)
        solutions = solve_cells(engine.view, part, engine.images(), CellConfig(confident_bits=math.inf))
        meter.spend(part.nodes)
        best = [Proposal(solution.program, solution.cost, solution.engine) for solution in solutions[:MAX_ROLE_RULES]]
        found.propose(map(engine.for_task, best))


@dataclass(slots=True, eq=False)
class _Found:
    """Verified solutions by program text."""

    task: Task
    listener: Listener | None
    solutions: dict[str, Solution] = field(default_factory=dict)

    misses: dict[int, float] = field(default_factory=dict)
    """For each demonstration, the least cost of an image program that reproduces all but this one."""

    @property
    def log_odds(self) -> float:
        """Return the log odds of the best solution."""
        ranked = self.ranked()
        best = ranked[0].log_odds if ranked else None
        return -math.inf if best is None else best

    def _note_miss(self, solution: Solution) -> None:
        if solution.fits != len(self.task.train) - 1:
            return
        for k, example in enumerate(self.task.train):
            result = _result(solution.program, example.input)
            if result is None or not np.array_equal(result, example.output):
                self.misses[k] = min(solution.cost, self.misses.get(k, math.inf))

    def propose(self, proposals: Iterable[Proposal]) -> None:
        """Verify programs and keep those that predict something."""
        for proposal in proposals:
            text = str(proposal.program)
            if text not in self.solutions:
                solution = verify(self.task, text, proposal.cost, proposal.engine)
                if solution is not None:
                    self.accept([solution])
                    self._note_miss(solution)

    def accept(self, solutions: Iterable[Solution]) -> None:
        """Keep verified solutions."""
        for solution in solutions:
            self.solutions[str(solution.program)] = solution
            if self.listener is not None:
                self.listener(solution)

    def ranked(self) -> list[Solution]:
        """Return the solutions, likeliest first."""
        ranked = rank([self._supported(solution) for solution in self.solutions.values()], self.task)
        return [replace(entry.solution, log_odds=entry.log_odds) for entry in ranked]

    def _supported(self, solution: Solution) -> Solution:
        """Give an image program its leave-one-out share: the demonstrations without which no cheaper one is found."""
        complete = len(self.task.train)
        if family(solution) != "images" or solution.fits < complete or complete < 3:
            return solution
        failed = sum(cost < solution.cost for cost in self.misses.values())
        return replace(solution, support=1.0 - failed / complete)


def verify(task: Task, text: str, cost: float, engine: str) -> Solution | None:
    """Parse a program and run it on every input; None if it fits no demonstration or predicts nothing."""
    program = parse(text)
    results = [_result(program, example.input) for example in task.train]
    fits = sum(
        result is not None and np.array_equal(result, example.output)
        for result, example in zip(results, task.train, strict=True)
    )
    outputs = tuple(_result(program, grid) for grid in task.test_inputs)
    if not fits or all(output is None for output in outputs):
        return None
    return Solution(program, outputs, cost, fits, engine)


def _result(program: Program, grid: Grid) -> Grid | None:
    try:
        return run(program, grid)
    except DslError:
        return None


def answers(solutions: Sequence[Solution], test_index: int, limit: int = 2) -> list[Grid]:
    """Return the distinct grids that ranked solutions predict for one test input, best first."""
    seen: dict[GridKey, Grid] = {}
    for solution in solutions:
        output = solution.outputs[test_index]
        if output is not None:
            seen.setdefault(grid_key(output), output)
    return list(seen.values())[:limit]
