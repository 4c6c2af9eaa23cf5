"""Mirror axes of a partly hidden image, and its completion by them."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit


@njit(cache=True)
def mirror_cell(kind: int, axis: int, r: int, c: int) -> tuple[int, int]:
    """Return the mirror image of a cell.

    Kinds: 0 left-right ``c -> axis - c``, 1 top-bottom ``r -> axis - r``, 2 main diagonal
    ``(r, c) -> (c - axis, r + axis)``, 3 other diagonal ``(r, c) -> (axis - c, axis - r)``.
    """
    if kind == 0:
        return r, axis - c
    if kind == 1:
        return axis - r, c
    if kind == 2:
        return c - axis, r + axis
    return axis - c, axis - r


@njit(cache=True)
def mirror_axes(grid: NDArray[np.uint8], hidden: int) -> NDArray[np.int64]:
    """Find for each kind of mirror the axis on which most visible cells agree and none contradicts.

    Args:
        grid: cells ``(H, W)``.
        hidden: color of the cells that are not visible.

    Returns:
        ``(4, 2)``: axis and number of visible cells with an equal visible image (0: there is no such axis); of equal
        axes the first. Kinds as in :func:`mirror_cell`.
    """
    height, width = grid.shape
    best = np.zeros((4, 2), np.int64)
    for kind in range(4):
        first = 1 - height if kind == 2 else 0
        last = width - 1 if kind == 2 else height + width - 2
        if kind == 0:
            last = 2 * width - 2
        if kind == 1:
            last = 2 * height - 2
        for axis in range(first, last + 1):
            agreeing = 0
            for r in range(height):
                for c in range(width):
                    if grid[r, c] == hidden:
                        continue
                    y, x = mirror_cell(kind, axis, r, c)
                    if y < 0 or y >= height or x < 0 or x >= width or grid[y, x] == hidden:
                        continue
                    if (y == r and x == c) or agreeing < 0:
                        continue
                    agreeing = agreeing + 1 if grid[y, x] == grid[r, c] else -1
                if agreeing < 0:
                    break
            if agreeing > best[kind, 1]:
                best[kind, 0] = axis
                best[kind, 1] = agreeing
    return best


@njit(cache=True)
def fill_mirrored(
    grid: NDArray[np.uint8], hidden: int, axes: NDArray[np.int64], min_agreeing: int
) -> NDArray[np.uint8]:
    """Fill hidden cells from their mirror images until nothing changes.

    Args:
        grid: cells ``(H, W)``.
        hidden: color of the cells to fill.
        axes: result of :func:`mirror_axes`.
        min_agreeing: mirrors with fewer agreeing cells are not used.
    """
    height, width = grid.shape
    result = grid.copy()
    changed = True
    while changed:
        changed = False
        for kind in range(4):
            if axes[kind, 1] < min_agreeing:
                continue
            for r in range(height):
                for c in range(width):
                    if result[r, c] != hidden:
                        continue
                    y, x = mirror_cell(kind, axes[kind, 0], r, c)
                    if 0 <= y < height and 0 <= x < width and result[y, x] != hidden:
                        result[r, c] = result[y, x]
                        changed = True
    return result
