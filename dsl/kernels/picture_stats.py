"""Measure a picture by the numbers that members of a list are picked and sorted by."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_list_codes import (
    NUM_STATS,
    STAT_AREA,
    STAT_BOTTOM,
    STAT_CELLS,
    STAT_COLORS,
    STAT_COMPONENTS,
    STAT_CONTENT_HASH,
    STAT_FULL,
    STAT_HEIGHT,
    STAT_HOLES,
    STAT_MAIN_COLOR,
    STAT_OTHER_CELLS,
    STAT_RIGHT,
    STAT_SHAPE_HASH,
    STAT_SYMMETRIC_DIAGONAL,
    STAT_SYMMETRIC_LR,
    STAT_SYMMETRIC_UD,
    STAT_SYMMETRY,
    STAT_WIDTH,
    STAT_X,
    STAT_Y,
    STAT_ZEROS,
)

__all__ = ["NUM_STATS", "picture_stats"]

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]

# Two polynomial hashes modulo primes below 2**31, side by side in one number of 62 bits: nothing overflows an int64,
# with or without compilation.
_FIRST_PRIME, _FIRST_FACTOR = 2147483647, 1402024253
_SECOND_PRIME, _SECOND_FACTOR = 2147483629, 1220703125
_CELLS_PER_WORD = 7

# Runs of nonzero cells: at most 15 in each of 30 rows.
_STARTS, _ENDS, _PARENTS, _NUM_SCRATCH = 16, 512, 1024, 1536


@njit(cache=True)
def picture_stats(a: Cells, y: int, x: int, out_stats: Numbers) -> None:
    """Measure a picture.

    Args:
        a: cells ``(h, w)``, 1..30 a side, values 0..9, C-contiguous.
        y: row of the top-left corner.
        x: column of the top-left corner.
        out_stats: ``(NUM_STATS,)``, receives the columns ``STAT_*``.
    """
    height, width = a.shape
    scratch = np.empty(_NUM_SCRATCH, np.int64)
    _measure_colors(a, scratch, out_stats)
    out_stats[STAT_AREA] = height * width
    out_stats[STAT_HEIGHT] = height
    out_stats[STAT_WIDTH] = width
    out_stats[STAT_Y] = y
    out_stats[STAT_X] = x
    out_stats[STAT_BOTTOM] = y + height
    out_stats[STAT_RIGHT] = x + width
    out_stats[STAT_COMPONENTS], out_stats[STAT_HOLES] = _count_components(a, scratch)
    _measure_symmetry(a, out_stats)
    out_stats[STAT_SHAPE_HASH], out_stats[STAT_CONTENT_HASH] = _hash_content(a)


@njit(cache=True)
def _measure_colors(a: Cells, scratch: Numbers, out_stats: Numbers) -> None:
    for color in range(10):
        scratch[color] = 0
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            scratch[int(a[r, c])] += 1
    cells, colors, main = 0, 0, 0
    for color in range(1, 10):
        count = scratch[color]
        if count == 0:
            continue
        cells += count
        colors += 1
        if main == 0 or count > scratch[main]:
            main = color
    out_stats[STAT_CELLS] = cells
    out_stats[STAT_ZEROS] = scratch[0]
    out_stats[STAT_FULL] = 1 if scratch[0] == 0 else 0
    out_stats[STAT_COLORS] = colors
    out_stats[STAT_MAIN_COLOR] = main
    out_stats[STAT_OTHER_CELLS] = cells - scratch[main] if main > 0 else 0


@njit(cache=True)
def _count_components(a: Cells, scratch: Numbers) -> tuple[int, int]:
    """Return the number of 8-connected components of nonzero cells, and of the regions of zeros they enclose.

    Runs of a row are joined with the runs that they touch in the row above. A touch of two runs that were connected
    already closes a ring around one enclosed region; this holds because zeros connect by sides only.
    """
    height, width = a.shape
    components, holes, total, first_above = 0, 0, 0, 0
    for r in range(height):
        first = total
        c = 0
        while c < width:
            if a[r, c] == 0:
                c += 1
                continue
            scratch[_STARTS + total] = c
            while c < width and a[r, c] != 0:
                c += 1
            scratch[_ENDS + total] = c
            scratch[_PARENTS + total] = total
            total += 1
        components += total - first
        above = first_above
        for run in range(first, total):
            while above < first and scratch[_ENDS + above] < scratch[_STARTS + run]:
                above += 1
            other = above
            while other < first and scratch[_STARTS + other] <= scratch[_ENDS + run]:
                root, other_root = _root(scratch, run), _root(scratch, other)
                if root == other_root:
                    holes += 1
                else:
                    scratch[_PARENTS + root] = other_root
                    components -= 1
                other += 1
        first_above = first
    return components, holes


@njit(cache=True)
def _root(scratch: Numbers, run: int) -> int:
    while scratch[_PARENTS + run] != run:
        scratch[_PARENTS + run] = scratch[_PARENTS + scratch[_PARENTS + run]]
        run = scratch[_PARENTS + run]
    return run


@njit(cache=True)
def _measure_symmetry(a: Cells, out_stats: Numbers) -> None:
    height, width = a.shape
    left_right, up_down, diagonal = 1, 1, 1 if height == width else 0
    for r in range(height):
        for c in range(width // 2):
            if a[r, c] != a[r, width - 1 - c]:
                left_right = 0
                break
        if left_right == 0:
            break
    for r in range(height // 2):
        for c in range(width):
            if a[r, c] != a[height - 1 - r, c]:
                up_down = 0
                break
        if up_down == 0:
            break
    if diagonal == 1:
        for r in range(height):
            for c in range(r):
                if a[r, c] != a[c, r]:
                    diagonal = 0
                    break
            if diagonal == 0:
                break
    out_stats[STAT_SYMMETRIC_LR] = left_right
    out_stats[STAT_SYMMETRIC_UD] = up_down
    out_stats[STAT_SYMMETRIC_DIAGONAL] = diagonal
    out_stats[STAT_SYMMETRY] = left_right + up_down + diagonal


@njit(cache=True)
def _hash_content(a: Cells) -> tuple[int, int]:
    """Hash the box around the nonzero cells: which cells they are, and with their colors."""
    height, width = a.shape
    top, left, bottom, right = height, width, 0, 0
    for r in range(height):
        for c in range(width):
            if a[r, c] != 0:
                top, bottom = min(top, r), r + 1
                left, right = min(left, c), max(right, c + 1)
    size = (bottom - top) * 32 + right - left if bottom > 0 else 0
    shape_first, shape_second = size + 1, size + 1
    first, second = size + 1, size + 1
    word, filled = 0, 0
    for r in range(top, bottom):
        row = 0
        for c in range(left, right):
            color = int(a[r, c])
            row = row * 2 + (1 if color > 0 else 0)
            word = word * 16 + color
            filled += 1
            if filled == _CELLS_PER_WORD:
                first = (first * _FIRST_FACTOR + word) % _FIRST_PRIME
                second = (second * _SECOND_FACTOR + word) % _SECOND_PRIME
                word, filled = 0, 0
        shape_first = (shape_first * _FIRST_FACTOR + row) % _FIRST_PRIME
        shape_second = (shape_second * _SECOND_FACTOR + row) % _SECOND_PRIME
    first = (first * _FIRST_FACTOR + word) % _FIRST_PRIME
    second = (second * _SECOND_FACTOR + word) % _SECOND_PRIME
    return (shape_first << 31) | shape_second, (first << 31) | second
