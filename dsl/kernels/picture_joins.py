"""Join a list of pictures to one picture: laid over each other, side by side, by logic, or as a chart."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_list_codes import (
    BOX_HEIGHT,
    BOX_OFFSET,
    BOX_WIDTH,
    BOX_X,
    BOX_Y,
    JOIN_AND,
    JOIN_CENTERED,
    JOIN_COLOR_COLUMN,
    JOIN_COLOR_MAP,
    JOIN_COMMON,
    JOIN_COUNT_COLUMN,
    JOIN_COUNT_ROW,
    JOIN_FIRST_ONLY,
    JOIN_LAST_ONLY,
    JOIN_MAJORITY,
    JOIN_NOR,
    JOIN_ODD_ONE,
    JOIN_OR,
    JOIN_OVERLAY,
    JOIN_OVERLAY_GROWING,
    JOIN_SHARED_COLOR,
    JOIN_SIZE_BARS,
    JOIN_STACK_LINE,
    JOIN_STACK_RIGHT,
    JOIN_STACK_SQUARE,
    JOIN_XOR,
    MAX_LIST,
    MAX_SIDE,
    NUM_JOINS,
)

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Box = tuple[int, int, int, int]

# Regions of the scratch buffer; each holds one number for each member of the list.
_ORDER, _KEYS, _ROWS, _COLUMNS, _COLORS, _VOTES = 0, 64, 128, 192, 256, 320


@njit(cache=True, inline="always")
def join_pictures(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Join a list to one picture and return its height, width, y and x; height 0 if there is no result.

    Args:
        code: one of ``JOIN_*``.
        cells: cells of the members, flat; members may be trimmed in place.
        boxes: ``(64, 5)``, offset, height, width, y and x of the members.
        n: number of members.
        out: ``(900,)``, receives the cells in row order.
        scratch: 8192 numbers, overwritten.
    """
    if n < 1 or n > MAX_LIST or code < 0 or code >= NUM_JOINS:
        return 0, 0, 0, 0
    if code <= JOIN_OVERLAY_GROWING:
        return _overlay(code, cells, boxes, n, out, scratch)
    if code <= JOIN_STACK_LINE:
        return _stack(code, cells, boxes, n, out, scratch)
    if code == JOIN_STACK_SQUARE:
        return _stack_square(cells, boxes, n, out, scratch)
    if code <= JOIN_MAJORITY:
        return _combine(code, cells, boxes, n, out, scratch)
    if code == JOIN_ODD_ONE:
        return _odd_one(cells, boxes, n, out, scratch)
    if code >= JOIN_CENTERED:
        return _align(code, cells, boxes, n, out, scratch)
    return _chart(code, cells, boxes, n, out, scratch)


@njit(cache=True)
def _clear(out: Cells, size: int) -> None:
    for k in range(size):
        out[k] = 0


@njit(cache=True)
def _count_cells(cells: Cells, boxes: Numbers, member: int) -> int:
    offset = boxes[member, BOX_OFFSET]
    count = 0
    for k in range(offset, offset + boxes[member, BOX_HEIGHT] * boxes[member, BOX_WIDTH]):
        if cells[k] != 0:
            count += 1
    return count


@njit(cache=True)
def _main_color(cells: Cells, boxes: Numbers, member: int, scratch: Numbers) -> int:
    """Return the most common nonzero color, the lowest of several, 0 if there is none."""
    for color in range(10):
        scratch[_VOTES + color] = 0
    offset = boxes[member, BOX_OFFSET]
    for k in range(offset, offset + boxes[member, BOX_HEIGHT] * boxes[member, BOX_WIDTH]):
        scratch[_VOTES + int(cells[k])] += 1
    scratch[_VOTES] = 0
    best = 0
    for color in range(1, 10):
        if scratch[_VOTES + color] > scratch[_VOTES + best]:
            best = color
    return best


@njit(cache=True)
def _order_by_keys(n: int, scratch: Numbers) -> None:
    """Order the members by ascending keys, ties in list order."""
    for k in range(n):
        place = k
        while place > 0 and scratch[_KEYS + scratch[_ORDER + place - 1]] > scratch[_KEYS + k]:
            scratch[_ORDER + place] = scratch[_ORDER + place - 1]
            place -= 1
        scratch[_ORDER + place] = k


