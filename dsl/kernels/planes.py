"""Loops over one grid that give many planes at once: rays, nearest cells, counts, falls and extensions.

Grids are uint8 ``(H, W)``; in color planes 10 stands for "no color", in number planes 255 for "none".
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit

Cells = NDArray[np.uint8]

NO_COLOR = 10
NONE = 255

ROW_STEPS = np.array([-1, 1, 0, 0, -1, -1, 1, 1])
COLUMN_STEPS = np.array([0, 0, -1, 1, -1, 1, -1, 1])


@njit(cache=True)
def rays(grid: Cells, background: int) -> tuple[Cells, Cells, Cells]:
    """Look from each cell in 8 directions (up, down, left, right, then the diagonals).

    Returns three ``(8, H, W)`` arrays: the first color that is not background, the steps to it, and the first color
    that differs from the cell's own.
    """
    height, width = grid.shape
    colors = np.full((8, height, width), NO_COLOR, np.uint8)
    steps = np.full((8, height, width), NONE, np.uint8)
    changes = np.full((8, height, width), NO_COLOR, np.uint8)
    for d in range(8):
        for a in range(height):
            r = a if ROW_STEPS[d] <= 0 else height - 1 - a
            for b in range(width):
                c = b if COLUMN_STEPS[d] <= 0 else width - 1 - b
                y = r + ROW_STEPS[d]
                x = c + COLUMN_STEPS[d]
                if y < 0 or x < 0 or y >= height or x >= width:
                    continue
                seen = grid[y, x]
                if seen != background:
                    colors[d, r, c] = seen
                    steps[d, r, c] = 1
                else:
                    colors[d, r, c] = colors[d, y, x]
                    if steps[d, y, x] != NONE:
                        steps[d, r, c] = steps[d, y, x] + 1
                changes[d, r, c] = seen if seen != grid[r, c] else changes[d, y, x]
    return colors, steps, changes


@njit(cache=True)
def nearest(grid: Cells, background: int) -> tuple[Cells, Cells, Cells]:
    """Find the nearest other cell that is not background.

    Returns the distance in king's moves, the distance in rook's steps, and the color at that rook's distance (none if
    several colors tie), each ``(H, W)``.
    """
    height, width = grid.shape
    king = np.full((height, width), NONE, np.uint8)
    rook = np.full((height, width), NONE, np.uint8)
    color = np.full((height, width), NO_COLOR, np.uint8)
    for r in range(height):
        for c in range(width):
            for radius in range(1, max(height, width)):
                if _ring_has_filled(grid, background, r, c, radius):
                    king[r, c] = radius
                    break
            if king[r, c] == NONE:
                continue
            for radius in range(int(king[r, c]), height + width):
                found = _diamond_color(grid, background, r, c, radius)
                if found >= 0:
                    rook[r, c] = radius
                    color[r, c] = found
                    break
    return king, rook, color


@njit(cache=True)
def _ring_has_filled(grid: Cells, background: int, r: int, c: int, radius: int) -> bool:
    height, width = grid.shape
    for y in range(max(0, r - radius), min(height, r + radius + 1)):
        whole = abs(y - r) == radius
        step = 1 if whole else 2 * radius
        for x in range(c - radius, c + radius + 1, step):
            if 0 <= x < width and grid[y, x] != background:
                return True
    return False


@njit(cache=True)
def _diamond_color(grid: Cells, background: int, r: int, c: int, radius: int) -> int:
    height, width = grid.shape
    found = -1
    for y in range(max(0, r - radius), min(height, r + radius + 1)):
        side = radius - abs(y - r)
        for x in (c - side, c + side):
            if 0 <= x < width and grid[y, x] != background:
                if found >= 0 and found != grid[y, x]:
                    return NO_COLOR
                found = int(grid[y, x])
    return found


@njit(cache=True)
def color_counts(grid: Cells, ray_colors: Cells) -> Cells:
    """Count each color around each cell.

    Returns ``(60, H, W)``: for each color 0..9 the count among the 8 neighbors, the 4 neighbors, the 4 straight rays,
    all 8 rays, the cell's row, and the cell's column.
    """
    height, width = grid.shape
    counts = np.zeros((60, height, width), np.uint8)
    rows = np.zeros((height, 10), np.uint8)
    columns = np.zeros((width, 10), np.uint8)
    for r in range(height):
        for c in range(width):
            rows[r, grid[r, c]] += 1
            columns[c, grid[r, c]] += 1
    for r in range(height):
        for c in range(width):
            for d in range(8):
                y = r + ROW_STEPS[d]
                x = c + COLUMN_STEPS[d]
                if 0 <= y < height and 0 <= x < width:
                    counts[grid[y, x], r, c] += 1
                    if d < 4:
                        counts[10 + grid[y, x], r, c] += 1
                hit = ray_colors[d, r, c]
                if hit < 10:
                    counts[30 + hit, r, c] += 1
                    if d < 4:
                        counts[20 + hit, r, c] += 1
            for color in range(10):
                counts[40 + color, r, c] = rows[r, color]
                counts[50 + color, r, c] = columns[c, color]
    return counts


@njit(cache=True)
def neighbor_summary(grid: Cells, background: int) -> Cells:
    """Summarize neighbors: ``(5, H, W)`` like own of 8, like own of 4, filled of 8, filled of 4, most common color."""
    height, width = grid.shape
    planes = np.zeros((5, height, width), np.uint8)
    for r in range(height):
        for c in range(width):
            tally = np.zeros(10, np.uint8)
            for d in range(8):
                y = r + ROW_STEPS[d]
                x = c + COLUMN_STEPS[d]
                if not (0 <= y < height and 0 <= x < width):
                    continue
                seen = grid[y, x]
                if seen == grid[r, c]:
                    planes[0, r, c] += 1
                    planes[1, r, c] += d < 4
                if seen != background:
                    planes[2, r, c] += 1
                    planes[3, r, c] += d < 4
                    tally[seen] += 1
            best = NO_COLOR
            for color in range(10):
                if tally[color] > 0 and (best == NO_COLOR or tally[color] > tally[best]):
                    best = color
            planes[4, r, c] = best
    return planes


@njit(cache=True)
def fall(grid: Cells, background: int, direction: int) -> Cells:
    """Let every filled cell fall to the edge: direction 0 up, 1 down, 2 left, 3 right."""
    height, width = grid.shape
    out = np.full((height, width), background, np.uint8)
    lanes = width if direction < 2 else height
    length = height if direction < 2 else width
    for lane in range(lanes):
        free = 0
        for step in range(length):
            place = step if direction % 2 == 0 else length - 1 - step
            value = grid[place, lane] if direction < 2 else grid[lane, place]
            if value == background:
                continue
            goal = free if direction % 2 == 0 else length - 1 - free
            if direction < 2:
                out[goal, lane] = value
            else:
                out[lane, goal] = value
            free += 1
    return out


@njit(cache=True)
def extend(grid: Cells, background: int, directions: int, through: bool) -> Cells:
    """Draw rays of its own color from every filled cell over background.

    Args:
        directions: bit d set draws in direction d (up, down, left, right, then the diagonals).
        through: go on behind filled cells.
    """
    height, width = grid.shape
    out = grid.copy()
    for r in range(height):
        for c in range(width):
            if grid[r, c] == background:
                continue
            for d in range(8):
                if not (directions >> d) & 1:
                    continue
                y = r + ROW_STEPS[d]
                x = c + COLUMN_STEPS[d]
                while 0 <= y < height and 0 <= x < width:
                    if grid[y, x] == background:
                        out[y, x] = grid[r, c]
                    elif not through:
                        break
                    y += ROW_STEPS[d]
                    x += COLUMN_STEPS[d]
    return out
