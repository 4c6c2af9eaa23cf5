"""Share the network's time between tasks: more where the attempts that the search gives are in doubt.

A task that programs have as good as solved needs no network; what it leaves over goes to the others.
"""

from collections.abc import Mapping, Sequence

from dsl.task import Task
from ensemble.config import MergeConfig
from ensemble.merge import is_judged, probability_right
from ensemble.types import Candidate

LEAST_DOUBT = 0.02
"""Doubt of a task whose attempts seem certain: the odds are not that exact."""
LARGE_SHARE = 0.1
"""What a task weighs on which the network's judgement does not count: few steps of training fit, and seldom help."""
MOST_TIMES = 8.0
"""Most time of one task, in shares of what each would have alike."""


def weight_of(task: Task, candidates: Sequence[Candidate], config: MergeConfig) -> float:
    """Return how much of the network's time a task should have, relative to others: its doubt, less if it is large."""
    doubt = max(LEAST_DOUBT, 1.0 - probability_right(task, candidates, config))
    return doubt if is_judged(task, config) else LARGE_SHARE * doubt


def allot(weights: Mapping[str, float], total_seconds: float) -> dict[str, float]:
    """Return the seconds of each task: in proportion to its weight, at most ``MOST_TIMES`` the mean.

    What the bound takes from one goes to the others.

    Args:
        weights: of each task, above 0.
        total_seconds: of all of them together.
    """
    most = MOST_TIMES * total_seconds / len(weights) if weights else 0.0
    seconds: dict[str, float] = {}
    left_seconds, left_weight = total_seconds, sum(weights.values())
    for name in sorted(weights, key=lambda name: -weights[name]):
        seconds[name] = min(most, left_seconds * weights[name] / left_weight)
        left_seconds -= seconds[name]
        left_weight -= weights[name]
    return seconds
