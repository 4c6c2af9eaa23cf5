"""Rectangles in a grid: panels between separator lines, areas marked at their corners, the largest free one."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit


@njit(cache=True)
def marked_rectangles(grid: NDArray[np.uint8], background: int, limit: int) -> NDArray[np.int64]:
    """Find the rectangles, at least 3x3, whose corners are of one content color that their sides do not hold again.

    Args:
        grid: cells ``(H, W)``.
        background: color that marks nothing.
        limit: how many rectangles to return at most.

    Returns:
        ``(n, 4)``: top, left, height, width, in reading order of the upper left corners.
    """
    height, width = grid.shape
    found = np.empty((limit, 4), np.int64)
    count = 0
    for top in range(height - 2):
        for left in range(width - 2):
            color = grid[top, left]
            if color == background:
                continue
            right = left + 1
            while right < width and grid[top, right] != color:
                right += 1
            bottom = top + 1
            while bottom < height and grid[bottom, left] != color:
                bottom += 1
            if right >= width or bottom >= height or right - left < 2 or bottom - top < 2:
                continue
            closed = grid[bottom, right] == color
            for c in range(left + 1, right):
                closed = closed and grid[bottom, c] != color
            for r in range(top + 1, bottom):
                closed = closed and grid[r, right] != color
            if closed and count < limit:
                found[count, 0] = top
                found[count, 1] = left
                found[count, 2] = bottom - top + 1
                found[count, 3] = right - left + 1
                count += 1
    return found[:count].copy()


NO_SEPARATOR = 10
"""Stands for "there is no full line" in :func:`separator_color`."""


@njit(cache=True)
def separator_color(grid: NDArray[np.uint8], background: int) -> int:
    """Return the color, other than the background, of which most rows and columns are full (the lowest of equals).

    Returns the background if only background lines are full, and ``NO_SEPARATOR`` if no line is of one color.
    """
    height, width = grid.shape
    lines = np.zeros(10, np.int64)
    for line in range(height + width):
        first = int(grid[line, 0] if line < height else grid[0, line - height])
        full = True
        for i in range(width if line < height else height):
            full = full and (grid[line, i] if line < height else grid[i, line - height]) == first
        if full:
            lines[first] += 1
    found = background if lines[background] > 0 else NO_SEPARATOR
    most = 0
    for color in range(10):
        if color != background and lines[color] > most:
            found = color
            most = lines[color]
    return found


@njit(cache=True)
def panel_boxes(grid: NDArray[np.uint8], separator: int) -> NDArray[np.int64]:
    """Find the rectangles between full rows and columns of one color.

    Returns:
        ``(n, 4)``: top, left, height, width, in reading order.
    """
    height, width = grid.shape
    row_ends = np.zeros(height + 1, np.int64)
    column_ends = np.zeros(width + 1, np.int64)
    for r in range(height):
        full = True
        for c in range(width):
            full = full and grid[r, c] == separator
        row_ends[r + 1] = 0 if full else row_ends[r] + 1
    for c in range(width):
        full = True
        for r in range(height):
            full = full and grid[r, c] == separator
        column_ends[c + 1] = 0 if full else column_ends[c] + 1
    found = np.empty((height * width, 4), np.int64)
    count = 0
    for r in range(1, height + 1):
        if row_ends[r] == 0 or (r < height and row_ends[r + 1] > 0):
            continue
        for c in range(1, width + 1):
            if column_ends[c] == 0 or (c < width and column_ends[c + 1] > 0):
                continue
            found[count, 0] = r - row_ends[r]
            found[count, 1] = c - column_ends[c]
            found[count, 2] = row_ends[r]
            found[count, 3] = column_ends[c]
            count += 1
    return found[:count].copy()


@njit(cache=True)
def largest_rectangle(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the largest rectangle of set cells; zeros if no cell is set.

    Of equal areas the one nearest to a square; of those the one whose last row, then first column comes first.
    """
    height, width = mask.shape
    best_top, best_left, best_height, best_width = 0, 0, 0, 0
    above = np.zeros(width, np.int64)
    for r in range(height):
        for c in range(width):
            above[c] = above[c] + 1 if mask[r, c] else 0
        for first in range(width):
            lowest = above[first]
            for last in range(first, width):
                lowest = min(lowest, above[last])
                if lowest == 0:
                    break
                length = last - first + 1
                gain = lowest * length - best_height * best_width
                if gain > 0 or (gain == 0 and min(lowest, length) > min(best_height, best_width)):
                    best_top, best_left, best_height, best_width = r - lowest + 1, first, lowest, length
    return best_top, best_left, best_height, best_width
