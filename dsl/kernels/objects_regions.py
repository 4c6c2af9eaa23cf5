"""Loops over regions near objects, stamped patterns and completed pieces; arrays as in ``dsl.kernels.objects``."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.objects import Cells, Grid8, Labels, Numbers, copy_cells
from dsl.kernels.planes_objects import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

BOX, INNER, HOLES, FRAME, HALO, SIDES, CORNERS, CORE, RIM, BOX_RIM, CHECKER, ODD_COLUMNS, ODD_ROWS = range(13)

CLEAR = 255
"""Stands for a cell of a pattern that paints nothing."""


@njit(cache=True)
def fill_regions(
    grid: Grid8,
    labels: Labels,
    cells: Cells,
    starts: Numbers,
    table: Numbers,
    background: int,
    region: int,
    colors: Numbers,
) -> tuple[Cells, Numbers]:
    """Paint each object, then one region of it or around it in the object's color of ``colors (objects,)``.

    Of cells that are not the object's own only background is painted over, except by ``INNER`` and ``BOX_RIM``.
    """
    height, width = grid.shape
    count = len(starts) - 1
    capacity = len(cells)
    for q in range(count):
        capacity += (table[q, HEIGHT] + 2) * (table[q, WIDTH] + 2)
    painted = np.empty((capacity, 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    outside = np.zeros((height, width), np.bool_)
    stack = np.empty((height * width, 2), np.int32)
    n = 0
    for q in range(count):
        n = copy_cells(cells, starts[q], starts[q + 1], painted, n)
        top, bottom, left, right = table[q, TOP], table[q, BOTTOM], table[q, LEFT], table[q, RIGHT]
        if region == HOLES:
            _flood_outside(labels, q, top, bottom, left, right, outside, stack)
        for r in range(max(0, top - 1), min(height, bottom + 2)):
            for c in range(max(0, left - 1), min(width, right + 2)):
                own = labels[r, c] == q
                if not own and grid[r, c] != background and region != INNER and region != BOX_RIM:
                    continue
                in_box = top <= r <= bottom and left <= c <= right
                on_rim = in_box and (r in (top, bottom) or c in (left, right))
                if region == BOX:
                    chosen = in_box and not own
                elif region == INNER:
                    chosen = in_box and not on_rim
                elif region == HOLES:
                    chosen = in_box and not own and not outside[r, c]
                elif region == FRAME:
                    chosen = not in_box
                elif region == BOX_RIM:
                    chosen = on_rim
                elif region == CHECKER:
                    chosen = own and (r - top + c - left) % 2 == 1
                elif region == ODD_COLUMNS:
                    chosen = own and (c - left) % 2 == 1
                elif region == ODD_ROWS:
                    chosen = own and (r - top) % 2 == 1
                elif region == CORE:
                    chosen = own and _own_neighbors(labels, q, r, c, True) + _own_neighbors(labels, q, r, c, False) == 8
                elif region == RIM:
                    chosen = own and _own_neighbors(labels, q, r, c, True) + _own_neighbors(labels, q, r, c, False) < 8
                else:
                    beside = _own_neighbors(labels, q, r, c, True)
                    diagonal = _own_neighbors(labels, q, r, c, False)
                    chosen = not own and (
                        (region != CORNERS and beside > 0)
                        or (region == HALO and diagonal > 0)
                        or (region == CORNERS and diagonal > 0 and beside == 0)
                    )
                if chosen:
                    painted[n, 0] = r
                    painted[n, 1] = c
                    painted[n, 2] = colors[q]
                    n += 1
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def _own_neighbors(labels: Labels, q: int, r: int, c: int, sides: bool) -> int:
    count = 0
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            if (dy == 0 and dx == 0) or (dy == 0 or dx == 0) != sides:
                continue
            if 0 <= r + dy < labels.shape[0] and 0 <= c + dx < labels.shape[1] and labels[r + dy, c + dx] == q:
                count += 1
    return count


@njit(cache=True)
def _flood_outside(
    labels: Labels, q: int, top: int, bottom: int, left: int, right: int, outside: NDArray[np.bool_], stack: Labels
) -> None:
    """Mark the cells of a box that reach its border over sides without crossing the object."""
    size = 0
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            edge = r in (top, bottom) or c in (left, right)
            outside[r, c] = edge and labels[r, c] != q
            if outside[r, c]:
                stack[size, 0] = r
                stack[size, 1] = c
                size += 1
    while size > 0:
        size -= 1
        r = stack[size, 0]
        c = stack[size, 1]
        for d in range(4):
            y = r + (d == 0) - (d == 1)
            x = c + (d == 2) - (d == 3)
            if y < top or x < left or y > bottom or x > right or outside[y, x] or labels[y, x] == q:
                continue
            outside[y, x] = True
            stack[size, 0] = y
            stack[size, 1] = x
            size += 1


@njit(cache=True)
def stamped(
    cells: Cells, starts: Numbers, table: Numbers, pattern: Grid8, height: int, width: int
) -> tuple[Cells, Numbers]:
    """Paint each object, then a pattern ``(h, w)`` over the middle of its box; ``CLEAR`` cells paint nothing."""
    count = len(starts) - 1
    painted = np.empty((len(cells) + count * pattern.size, 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    for q in range(count):
        n = copy_cells(cells, starts[q], starts[q + 1], painted, n)
        top = table[q, TOP] + (table[q, HEIGHT] - pattern.shape[0]) // 2
        left = table[q, LEFT] + (table[q, WIDTH] - pattern.shape[1]) // 2
        for i in range(pattern.shape[0]):
            for j in range(pattern.shape[1]):
                if pattern[i, j] != CLEAR and 0 <= top + i < height and 0 <= left + j < width:
                    painted[n, 0] = top + i
                    painted[n, 1] = left + j
                    painted[n, 2] = pattern[i, j]
                    n += 1
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def completed(
    cells: Cells, starts: Numbers, table: Numbers, template: int, turns: int, height: int, width: int
) -> tuple[Cells, Numbers]:
    """Paint each object, and the template object laid so that it holds all cells of the object in their colors.

    Args:
        turns: how many of the eight turns of the template are tried, in the order kept, left-right, up-down, half turn,
            transposed, turned left, turned right, anti-transposed; the first that holds the object is laid.

    An object that no laid template holds paints nothing at all.
    """
    count = len(starts) - 1
    pattern = cells[starts[template] : starts[template + 1]].copy()
    pattern[:, 0] -= table[template, TOP]
    pattern[:, 1] -= table[template, LEFT]
    size = len(pattern)
    painted = np.empty((len(cells) + count * size, 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    side = max(table[template, HEIGHT], table[template, WIDTH])
    patch = np.empty((side, side), np.uint8)
    turned = np.empty_like(pattern)
    for q in range(count):
        done = q == template
        if done:
            n = copy_cells(cells, starts[q], starts[q + 1], painted, n)
        for t in range(turns):
            if done:
                break
            _turn(pattern, turned, patch, table[template, HEIGHT] - 1, table[template, WIDTH] - 1, t)
            for a in range(size):
                first = starts[q]
                if turned[a, 2] != cells[first, 2]:
                    continue
                top = cells[first, 0] - turned[a, 0]
                left = cells[first, 1] - turned[a, 1]
                if _holds(patch, cells[first : starts[q + 1]], top, left):
                    n = copy_cells(cells, first, starts[q + 1], painted, n)
                    for m in range(size):
                        y = turned[m, 0] + top
                        x = turned[m, 1] + left
                        if 0 <= y < height and 0 <= x < width:
                            painted[n, 0] = y
                            painted[n, 1] = x
                            painted[n, 2] = turned[m, 2]
                            n += 1
                    done = True
                    break
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def _turn(pattern: Cells, turned: Cells, patch: Grid8, last_row: int, last_column: int, turn: int) -> None:
    """Write one of the eight turns of a pattern, as cells and as a patch."""
    patch[:] = CLEAR
    for m in range(len(pattern)):
        i = pattern[m, 0]
        j = pattern[m, 1]
        if turn == 1 or turn == 3 or turn == 5 or turn == 7:
            j = last_column - j
        if turn == 2 or turn == 3 or turn == 6 or turn == 7:
            i = last_row - i
        if turn >= 4:
            i, j = j, i
        turned[m, 0] = i
        turned[m, 1] = j
        turned[m, 2] = pattern[m, 2]
        patch[i, j] = pattern[m, 2]


@njit(cache=True)
def _holds(patch: Grid8, cells: Cells, top: int, left: int) -> bool:
    for m in range(len(cells)):
        i = cells[m, 0] - top
        j = cells[m, 1] - left
        if i < 0 or j < 0 or i >= patch.shape[0] or j >= patch.shape[1] or patch[i, j] != cells[m, 2]:
            return False
    return True
