"""Operations on pictures along rows, columns and diagonals: order, falls, rays, connections, periods."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels import picture_codes as codes
from dsl.kernels.cache import njit
from dsl.kernels.pictures_geometry import cut_window
from dsl.kernels.pictures_regions import LABELS, ORDER, QUEUE, SHIFTS, SIDE, STARTS, STEPS, label, pad

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]

CARRIED = 2048
SMEARED = np.array([1, 2, 4, 8, 5, 10, 16, 32, 64, 128, 80, 160, 15, 240, 255], dtype=np.int64)
"""For each argument of ``SMEAR`` the set of directions, bit k for ``STEPS[k]``."""


@njit(cache=True)
def sort_lines(a: Cells, y: int, x: int, columns: bool, descending: bool, out: Cells, scratch: Numbers) -> Result:
    """Sort rows, or columns, by their number of nonzero cells; equal ones keep their order."""
    h, w = a.shape
    lines = w if columns else h
    for i in range(lines):
        scratch[i] = 0
    for r in range(h):
        for c in range(w):
            if a[r, c] != 0:
                scratch[c if columns else r] += 1
    target = 0
    for i in range(31):
        count = 30 - i if descending else i
        for line in range(lines):
            if scratch[line] != count:
                continue
            if columns:
                for r in range(h):
                    out[r * w + target] = a[r, line]
            else:
                for c in range(w):
                    out[target * w + c] = a[line, c]
            target += 1
    return h, w, y, x


@njit(cache=True)
def gravity(a: Cells, y: int, x: int, direction: int, out: Cells) -> Result:
    """Let each nonzero cell fall up, right, down or left over zeros."""
    h, w = a.shape
    for i in range(h * w):
        out[i] = 0
    vertical = direction % 2 == 0
    forward = direction == 0 or direction == 3
    lines, length = (w, h) if vertical else (h, w)
    for line in range(lines):
        filled = 0
        for i in range(length):
            place = i if forward else length - 1 - i
            color = a[place, line] if vertical else a[line, place]
            if color == 0:
                continue
            target = filled if forward else length - 1 - filled
            filled += 1
            out[target * w + line if vertical else line * w + target] = color
    return h, w, y, x


@njit(cache=True)
def fall(a: Cells, y: int, x: int, direction: int, out: Cells, scratch: Numbers) -> Result:
    """Let 8-connected components fall as rigid bodies, those nearest to the wall first, until none can move."""
    h, w = a.shape
    count = label(a, 8, False, scratch)
    for c in range(w + 2):
        scratch[LABELS + c] = -1
        scratch[LABELS + (h + 1) * 32 + c] = -1
    for r in range(h + 2):
        scratch[LABELS + r * 32] = -1
        scratch[LABELS + r * 32 + w + 1] = -1
    for n in range(count + 1):
        scratch[SHIFTS + n] = -1
    vertical = direction % 2 == 0
    lines, length = (h, w) if vertical else (w, h)
    found = 0
    for i in range(lines):
        line = i if direction == 0 or direction == 3 else lines - 1 - i
        for j in range(length):
            place = (line + 1) * 32 + j + 1 if vertical else (j + 1) * 32 + line + 1
            n = scratch[LABELS + place]
            if n > 0 and scratch[SHIFTS + n] < 0:
                scratch[SHIFTS + n] = 0
                scratch[ORDER + found] = n
                found += 1
    step = STEPS[direction]
    moved = True
    while moved:
        moved = False
        for i in range(count):
            n = scratch[ORDER + i]
            start, end = scratch[STARTS + n], scratch[STARTS + n + 1]
            shift = step * scratch[SHIFTS + n]
            free = 31
            for j in range(start, end):
                there = LABELS + scratch[QUEUE + j] + shift + step
                steps = 0
                while scratch[there] == 0:
                    steps += 1
                    there += step
                if scratch[there] != n and steps < free:
                    free = steps
            if free == 0:
                continue
            moved = True
            scratch[SHIFTS + n] += free
            for j in range(start, end):
                scratch[LABELS + scratch[QUEUE + j] + shift] = 0
            for j in range(start, end):
                scratch[LABELS + scratch[QUEUE + j] + shift + step * free] = n
    for i in range(h * w):
        out[i] = 0
    for n in range(1, count + 1):
        shift = step * scratch[SHIFTS + n]
        for j in range(scratch[STARTS + n], scratch[STARTS + n + 1]):
            here = scratch[QUEUE + j]
            there = here + shift
            out[((there >> 5) - 1) * w + (there & 31) - 1] = scratch[here]
    return h, w, y, x


@njit(cache=True)
def smear(a: Cells, y: int, x: int, directions: int, out: Cells, scratch: Numbers) -> Result:
    """Let each nonzero cell's color run over zero cells; of two that reach a cell, the first direction's stays.

    The first directions are up, right, down, left, then the diagonals clockwise from up right.

    Args:
        a: cells ``(h, w)``.
        y: row of the picture.
        x: column of the picture.
        directions: bit k set for ``STEPS[k]``.
        out: receives the cells.
        scratch: work space.
    """
    h, w = a.shape
    pad(a, 0, scratch)
    pad(a, 0, scratch[CARRIED:])
    for r in range(h):
        for c in range(w):
            out[r * w + c] = a[r, c]
    for k in range(8):
        if (directions >> k) & 1 == 0:
            continue
        step = STEPS[k]
        for i in range(h):
            r = i if step > 1 else h - 1 - i
            for j in range(w):
                c = w - 1 - j if step == -1 else j
                place = (r + 1) * 32 + c + 1
                color = scratch[place]
                if color == 0:
                    color = scratch[CARRIED + place - step]
                    if color != 0 and out[r * w + c] == 0:
                        out[r * w + c] = color
                scratch[CARRIED + place] = color
    return h, w, y, x


@njit(cache=True)
def connect(a: Cells, y: int, x: int, kind: int, out: Cells, scratch: Numbers) -> Result:
    """Color the zero cells between two cells of one color: 0 in rows, 1 in columns, 2 both, 3 on diagonals."""
    h, w = a.shape
    pad(a, SIDE, scratch)
    for r in range(h):
        for c in range(w):
            out[r * w + c] = a[r, c]
    for turn in range(2):
        if kind < 2 and turn != kind:
            continue
        step, move = (1, 1) if turn == 0 else (32, w)
        if kind == 3:
            step, move = (33, w + 1) if turn == 0 else (31, w - 1)
        for r in range(h):
            for c in range(w):
                if a[r, c] == 0:
                    continue
                place = (r + 1) * 32 + c + 1
                there = place + step
                while scratch[there] == 0:
                    there += step
                if scratch[there] != scratch[place]:
                    continue
                target = r * w + c + move
                place += step
                while place != there:
                    if out[target] == 0:
                        out[target] = scratch[there]
                    target += move
                    place += step
    return h, w, y, x


@njit(cache=True)
def fit_period(a: Cells, rows: int, columns: int, scratch: Numbers) -> int:
    """Gather a tile of nonzero colors into ``scratch``: 0 cells contradict, 1 it has black cells, 2 it is complete."""
    h, w = a.shape
    for i in range(rows * columns):
        scratch[i] = 0
    missing = rows * columns
    base = 0
    for r in range(h):
        column = 0
        for c in range(w):
            color = a[r, c]
            if color != 0:
                seen = scratch[base + column]
                if seen == 0:
                    scratch[base + column] = color
                    missing -= 1
                elif seen != color:
                    return 0
            column += 1
            if column == columns:
                column = 0
        base += columns
        if base == rows * columns:
            base = 0
    return 2 if missing == 0 else 1


@njit(cache=True)
def possible_periods(a: Cells, downwards: bool, scratch: Numbers) -> int:
    """Return the set of periods along rows, or columns, that contradict nothing there: bit p for period p.

    A period is ruled out by two different colors at a multiple of it. The colors of a line are sets of places (bits),
    so that one shift compares all cells at a distance.
    """
    h, w = a.shape
    lines, length = (w, h) if downwards else (h, w)
    clashes = 0
    for line in range(lines):
        for color in range(10):
            scratch[color] = 0
        for i in range(length):
            color = a[i, line] if downwards else a[line, i]
            scratch[color] |= 1 << i
        colored = (1 << length) - 1 - scratch[0]
        for color in range(1, 10):
            mask = scratch[color]
            if mask == 0 or mask == colored:
                continue
            others = colored - mask
            for distance in range(1, length):
                if mask & (others >> distance):
                    clashes |= 1 << distance
    possible: int = 1 << length
    for period in range(1, length):
        distance = period
        while distance < length and (clashes >> distance) & 1 == 0:
            distance += period
        if distance >= length:
            possible |= 1 << period
    return possible


@njit(cache=True)
def smallest_tile(a: Cells, kind: int, scratch: Numbers) -> Result:
    """Return height and width of the smallest tile, less than the picture, that repeats without contradiction."""
    h, w = a.shape
    right = possible_periods(a, False, scratch) if kind != 1 else 1 << w
    down = possible_periods(a, True, scratch) if kind != 0 else 1 << h
    best = 1
    for r in range(h):
        for c in range(w):
            if a[r, c] != 0:
                best += 1
    best, best_rows, best_columns = min(best, h * w), 0, 0
    for rows in range(1, h + 1):
        if (down >> rows) & 1 == 0:
            continue
        for columns in range(1, w + 1):
            if rows * columns >= best:
                break
            if (right >> columns) & 1 == 1 and fit_period(a, rows, columns, scratch) == 2:
                best, best_rows, best_columns = rows * columns, rows, columns
    return best_rows, best_columns, 0, 0


@njit(cache=True)
def continue_period(a: Cells, y: int, x: int, kind: int, out: Cells, scratch: Numbers) -> Result:
    """Fill the zero cells from the smallest period rightwards (0), downwards (1) or of a tile (2)."""
    h, w = a.shape
    rows, columns, _, _ = smallest_tile(a, kind, scratch)
    if rows == 0:
        return 0, 0, 0, 0
    fit_period(a, rows, columns, scratch)
    for r in range(h):
        base = (r % rows) * columns
        for c in range(w):
            out[r * w + c] = scratch[base + c % columns]
    return h, w, y, x


@njit(cache=True)
def continue_diagonals(a: Cells, y: int, x: int, falling: bool, out: Cells, scratch: Numbers) -> Result:
    """Fill the zero cells from the fewest colors that take turns from one diagonal, rising or falling, to the next."""
    h, w = a.shape
    for period in range(1, h + w - 1):
        for i in range(period):
            scratch[i] = 0
        missing = period
        for r in range(h):
            for c in range(w):
                place = (r - c + 30 * period if falling else r + c) % period
                if a[r, c] != 0 and scratch[place] != a[r, c]:
                    missing = missing - 1 if scratch[place] == 0 else -h * w
                    scratch[place] = a[r, c]
        if missing == 0:
            for r in range(h):
                for c in range(w):
                    out[r * w + c] = scratch[(r - c + 30 * period if falling else r + c) % period]
            return h, w, y, x
    return 0, 0, 0, 0


@njit(cache=True)
def apply_line(code: int, arg: int, a: Cells, y: int, x: int, out: Cells, scratch: Numbers) -> Result:
    """Apply an operation from ``LINES`` to ``FALL``."""
    if code <= codes.GRAVITY:
        if code == codes.LINES:
            return cut_window(code, arg, a, y, x, out)
        if code == codes.SORT:
            return sort_lines(a, y, x, arg >= 2, arg % 2 == 1, out, scratch)
        return gravity(a, y, x, arg, out)
    if code == codes.SMEAR:
        return smear(a, y, x, SMEARED[arg], out, scratch)
    if code == codes.CONNECT:
        return connect(a, y, x, arg, out, scratch)
    if code == codes.PERIOD:
        if arg >= 3:
            return continue_diagonals(a, y, x, arg == 4, out, scratch)
        return continue_period(a, y, x, arg, out, scratch)
    return fall(a, y, x, arg, out, scratch)
