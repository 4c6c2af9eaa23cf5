"""The loop that writes an image cell by cell in raster order, each cell by rules that may read cells written before."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit

Cells = NDArray[np.uint8]

NO_COLOR = 10
FIXED, WRITTEN_IS, WRITTEN_LIKE_FIXED, WRITTEN_ALIKE = 0, 1, 2, 3
COPY_FIXED, COPY_WRITTEN = 0, 1


@njit(cache=True)
def write_in_order(rules: NDArray[np.int64], fixed: Cells, offsets: NDArray[np.int64]) -> Cells:
    """Write ``(H, W)`` colors; a cell that no rule colors, or that copies from a place with no color, gets 10.

    Args:
        rules: ``(R, 6)``: kind of condition, its operands a and b, whether it must hold (1) or not (0), kind of source,
            its index. ``FIXED``: plane a is not 0. ``WRITTEN_IS``: the cell at offset a has color b.
            ``WRITTEN_LIKE_FIXED``: the cell at offset a has the color of plane b. ``WRITTEN_ALIKE``: the cells at
            offsets a and b have the same color.
        fixed: ``(P, H, W)`` planes known beforehand.
        offsets: ``(O, 2)`` rows and columns to cells written before; outside the image stands 10.
    """
    height, width = fixed.shape[1:]
    out = np.full((height, width), NO_COLOR, np.uint8)
    seen = np.empty(len(offsets), np.int64)
    for r in range(height):
        for c in range(width):
            for k in range(len(offsets)):
                y = r + offsets[k, 0]
                x = c + offsets[k, 1]
                seen[k] = out[y, x] if 0 <= y < height and 0 <= x < width else NO_COLOR
            for rule in rules:
                kind, a, b = rule[0], rule[1], rule[2]
                if kind == FIXED:
                    held = fixed[a, r, c] != 0
                elif kind == WRITTEN_IS:
                    held = seen[a] == b
                elif kind == WRITTEN_LIKE_FIXED:
                    held = seen[a] == fixed[b, r, c] and seen[a] < NO_COLOR
                else:
                    held = seen[a] == seen[b] and seen[a] < NO_COLOR
                if held == (rule[3] == 1):
                    out[r, c] = fixed[rule[5], r, c] if rule[4] == COPY_FIXED else seen[rule[5]]
                    break
    return out
