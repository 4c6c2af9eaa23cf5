"""What the engines have found on a task so far: verified programs, votes of the rule engines, and their ranking."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dsl.program import Program, parse
from dsl.search.cells.answers import outputs_key, run_or_none
from dsl.search.invariants import Invariants
from dsl.search.plausibility import lost_nats
from dsl.search.pool import Pool
from dsl.search.proposal import Proposal
from dsl.search.ranking import family, rank
from dsl.search.solution import Solution
from dsl.task import Task

Listener = Callable[[Solution], None]


@dataclass(slots=True, eq=False)
class Found:
    """Solutions of one task.

    Attributes:
        task: the task.
        listener: called with every solution as it is found.
        solutions: programs of the engines that propose them one by one, by text.
        pools: votes of the rule engines, by kind.
        misses: for each demonstration, the cheapest proposed program that reproduces all but this one.
    """

    task: Task
    listener: Listener | None = None
    solutions: dict[str, Solution] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    misses: dict[int, Solution] = field(default_factory=dict)
    _ranked: list[Solution] | None = None
    _invariants: Invariants | None = None
    _lost: dict[object, float] = field(default_factory=dict)

    @property
    def log_odds(self) -> float:
        """Return the log odds of the best solution, less what it loses by the invariants that it breaks.

        Solutions that are likelier wrong as it is lose nothing: they end no search.
        """
        best = -math.inf
        for solution in self.ranked():
            assert solution.log_odds is not None
            if solution.log_odds <= best:
                break
            lost = self._lost_by(solution) if solution.log_odds > 0 else 0.0
            best = max(best, solution.log_odds - lost)
        return best

    def propose(self, proposals: Iterable[Proposal]) -> None:
        """Verify programs and keep those that predict something."""
        for proposal in proposals:
            text = str(proposal.program)
            if text in self.solutions:
                continue
            program = parse(text)
            missed = missed_examples(program, self.task)
            outputs = tuple(run_or_none(program, grid) for grid in self.task.test_inputs)
            fits = len(self.task.train) - len(missed)
            if not fits or all(output is None for output in outputs):
                continue
            solution = Solution(program, outputs, proposal.cost, fits, proposal.engine)
            self.accept([solution])
            if len(missed) == 1 and solution.cost < self._cost_without(missed[0]):
                self.misses[missed[0]] = solution

    def vote(self, kind: str, solutions: Sequence[Solution]) -> None:
        """Keep the verified solutions of one run of the rule engines, beside those of earlier runs."""
        self.pools.setdefault(kind, Pool()).add(solutions)
        self._announce(solutions)

    def accept(self, solutions: Sequence[Solution]) -> None:
        """Keep verified solutions."""
        self.solutions.update((str(solution.program), solution) for solution in solutions)
        self._announce(solutions)

    def ranked(self) -> list[Solution]:
        """Return the solutions, likeliest first."""
        if self._ranked is None:
            voted = [solution for pool in self.pools.values() for solution in pool.merged()]
            ranked = rank([*map(self._supported, self.solutions.values()), *voted], self.task)
            self._ranked = [replace(entry.solution, log_odds=entry.log_odds) for entry in ranked]
        return self._ranked

    def _lost_by(self, solution: Solution) -> float:
        """Return the nats that a solution loses by what its predictions break."""
        key = outputs_key(solution.outputs)
        if key not in self._lost:
            if self._invariants is None:
                self._invariants = Invariants(self.task.train)
            broken = self._invariants.broken_by(self.task.test_inputs, solution.outputs)
            self._lost[key] = lost_nats(broken)
        return self._lost[key]

    def _announce(self, solutions: Iterable[Solution]) -> None:
        self._ranked = None
        if self.listener is not None:
            for solution in solutions:
                self.listener(solution)

    def _supported(self, solution: Solution) -> Solution:
        """Measure an image program by the cheaper programs that do without a demonstration, and those that disagree."""
        complete = len(self.task.train)
        if family(solution) != "images" or solution.fits < complete or complete < 3:
            return solution
        rivals = [miss for miss in self.misses.values() if miss.cost < solution.cost]
        key = outputs_key(solution.outputs)
        contradicted = sum(outputs_key(rival.outputs) != key for rival in rivals)
        return replace(solution, support=1.0 - len(rivals) / complete, stability=1.0 - contradicted / complete)

    def _cost_without(self, demonstration: int) -> float:
        known = self.misses.get(demonstration)
        return math.inf if known is None else known.cost


def missed_examples(program: Program, task: Task) -> list[int]:
    """Return the demonstrations that a program does not reproduce."""
    return [
        k
        for k, example in enumerate(task.train)
        if (result := run_or_none(program, example.input)) is None or not np.array_equal(result, example.output)
    ]
