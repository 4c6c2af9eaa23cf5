"""Votes of one engine over several runs: on richer images, and on the task turned and mirrored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsl.search.cells.answers import TAU, join_equal, outputs_key, vote_bits
from dsl.search.solution import Solution


@dataclass(slots=True, eq=False)
class Pool:
    """Predictions of several runs, weighted by their mean vote: what only some runs predict costs more bits."""

    runs: int = 0
    groups: dict[tuple[object, ...], list[Solution]] = field(default_factory=dict)

    def add(self, solutions: Sequence[Solution]) -> None:
        """Count a run."""
        self.runs += 1
        for solution in solutions:
            self.groups.setdefault(outputs_key(solution.outputs), []).append(solution)

    def merged(self) -> list[Solution]:
        """Return one solution for each prediction: its cheapest program, with the bits of the mean vote."""
        merged = []
        for group in self.groups.values():
            cost = vote_bits(solution.cost for solution in group) + math.log2(self.runs) / TAU
            merged.append(join_equal(group, cost))
        return merged
