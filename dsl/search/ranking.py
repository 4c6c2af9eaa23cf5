"""How likely a program's predictions are right: one scale for all engines, from description length and leave-one-out.

The weights are a logistic regression on the solutions of the ``fit`` tasks (``benchmarks/fit_ranking.py``), first
predictions of the two rule engines above all. Other engines may be ranked beside them, but are not calibrated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dsl.search.solution import Solution
from dsl.task import Task

FAMILIES = {"autoregressive": "cells", "completion": "cells", "crops": "objects"}
"""Engines whose predictions are one list of rivals with another engine's; all others stand alone."""

LONG = 20.0
"""Bits from which on each bit tells less."""

WEIGHTS: dict[str, float] = {
    "always": 1.035,
    "bits": -0.105,
    "bits over long": -0.042,
    "foretells half": 1.425,
    "foretells all": 0.467,
    "not measured": 1.674,
    "not first": -3.559,
    "bits after first": -0.245,
}
"""Log odds in nats by feature; see :func:`features`. What is not measured are mostly counts and stacks of objects."""

MISS = 2.4
"""Nats that a demonstration weighs which a program does not reproduce: about 8 % of such programs are right."""

CLEAR = math.log(9.0)
"""Log odds from which on a first answer is right nine times of ten."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A solution with the log odds, in nats, that all its predictions are right."""

    solution: Solution
    log_odds: float

    @property
    def probability(self) -> float:
        """Return the probability, 0..1."""
        return 1.0 / (1.0 + math.exp(-self.log_odds))


def rank(solutions: Sequence[Solution], task: Task) -> list[Ranked]:
    """Return solutions of any engines, likeliest first."""
    best: dict[str, Solution] = {}
    for solution in sorted(solutions, key=lambda solution: solution.cost):
        best.setdefault(family(solution), solution)
    ranked = [Ranked(solution, log_odds(solution, task, best[family(solution)])) for solution in solutions]
    return sorted(ranked, key=lambda entry: (-entry.log_odds, entry.solution.cost, str(entry.solution.program)))


def log_odds(solution: Solution, task: Task, best: Solution | None = None) -> float:
    """Return the log odds, in nats, that a solution is right.

    Args:
        solution: what to judge.
        task: its task.
        best: the cheapest solution of the same family of engines, if it is another one.
    """
    missed = len(task.train) - solution.fits
    return sum(WEIGHTS[name] * value for name, value in features(solution, best).items()) - MISS * missed


def features(solution: Solution, best: Solution | None = None) -> dict[str, float]:
    """Return what the log odds are a weighted sum of; ``best`` as in :func:`log_odds`."""
    first = best or solution
    support = solution.support if solution.support is not None else first.support
    return {
        "always": 1.0,
        "bits": min(solution.cost, LONG),
        "bits over long": max(0.0, solution.cost - LONG),
        "foretells half": float(support is not None and support >= 0.5),
        "foretells all": float(support == 1.0),
        "not measured": float(support is None),
        "not first": float(first is not solution),
        "bits after first": min(solution.cost - first.cost, LONG),
    }


def family(solution: Solution) -> str:
    """Return the name of the engines that a solution competes with."""
    return FAMILIES.get(solution.engine, solution.engine)
