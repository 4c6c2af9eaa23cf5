"""Costs of operations in bits, set by hand: what many programs use is cheap, what has many members is dear."""

from collections.abc import Sequence

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


def operation_costs(operations: Sequence[Operation]) -> list[float]:
    """Return the cost of each operation."""
    costs = []
    for operation in operations:
        family, extra = operation.family, 0.0
        if family.startswith("each "):
            family, extra = family[5:], _EACH_BITS
        costs.append(_BITS.get(family, _RARE if operation.group else 6.5) + extra)
    return costs
