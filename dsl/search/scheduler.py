"""The search on one task: engines in turn, cheap rounds first, until the answer is clear or the budget is used.

Round ``i`` gives every engine ``FIRST_ROUND * ROUND_FACTOR**i`` nodes. A found program is believed only after its
printed text was parsed and run on every input.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dsl.errors import DslError
from dsl.grid import Grid, GridKey, grid_key
from dsl.program import Program, parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.cells import CellConfig, solve_cells
from dsl.search.enumerate import EnumerationConfig
from dsl.search.image import ImageEngine, Proposal
from dsl.search.normalize import find_roles
from dsl.search.objects import solve_objects
from dsl.search.solution import Solution
from dsl.task import Task

FIRST_ROUND = 1500
ROUND_FACTOR = 6
RULES_AFTER_ROUND = 1
"""The engines of cell and object rules run once, after this round; they use the images found until then."""
RULES_SHARE = 0.3
MAX_ROLE_RULES = 5
RESERVE = 0.12
"""Share of the budget kept back for composing and verifying what the last round found."""
MEMORY_SHARE = 0.5
MISS_COST = 25.0
"""Bits that a demonstration weighs which a program does not reproduce: a short program that misses one comes before a
very long one that misses none."""
CERTAIN_COST = 8.0
"""A program of at most so many bits that fits all demonstrations ends the search with its round."""
CLEAR_COST = 15.0
"""A program of at most so many bits that fits all demonstrations ends the search after one more round."""

Listener = Callable[[Solution], None]


def synthesize(task: Task, budget: Budget, on_solution: Listener | None = None) -> list[Solution]:
    """Search for programs that explain the demonstrations.

    Args:
        task: demonstrations and test inputs.
        budget: with ``nodes`` set the result is the same on every machine and the clock is not read.
        on_solution: called with every solution as it is found.

    Returns:
        Verified solutions, best first: by cost and ``MISS_COST`` for each demonstration that is not reproduced.
    """
    meter = Meter(budget)
    work = meter.slice(1 - RESERVE)
    found = _Found(task, on_solution)
    views = [None, *find_roles(task)]
    config = EnumerationConfig(max_bytes=int(MEMORY_SHARE * budget.memory_bytes) // len(views))
    engines = [ImageEngine(task, roles, config) for roles in views]
    nodes = FIRST_ROUND
    for round_number in itertools.count():
        last_round = found.best_cost <= CLEAR_COST
        for i, engine in enumerate(engines):
            engine.grow(work, nodes if i == 0 else nodes // 2)
            found.propose(engine.proposals(meter))
        if found.best_cost <= CERTAIN_COST or work.exhausted:
            break
        if round_number == RULES_AFTER_ROUND:
            _run_rules(engines, found, work)
        if last_round or work.exhausted or all(engine.finished for engine in engines):
            break
        nodes *= ROUND_FACTOR
    return found.ranked()


def _run_rules(engines: list[ImageEngine], found: "_Found", meter: Meter) -> None:
    """Run the engines of cell rules on every view and of object rules, each on a share of what is left."""
    for engine in engines:
        part = meter.slice(RULES_SHARE)
        config = None if engine.roles is None else CellConfig(confident_bits=math.inf)
        solutions = solve_cells(engine.view, part, engine.images(), config)
        meter.spend(part.nodes)
        if engine.roles is None:
            found.accept(solutions)
        else:
            best = [
                Proposal(solution.program, solution.cost, solution.engine) for solution in solutions[:MAX_ROLE_RULES]
            ]
            found.propose(map(engine.for_task, best))
    part = meter.slice(RULES_SHARE)
    found.accept(solve_objects(engines[0].view, part))
    meter.spend(part.nodes)


@dataclass(slots=True, eq=False)
class _Found:
    """Verified solutions by program text."""

    task: Task
    listener: Listener | None
    solutions: dict[str, Solution] = field(default_factory=dict)

    best_cost: float = math.inf
    """Least cost of a program that fits all demonstrations."""

    def propose(self, proposals: Iterable[Proposal]) -> None:
        """Verify programs and keep those that predict something."""
        for proposal in proposals:
            text = str(proposal.program)
            if text not in self.solutions:
                solution = verify(self.task, text, proposal.cost, proposal.engine)
                if solution is not None:
                    self.accept([solution])

    def accept(self, solutions: Iterable[Solution]) -> None:
        """Keep verified solutions."""
        for solution in solutions:
            self.solutions[str(solution.program)] = solution
            if solution.fits == len(self.task.train):
                self.best_cost = min(self.best_cost, solution.cost)
            if self.listener is not None:
                self.listener(solution)

    def ranked(self) -> list[Solution]:
        """Return the solutions, best first."""
        return sorted(self.solutions.values(), key=lambda s: (penalized_cost(s, self.task), str(s.program)))


def penalized_cost(solution: Solution, task: Task) -> float:
    """Return the bits by which solutions are ranked."""
    return solution.cost + MISS_COST * (len(task.train) - solution.fits)


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
