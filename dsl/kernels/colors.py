"""Color statistics of a grid."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit


@njit(cache=True)
def color_counts(grid: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the cells of each color; returns ``(10,)``."""
    counts = np.zeros(10, np.int64)
    height, width = grid.shape
    for r in range(height):
        for c in range(width):
            counts[grid[r, c]] += 1
    return counts


@njit(cache=True)
def background_color(grid: NDArray[np.uint8]) -> int:
    """Return the background: 0 where it occurs, else the most common color (the lowest of equals)."""
    counts = np.zeros(10, np.int64)
    height, width = grid.shape
    for r in range(height):
        for c in range(width):
            if grid[r, c] == 0:
                return 0
            counts[grid[r, c]] += 1
    best = 1
    for color in range(2, 10):
        if counts[color] > counts[best]:
            best = color
    return best


KEEP = 10
"""Stands for a cell's own color in :func:`recolor`."""


@njit(cache=True)
def recolor(grid: NDArray[np.uint8], colors: int, chosen: int, other: int) -> NDArray[np.uint8]:
    """Replace cells by whether their color is in a set.

    Args:
        grid: cells ``(H, W)``.
        colors: bit ``k`` set if color ``k`` is in the set.
        chosen: color for the cells in the set, or ``KEEP``.
        other: color for the rest, or ``KEEP``.
    """
    height, width = grid.shape
    table = np.empty(10, np.uint8)
    for color in range(10):
        wanted = chosen if (colors >> color) & 1 else other
        table[color] = color if wanted == KEEP else wanted
    result = np.empty((height, width), np.uint8)
    for r in range(height):
        for c in range(width):
            result[r, c] = table[grid[r, c]]
    return result
