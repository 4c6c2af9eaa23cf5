"""How likely a program's predictions are right: one scale for all engines, from description length and leave-one-out.

The weights are a logistic regression on the programs that all engines found for training tasks, fitted together with
what broken invariants tell (``dsl.search.plausibility``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dsl.search.cells.answers import outputs_key
from dsl.search.plausibility import LEARNED
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

CLOSE = 6.0
"""Bits above the first within which another prediction of the same family is its rival."""

LONG = 20.0
"""Bits from which on each bit tells less."""

WEIGHTS: Mapping[str, float] = MappingProxyType(LEARNED["programs"])
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


def rank(solutions: Sequence[Solution], task: Task) -> list[Ranked]:
    """Return solutions of any engines, likeliest first."""
    field = Field(solutions, task)
    ranked = []
    for solution in solutions:
        log_odds = sum(WEIGHTS[name] * value for name, value in field.features(solution).items())
        ranked.append(Ranked(solution, log_odds - MISS * (len(task.train) - solution.fits)))
    return sorted(ranked, key=lambda entry: (-entry.log_odds, entry.solution.cost, str(entry.solution.program)))


class Field:
    """All solutions of a task, as rivals of each other."""

    def __init__(self, solutions: Sequence[Solution], task: Task) -> None:
        """Find the first of each family, who agrees with whom, and how many predictions are as cheap."""
        self.first: dict[str, Solution] = {}
        self._agreeing: dict[object, set[str]] = {}
        close: dict[str, set[object]] = {}
        for solution in sorted(solutions, key=lambda solution: (-solution.fits, solution.cost)):
            name, key = family(solution), outputs_key(solution.outputs)
            first = self.first.setdefault(name, solution)
            if solution.fits == len(task.train):
                self._agreeing.setdefault(key, set()).add(name)
            if solution.fits == first.fits and solution.cost < first.cost + CLOSE:
                close.setdefault(name, set()).add(key)
        self._rivals = {name: len(keys) - 1 for name, keys in close.items()}

    def features(self, solution: Solution) -> dict[str, float]:
        """Return what the log odds of a solution are a weighted sum of."""
        name = family(solution)
        others = self._agreeing.get(outputs_key(solution.outputs), set()) - {name}
        known = features(solution, self.first[name], len(others))
        return known | {"rivals": math.log2(1 + self._rivals[name])}


def features(solution: Solution, first: Solution, agreeing: int = 0) -> dict[str, float]:
    """Return the features that need no other solution than the first.

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
        "stable half": float(solution.stability is not None and solution.stability >= 0.5),
        "stable all": float(solution.stability == 1.0),
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
