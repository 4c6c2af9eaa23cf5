"""Split a picture by color or by connected region; cut parts out of it."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_list_codes import (
    BOX_HEIGHT,
    BOX_OFFSET,
    BOX_WIDTH,
    BOX_X,
    BOX_Y,
    GAP_COLOR,
    MAX_LIST,
    SPLIT_4,
    SPLIT_4_MIXED,
    SPLIT_8,
    SPLIT_BACKGROUND,
    SPLIT_BOXES,
    SPLIT_GAPS,
    SPLIT_HOLES,
)

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]

# Regions live in a padded frame of 32 columns, so that a step needs no bounds check and a position no division.
_STEPS = np.array([-32, -1, 1, 32, -33, -31, 31, 33])
_QUEUE = 1024
_COUNTS = 2048


@njit(cache=True)
def _open_box(n: int, height: int, width: int, y: int, x: int, out_cells: Cells, out_boxes: Numbers) -> int:
    """Enter the box of part ``n`` and return where its cells begin, or -1 if there is no room."""
    if n >= MAX_LIST:
        return -1
    offset = 0
    if n > 0:
        offset = out_boxes[n - 1, BOX_OFFSET] + out_boxes[n - 1, BOX_HEIGHT] * out_boxes[n - 1, BOX_WIDTH]
    if offset + height * width > out_cells.size:
        return -1
    out_boxes[n, BOX_OFFSET] = offset
    out_boxes[n, BOX_HEIGHT] = height
    out_boxes[n, BOX_WIDTH] = width
    out_boxes[n, BOX_Y] = y
    out_boxes[n, BOX_X] = x
    return offset


@njit(cache=True)
def cut_part(
    a: Cells,
    y: int,
    x: int,
    top: int,
    left: int,
    height: int,
    width: int,
    n: int,
    out_cells: Cells,
    out_boxes: Numbers,
) -> int:
    """Copy a part with all that is in it; return -1 if there is no room."""
    offset = _open_box(n, height, width, y + top, x + left, out_cells, out_boxes)
    if offset < 0:
        return -1
    k = offset
    for r in range(top, top + height):
        for c in range(left, left + width):
            out_cells[k] = a[r, c]
            k += 1
    return offset


@njit(cache=True)
def split_colors(a: Cells, y: int, x: int, out_cells: Cells, out_boxes: Numbers) -> int:
    """Cut out one picture for each nonzero color, in the same box, ascending; see ``split_picture``."""
    height, width = a.shape
    present = 0
    for r in range(height):
        for c in range(width):
            present |= 1 << int(a[r, c])
    n = 0
    for color in range(1, 10):
        if (present >> color) & 1 == 0:
            continue
        k = _open_box(n, height, width, y, x, out_cells, out_boxes)
        if k < 0:
            return 0
        for r in range(height):
            for c in range(width):
                out_cells[k] = color if a[r, c] == color else 0
                k += 1
        n += 1
    return n


@njit(cache=True)
def split_regions(code: int, a: Cells, y: int, x: int, out_cells: Cells, out_boxes: Numbers, scratch: Numbers) -> int:
    """Cut out connected regions in reading order of their first cells; see ``split_picture``."""
    height, width = a.shape
    background = _most_common(a, scratch) if code == SPLIT_BACKGROUND else 0
    _mark_kinds(code, a, background, scratch)
    steps = 4 if code in (SPLIT_4, SPLIT_4_MIXED, SPLIT_HOLES, SPLIT_GAPS) else 8
    n = 0
    for r in range(height):
        for c in range(width):
            if scratch[(r + 1) * 32 + c + 1] == 0:
                continue
            count, top, left, bottom, right = _take_region(scratch, (r + 1) * 32 + c + 1, steps)
            if code == SPLIT_HOLES and (top == 0 or left == 0 or bottom == height or right == width):
                continue
            if code == SPLIT_BOXES:
                if cut_part(a, y, x, top, left, bottom - top, right - left, n, out_cells, out_boxes) < 0:
                    return 0
                n += 1
                continue
            offset = _open_box(n, bottom - top, right - left, y + top, x + left, out_cells, out_boxes)
            if offset < 0:
                return 0
            n += 1
            paint = 0
            if code == SPLIT_GAPS:
                paint = GAP_COLOR
            elif code == SPLIT_HOLES:
                paint = _color_around(a, scratch, count)
            _write_region(a, scratch, count, top, left, bottom - top, right - left, paint, out_cells, offset)
    return n


@njit(cache=True)
def _mark_kinds(code: int, a: Cells, background: int, scratch: Numbers) -> None:
    """Fill the padded frame: cells of equal number above 0 may belong together, 0 belongs to no region."""
    height, width = a.shape
    for k in range((height + 2) * 32):
        scratch[k] = 0
    for r in range(height):
        k = (r + 1) * 32 + 1
        for c in range(width):
            color = a[r, c]
            if code in (SPLIT_4, SPLIT_8, SPLIT_BOXES):
                scratch[k + c] = color
            elif code in (SPLIT_HOLES, SPLIT_GAPS):
                scratch[k + c] = 1 if color == 0 else 0
            else:
                scratch[k + c] = 1 if color != background else 0


@njit(cache=True)
def _most_common(a: Cells, scratch: Numbers) -> int:
    """Return the color of most cells, the lowest of several."""
    for color in range(10):
        scratch[_COUNTS + color] = 0
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            scratch[_COUNTS + int(a[r, c])] += 1
    best = 0
    for color in range(1, 10):
        if scratch[_COUNTS + color] > scratch[_COUNTS + best]:
            best = color
    return best


@njit(cache=True)
def _take_region(scratch: Numbers, start: int, steps: int) -> tuple[int, int, int, int, int]:
    """Move a region from the frame to the queue; return its number of cells and its box (top, left, bottom, right)."""
    kind = scratch[start]
    scratch[start] = 0
    scratch[_QUEUE] = start
    count, done = 1, 0
    top, left, bottom, right = 32, 32, 0, 0
    while done < count:
        here = scratch[_QUEUE + done]
        done += 1
        top, bottom = min(top, here >> 5), max(bottom, here >> 5)
        left, right = min(left, here & 31), max(right, here & 31)
        for k in range(steps):
            near = here + _STEPS[k]
            if scratch[near] == kind:
                scratch[near] = 0
                scratch[_QUEUE + count] = near
                count += 1
    return count, top - 1, left - 1, bottom, right


@njit(cache=True)
def _color_around(a: Cells, scratch: Numbers, count: int) -> int:
    """Return the nonzero color with most contacts to the queued region, which touches no side."""
    for color in range(10):
        scratch[_COUNTS + color] = 0
    for k in range(count):
        for s in range(4):
            near = scratch[_QUEUE + k] + _STEPS[s]
            scratch[_COUNTS + int(a[(near >> 5) - 1, (near & 31) - 1])] += 1
    best = 1
    for color in range(2, 10):
        if scratch[_COUNTS + color] > scratch[_COUNTS + best]:
            best = color
    return best


@njit(cache=True)
def _write_region(
    a: Cells,
    scratch: Numbers,
    count: int,
    top: int,
    left: int,
    height: int,
    width: int,
    paint: int,
    out_cells: Cells,
    offset: int,
) -> None:
    """Write the queued region into its box, in its own colors if ``paint`` is 0."""
    for k in range(offset, offset + height * width):
        out_cells[k] = 0
    for k in range(count):
        r, c = (scratch[_QUEUE + k] >> 5) - 1, (scratch[_QUEUE + k] & 31) - 1
        out_cells[offset + (r - top) * width + c - left] = paint if paint > 0 else a[r, c]
