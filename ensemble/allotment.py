"""Share the network's time between tasks: more where the attempts that the search gives are in doubt.

A task that programs have as good as solved needs no network; what it leaves over goes to the others.
"""

from collections.abc import Mapping, Sequence

from dsl.task import Task
from ensemble.config import MergeConfig
from ensemble.merge import cells_of, probability_right
from ensemble.types import Candidate

LEAST_DOUBT = 0.01
"""Doubt of a task whose attempts seem certain: the odds are not that exact."""
MANY_CELLS = 1500
"""Cells of a task from which on it is large: so many steps of training as count take too much of the others' time."""
LARGE_SHARE = 0.3
"""What a large task weighs of one of ``MANY_CELLS``."""
MOST_TIMES = 8.0
"""Most time of one task, in shares of what each would have alike."""


def weight_of(task: Task, candidates: Sequence[Candidate], config: MergeConfig) -> float:
    """Return how much of the network's time a task should have, relative to others: its doubt times its cells.

    A step of training takes time by cells, and on ``dev`` tasks of all sizes profit alike from as many steps; but large
    tasks have less.
    """
    doubt = max(LEAST_DOUBT, 1.0 - probability_right(task, candidates, config))
    cells = cells_of(task)
    return doubt * (cells if cells <= MANY_CELLS else LARGE_SHARE * MANY_CELLS)


class Allotment:
    """Time for tasks in proportion to their weights, at most ``MOST_TIMES`` the mean.

    What that bound takes from a task, and what a task leaves over, goes to those that have not begun. What it takes
    beyond its time is missing there, but half of what each would have is left to it.

    Args:
        weights: of each task, above 0.
        total_seconds: of all of them together.
    """

    def __init__(self, weights: Mapping[str, float], total_seconds: float) -> None:
        self._weights = dict(weights)
        self._left = total_seconds
        self._most = MOST_TIMES * total_seconds / len(weights) if weights else 0.0
        self._least_per_weight = self._seconds_per_weight() / 2 if weights else 0.0

    def order(self) -> list[str]:
        """Return the tasks that have not begun, those of most weight last: what others leave over goes to them."""
        return sorted(self._weights, key=lambda name: self._weights[name])

    def take(self, name: str) -> float:
        """Return the seconds of a task that begins now."""
        per_weight = max(self._seconds_per_weight(), self._least_per_weight)
        seconds = min(self._most, self._weights[name] * per_weight)
        del self._weights[name]
        self._left -= seconds
        return seconds

    def _seconds_per_weight(self) -> float:
        """Return what tasks get that have less than the most, when all of the time is given."""
        left, weight = self._left, sum(self._weights.values())
        for largest in sorted(self._weights.values(), reverse=True):
            if largest * left <= self._most * weight or weight <= largest:
                break
            left, weight = left - self._most, weight - largest
        return left / weight

    def give_back(self, seconds: float) -> None:
        """Add what a task left over of its time; below 0 what it took beyond."""
        self._left += seconds
