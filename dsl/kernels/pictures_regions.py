"""Operations on pictures that look at neighbors: holes, borders, growth, components; and the board they work on.

``scratch`` (4096 numbers) holds four parts: a board of 32 x 32 with the picture at (1, 1) inside a ring of one value,
so that a step is one addition and no side needs a check; a queue of places on the board; a board of component numbers;
and where each component starts in the queue, with the count of each color at its end.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels import picture_codes as codes
from dsl.kernels.cache import njit

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]

QUEUE, LABELS, STARTS, ORDER, SHIFTS, COLORS = 1024, 2048, 3072, 3400, 3700, 4080
SIDE, SEEN = 255, 100
STEPS = np.array([-32, 1, 32, -1, -31, 33, 31, -33], dtype=np.int64)
"""Steps on the board: up, right, down, left, then the diagonals clockwise from up right."""


@njit(cache=True)
def pad(a: Cells, ring: int, scratch: Numbers) -> None:
    """Lay the picture on the board, inside a ring of one value."""
    h, w = a.shape
    last = (h + 1) * 32
    for c in range(w + 2):
        scratch[c] = ring
        scratch[last + c] = ring
    for r in range(h):
        row = (r + 1) * 32
        scratch[row] = ring
        for c in range(w):
            scratch[row + 1 + c] = a[r, c]
        scratch[row + w + 1] = ring


@njit(cache=True)
def most_common(scratch: Numbers) -> int:
    """Return the nonzero color with the highest count, the lower number on a tie; 0 if all counts are 0."""
    best = 0
    most = 0
    for color in range(1, 10):
        if scratch[COLORS + color] > most:
            most = scratch[COLORS + color]
            best = color
    return best


@njit(cache=True)
def main_color(a: Cells, scratch: Numbers) -> int:
    """Count the colors into ``scratch`` and return the most common nonzero one; 0 for an all-black picture."""
    h, w = a.shape
    for color in range(10):
        scratch[COLORS + color] = 0
    for r in range(h):
        for c in range(w):
            scratch[COLORS + np.int64(a[r, c])] += 1
    return most_common(scratch)


@njit(cache=True)
def label(a: Cells, neighbors: int, same_color: bool, scratch: Numbers) -> int:
    """Number the components of nonzero cells from 1 in reading order; return how many there are.

    The cells of component n lie in the queue from ``STARTS + n`` up to, not including, ``STARTS + n + 1``.
    """
    h, w = a.shape
    pad(a, 0, scratch)
    for r in range(h):
        for c in range(w):
            scratch[LABELS + (r + 1) * 32 + c + 1] = 0
    count = 0
    end = 0
    for r in range(h):
        for c in range(w):
            place = (r + 1) * 32 + c + 1
            if scratch[place] == 0 or scratch[LABELS + place] > 0:
                continue
            count += 1
            scratch[STARTS + count] = end
            scratch[LABELS + place] = count
            scratch[QUEUE + end] = place
            head = end
            end += 1
            while head < end:
                here = scratch[QUEUE + head]
                head += 1
                for k in range(neighbors):
                    there = here + STEPS[k]
                    if scratch[there] == 0 or scratch[LABELS + there] > 0:
                        continue
                    if same_color and scratch[there] != scratch[here]:
                        continue
                    scratch[LABELS + there] = count
                    scratch[QUEUE + end] = there
                    end += 1
    scratch[STARTS + count + 1] = end
    return count


@njit(cache=True)
def fill_holes(a: Cells, y: int, x: int, neighbors: int, whole: bool, out: Cells, scratch: Numbers) -> Result:
    """Fill each region of zeros that does not reach the side with the color most common among its 4-neighbors."""
    h, w = a.shape
    pad(a, SIDE, scratch)
    for r in range(h):
        for c in range(w):
            out[r * w + c] = a[r, c] if whole else 0
    for r in range(1, h - 1):
        for c in range(1, w - 1):
            place = (r + 1) * 32 + c + 1
            if scratch[place] != 0:
                continue
            for color in range(10):
                scratch[COLORS + color] = 0
            scratch[place] = SEEN
            scratch[QUEUE] = place
            head, end, enclosed = 0, 1, True
            while head < end:
                here = scratch[QUEUE + head]
                head += 1
                for k in range(neighbors):
                    there = here + STEPS[k]
                    cell = scratch[there]
                    if cell == 0:
                        scratch[there] = SEEN
                        scratch[QUEUE + end] = there
                        end += 1
                    elif cell == SIDE:
                        enclosed = False
                    elif cell != SEEN and k < 4:
                        scratch[COLORS + cell] += 1
            if enclosed:
                color = most_common(scratch)
                for i in range(end):
                    here = scratch[QUEUE + i]
                    out[((here >> 5) - 1) * w + (here & 31) - 1] = color
    return h, w, y, x


@njit(cache=True)
def border_cells(a: Cells, y: int, x: int, beyond: int, border: bool, out: Cells, scratch: Numbers) -> Result:
    """Keep the nonzero cells with a zero among their 8 neighbors, or those without; ``beyond`` stands outside."""
    h, w = a.shape
    pad(a, beyond, scratch)
    for r in range(h):
        for c in range(w):
            place = (r + 1) * 32 + c + 1
            at_border = False
            for k in range(8):
                if scratch[place + STEPS[k]] == 0:
                    at_border = True
            out[r * w + c] = a[r, c] if at_border == border else 0
    return h, w, y, x


@njit(cache=True)
def outline(a: Cells, y: int, x: int, neighbors: int, whole: bool, out: Cells, scratch: Numbers) -> Result:
    """Color the zero cells next to a nonzero one like the first such neighbor, in the order of ``STEPS``."""
    h, w = a.shape
    pad(a, 0, scratch)
    for r in range(h):
        for c in range(w):
            place = (r + 1) * 32 + c + 1
            color = scratch[place]
            if color != 0:
                out[r * w + c] = color if whole else 0
                continue
            for k in range(neighbors):
                color = scratch[place + STEPS[k]]
                if color != 0:
                    break
            out[r * w + c] = color
    return h, w, y, x


@njit(cache=True)
def spread(a: Cells, y: int, x: int, neighbors: int, out: Cells, scratch: Numbers) -> Result:
    """Let colors flow into zero cells at the same pace; what comes first in reading order flows first."""
    h, w = a.shape
    pad(a, SIDE, scratch)
    end = 0
    for r in range(h):
        for c in range(w):
            if a[r, c] != 0:
                scratch[QUEUE + end] = (r + 1) * 32 + c + 1
                end += 1
    head = 0
    while head < end:
        here = scratch[QUEUE + head]
        head += 1
        for k in range(neighbors):
            there = here + STEPS[k]
            if scratch[there] == 0:
                scratch[there] = scratch[here]
                scratch[QUEUE + end] = there
                end += 1
    for r in range(h):
        for c in range(w):
            out[r * w + c] = scratch[(r + 1) * 32 + c + 1]
    return h, w, y, x


@njit(cache=True)
def single_cells(a: Cells, y: int, x: int, keep: bool, out: Cells, scratch: Numbers) -> Result:
    """Keep, or delete, the cells with none of their color among their 8 neighbors."""
    h, w = a.shape
    pad(a, 0, scratch)
    for r in range(h):
        for c in range(w):
            place = (r + 1) * 32 + c + 1
            alone = True
            for k in range(8):
                if scratch[place + STEPS[k]] == scratch[place]:
                    alone = False
            out[r * w + c] = a[r, c] if alone == keep else 0
    return h, w, y, x


@njit(cache=True)
def largest(a: Cells, y: int, x: int, keep: bool, out: Cells, scratch: Numbers) -> Result:
    """Keep, or delete, the largest 8-connected component of nonzero cells, the first of equals."""
    h, w = a.shape
    count = label(a, 8, False, scratch)
    best = 0
    most = 0
    for n in range(1, count + 1):
        size = scratch[STARTS + n + 1] - scratch[STARTS + n]
        if size > most:
            most = size
            best = n
    if best == 0:
        return 0, 0, 0, 0
    for r in range(h):
        for c in range(w):
            inside = scratch[LABELS + (r + 1) * 32 + c + 1] == best
            out[r * w + c] = a[r, c] if inside == keep else 0
    return h, w, y, x


@njit(cache=True)
def count_things(a: Cells, thing: int, shape: int, out: Cells, scratch: Numbers) -> Result:
    """Draw a number as n x n, n x 1, 1 x n or the diagonal of n x n, in the main color.

    Args:
        a: cells ``(h, w)``.
        thing: 0 nonzero cells, 1 nonzero colors, 2 8-connected components, 3 4-connected components of one color.
        shape: 0 square, 1 rows, 2 columns, 3 diagonal.
        out: receives the cells.
        scratch: work space.
    """
    if thing == 2:
        n = label(a, 8, False, scratch)
    elif thing == 3:
        n = label(a, 4, True, scratch)
    else:
        n = 0
    color = main_color(a, scratch)
    if thing < 2:
        for k in range(1, 10):
            n += scratch[COLORS + k] if thing == 0 else min(1, scratch[COLORS + k])
    if n == 0 or n > 30:
        return 0, 0, 0, 0
    height = 1 if shape == 2 else n
    width = 1 if shape == 1 else n
    for r in range(height):
        for c in range(width):
            out[r * width + c] = color if shape < 3 or r == c else 0
    return height, width, 0, 0


@njit(cache=True)
def at_side(a: Cells, y: int, x: int, keep: bool, out: Cells, scratch: Numbers) -> Result:
    """Keep, or delete, the 8-connected components that touch the side: cut off things against whole things."""
    h, w = a.shape
    count = label(a, 8, False, scratch)
    for n in range(1, count + 1):
        touches = False
        for j in range(scratch[STARTS + n], scratch[STARTS + n + 1]):
            r, c = (scratch[QUEUE + j] >> 5) - 1, (scratch[QUEUE + j] & 31) - 1
            if r == 0 or c == 0 or r == h - 1 or c == w - 1:
                touches = True
        scratch[ORDER + n] = 1 if touches == keep else 0
    for r in range(h):
        for c in range(w):
            n = scratch[LABELS + (r + 1) * 32 + c + 1]
            out[r * w + c] = a[r, c] if n > 0 and scratch[ORDER + n] == 1 else 0
    return h, w, y, x


@njit(cache=True)
def fill_boxes(a: Cells, y: int, x: int, whole: bool, out: Cells, scratch: Numbers) -> Result:
    """Fill the zero cells in the bounding box of each 8-connected component with its main color, the first one wins."""
    h, w = a.shape
    count = label(a, 8, False, scratch)
    for r in range(h):
        for c in range(w):
            out[r * w + c] = a[r, c]
    for n in range(1, count + 1):
        for color in range(10):
            scratch[COLORS + color] = 0
        top, left, bottom, right = 31, 31, 0, 0
        for j in range(scratch[STARTS + n], scratch[STARTS + n + 1]):
            here = scratch[QUEUE + j]
            scratch[COLORS + scratch[here]] += 1
            top, bottom = min(top, (here >> 5) - 1), max(bottom, (here >> 5) - 1)
            left, right = min(left, (here & 31) - 1), max(right, (here & 31) - 1)
        color = most_common(scratch)
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if out[r * w + c] == 0:
                    out[r * w + c] = color
    if not whole:
        for r in range(h):
            for c in range(w):
                if a[r, c] != 0:
                    out[r * w + c] = 0
    return h, w, y, x


@njit(cache=True)
def apply_region(code: int, arg: int, a: Cells, y: int, x: int, out: Cells, scratch: Numbers) -> Result:
    """Apply an operation from ``FILL_HOLES`` to ``FILL_BOXES``."""
    if code <= codes.GROW:
        if code <= codes.INTERIOR:
            return fill_holes(a, y, x, 8 if arg == 1 else 4, code == codes.FILL_HOLES, out, scratch)
        if code <= codes.INNER_CELLS:
            beyond = 10 if code == codes.BORDER_CELLS and arg == 1 else 0
            return border_cells(a, y, x, beyond, code == codes.BORDER_CELLS, out, scratch)
        return outline(a, y, x, 4 if arg == 1 else 8, code == codes.GROW, out, scratch)
    if code == codes.SPREAD:
        return spread(a, y, x, 8 if arg == 1 else 4, out, scratch)
    if code == codes.DROP_SMALL:
        if arg < 2:
            return single_cells(a, y, x, arg == 1, out, scratch)
        return largest(a, y, x, arg == 2, out, scratch)
    if code == codes.COUNT:
        return count_things(a, arg // 4, arg % 4, out, scratch)
    if code == codes.AT_SIDE:
        return at_side(a, y, x, arg == 0, out, scratch)
    return fill_boxes(a, y, x, arg == 0, out, scratch)
