"""Uncertainty of shares, and of differences between two systems on the same tasks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
Z_TWO_SIDED = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""

RESAMPLES = 9999


def wilson_interval(successes: float, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson 1927).

    Args:
        successes: 0..``total``. It may be fractional, a sum of shares in 0..1: the variance of such a share is at most
            that of a coin of the same mean, so the interval is then wider than need be, never narrower.
        total: number of trials, at least 1.

    Raises:
        ValueError: out of range.
    """
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"a share needs 0 <= successes <= total and total >= 1, got {successes} of {total}")
    share, z_squared = successes / total, Z_TWO_SIDED**2
    center = share + z_squared / (2 * total)
    half = Z_TWO_SIDED * math.sqrt(share * (1 - share) / total + z_squared / (4 * total**2))
    scale = 1 + z_squared / total
    low = 0.0 if successes == 0 else (center - half) / scale
    high = 1.0 if successes == total else (center + half) / scale
    return low, high


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact McNemar test of two systems on the same tasks.

    Attributes:
        only_left: tasks that only the left system solves.
        only_right: tasks that only the right system solves.
        p_value: two-sided chance of a split at least as uneven if both were equally good; 1 without discordant tasks.
    """

    only_left: int
    only_right: int
    p_value: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"only_left": self.only_left, "only_right": self.only_right, "p_value": self.p_value}


def mcnemar(left: Sequence[bool], right: Sequence[bool]) -> McNemar:
    """Test whether two systems solve equally many of the same tasks: a binomial test on the discordant ones.

    Args:
        left: per task, whether the left system solves it.
        right: the same tasks in the same order.
    """
    from scipy.stats import binomtest

    pairs = list(zip(left, right, strict=True))
    only_left = sum(a and not b for a, b in pairs)
    only_right = sum(b and not a for a, b in pairs)
    discordant = only_left + only_right
    p_value = float(binomtest(only_left, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(only_left, only_right, p_value)


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference of two systems over the same tasks, with a 95 % interval."""

    mean: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"mean": self.mean, "ci": [self.low, self.high]}


def paired_bootstrap(left: Sequence[float], right: Sequence[float], *, seed: int = 0) -> Difference:
    """Resample tasks and return the mean of ``left - right`` with its percentile interval.

    Args:
        left: result of the left system for each task, 0..1.
        right: the same tasks in the same order, at least one.
        seed: seed of the resampling.

    Raises:
        ValueError: no task, or a different number of them.
    """
    from scipy.stats import bootstrap

    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"both systems need the same tasks, at least one, got {a.size} and {b.size}")
    mean = float(np.mean(a - b))
    if np.ptp(a - b) == 0:
        return Difference(mean, mean, mean)

    def mean_difference(x: NDArray[np.float64], y: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.asarray(np.mean(x - y, axis=axis))

    interval = bootstrap(
        (a, b), mean_difference, paired=True, vectorized=True, method="percentile", n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE, rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Difference(mean, float(interval.low), float(interval.high))
