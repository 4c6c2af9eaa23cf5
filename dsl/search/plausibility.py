"""How much less likely a grid is right by the invariants of the demonstrations that it breaks.

The weights are learned by a logistic regression on what the search proposes for training tasks
(``benchmarks/fit_invariants.py``); ``plausibility.json`` holds them with their record.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

PATH = Path(__file__).with_name("plausibility.json")
MOST_NATS = 6.0
"""Log odds that a grid loses at most: broken invariants are not independent of each other."""


def _read() -> Mapping[str, float]:
    weights = json.loads(PATH.read_text(encoding="utf-8"))["weights"]
    return MappingProxyType({name: float(value) for name, value in weights.items()})


WEIGHTS = _read()
"""Nats of log odds that a grid loses by each invariant that it breaks; others tell nothing."""


def lost_nats(breaks: Iterable[str], weights: Mapping[str, float] = WEIGHTS) -> float:
    """Return the log odds, in nats, that a grid loses by the invariants that it breaks; at most ``MOST_NATS``."""
    return min(MOST_NATS, math.fsum(weights.get(name, 0.0) for name in breaks))
