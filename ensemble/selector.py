"""The learned selector: a grid's utility is a weighted sum of what both halves say of it.

A conditional logit over each test input's grids, the right one being the choice of an expert: maximum-entropy inverse
reinforcement learning on one-step choices (Ziebart et al. 2008, "Maximum entropy inverse reinforcement learning").
``benchmarks/fit_selector.py`` fits the weights; ``selector.json`` holds them with their training record.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

FEATURES = ("program", "fits", "estimate", "doubt", "only network", "broken")
"""Log odds of the best program; whether a program fits all demonstrations; log of the network's own estimate that the
grid is right; nats of the network's doubt (``merge.Evidence``); whether no program gives the grid; nats lost by
invariants that it breaks (``dsl.search.plausibility``)."""

PATH = Path(__file__).with_name("selector.json")


def _read() -> Mapping[str, float]:
    weights = json.loads(PATH.read_text(encoding="utf-8"))["weights"]
    return MappingProxyType({name: float(weights[name]) for name in FEATURES})


WEIGHTS = _read()
"""Utility in nats by feature."""


def utility(features: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    """Return the utility, in nats, of a grid with these features."""
    return math.fsum(weights[name] * features[name] for name in FEATURES)
