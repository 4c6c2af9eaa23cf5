"""Costs of operations in bits: how often right programs of the ``fit`` tasks use them, mixed with a guess.

``prior.json`` holds the counts and how they were made (``benchmarks/fit_prior.py``).
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from dsl.search.graph.operations import Operation

_CHEAP = 4.0
_USUAL = 5.5
_RARE = 7.0
_BITS: dict[str, float] = {
    "keep #": 5.0,
    "drop #": 6.0,
    "paint #": 6.0,
    "smear": 7.5,
    "turn": 6.5,
    "half": 6.0,
    "crop": _CHEAP,
    "fit input": _CHEAP,
    "fit to ": _CHEAP,
    "to origin": _CHEAP,
    "resize to ": 5.0,
    "pick": 8.0,
    "with": 10.0,
    "without": 10.0,
    "order": 10.0,
    "join overlay growing": _CHEAP,
    "move": 8.5,
    "move own size": 8.5,
    "count": 9.5,
    "interior": _USUAL,
    "border cells": _USUAL,
    "fill holes": _USUAL,
}
_EACH_BITS = 2.0


FITTED_SHARE = 0.85
"""Weight of the counted steps; the rest is the guess above, so that a step never seen stays possible."""
LEAST_BITS, MOST_BITS = 3.0, 13.0


def operation_costs(operations: Sequence[Operation]) -> list[float]:
    """Return the cost of each operation: ``-log2`` of how often its family was used, shared by the family's members."""
    counts = _counts()
    total = sum(counts.values())
    members = Counter(operation.family for operation in operations)
    guesses = {operation.family: 2.0 ** -_guessed_bits(operation) for operation in operations}
    mass = sum(guesses[name] * number for name, number in members.items())
    costs = {}
    for name, number in members.items():
        share = FITTED_SHARE * counts.get(name, 0.0) / total / number if total else 0.0
        share += (1 - FITTED_SHARE if total else 1.0) * guesses[name] / mass
        costs[name] = min(MOST_BITS, max(LEAST_BITS, -math.log2(share)))
    return [costs[operation.family] for operation in operations]


def _guessed_bits(operation: Operation) -> float:
    family, extra = operation.family, 0.0
    if family.startswith("each "):
        family, extra = family[5:], _EACH_BITS
    return _BITS.get(family, _RARE if operation.group else 6.5) + extra


@cache
def _counts() -> dict[str, float]:
    """Return how often each family was used in right programs, as ``prior.json`` records it."""
    path = Path(__file__).with_name("prior.json")
    counts: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["counts"]
    return counts
