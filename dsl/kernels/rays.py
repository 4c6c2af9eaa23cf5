"""Straight lines: rays until something blocks them, connections of equal cells, falling cells, sliding pieces."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.colors import KEEP
from dsl.kernels.directions import COLUMN_STEPS, ROW_STEPS


@njit(cache=True)
def shoot_rays(grid: NDArray[np.uint8], sources: int, through: int, directions: int, color: int) -> NDArray[np.uint8]:
    """Draw a ray from each source cell in each direction, until a cell it cannot pass.

    Where rays cross, the first one drawn stays: directions clockwise from up, sources in reading order.

    Args:
        grid: cells ``(H, W)``.
        sources: bit ``k`` set if cells of color ``k`` send rays.
        through: bit ``k`` set if rays pass (and paint) cells of color ``k``.
        directions: bit ``d`` set for direction ``d``, clockwise from up.
        color: color of the rays, or ``KEEP`` for the color of their source.
    """
    height, width = grid.shape
    result = grid.copy()
    drawn = np.zeros((height, width), np.bool_)
    for d in range(8):
        if (directions >> d) & 1 == 0:
            continue
        for row in range(height):
            for column in range(width):
                if (sources >> int(grid[row, column])) & 1 == 0:
                    continue
                r, c = row + ROW_STEPS[d], column + COLUMN_STEPS[d]
                while 0 <= r < height and 0 <= c < width and (through >> int(grid[r, c])) & 1:
                    if not drawn[r, c]:
                        drawn[r, c] = True
                        result[r, c] = grid[row, column] if color == KEEP else color
                    r += ROW_STEPS[d]
                    c += COLUMN_STEPS[d]
    return result


@njit(cache=True)
def connect_equal(grid: NDArray[np.uint8], ends: int, through: int, directions: int, color: int) -> NDArray[np.uint8]:
    """Join each cell with the next cell of the same color along a line, if all cells between can be passed.

    Where lines cross, the last one drawn is on top: directions clockwise from up, cells in reading order.

    Args:
        grid: cells ``(H, W)``.
        ends: bit ``k`` set if cells of color ``k`` are joined.
        through: bit ``k`` set if lines pass (and paint) cells of color ``k``.
        directions: bit ``d`` set for direction ``d``, clockwise from up; one of two opposite directions is enough.
        color: color of the lines, or ``KEEP`` for the color of their ends.
    """
    height, width = grid.shape
    result = grid.copy()
    for d in range(8):
        if (directions >> d) & 1 == 0:
            continue
        for row in range(height):
            for column in range(width):
                if (ends >> int(grid[row, column])) & 1 == 0:
                    continue
                r, c = row + ROW_STEPS[d], column + COLUMN_STEPS[d]
                steps = 0
                while 0 <= r < height and 0 <= c < width and (through >> int(grid[r, c])) & 1:
                    steps += 1
                    r += ROW_STEPS[d]
                    c += COLUMN_STEPS[d]
                if r < 0 or r >= height or c < 0 or c >= width or grid[r, c] != grid[row, column]:
                    continue
                for step in range(1, steps + 1):
                    r, c = row + step * ROW_STEPS[d], column + step * COLUMN_STEPS[d]
                    result[r, c] = grid[row, column] if color == KEEP else color
    return result


@njit(cache=True)
def fall_cells(grid: NDArray[np.uint8], background: int, movable: int, direction: int) -> NDArray[np.uint8]:
    """Let cells fall through background until the side of the grid or another cell stops them.

    Args:
        grid: cells ``(H, W)``.
        background: color of free cells.
        movable: bit ``k`` set if cells of color ``k`` fall; the rest stay where they are.
        direction: 0 up, 2 right, 4 down, 6 left.
    """
    height, width = grid.shape
    result = np.full((height, width), background, np.uint8)
    vertical = direction == 0 or direction == 4
    forward = direction == 0 or direction == 6
    lines = width if vertical else height
    length = height if vertical else width
    for line in range(lines):
        filled = 0
        for i in range(length):
            place = i if forward else length - 1 - i
            cell = int(grid[place, line] if vertical else grid[line, place])
            if cell == background:
                continue
            if (movable >> cell) & 1 == 0:
                filled = i
            target = filled if forward else length - 1 - filled
            filled += 1
            if vertical:
                result[target, line] = cell
            else:
                result[line, target] = cell
    return result


@njit(cache=True)
def slide_steps(
    canvas: NDArray[np.uint8], background: int, mask: NDArray[np.bool_], top: int, left: int, direction: int
) -> int:
    """Count the steps a piece can move until its next step would leave the canvas or hit content.

    Args:
        canvas: cells ``(H, W)``, writable, without the piece itself.
        background: color of free cells.
        mask: cells of the piece ``(h, w)``.
        top: row of the piece's box.
        left: column of the piece's box.
        direction: 0..7, clockwise from up.
    """
    height, width = canvas.shape
    for steps in range(height + width):
        next_top = top + (steps + 1) * ROW_STEPS[direction]
        next_left = left + (steps + 1) * COLUMN_STEPS[direction]
        for r in range(mask.shape[0]):
            for c in range(mask.shape[1]):
                if not mask[r, c]:
                    continue
                y, x = next_top + r, next_left + c
                if y < 0 or y >= height or x < 0 or x >= width or canvas[y, x] != background:
                    return steps
    return 0
