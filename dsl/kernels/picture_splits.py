"""Split one picture into a list of pictures: by color, by connected region, or along lines.

The idea of a search over pictures and lists of pictures is Wind 2020 ("icecuber", ARC Kaggle write-up).
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_list_codes import (
    MAX_MARKED,
    SPLIT_BLANK,
    SPLIT_COLORS,
    SPLIT_COLUMNS,
    SPLIT_GAPS,
    SPLIT_HALVES_ACROSS,
    SPLIT_HALVES_DOWN,
    SPLIT_MARKED,
    SPLIT_PANELS,
    SPLIT_QUARTERS,
    SPLIT_ROWS,
    SPLIT_SQUARES,
    SPLIT_THIRDS_ACROSS,
    SPLIT_THIRDS_DOWN,
)
from dsl.kernels.picture_split_regions import cut_part, split_colors, split_regions

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]

# Places in the scratch buffer.
_RECTANGLES = 1024
_COUNTS = 2048
_MIXED = 10
"""Stands for the color of a line of several colors."""


@njit(cache=True, inline="always")
def split_picture(code: int, a: Cells, y: int, x: int, out_cells: Cells, out_boxes: Numbers, scratch: Numbers) -> int:
    """Split a picture and return the number of parts, 0 if there is no result.

    Args:
        code: one of ``SPLIT_*``.
        a: cells ``(h, w)``, 1..30 a side, values 0..9, C-contiguous.
        y: row of the top-left corner; the places of the parts are relative to the same frame.
        x: column of the top-left corner.
        out_cells: receives the cells of the parts, flat; when they do not fit there is no result.
        out_boxes: ``(64, 5)``, receives offset, height, width, y and x of the parts; more than 64 are no result.
        scratch: 8192 numbers, overwritten.
    """
    if code == SPLIT_COLORS:
        return split_colors(a, y, x, out_cells, out_boxes)
    if code <= SPLIT_GAPS:
        return split_regions(code, a, y, x, out_cells, out_boxes, scratch)
    if code in (SPLIT_PANELS, SPLIT_BLANK):
        return _split_panels(code, a, y, x, out_cells, out_boxes, scratch)
    if code == SPLIT_MARKED:
        return _split_marked(a, y, x, out_cells, out_boxes, scratch)
    rows, columns = _lattice_of(code, a.shape[0], a.shape[1])
    if rows == 0 or a.shape[0] % rows != 0 or a.shape[1] % columns != 0:
        return 0
    height, width = a.shape[0] // rows, a.shape[1] // columns
    n = 0
    for row in range(rows):
        for column in range(columns):
            if cut_part(a, y, x, row * height, column * width, height, width, n, out_cells, out_boxes) < 0:
                return 0
            n += 1
    return n


@njit(cache=True)
def _lattice_of(code: int, height: int, width: int) -> tuple[int, int]:
    """Return how many rows and columns of equal parts a code asks for; rows 0 if the sides do not allow it."""
    if code == SPLIT_ROWS:
        return height, 1
    if code == SPLIT_COLUMNS:
        return 1, width
    if code == SPLIT_HALVES_ACROSS:
        return 1, 2
    if code == SPLIT_HALVES_DOWN:
        return 2, 1
    if code == SPLIT_THIRDS_ACROSS:
        return 1, 3
    if code == SPLIT_THIRDS_DOWN:
        return 3, 1
    if code == SPLIT_QUARTERS:
        return 2, 2
    if code == SPLIT_SQUARES:
        if height == width:
            for side in range(2, 6):
                if side * side == height:
                    return side, side
        elif width % height == 0:
            return 1, width // height
        elif height % width == 0:
            return height // width, 1
    return 0, 0


@njit(cache=True)
def _split_panels(code: int, a: Cells, y: int, x: int, out_cells: Cells, out_boxes: Numbers, scratch: Numbers) -> int:
    """Cut along the lines of the color that most lines have, or along black lines; see ``split_picture``."""
    height, width = a.shape
    _full_lines(a, scratch)
    best = 0
    for color in range(1, 10 if code == SPLIT_PANELS else 1):
        if scratch[_COUNTS + color] > (scratch[_COUNTS + best] if best > 0 else 0):
            best = color
    if best == 0 and code == SPLIT_PANELS:
        return 0
    n = 0
    top = 0
    while top < height:
        bottom = top
        while bottom < height and scratch[bottom] != best:
            bottom += 1
        left = 0
        while left < width and bottom > top:
            right = left
            while right < width and scratch[32 + right] != best:
                right += 1
            if right > left:
                if cut_part(a, y, x, top, left, bottom - top, right - left, n, out_cells, out_boxes) < 0:
                    return 0
                n += 1
            left = right + 1
        top = bottom + 1
    return n if n >= 2 else 0


@njit(cache=True)
def _full_lines(a: Cells, scratch: Numbers) -> None:
    """Write the color of each row (or ``_MIXED``) from 0 on, of each column from 32 on, and count the colors."""
    height, width = a.shape
    for color in range(_MIXED + 1):
        scratch[_COUNTS + color] = 0
    for r in range(height):
        color = int(a[r, 0])
        for c in range(1, width):
            if a[r, c] != color:
                color = _MIXED
                break
        scratch[r] = color
        scratch[_COUNTS + color] += 1
    for c in range(width):
        color = int(a[0, c])
        for r in range(1, height):
            if a[r, c] != color:
                color = _MIXED
                break
        scratch[32 + c] = color
        scratch[_COUNTS + color] += 1


@njit(cache=True)
def _split_marked(a: Cells, y: int, x: int, out_cells: Cells, out_boxes: Numbers, scratch: Numbers) -> int:
    found = _find_marked(a, scratch)
    n = 0
    for k in range(found):
        top, left, bottom, right = _corners(scratch[_RECTANGLES + k])
        height, width = bottom - top - 1, right - left - 1
        if cut_part(a, y, x, top + 1, left + 1, height, width, n, out_cells, out_boxes) < 0:
            return 0
        n += 1
    return n


@njit(cache=True)
def _corners(packed: int) -> tuple[int, int, int, int]:
    return packed >> 15, (packed >> 10) & 31, (packed >> 5) & 31, packed & 31


@njit(cache=True)
def _find_marked(a: Cells, scratch: Numbers) -> int:
    """Queue the maximal rectangles with corners of one color, packed, in reading order; return how many (0: too many).

    For two rows and a color only the widest rectangle can be maximal. Taller ones come first, so that a rectangle that
    was kept can be displaced only by one between the same two rows.
    """
    height, width = a.shape
    for k in range(10 * 32):
        scratch[k] = 0
    for r in range(height):
        for c in range(width):
            scratch[int(a[r, c]) * 32 + r] |= 1 << c
    found = 0
    for span in range(height - 1, 1, -1):
        for top in range(height - span):
            first = found
            for color in range(1, 10):
                both = scratch[color * 32 + top] & scratch[color * 32 + top + span]
                if both & (both - 1) == 0:
                    continue
                left, right = 0, width - 1
                while (both >> left) & 1 == 0:
                    left += 1
                while (both >> right) & 1 == 0:
                    right -= 1
                if right - left >= 2:
                    found = _keep_maximal(scratch, found, first, top, left, top + span, right)
            if found > MAX_MARKED:
                return 0
    for k in range(1, found):
        packed, place = scratch[_RECTANGLES + k], _RECTANGLES + k
        while place > _RECTANGLES and scratch[place - 1] > packed:
            scratch[place] = scratch[place - 1]
            place -= 1
        scratch[place] = packed
    return found


@njit(cache=True)
def _keep_maximal(scratch: Numbers, found: int, first: int, top: int, left: int, bottom: int, right: int) -> int:
    """Add a rectangle unless an earlier one holds it; drop those from ``first`` on that it holds; return how many."""
    for k in range(found):
        old_top, old_left, old_bottom, old_right = _corners(scratch[_RECTANGLES + k])
        if old_top <= top and old_left <= left and old_bottom >= bottom and old_right >= right:
            return found
    kept = first
    for k in range(first, found):
        _, old_left, _, old_right = _corners(scratch[_RECTANGLES + k])
        if old_left < left or old_right > right:
            scratch[_RECTANGLES + kept] = scratch[_RECTANGLES + k]
            kept += 1
    scratch[_RECTANGLES + kept] = ((top * 32 + left) * 32 + bottom) * 32 + right
    return kept + 1
