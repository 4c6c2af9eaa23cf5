"""What the joins of lists of pictures are made of: counts, orders, and drawing members into the result."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_list_codes import (
    BOX_HEIGHT,
    BOX_OFFSET,
    BOX_WIDTH,
    BOX_X,
    BOX_Y,
    JOIN_OVERLAY,
    JOIN_OVERLAY_GROWING,
    MAX_LIST,
    MAX_SIDE,
)

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Box = tuple[int, int, int, int]

ORDER, KEYS, ROWS, COLUMNS, VOTES = 0, 64, 128, 192, 320
"""Regions of the scratch buffer; each holds one number for each member of the list, or for each color."""


@njit(cache=True)
def clear(out: Cells, size: int) -> None:
    """Make the first cells black."""
    for k in range(size):
        out[k] = 0


@njit(cache=True)
def count_cells(cells: Cells, boxes: Numbers, member: int) -> int:
    """Count the nonzero cells of a member."""
    offset = boxes[member, BOX_OFFSET]
    count = 0
    for k in range(offset, offset + boxes[member, BOX_HEIGHT] * boxes[member, BOX_WIDTH]):
        if cells[k] != 0:
            count += 1
    return count


@njit(cache=True)
def common_value(cells: Cells, start: int, end: int, black: bool, scratch: Numbers) -> int:
    """Return the most common value of a range of cells, the lowest of several; 0 only counts with ``black``."""
    for color in range(10):
        scratch[VOTES + color] = 0
    for k in range(start, end):
        scratch[VOTES + int(cells[k])] += 1
    if not black:
        scratch[VOTES] = 0
    best = 0
    for color in range(1, 10):
        if scratch[VOTES + color] > scratch[VOTES + best]:
            best = color
    return best


@njit(cache=True)
def main_color(cells: Cells, boxes: Numbers, member: int, scratch: Numbers) -> int:
    """Return the most common nonzero color, the lowest of several, 0 if there is none."""
    start = boxes[member, BOX_OFFSET]
    return common_value(cells, start, start + boxes[member, BOX_HEIGHT] * boxes[member, BOX_WIDTH], False, scratch)


@njit(cache=True)
def order_by_keys(n: int, scratch: Numbers) -> None:
    """Order the members by ascending keys, ties in list order."""
    for k in range(n):
        place = k
        while place > 0 and scratch[KEYS + scratch[ORDER + place - 1]] > scratch[KEYS + k]:
            scratch[ORDER + place] = scratch[ORDER + place - 1]
            place -= 1
        scratch[ORDER + place] = k


@njit(cache=True)
def rank(boxes: Numbers, n: int, column: int, scratch: Numbers, start: int) -> int:
    """Number the distinct values of a column from 0, ascending, one number a member; return how many there are."""
    for k in range(n):
        scratch[KEYS + k] = boxes[k, column]
    order_by_keys(n, scratch)
    number = 0
    for k in range(n):
        if k > 0 and scratch[KEYS + scratch[ORDER + k]] != scratch[KEYS + scratch[ORDER + k - 1]]:
            number += 1
        scratch[start + scratch[ORDER + k]] = number
    return number + 1


@njit(cache=True)
def own_places(boxes: Numbers, n: int, scratch: Numbers) -> tuple[int, int]:
    """Rank the members by row and column; return how many of both, 0 if two share a place or there are too many."""
    rows = rank(boxes, n, BOX_Y, scratch, ROWS)
    columns = rank(boxes, n, BOX_X, scratch, COLUMNS)
    if rows * columns > MAX_LIST:
        return 0, 0
    taken = 0
    for k in range(n):
        place = 1 << (scratch[ROWS + k] * columns + scratch[COLUMNS + k])
        if taken & place != 0:
            return 0, 0
        taken |= place
    return rows, columns


@njit(cache=True)
def equal_sizes(boxes: Numbers, n: int) -> bool:
    """Tell whether all members have one size."""
    for k in range(1, n):
        if boxes[k, BOX_HEIGHT] != boxes[0, BOX_HEIGHT] or boxes[k, BOX_WIDTH] != boxes[0, BOX_WIDTH]:
            return False
    return True


@njit(cache=True)
def paste(cells: Cells, boxes: Numbers, member: int, out: Cells, out_width: int, top: int, left: int) -> None:
    """Copy the nonzero cells of a member to a place inside the result."""
    k = boxes[member, BOX_OFFSET]
    width = boxes[member, BOX_WIDTH]
    for r in range(boxes[member, BOX_HEIGHT]):
        start = (top + r) * out_width + left
        for c in range(width):
            if cells[k] != 0:
                out[start + c] = cells[k]
            k += 1


@njit(cache=True)
def paste_lattice(cells: Cells, boxes: Numbers, n: int, rows: int, columns: int, out: Cells, scratch: Numbers) -> Box:
    """Lay pictures of one size side by side at the rows and columns of a lattice in ``scratch``."""
    height, width = boxes[0, BOX_HEIGHT], boxes[0, BOX_WIDTH]
    if rows == 0 or rows * height > MAX_SIDE or columns * width > MAX_SIDE:
        return 0, 0, 0, 0
    clear(out, rows * height * columns * width)
    for k in range(n):
        paste(cells, boxes, k, out, columns * width, scratch[ROWS + k] * height, scratch[COLUMNS + k] * width)
    return rows * height, columns * width, 0, 0


@njit(cache=True)
def trim(cells: Cells, boxes: Numbers, member: int) -> bool:
    """Cut a member in place to the box of its nonzero cells; return False if it has none."""
    start, old_width = boxes[member, BOX_OFFSET], boxes[member, BOX_WIDTH]
    top, left, bottom, right = MAX_SIDE, MAX_SIDE, -1, -1
    for cell in range(boxes[member, BOX_HEIGHT] * old_width):
        if cells[start + cell] != 0:
            r, c = cell // old_width, cell % old_width
            top, bottom, left, right = min(top, r), r, min(left, c), max(right, c)
    if bottom < 0:
        return False
    height, width = bottom - top + 1, right - left + 1
    for cell in range(height * width):
        cells[start + cell] = cells[start + (top + cell // width) * old_width + left + cell % width]
    boxes[member, BOX_HEIGHT], boxes[member, BOX_WIDTH] = height, width
    return True


@njit(cache=True)
def lay_over(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Lay pictures over each other at the rows and columns in ``scratch``."""
    y, x, bottom, right = 1000, 1000, -1000, -1000
    for k in range(n):
        y, x = min(y, scratch[ROWS + k]), min(x, scratch[COLUMNS + k])
        bottom = max(bottom, scratch[ROWS + k] + boxes[k, BOX_HEIGHT])
        right = max(right, scratch[COLUMNS + k] + boxes[k, BOX_WIDTH])
    height, width = bottom - y, right - x
    if height > MAX_SIDE or width > MAX_SIDE:
        return 0, 0, 0, 0
    for k in range(n):
        scratch[KEYS + k] = k if code == JOIN_OVERLAY else -k
        if code == JOIN_OVERLAY_GROWING:
            scratch[KEYS + k] = count_cells(cells, boxes, k)
    order_by_keys(n, scratch)
    clear(out, height * width)
    for k in range(n - 1, -1, -1):
        member = scratch[ORDER + k]
        paste(cells, boxes, member, out, width, scratch[ROWS + member] - y, scratch[COLUMNS + member] - x)
    return height, width, y, x
