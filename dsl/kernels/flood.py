"""Floods: what is outside, how colors spread, growth by one cell."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.directions import COLUMN_STEPS, ROW_STEPS


@njit(cache=True)
def outside_cells(grid: NDArray[np.uint8], colors: int, diagonal: bool) -> NDArray[np.bool_]:
    """Find the cells from which one can leave the grid through cells of some colors.

    Args:
        grid: cells ``(H, W)``.
        colors: bit ``k`` set if color ``k`` is free; all others are walls.
        diagonal: whether one may step between cells that share only a corner.

    Returns:
        ``(H, W)``, True on free cells that connect to the side of the grid.
    """
    height, width = grid.shape
    outside = np.zeros((height, width), np.bool_)
    stack = np.empty(height * width, np.int64)
    depth = 0
    for r in range(height):
        for c in range(width):
            if (r == 0 or c == 0 or r == height - 1 or c == width - 1) and (colors >> int(grid[r, c])) & 1:
                outside[r, c] = True
                stack[depth] = r * width + c
                depth += 1
    step = 1 if diagonal else 2
    while depth > 0:
        depth -= 1
        r, c = stack[depth] // width, stack[depth] % width
        for k in range(0, 8, step):
            next_r, next_c = r + ROW_STEPS[k], c + COLUMN_STEPS[k]
            if next_r < 0 or next_r >= height or next_c < 0 or next_c >= width or outside[next_r, next_c]:
                continue
            if (colors >> int(grid[next_r, next_c])) & 1:
                outside[next_r, next_c] = True
                stack[depth] = next_r * width + next_c
                depth += 1
    return outside


@njit(cache=True)
def spread(grid: NDArray[np.uint8], sources: int, free: int, diagonal: bool, max_steps: int) -> NDArray[np.uint8]:
    """Let colors flow into free cells, all at the same pace; where two meet, the one first in reading order wins.

    Args:
        grid: cells ``(H, W)``.
        sources: bit ``k`` set if color ``k`` flows.
        free: bit ``k`` set if cells of color ``k`` take the color that reaches them; sources are never taken.
        diagonal: whether corners connect.
        max_steps: how far a color flows.
    """
    height, width = grid.shape
    result = grid.copy()
    steps = np.full((height, width), -1, np.int64)
    queue = np.empty(height * width, np.int64)
    end = 0
    for r in range(height):
        for c in range(width):
            if (sources >> int(grid[r, c])) & 1:
                steps[r, c] = 0
                queue[end] = r * width + c
                end += 1
    start = 0
    step = 1 if diagonal else 2
    while start < end:
        r, c = queue[start] // width, queue[start] % width
        start += 1
        if steps[r, c] >= max_steps:
            continue
        for k in range(0, 8, step):
            next_r, next_c = r + ROW_STEPS[k], c + COLUMN_STEPS[k]
            if next_r < 0 or next_r >= height or next_c < 0 or next_c >= width or steps[next_r, next_c] >= 0:
                continue
            if (free >> int(grid[next_r, next_c])) & 1:
                steps[next_r, next_c] = steps[r, c] + 1
                result[next_r, next_c] = result[r, c]
                queue[end] = next_r * width + next_c
                end += 1
    return result


@njit(cache=True)
def grow(mask: NDArray[np.bool_], diagonal: bool) -> NDArray[np.bool_]:
    """Set every cell that is set or next to a set one; with ``diagonal`` corners count as next."""
    height, width = mask.shape
    result = mask.copy()
    step = 1 if diagonal else 2
    for r in range(height):
        for c in range(width):
            if not mask[r, c]:
                continue
            for k in range(0, 8, step):
                next_r, next_c = r + ROW_STEPS[k], c + COLUMN_STEPS[k]
                if 0 <= next_r < height and 0 <= next_c < width:
                    result[next_r, next_c] = True
    return result


@njit(cache=True)
def inner_edge(mask: NDArray[np.bool_], side_is_edge: bool) -> NDArray[np.bool_]:
    """Find the set cells next to an unset cell (8 neighbors), or at the side of the mask if that counts as edge."""
    height, width = mask.shape
    result = np.zeros((height, width), np.bool_)
    for r in range(height):
        for c in range(width):
            if not mask[r, c]:
                continue
            for k in range(8):
                next_r, next_c = r + ROW_STEPS[k], c + COLUMN_STEPS[k]
                if next_r < 0 or next_r >= height or next_c < 0 or next_c >= width:
                    result[r, c] = result[r, c] or side_is_edge
                elif not mask[next_r, next_c]:
                    result[r, c] = True
    return result
