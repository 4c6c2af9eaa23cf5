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
    "rules, always": -0.362,
    "rules, bits": -0.067,
    "rules, bits over long": -0.043,
    "rules, foretells half": 0.357,
    "rules, foretells all": 0.636,
    "rules, not measured": 1.028,
    "rules, not first": -2.338,
    "rules, bits after first": -0.252,
    "images, always": -2.023,
    "images, bits": 0.0,
    "images, bits over long": -0.014,
    "images, foretells half": 0.573,
    "images, foretells all": 1.701,
    "images, not measured": 0.281,
    "images, not first": -1.441,
    "images, bits after first": 0.0,
    "agreed": 2.976,
    "agreed twice": 2.529,
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
    after = not np.isclose(solution.cost, first.cost) or outputs_key(solution.outputs) != outputs_key(first.outputs)
    values = {
        "always": 1.0,
        "bits": min(solution.cost, LONG),
        "bits over long": max(0.0, solution.cost - LONG),
        "foretells half": float(support is not None and support >= 0.5),
        "foretells all": float(support == 1.0),
        "not measured": float(support is None),
        "not first": float(after),
        "bits after first": min(solution.cost - first.cost, LONG),
    }
    own = "images" if family(solution) == "images" else "rules"
    known = {
        f"{group}, {name}": (group == own) * value for group in ("rules", "images") for name, value in values.items()
    }
    return known | {"agreed": float(agreeing > 0), "agreed twice": float(agreeing > 1)}


def family(solution: Solution) -> str:
    """Return the name of the engines that a solution competes with."""
    return FAMILIES.get(solution.engine, solution.engine)
