"""Periods of a partly hidden image, and its continuation by them."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit

NOT_HIDDEN = 10
"""Stands for "no color is hidden" in :func:`smallest_period`."""


@njit(cache=True)
def has_period(grid: NDArray[np.uint8], hidden: int, down: int, right: int) -> bool:
    """Tell whether all visible cells of a grid repeat one tile of ``down`` rows and ``right`` columns."""
    height, width = grid.shape
    if hidden == NOT_HIDDEN:
        for r in range(height):
            for c in range(width):
                if grid[r, c] != grid[r % down, c % right]:
                    return False
        return True
    tile = np.full((down, right), hidden, np.int64)
    for r in range(height):
        for c in range(width):
            cell = int(grid[r, c])
            if cell == hidden:
                continue
            known = tile[r % down, c % right]
            if known == hidden:
                tile[r % down, c % right] = cell
            elif known != cell:
                return False
    return True


@njit(cache=True)
def smallest_period(grid: NDArray[np.uint8], hidden: int) -> tuple[int, int]:
    """Return rows and columns of the smallest tile that all visible cells repeat; of equal areas the lowest.

    The grid's own shape is returned if nothing smaller repeats.

    Args:
        grid: cells ``(H, W)``.
        hidden: color of the cells that are not visible, or ``NOT_HIDDEN``.
    """
    height, width = grid.shape
    best_down, best_right = height, width
    for down in range(1, height + 1):
        for right in range(1, width + 1):
            if down * right >= best_down * best_right:
                break
            if has_period(grid, hidden, down, right):
                best_down, best_right = down, right
                break
    return best_down, best_right


@njit(cache=True)
def continue_period(
    grid: NDArray[np.uint8], hidden: int, down: int, right: int, height: int, width: int
) -> NDArray[np.uint8]:
    """Lay the tile of ``down`` rows and ``right`` columns over ``height`` rows and ``width`` columns.

    Visible cells of one place in the tile must agree; places that are hidden everywhere stay hidden (0 if nothing is).
    """
    tile = np.full((down, right), hidden % 10, np.uint8)
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            if grid[r, c] != hidden:
                tile[r % down, c % right] = grid[r, c]
    result = np.empty((height, width), np.uint8)
    for r in range(height):
        for c in range(width):
            result[r, c] = tile[r % down, c % right]
    return result
