"""How likely a program's predictions are right: one scale for all engines, from description length and leave-one-out.

The weights are a logistic regression on the programs that all engines found for the ``fit`` tasks
(``benchmarks/fit_ranking.py``, result in ``benchmarks/results/ranking.json``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dsl.search.cells.answers import outputs_key
from dsl.search.solution import Solution
from dsl.task import Task

FAMILIES = {
    "autoregressive": "cells",
    "completion": "cells",
    "crops": "objects",
    "pipe": "images",
    "cover": "images",
    "image": "images",
}
"""Engines whose predictions are one list of rivals with another engine's; all others stand alone."""

LONG = 20.0
"""Bits from which on each bit tells less."""

WEIGHTS: dict[str, float] = {
    "always": 2.221,
    "bits": -0.158,
    "bits over long": -0.041,
    "foretells half": -1.095,
    "foretells all": 1.808,
    "not measured": 0.467,
    "not first": -4.254,
    "bits after first": -0.03,
    "images, always": -0.493,
    "images, bits": 0.037,
    "images, bits over long": 0.002,
    "images, foretells half": 1.6,
    "images, foretells all": -0.593,
    "images, not measured": 0.06,
    "images, not first": 2.043,
    "images, bits after first": 0.135,
    "agreed": 2.296,
    "agreed twice": 2.291,
}
"""Log odds in nats by feature; see :func:`features`."""

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
    complete = len(task.train)
    best: dict[str, Solution] = {}
    agreeing: dict[object, set[str]] = {}
    for solution in sorted(solutions, key=lambda solution: (-solution.fits, solution.cost)):
        best.setdefault(family(solution), solution)
        if solution.fits == complete:
            agreeing.setdefault(outputs_key(solution.outputs), set()).add(family(solution))
    ranked = []
    for solution in solutions:
        others = agreeing.get(outputs_key(solution.outputs), set()) - {family(solution)}
        known = features(solution, best[family(solution)], len(others))
        log_odds = sum(WEIGHTS[name] * value for name, value in known.items())
        ranked.append(Ranked(solution, log_odds - MISS * (complete - solution.fits)))
    return sorted(ranked, key=lambda entry: (-entry.log_odds, entry.solution.cost, str(entry.solution.program)))


def features(solution: Solution, first: Solution, agreeing: int = 0) -> dict[str, float]:
    """Return what the log odds are a weighted sum of.

    Args:
        solution: what to judge.
        first: the cheapest solution of the same family of engines.
        agreeing: other families with a program that fits and predicts the same.
    """
    support = solution.support if solution.support is not None else first.support
    images = float(family(solution) == "images")
    after = not np.isclose(solution.cost, first.cost) or outputs_key(solution.outputs) != outputs_key(first.outputs)
    known = {
        "always": 1.0,
        "bits": min(solution.cost, LONG),
        "bits over long": max(0.0, solution.cost - LONG),
        "foretells half": float(support is not None and support >= 0.5),
        "foretells all": float(support == 1.0),
        "not measured": float(support is None),
        "not first": float(after),
        "bits after first": min(solution.cost - first.cost, LONG),
    }
    known |= {f"images, {name}": images * value for name, value in known.items()}
    return known | {"agreed": float(agreeing > 0), "agreed twice": float(agreeing > 1)}


def family(solution: Solution) -> str:
    """Return the name of the engines that a solution competes with."""
    return FAMILIES.get(solution.engine, solution.engine)
