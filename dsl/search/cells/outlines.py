"""What the outlines of components look like: ends, corners, and shapes up to turns and mirrorings."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.grid import MAX_SIDE
from dsl.kernels import planes_objects as objects

Labels = NDArray[np.int32]
Numbers = NDArray[np.int64]

_SIDES = ((0, 1), (2, 1), (1, 0), (1, 2))
_DIAGONALS = ((0, 0), (0, 2), (2, 0), (2, 2))
_QUADS = (((0, 0), (0, 1), (1, 0)), ((0, 1), (0, 2), (1, 2)), ((1, 0), (2, 0), (2, 1)), ((1, 2), (2, 1), (2, 2)))
"""The three other cells of each square of 2 x 2 cells that a cell is in, by place in the 3 x 3 cells around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Outlines of labelled components, one number each, ``(count,)``.

    Attributes:
        ends: cells with a single neighbor of the component at their sides.
        corners: corners that point outward.
        notches: corners that point inward.
        kinds: equal for components of one shape up to turns and mirrorings.
        same_kind: components of its shape up to turns and mirrorings.
        edges: sides of the image that the component reaches.
    """

    ends: Numbers
    corners: Numbers
    notches: Numbers
    kinds: Numbers
    same_kind: Numbers
    edges: Numbers


def describe_outlines(labels: Labels, table: Numbers) -> Outlines:
    """Describe the outlines of components.

    Args:
        labels: component of each cell ``(H, W)``, -1 for none.
        table: their properties, columns named in ``dsl.kernels.planes_objects``.
    """
    count = len(table)
    height, width = labels.shape
    padded = np.full((height + 2, width + 2), -1, np.int32)
    padded[1:-1, 1:-1] = labels
    rows, columns = np.nonzero(labels >= 0)
    owner = labels[rows, columns]
    like = np.stack([padded[rows + dy, columns + dx] == owner for dy in range(3) for dx in range(3)]).reshape(3, 3, -1)
    sides = np.add.reduce([like[place] for place in _SIDES], dtype=np.int64)
    diagonals = np.add.reduce([like[place] for place in _DIAGONALS], dtype=np.int64)
    quads = np.stack([np.add.reduce([like[place] for place in quad], dtype=np.int64) for quad in _QUADS])
    corners = np.bincount(owner, (quads == 0).sum(axis=0), count).astype(np.int64)
    notches = np.bincount(owner, (quads == 2).sum(axis=0), count).astype(np.int64) // 3
    down = np.abs(2 * rows - (table[:, objects.TOP] + table[:, objects.BOTTOM])[owner])
    across = np.abs(2 * columns - (table[:, objects.LEFT] + table[:, objects.RIGHT])[owner])
    weights = _cell_weights()[np.minimum(down, across), np.maximum(down, across), sides, diagonals]
    kinds = np.bincount(owner, weights, count).astype(np.int64)
    _, inverse, times = np.unique(kinds, return_inverse=True, return_counts=True)
    ends = np.bincount(owner[sides == 1], minlength=count).astype(np.int64)
    edges = np.add.reduce(
        [
            table[:, objects.TOP] == 0,
            table[:, objects.LEFT] == 0,
            table[:, objects.BOTTOM] == height - 1,
            table[:, objects.RIGHT] == width - 1,
        ],
        dtype=np.int64,
    )
    return Outlines(ends, corners, notches, kinds, times[inverse], edges)


@lru_cache(maxsize=1)
def _cell_weights() -> NDArray[np.float64]:
    """Return whole numbers below 2**40 for a cell's place in its box and its neighbors: their sums are exact."""
    shape = (2 * MAX_SIDE, 2 * MAX_SIDE, 5, 5)
    return np.random.default_rng(0).integers(1, 1 << 40, shape).astype(np.float64)
