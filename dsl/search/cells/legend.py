"""Legends: small blocks of an image that pair colors."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import NO_COLOR

Numbers = NDArray[np.int64]


def legend_partners(grid: NDArray[np.uint8], table: Numbers) -> NDArray[np.uint8]:
    """Return the color that a legend pairs with each color, ``(10,)``; 10 where none does, or several do.

    A legend is a component that fills its box, two cells broad, of pairs of different colors; of a square of four cells
    it is not known which pairs are meant.

    Args:
        grid: cells ``(H, W)``.
        table: properties of the filled components of any colors over corners.
    """
    found: list[set[int]] = [set() for _ in range(NUM_COLORS)]
    full = (table[:, objects.FULL_BOX] > 0) & (table[:, objects.COLORS] > 1) & (table[:, objects.SIZE] != 4)
    for box in table[full]:
        block = grid[box[objects.TOP] : box[objects.BOTTOM] + 1, box[objects.LEFT] : box[objects.RIGHT] + 1]
        pairs = block if block.shape[1] == 2 else block.T
        if pairs.shape[1] != 2 or (pairs[:, 0] == pairs[:, 1]).any():
            continue
        for first, second in pairs.tolist():
            found[first].add(second)
            found[second].add(first)
    return np.array([partners.pop() if len(partners) == 1 else NO_COLOR for partners in found], np.uint8)