@njit(cache=True)
def _paste(cells: Cells, boxes: Numbers, member: int, out: Cells, out_width: int, top: int, left: int) -> None:
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
def _align(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Lay pictures over each other, smallest on top, by their centers or by the one cell of a color that all have."""
    for k in range(n):
        if not _trim(cells, boxes, k):
            return 0, 0, 0, 0
    color = _shared_color(cells, boxes, n) if code == JOIN_SHARED_COLOR else 0
    if color == 0 and code == JOIN_SHARED_COLOR:
        return 0, 0, 0, 0
    for k in range(n):
        height, width = boxes[k, BOX_HEIGHT], boxes[k, BOX_WIDTH]
        scratch[_ROWS + k], scratch[_COLUMNS + k] = -(height // 2), -(width // 2)
        if color == 0 and ((height ^ boxes[0, BOX_HEIGHT]) & 1 != 0 or (width ^ boxes[0, BOX_WIDTH]) & 1 != 0):
            return 0, 0, 0, 0
        for cell in range(height * width if color > 0 else 0):
            if cells[boxes[k, BOX_OFFSET] + cell] == color:
                scratch[_ROWS + k], scratch[_COLUMNS + k] = -(cell // width), -(cell % width)
    height, width, _, _ = _lay_over(JOIN_OVERLAY_GROWING, cells, boxes, n, out, scratch)
    return height, width, 0, 0


@njit(cache=True)
def _trim(cells: Cells, boxes: Numbers, member: int) -> bool:
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
def _shared_color(cells: Cells, boxes: Numbers, n: int) -> int:
    """Return the lowest nonzero color that every member has once, 0 if there is none."""
    for color in range(1, 10):
        once = True
        for k in range(n):
            count = 0
            for cell in range(boxes[k, BOX_OFFSET], boxes[k, BOX_OFFSET] + boxes[k, BOX_HEIGHT] * boxes[k, BOX_WIDTH]):
                if cells[cell] == color:
                    count += 1
            once = once and count == 1
        if once:
            return color
    return 0


@njit(cache=True)
def _overlay(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    for k in range(n):
        scratch[_ROWS + k], scratch[_COLUMNS + k] = boxes[k, BOX_Y], boxes[k, BOX_X]
    return _lay_over(code, cells, boxes, n, out, scratch)


@njit(cache=True)
def _lay_over(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Lay pictures over each other at the rows and columns in ``scratch``."""
    y, x, bottom, right = 1000, 1000, -1000, -1000
    for k in range(n):
        y, x = min(y, scratch[_ROWS + k]), min(x, scratch[_COLUMNS + k])
        bottom = max(bottom, scratch[_ROWS + k] + boxes[k, BOX_HEIGHT])
        right = max(right, scratch[_COLUMNS + k] + boxes[k, BOX_WIDTH])
    height, width = bottom - y, right - x
    if height > MAX_SIDE or width > MAX_SIDE:
        return 0, 0, 0, 0
    for k in range(n):
        scratch[_KEYS + k] = k if code == JOIN_OVERLAY else -k
        if code == JOIN_OVERLAY_GROWING:
            scratch[_KEYS + k] = _count_cells(cells, boxes, k)
    _order_by_keys(n, scratch)
    _clear(out, height * width)
    for k in range(n - 1, -1, -1):
        member = scratch[_ORDER + k]
        _paste(cells, boxes, member, out, width, scratch[_ROWS + member] - y, scratch[_COLUMNS + member] - x)
    return height, width, y, x


@njit(cache=True)
def _stack(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    to_right = code == JOIN_STACK_RIGHT
    if code == JOIN_STACK_LINE:
        to_right = _spread(boxes, n, BOX_X) > _spread(boxes, n, BOX_Y)
    total_height, total_width, max_height, max_width = 0, 0, 0, 0
    for k in range(n):
        scratch[_KEYS + k] = k
        if code == JOIN_STACK_LINE:
            x, y = boxes[k, BOX_X], boxes[k, BOX_Y]
            scratch[_KEYS + k] = x * 1024 + y if to_right else y * 1024 + x
        total_height += boxes[k, BOX_HEIGHT]
        total_width += boxes[k, BOX_WIDTH]
        max_height = max(max_height, boxes[k, BOX_HEIGHT])
        max_width = max(max_width, boxes[k, BOX_WIDTH])
    height = max_height if to_right else total_height
    width = total_width if to_right else max_width
    if height > MAX_SIDE or width > MAX_SIDE:
        return 0, 0, 0, 0
    _order_by_keys(n, scratch)
    _clear(out, height * width)
    top, left = 0, 0
    for k in range(n):
        member = scratch[_ORDER + k]
        _paste(cells, boxes, member, out, width, top, left)
        if to_right:
            left += boxes[member, BOX_WIDTH]
        else:
            top += boxes[member, BOX_HEIGHT]
    return height, width, 0, 0


@njit(cache=True)
def _spread(boxes: Numbers, n: int, column: int) -> int:
    low, high = int(boxes[0, column]), int(boxes[0, column])
    for k in range(1, n):
        low, high = min(low, int(boxes[k, column])), max(high, int(boxes[k, column]))
    return high - low


@njit(cache=True)
def _rank(boxes: Numbers, n: int, column: int, scratch: Numbers, start: int) -> int:
    """Number the distinct values of a column from 0, ascending, one number a member; return how many there are."""
    for k in range(n):
        scratch[_KEYS + k] = boxes[k, column]
    _order_by_keys(n, scratch)
    rank = 0
    for k in range(n):
        if k > 0 and scratch[_KEYS + scratch[_ORDER + k]] != scratch[_KEYS + scratch[_ORDER + k - 1]]:
            rank += 1
        scratch[start + scratch[_ORDER + k]] = rank
    return rank + 1


@njit(cache=True)
def _equal_sizes(boxes: Numbers, n: int) -> bool:
    for k in range(1, n):
        if boxes[k, BOX_HEIGHT] != boxes[0, BOX_HEIGHT] or boxes[k, BOX_WIDTH] != boxes[0, BOX_WIDTH]:
            return False
    return True


@njit(cache=True)
def _stack_square(cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    if not _equal_sizes(boxes, n):
        return 0, 0, 0, 0
    rows, columns = _lattice(boxes, n, scratch)
    if rows == 0:
        return 0, 0, 0, 0
    height, width = boxes[0, BOX_HEIGHT], boxes[0, BOX_WIDTH]
    if rows * height > MAX_SIDE or columns * width > MAX_SIDE:
        return 0, 0, 0, 0
    _clear(out, rows * height * columns * width)
    for k in range(n):
        _paste(cells, boxes, k, out, columns * width, scratch[_ROWS + k] * height, scratch[_COLUMNS + k] * width)
    return rows * height, columns * width, 0, 0


@njit(cache=True)
def _lattice(boxes: Numbers, n: int, scratch: Numbers) -> tuple[int, int]:
    """Give every member its own row and column: by places if these fill a lattice, else in list order in a square."""
    rows = _rank(boxes, n, BOX_Y, scratch, _ROWS)
    columns = _rank(boxes, n, BOX_X, scratch, _COLUMNS)
    if rows * columns == n:
        taken = 0
        for k in range(n):
            taken |= 1 << (scratch[_ROWS + k] * columns + scratch[_COLUMNS + k])
        if taken == (1 << n) - 1 if n < MAX_LIST else taken == -1:
            return rows, columns
    for side in range(1, 9):
        if side * side == n:
            for k in range(n):
                scratch[_ROWS + k], scratch[_COLUMNS + k] = k // side, k % side
            return side, side
    return 0, 0


@njit(cache=True)
def _combine(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Combine pictures of one size cell by cell."""
    if n < 2 or not _equal_sizes(boxes, n):
        return 0, 0, 0, 0
    paint = max(1, _main_color(cells, boxes, 0, scratch)) if code == JOIN_NOR else 0
    first, last = boxes[0, BOX_OFFSET], boxes[n - 1, BOX_OFFSET]
    for cell in range(boxes[0, BOX_HEIGHT] * boxes[0, BOX_WIDTH]):
        if code == JOIN_MAJORITY:
            out[cell] = _vote(cells, boxes, n, cell, scratch)
            continue
        filled, top_color, equal = 0, 0, True
        for k in range(n):
            color = int(cells[boxes[k, BOX_OFFSET] + cell])
            if color != 0:
                filled += 1
                if top_color == 0:
                    top_color = color
            if color != cells[first + cell]:
                equal = False
        if code == JOIN_NOR:
            out[cell] = paint if filled == 0 else 0
            continue
        keep = code == JOIN_OR or (code == JOIN_AND and filled == n) or (code == JOIN_COMMON and equal)
        if filled == 1:
            keep |= code == JOIN_XOR or (code == JOIN_FIRST_ONLY and cells[first + cell] != 0)
            keep |= code == JOIN_LAST_ONLY and cells[last + cell] != 0
        out[cell] = top_color if keep else 0
    return boxes[0, BOX_HEIGHT], boxes[0, BOX_WIDTH], boxes[0, BOX_Y], boxes[0, BOX_X]


@njit(cache=True)
def _vote(cells: Cells, boxes: Numbers, n: int, cell: int, scratch: Numbers) -> int:
    """Return the most common value of a cell, the one that comes first in the list of several."""
    front = cells[boxes[0, BOX_OFFSET] + cell]
    votes = 0
    for k in range(n):
        if cells[boxes[k, BOX_OFFSET] + cell] == front:
            votes += 1
    if 2 * votes >= n:
        return int(front)
    for color in range(10):
        scratch[_VOTES + color] = 0
    for k in range(n):
        scratch[_VOTES + int(cells[boxes[k, BOX_OFFSET] + cell])] += 1
    best, best_votes = 0, 0
    for k in range(n):
        color = int(cells[boxes[k, BOX_OFFSET] + cell])
        if scratch[_VOTES + color] > best_votes:
            best, best_votes = color, scratch[_VOTES + color]
    return best


@njit(cache=True)
def _odd_one(cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Return the only picture that occurs once, if more than half of the others are equal to each other."""
    classes, most, odd, odd_ones = 0, 0, 0, 0
    for k in range(n):
        kind = 0
        while kind < classes and not _equal_pictures(cells, boxes, k, scratch[_ORDER + kind]):
            kind += 1
        if kind == classes:
            scratch[_ORDER + kind], scratch[_KEYS + kind] = k, 0
            classes += 1
        scratch[_KEYS + kind] += 1
    for kind in range(classes):
        most = max(most, scratch[_KEYS + kind])
        if scratch[_KEYS + kind] == 1:
            odd, odd_ones = scratch[_ORDER + kind], odd_ones + 1
    if odd_ones != 1 or most < 2 or 2 * most <= n - 1:
        return 0, 0, 0, 0
    height, width, offset = boxes[odd, BOX_HEIGHT], boxes[odd, BOX_WIDTH], boxes[odd, BOX_OFFSET]
    for k in range(height * width):
        out[k] = cells[offset + k]
    return height, width, boxes[odd, BOX_Y], boxes[odd, BOX_X]


@njit(cache=True)
def _equal_pictures(cells: Cells, boxes: Numbers, one: int, other: int) -> bool:
    if boxes[one, BOX_HEIGHT] != boxes[other, BOX_HEIGHT] or boxes[one, BOX_WIDTH] != boxes[other, BOX_WIDTH]:
        return False
    start, other_start = boxes[one, BOX_OFFSET], boxes[other, BOX_OFFSET]
    for k in range(boxes[one, BOX_HEIGHT] * boxes[one, BOX_WIDTH]):
        if cells[start + k] != cells[other_start + k]:
            return False
    return True


@njit(cache=True)
def _chart(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Draw one cell or bar for each member, in its main color; see ``_lay_out`` for which cells."""
    height, width = _lay_out(code, cells, boxes, n, scratch)
    if height == 0 or height > MAX_SIDE or width == 0 or width > MAX_SIDE:
        return 0, 0, 0, 0
    _clear(out, height * width)
    if code in (JOIN_COUNT_ROW, JOIN_COUNT_COLUMN):
        paint = max(1, _main_color(cells, boxes, 0, scratch))
        for k in range(n):
            out[k] = paint
        return height, width, 0, 0
    for k in range(n):
        color = _main_color(cells, boxes, k, scratch)
        start = scratch[_ROWS + k] * width + scratch[_COLUMNS + k]
        length = -scratch[_KEYS + k] if code == JOIN_SIZE_BARS else 1
        for cell in range(start, start + length):
            if out[cell] == 0:
                out[cell] = color
    return height, width, 0, 0


@njit(cache=True)
def _lay_out(code: int, cells: Cells, boxes: Numbers, n: int, scratch: Numbers) -> tuple[int, int]:
    """Give every member its row and column in a chart; return the height and width of the chart."""
    if code == JOIN_COLOR_MAP:
        rows = _rank(boxes, n, BOX_Y, scratch, _ROWS)
        return rows, _rank(boxes, n, BOX_X, scratch, _COLUMNS)
    down = code in (JOIN_COUNT_COLUMN, JOIN_COLOR_COLUMN, JOIN_SIZE_BARS)
    longest = 1
    for k in range(n):
        scratch[_KEYS + k] = k
        if code == JOIN_SIZE_BARS:
            scratch[_KEYS + k] = -_count_cells(cells, boxes, k)
            longest = max(longest, -scratch[_KEYS + k]) if k > 0 else -scratch[_KEYS + k]
    _order_by_keys(n, scratch)
    for k in range(n):
        member = scratch[_ORDER + k]
        scratch[_ROWS + member] = k if down else 0
        scratch[_COLUMNS + member] = 0 if down else k
    return (n, longest) if down else (1, n)
