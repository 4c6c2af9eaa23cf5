"""Which pictures are worth offering to the cell rules as planes.

A rule list copies pictures and asks where they are filled. Of all pictures those are offered that cost little, that are
nearly the outputs, or whose filled cells tell what becomes of a cell. All three are description lengths: the picture's
own bits, those and the bits to name its exceptions, those and the bits to tell the outcomes apart on either side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.search.bits import log2_factorial
from dsl.task import Task

UNCHANGED = NUM_COLORS
"""Outcome of a cell that keeps its color, where outputs have their inputs' shapes."""
OUTCOMES = NUM_COLORS + 1


@dataclass(frozen=True, slots=True)
class Quotas:
    """Pictures offered for being cheap, nearly right, and telling."""

    cheap: int
    near: int
    telling: int


def choose(
    costs: NDArray[np.float64],
    wrong: NDArray[np.int32],
    inside: NDArray[np.int32],
    labels: NDArray[np.uint8],
    quotas: Quotas,
) -> NDArray[np.int64]:
    """Return the indices of the pictures worth offering, cheapest first.

    Args:
        costs: bits of each picture ``(n,)``.
        wrong: cells in which it differs from the outputs ``(n,)``.
        inside: cells of each outcome where it is filled ``(n, OUTCOMES)``.
        labels: outcome of each cell of the outputs, see :func:`outcomes`.
        quotas: how many.
    """
    cells = len(labels)
    near = costs + _exception_bits(wrong, cells)
    totals = np.bincount(labels, minlength=OUTCOMES).astype(np.int32)
    telling = costs + _arrangement_bits(inside) + _arrangement_bits(totals - inside)
    best = [
        np.argsort(scores, kind="stable")[:limit]
        for scores, limit in ((costs, quotas.cheap), (near, quotas.near), (telling, quotas.telling))
    ]
    chosen = np.unique(np.concatenate(best))
    cheapest_first: NDArray[np.int64] = chosen[np.argsort(costs[chosen], kind="stable")]
    return cheapest_first


def outcomes(task: Task) -> NDArray[np.uint8]:
    """Return what becomes of each cell of the outputs: its color, or ``UNCHANGED``."""
    outputs = np.concatenate([example.output.ravel() for example in task.train])
    if any(example.input.shape != example.output.shape for example in task.train):
        return outputs
    inputs = np.concatenate([example.input.ravel() for example in task.train])
    return np.where(inputs == outputs, np.uint8(UNCHANGED), outputs)


def _exception_bits(wrong: NDArray[np.int32], cells: int) -> NDArray[np.float64]:
    """Return the bits to name the wrong ones of some cells, and a color for each: never fewer for more of them."""
    chosen = np.minimum(wrong, cells // 2)
    places = log2_factorial(np.array(cells)) - log2_factorial(chosen) - log2_factorial(cells - chosen)
    bits: NDArray[np.float64] = places + np.log2(NUM_COLORS - 1) * wrong
    return bits


def _arrangement_bits(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the bits to tell which cell has which outcome, given how many have each ``(n, outcomes)``."""
    bits: NDArray[np.float64] = log2_factorial(counts.sum(axis=-1)) - log2_factorial(counts).sum(axis=-1)
    return bits
