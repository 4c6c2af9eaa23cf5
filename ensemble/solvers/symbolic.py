"""Symbolic solver: programs from the search, each prediction with the programs that stand behind it."""

import math
import time
from collections.abc import Iterator

from dsl.grid import GridKey, grid_key
from dsl.search.scheduler import synthesize
from dsl.search.solution import Solution
from ensemble.config import SymbolicConfig
from ensemble.types import Budget, Candidate, Provenance, Task

FoundAfter = dict[tuple[int, GridKey], float]
"""Processor seconds until a grid was first predicted for a test input."""


class SymbolicSolver:
    """Propose what short programs predict that explain the demonstrations."""

    name = "symbolic"

    def __init__(self, config: SymbolicConfig | None = None) -> None:
        """Keep the configuration."""
        self.config = config or SymbolicConfig()

    def solve(self, task: Task, budget: Budget) -> Iterator[Candidate]:
        """Yield one candidate for each test input and distinct prediction, best first.

        A candidate shows the best program of its prediction and counts how many programs agree on it.
        """
        started = time.process_time()
        found: FoundAfter = {}

        def note(solution: Solution) -> None:
            for test_index, output in enumerate(solution.outputs):
                if output is not None:
                    found.setdefault((test_index, grid_key(output)), time.process_time() - started)

        by_clock = budget.nodes is None
        solutions = synthesize(task, budget, note if by_clock else None)
        for test_index in range(len(task.test_inputs)):
            yield from self._candidates(task, test_index, solutions, found)

    def _candidates(self, task: Task, test_index: int, solutions: list[Solution], found: FoundAfter) -> list[Candidate]:
        groups: dict[GridKey, list[Solution]] = {}
        for solution in solutions:
            output = solution.outputs[test_index]
            if output is not None:
                groups.setdefault(grid_key(output), []).append(solution)
        leading = list(groups.values())[: self.config.max_candidates]
        return [self._candidate(task, test_index, group, found) for group in leading]

    def _candidate(self, task: Task, test_index: int, group: list[Solution], found: FoundAfter) -> Candidate:
        best = group[0]
        output = best.outputs[test_index]
        assert output is not None
        assert best.log_odds is not None
        log_score = -math.log1p(math.exp(-best.log_odds))
        provenance = Provenance(
            solver=self.name,
            family=self.name,
            engine=best.engine,
            program=str(best.program),
            cost=-log_score / math.log(2),
            verified=best.fits == len(task.train),
            fits=best.fits,
            draws=len(group),
            found_after=found.get((test_index, grid_key(output))),
        )
        return Candidate(task.task_id, test_index, output, log_score, provenance)
