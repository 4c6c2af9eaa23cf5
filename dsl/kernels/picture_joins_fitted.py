"""Joins that fit pictures to each other by what they show: by centers, marks, cells, frames, or corners."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_join_parts import (
    COLUMNS,
    ROWS,
    common_value,
    equal_sizes,
    lay_over,
    own_places,
    paste_lattice,
    trim,
)
from dsl.kernels.picture_list_codes import (
    BOX_HEIGHT,
    BOX_OFFSET,
    BOX_WIDTH,
    BOX_X,
    BOX_Y,
    JOIN_OVERLAY_GROWING,
    JOIN_SHARED_COLOR,
    MAX_SIDE,
)

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Box = tuple[int, int, int, int]


@njit(cache=True)
def align(code: int, cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Lay pictures over each other, smallest on top, by their centers or by the one cell of a color that all have."""
    for k in range(n):
        if not trim(cells, boxes, k):
            return 0, 0, 0, 0
    color = _shared_color(cells, boxes, n) if code == JOIN_SHARED_COLOR else 0
    if color == 0 and code == JOIN_SHARED_COLOR:
        return 0, 0, 0, 0
    for k in range(n):
        height, width = boxes[k, BOX_HEIGHT], boxes[k, BOX_WIDTH]
        scratch[ROWS + k], scratch[COLUMNS + k] = -(height // 2), -(width // 2)
        if color == 0 and ((height ^ boxes[0, BOX_HEIGHT]) & 1 != 0 or (width ^ boxes[0, BOX_WIDTH]) & 1 != 0):
            return 0, 0, 0, 0
        for cell in range(height * width if color > 0 else 0):
            if cells[boxes[k, BOX_OFFSET] + cell] == color:
                scratch[ROWS + k], scratch[COLUMNS + k] = -(cell // width), -(cell % width)
    height, width, _, _ = lay_over(JOIN_OVERLAY_GROWING, cells, boxes, n, out, scratch)
    return height, width, 0, 0


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
def stamp_cells(cells: Cells, boxes: Numbers, n: int, out: Cells) -> Box:
    """Put one of two pictures in place of each nonzero cell of the other one, in the cell's color.

    The other one is that of more colors, or the first.
    """
    if n != 2:
        return 0, 0, 0, 0
    of = 1 if _count_colors(cells, boxes, 1) > _count_colors(cells, boxes, 0) else 0
    height, width = boxes[1 - of, BOX_HEIGHT], boxes[1 - of, BOX_WIDTH]
    rows, columns = boxes[of, BOX_HEIGHT] * height, boxes[of, BOX_WIDTH] * width
    if rows > MAX_SIDE or columns > MAX_SIDE:
        return 0, 0, 0, 0
    for r in range(rows):
        for c in range(columns):
            color = cells[boxes[of, BOX_OFFSET] + r // height * boxes[of, BOX_WIDTH] + c // width]
            shown = cells[boxes[1 - of, BOX_OFFSET] + r % height * width + c % width] != 0
            out[r * columns + c] = color if shown else 0
    return rows, columns, 0, 0


@njit(cache=True)
def _count_colors(cells: Cells, boxes: Numbers, member: int) -> int:
    present, count = 0, 0
    for k in range(boxes[member, BOX_HEIGHT] * boxes[member, BOX_WIDTH]):
        present |= 1 << int(cells[boxes[member, BOX_OFFSET] + k])
    for color in range(1, 10):
        count += (present >> color) & 1
    return count


@njit(cache=True)
def into_frame(cells: Cells, boxes: Numbers, n: int, out: Cells) -> Box:
    """Draw the smaller of two pictures into the larger one, enlarged so that it fills all but the larger one's rim."""
    if n != 2 or not trim(cells, boxes, 0) or not trim(cells, boxes, 1):
        return 0, 0, 0, 0
    small = 1 if boxes[1, BOX_HEIGHT] * boxes[1, BOX_WIDTH] < boxes[0, BOX_HEIGHT] * boxes[0, BOX_WIDTH] else 0
    height, width = boxes[1 - small, BOX_HEIGHT], boxes[1 - small, BOX_WIDTH]
    scale = (height - 2) // boxes[small, BOX_HEIGHT]
    if scale < 1 or scale * boxes[small, BOX_HEIGHT] != height - 2 or scale * boxes[small, BOX_WIDTH] != width - 2:
        return 0, 0, 0, 0
    start, other = boxes[1 - small, BOX_OFFSET], boxes[small, BOX_OFFSET]
    for r in range(height):
        for c in range(width):
            color = cells[start + r * width + c]
            if 0 < r < height - 1 and 0 < c < width - 1:
                inner = cells[other + (r - 1) // scale * boxes[small, BOX_WIDTH] + (c - 1) // scale]
                color = inner if inner != 0 else color
            out[r * width + c] = color
    return height, width, 0, 0


@njit(cache=True)
def arrange(cells: Cells, boxes: Numbers, n: int, out: Cells, scratch: Numbers) -> Box:
    """Lay pictures of one size side by side, each to the side or corner where its own cells have more weight.

    A picture's own cells are all but those of the value that is most common over the whole list.
    """
    if n < 2 or not equal_sizes(boxes, n):
        return 0, 0, 0, 0
    height, width, start = boxes[0, BOX_HEIGHT], boxes[0, BOX_WIDTH], boxes[0, BOX_OFFSET]
    common = common_value(cells, start, start + n * height * width, True, scratch)
    for k in range(n):
        down, right = 0, 0
        for cell in range(height * width):
            if cells[boxes[k, BOX_OFFSET] + cell] != common:
                down += 2 * (cell // width) - height + 1
                right += 2 * (cell % width) - width + 1
        boxes[k, BOX_Y], boxes[k, BOX_X] = min(1, max(-1, down)), min(1, max(-1, right))
    rows, columns = own_places(boxes, n, scratch)
    return paste_lattice(cells, boxes, n, rows, columns, out, scratch)
