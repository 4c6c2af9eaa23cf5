"""Join a list of pictures to one picture: laid over each other, side by side, by logic, or as a chart."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_join_parts import (
    COLUMNS,
    KEYS,
    ORDER,
    ROWS,
    VOTES,
    clear,
    count_cells,
    equal_sizes,
    lay_over,
    main_color,
    order_by_keys,
    own_places,
    paste,
    paste_lattice,
    rank,
)
from dsl.kernels.picture_joins_fitted import align, arrange, into_frame, stamp_cells
from dsl.kernels.picture_list_codes import (
    BOX_HEIGHT,
    BOX_OFFSET,
    BOX_WIDTH,
    BOX_X,
    BOX_Y,
    JOIN_AND,
    JOIN_ARRANGE,
    JOIN_CENTERED,
    JOIN_COLOR_COLUMN,
    JOIN_COLOR_MAP,
    JOIN_COMMON,
    JOIN_COUNT_COLUMN,
    JOIN_COUNT_ROW,
    JOIN_FIRST_ONLY,
    JOIN_INTO_FRAME,
    JOIN_LAST_ONLY,
    JOIN_MAJORITY,
    JOIN_NOR,
    JOIN_ODD_ONE,
    JOIN_OR,
    JOIN_OVERLAY_GROWING,
    JOIN_SIZE_BARS,
    JOIN_STACK_LINE,
    JOIN_STACK_RIGHT,
    JOIN_STACK_SQUARE,
    JOIN_STAMP_CELLS,
    JOIN_XOR,
    MAX_LIST,
    MAX_SIDE,
    NUM_JOINS,
)

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Box = tuple[int, int, int, int]


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
    if code == JOIN_STAMP_CELLS:
        return stamp_cells(cells, boxes, n, out)
    if code == JOIN_INTO_FRAME:
        return into_frame(cells, boxes, n, out)
    if code == JOIN_ARRANGE:
        return arrange(cells, boxes, n, out, scratch)
    if code >= JOIN_CENTERED:
        return align(code, cells, boxes, n, out, scratch)
    return _chart(code, cells, boxes, n, out, scratch)


@njit(cache=True)
def _overlay(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    for k in range(n):
        scratch[ROWS + k], scratch[COLUMNS + k] = boxes[k, BOX_Y], boxes[k, BOX_X]
    return lay_over(code, cells, boxes, n, out, scratch)


@njit(cache=True)
def _stack(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    to_right = code == JOIN_STACK_RIGHT
    if code == JOIN_STACK_LINE:
        to_right = _spread(boxes, n, BOX_X) > _spread(boxes, n, BOX_Y)
    total_height, total_width, max_height, max_width = 0, 0, 0, 0
    for k in range(n):
        scratch[KEYS + k] = k
        if code == JOIN_STACK_LINE:
            x, y = boxes[k, BOX_X], boxes[k, BOX_Y]
            scratch[KEYS + k] = x * 1024 + y if to_right else y * 1024 + x
        total_height += boxes[k, BOX_HEIGHT]
        total_width += boxes[k, BOX_WIDTH]
        max_height = max(max_height, boxes[k, BOX_HEIGHT])
        max_width = max(max_width, boxes[k, BOX_WIDTH])
    height = max_height if to_right else total_height
    width = total_width if to_right else max_width
    if height > MAX_SIDE or width > MAX_SIDE:
        return 0, 0, 0, 0
    order_by_keys(n, scratch)
    clear(out, height * width)
    top, left = 0, 0
    for k in range(n):
        member = scratch[ORDER + k]
        paste(cells, boxes, member, out, width, top, left)
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
def _stack_square(cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    if not equal_sizes(boxes, n):
        return 0, 0, 0, 0
    rows, columns = _lattice(boxes, n, scratch)
    return paste_lattice(cells, boxes, n, rows, columns, out, scratch)


@njit(cache=True)
def _lattice(boxes: Numbers, n: int, scratch: Numbers) -> tuple[int, int]:
    """Give every member its own row and column: by places if these fill a lattice, else in list order in a square."""
    rows, columns = own_places(boxes, n, scratch)
    if rows * columns == n:
        return rows, columns
    for side in range(1, 9):
        if side * side == n:
            for k in range(n):
                scratch[ROWS + k], scratch[COLUMNS + k] = k // side, k % side
            return side, side
    return 0, 0


@njit(cache=True)
def _combine(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Combine pictures of one size cell by cell."""
    if n < 2 or not equal_sizes(boxes, n):
        return 0, 0, 0, 0
    paint = max(1, main_color(cells, boxes, 0, scratch)) if code == JOIN_NOR else 0
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
        scratch[VOTES + color] = 0
    for k in range(n):
        scratch[VOTES + int(cells[boxes[k, BOX_OFFSET] + cell])] += 1
    best, best_votes = 0, 0
    for k in range(n):
        color = int(cells[boxes[k, BOX_OFFSET] + cell])
        if scratch[VOTES + color] > best_votes:
            best, best_votes = color, scratch[VOTES + color]
    return best


@njit(cache=True)
def _odd_one(cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Return the only picture that occurs once, if more than half of the others are equal to each other."""
    classes, most, odd, odd_ones = 0, 0, 0, 0
    for k in range(n):
        kind = 0
        while kind < classes and not _equal_pictures(cells, boxes, k, scratch[ORDER + kind]):
            kind += 1
        if kind == classes:
            scratch[ORDER + kind], scratch[KEYS + kind] = k, 0
            classes += 1
        scratch[KEYS + kind] += 1
    for kind in range(classes):
        most = max(most, scratch[KEYS + kind])
        if scratch[KEYS + kind] == 1:
            odd, odd_ones = scratch[ORDER + kind], odd_ones + 1
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
    clear(out, height * width)
    if code in (JOIN_COUNT_ROW, JOIN_COUNT_COLUMN):
        paint = max(1, main_color(cells, boxes, 0, scratch))
        for k in range(n):
            out[k] = paint
        return height, width, 0, 0
    for k in range(n):
        color = main_color(cells, boxes, k, scratch)
        start = scratch[ROWS + k] * width + scratch[COLUMNS + k]
        length = -scratch[KEYS + k] if code == JOIN_SIZE_BARS else 1
        for cell in range(start, start + length):
            if out[cell] == 0:
                out[cell] = color
    return height, width, 0, 0


@njit(cache=True)
def _lay_out(code: int, cells: Cells, boxes: Numbers, n: int, scratch: Numbers) -> tuple[int, int]:
    """Give every member its row and column in a chart; return the height and width of the chart."""
    if code == JOIN_COLOR_MAP:
        rows = rank(boxes, n, BOX_Y, scratch, ROWS)
        return rows, rank(boxes, n, BOX_X, scratch, COLUMNS)
    down = code in (JOIN_COUNT_COLUMN, JOIN_COLOR_COLUMN, JOIN_SIZE_BARS)
    longest = 1
    for k in range(n):
        scratch[KEYS + k] = k
        if code == JOIN_SIZE_BARS:
            scratch[KEYS + k] = -count_cells(cells, boxes, k)
            longest = max(longest, -scratch[KEYS + k]) if k > 0 else -scratch[KEYS + k]
    order_by_keys(n, scratch)
    for k in range(n):
        member = scratch[ORDER + k]
        scratch[ROWS + member] = k if down else 0
        scratch[COLUMNS + member] = 0 if down else k
    return (n, longest) if down else (1, n)
