"""How much less likely a grid is right by the invariants of the demonstrations that it breaks.

``benchmarks/fit_ranking.py`` learns the weights, together with those of ``dsl.search.ranking``, from what the search
proposes for training tasks; ``ranking.json`` holds both with their record.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

PATH = Path(__file__).with_name("ranking.json")
MOST_NATS = 6.0
"""Log odds that a grid loses at most: broken invariants are not independent of each other."""


OTHER_SHAPE = "other shape"
"""Name of what a grid of the network breaks that has not the shape which the simplest rule for shapes predicts."""
OTHER_SHAPE_NATS = 3.0
"""Log odds that it loses by that. The rule is right on 317 of 321 test outputs of ``fit`` for which there is one; on
two runs of ``dev`` tasks 3 to 6 nats do alike (``benchmarks/LOG.md``)."""

LEARNED: Mapping[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
"""``programs`` and ``invariants``: weights; ``record``: of what they were learned."""

WEIGHTS: Mapping[str, float] = MappingProxyType(LEARNED["invariants"] | {OTHER_SHAPE: OTHER_SHAPE_NATS})
"""Nats of log odds that a grid loses by each invariant that it breaks; others tell nothing."""


def lost_nats(breaks: Iterable[str], weights: Mapping[str, float] = WEIGHTS) -> float:
    """Return the log odds, in nats, that a grid loses by the invariants that it breaks; at most ``MOST_NATS``."""
    return min(MOST_NATS, math.fsum(weights.get(name, 0.0) for name in breaks))
