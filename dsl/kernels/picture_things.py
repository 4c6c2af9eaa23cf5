"""Things of a picture: groups of its nonzero cells, for operations that compare one group with another.

``scratch`` gets the number of the thing on each cell, at ``LABELS`` plus 32 times the row plus the column, and the
cells of each thing, 32 times the row plus the column, in a queue. Further numbers of each thing have room at ``SEEN``,
``STATES`` and ``SCORES``.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.pictures_regions import LABELS, QUEUE, STARTS

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]

MAX_THINGS = 100
SEEN, STATES, SCORES = 0, 128, 256


@njit(cache=True)
def find_things(a: Cells, reach: int, scratch: Numbers) -> int:
    """Number the things in reading order and list their cells likewise; return how many, or more than ``MAX_THINGS``.

    Args:
        a: cells ``(h, w)``.
        reach: how far apart cells of one thing may lie; 0 for cells of one color side by side and what is in their box.
        scratch: work space.
    """
    h, w = a.shape
    for r in range(h):
        for c in range(w):
            scratch[LABELS + r * 32 + c] = 0
    count = 0
    for row in range(h):
        for column in range(w):
            if a[row, column] == 0 or scratch[LABELS + row * 32 + column] > 0:
                continue
            count += 1
            if count > MAX_THINGS:
                return count
            scratch[LABELS + row * 32 + column] = count
            scratch[0] = row * 32 + column
            depth = 1
            while depth > 0:
                depth -= 1
                r, c = scratch[depth] >> 5, scratch[depth] & 31
                step = max(1, reach)
                for y in range(max(0, r - step), min(h, r + step + 1)):
                    for x in range(max(0, c - step), min(w, c + step + 1)):
                        if a[y, x] == 0 or scratch[LABELS + y * 32 + x] > 0:
                            continue
                        if reach > 0 or (a[y, x] == a[r, c] and (y == r or x == c)):
                            scratch[LABELS + y * 32 + x] = count
                            scratch[depth] = y * 32 + x
                            depth += 1
    if reach == 0:
        count = fill_things(a, count, scratch)
    list_cells(a, count, scratch)
    return count


@njit(cache=True)
def fill_things(a: Cells, count: int, scratch: Numbers) -> int:
    """Let each thing of three cells or more, largest first, take all that is left in its box.

    Returns:
        How many there are; they are numbered anew in reading order.
    """
    h, w = a.shape
    for n in range(count + 1):
        scratch[SCORES + n] = 0
        scratch[STATES + n] = 0
    for r in range(h):
        for c in range(w):
            scratch[SCORES + scratch[LABELS + r * 32 + c]] += 1
    for _ in range(count):
        largest = 1
        for n in range(2, count + 1):
            if scratch[SCORES + n] > scratch[SCORES + largest]:
                largest = n
        if scratch[SCORES + largest] < 3:
            break
        scratch[SCORES + largest] = 0
        size, top, left, bottom, right = 0, 31, 31, -1, -1
        for r in range(h):
            for c in range(w):
                if scratch[LABELS + r * 32 + c] == largest:
                    size += 1
                    top, bottom, left, right = min(top, r), r, min(left, c), max(right, c)
        if size < 3:
            continue
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if scratch[LABELS + r * 32 + c] > 0:
                    scratch[LABELS + r * 32 + c] = -largest
    found = 0
    for r in range(h):
        for c in range(w):
            n = abs(scratch[LABELS + r * 32 + c])
            if n > 0 and scratch[STATES + n] == 0:
                found += 1
                scratch[STATES + n] = found
            scratch[LABELS + r * 32 + c] = scratch[STATES + n] if n > 0 else 0
    return found


@njit(cache=True)
def list_cells(a: Cells, count: int, scratch: Numbers) -> None:
    """Write the cells of thing n in reading order from ``STARTS + n`` of the queue up to ``STARTS + n + 1``."""
    h, w = a.shape
    for n in range(count + 2):
        scratch[STARTS + n] = 0
    for r in range(h):
        for c in range(w):
            n = scratch[LABELS + r * 32 + c]
            if n > 0:
                scratch[STARTS + n + 1] += 1
    for n in range(1, count + 1):
        scratch[SEEN + n] = scratch[STARTS + n]
        scratch[STARTS + n + 1] += scratch[STARTS + n]
    for r in range(h):
        for c in range(w):
            n = scratch[LABELS + r * 32 + c]
            if n > 0:
                scratch[QUEUE + scratch[SEEN + n]] = r * 32 + c
                scratch[SEEN + n] += 1
