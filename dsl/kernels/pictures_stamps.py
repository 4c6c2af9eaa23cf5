"""Operations on pictures that find one part of a picture again in another: stamps, and rectangles of one color.

A *thing* is a group of nonzero cells in touch. A thing of several colors is a *template*. Where other things are what
one would see of a turned, enlarged copy of it if whole colors of the copy were hidden, these are *marks*: the copy is
laid over them. Where only the color most common in the template differs, the copy takes the mark's color.

``scratch`` holds numbers of each thing, its cells in reading order, and which thing lies on each cell.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.pictures_regions import COLORS, LABELS, QUEUE, STARTS, main_color

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]

MAX_THINGS = 100
MAX_TEMPLATE = 100
"""Most cells of a template."""
MAX_SCALE = 4
MIRRORED = 1
"""Turn that swaps left and right; bit 0 swaps columns, bit 1 rows, after bit 2 swapped rows and columns."""

_SEEN, _STATES, _SCORES, _PLACES, _ORDER, _MEASURES, _ROUND = 0, 128, 256, 384, 512, 3400, 4079
_MARK, _TEMPLATE = 1, 2
_OUT = 128
"""Added to rows and columns outside of the picture, so that a place packs into one number."""


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
        scratch[_SCORES + n] = 0
        scratch[_STATES + n] = 0
    for r in range(h):
        for c in range(w):
            scratch[_SCORES + scratch[LABELS + r * 32 + c]] += 1
    for _ in range(count):
        largest = 1
        for n in range(2, count + 1):
            if scratch[_SCORES + n] > scratch[_SCORES + largest]:
                largest = n
        if scratch[_SCORES + largest] < 3:
            break
        scratch[_SCORES + largest] = 0
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
            if n > 0 and scratch[_STATES + n] == 0:
                found += 1
                scratch[_STATES + n] = found
            scratch[LABELS + r * 32 + c] = scratch[_STATES + n] if n > 0 else 0
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
        scratch[_SEEN + n] = scratch[STARTS + n]
        scratch[STARTS + n + 1] += scratch[STARTS + n]
    for r in range(h):
        for c in range(w):
            n = scratch[LABELS + r * 32 + c]
            if n > 0:
                scratch[QUEUE + scratch[_SEEN + n]] = r * 32 + c
                scratch[_SEEN + n] += 1


@njit(cache=True)
def find_templates(a: Cells, count: int, scratch: Numbers) -> int:
    """List the things of several colors, largest first, with box, main color and colors as bits; return how many."""
    found = 0
    for n in range(1, count + 1):
        for color in range(10):
            scratch[COLORS + color] = 0
        top, left, bottom, right, present, main = 31, 31, 0, 0, 0, 0
        for j in range(scratch[STARTS + n], scratch[STARTS + n + 1]):
            r, c = scratch[QUEUE + j] >> 5, scratch[QUEUE + j] & 31
            top, bottom, left, right = min(top, r), max(bottom, r), min(left, c), max(right, c)
            scratch[COLORS + int(a[r, c])] += 1
            present |= 1 << int(a[r, c])
        for color in range(1, 10):
            if scratch[COLORS + color] > scratch[COLORS + main]:
                main = color
        base = _MEASURES + 6 * n
        scratch[base], scratch[base + 1] = top, left
        scratch[base + 2], scratch[base + 3] = bottom - top, right - left
        scratch[base + 4], scratch[base + 5] = main, present
        size = scratch[STARTS + n + 1] - scratch[STARTS + n]
        if present == 1 << main or size > MAX_TEMPLATE:
            continue
        place = found
        while place > 0:
            other = scratch[_ORDER + place - 1]
            if scratch[STARTS + other + 1] - scratch[STARTS + other] >= size:
                break
            scratch[_ORDER + place] = other
            place -= 1
        scratch[_ORDER + place] = n
        found += 1
    return found


@njit(cache=True)
def turned_cell(template: int, cell: int, turn: int, scratch: Numbers) -> tuple[int, int]:
    """Return row and column of a template's cell in the box of the turned template."""
    base = _MEASURES + 6 * template
    r, c = (cell >> 5) - scratch[base], (cell & 31) - scratch[base + 1]
    last_r, last_c = scratch[base + 2], scratch[base + 3]
    if turn & 4:
        r, c, last_r, last_c = c, r, last_c, last_r
    return (last_r - r if turn & 2 else r), (last_c - c if turn & 1 else c)


@njit(cache=True)
def lay_copy(a: Cells, template: int, place: int, paint: int, out: Cells, scratch: Numbers) -> int:
    """Compare a copy of a template at a packed place with the picture, or draw it there.

    Args:
        a: cells ``(h, w)``.
        template: number of a thing.
        place: turn, scale, row and column, packed as in :func:`best_place`.
        paint: 0 to compare, else color of the cells of the template's main color, to draw.
        out: receives the cells when drawing; the marks below are then used up.
        scratch: work space.

    Returns:
        Compared: 16 times the number of marks below the copy, and the color they give its main cells; 0 if it does not
        fit. Drawn: 0.
    """
    h, w = a.shape
    turn, scale = (place >> 22) & 7, (place >> 19) & 7
    top, left = ((place >> 9) & 511) - _OUT, (place & 511) - _OUT
    main, colors = scratch[_MEASURES + 6 * template + 4], scratch[_MEASURES + 6 * template + 5]
    scratch[_ROUND] += 1
    seen = scratch[_ROUND] << 10
    present, missing, touched, whole, own = 0, 0, 0, 0, 0
    for j in range(scratch[STARTS + template], scratch[STARTS + template + 1]):
        cell = scratch[QUEUE + j]
        color = int(a[cell >> 5, cell & 31])
        r, c = turned_cell(template, cell, turn, scratch)
        for y in range(top + r * scale, top + (r + 1) * scale):
            for x in range(left + c * scale, left + (c + 1) * scale):
                if y < 0 or y >= h or x < 0 or x >= w:
                    if color != main:
                        missing |= 1 << color
                    continue
                thing = scratch[LABELS + y * 32 + x]
                if paint > 0:
                    out[y * w + x] = paint if color == main else color
                    if thing > 0:
                        scratch[_STATES + thing] = _MARK
                    continue
                if thing == 0:
                    missing |= 1 << color
                    continue
                below = int(a[y, x])
                if thing == template or scratch[_STATES + thing] != 0 or (color != main and below != color):
                    return 0
                if color == main:
                    if (own != 0 and below != own) or (below != main and (colors >> below) & 1 == 1):
                        return 0
                    own = below
                present |= 1 << color
                if scratch[_SEEN + thing] < seen:
                    scratch[_SEEN + thing] = seen
                    touched += 1
                scratch[_SEEN + thing] += 1
                if scratch[_SEEN + thing] - seen == scratch[STARTS + thing + 1] - scratch[STARTS + thing]:
                    whole += 1
    others = colors ^ (1 << main)
    if missing == 0 or whole != touched or present & missing & others != 0:
        return 0
    if present & others == 0 and (own != main or missing & (1 << main) != 0):
        return 0
    if own != 0 and own != main and touched > 1:
        return 0
    return touched * 16 + (own if own != 0 else main)


@njit(cache=True)
def best_place(a: Cells, mark: int, templates: int, mirrored: bool, out: Cells, scratch: Numbers) -> None:
    """Find the copy of a template that has a block at a thing's first cell and covers most things; the first of equals.

    ``_SCORES`` receives what :func:`lay_copy` returned for it, ``_PLACES`` template, turn, scale, row and column.
    """
    first = scratch[QUEUE + scratch[STARTS + mark]]
    color = int(a[first >> 5, first & 31])
    size = scratch[STARTS + mark + 1] - scratch[STARTS + mark]
    scratch[_SCORES + mark] = 0
    for k in range(templates):
        template = scratch[_ORDER + k]
        main, colors = scratch[_MEASURES + 6 * template + 4], scratch[_MEASURES + 6 * template + 5]
        wanted = color if (colors >> color) & 1 == 1 else int(main)
        if template == mark or scratch[_STATES + template] == _MARK:
            continue
        for scale in range(1, MAX_SCALE + 1):
            end_r, end_c = (first >> 5) + scale - 1, (first & 31) + scale - 1
            if size % (scale * scale) != 0 or end_r >= a.shape[0] or end_c >= a.shape[1] or a[end_r, end_c] != color:
                continue
            for turn in range(8):
                if mirrored and turn != MIRRORED:
                    continue
                for j in range(scratch[STARTS + template], scratch[STARTS + template + 1]):
                    cell = scratch[QUEUE + j]
                    if int(a[cell >> 5, cell & 31]) != wanted:
                        continue
                    r, c = turned_cell(template, cell, turn, scratch)
                    top, left = (first >> 5) - r * scale + _OUT, (first & 31) - c * scale + _OUT
                    place = (template << 25) | (turn << 22) | (scale << 19) | (top << 9) | left
                    fit = lay_copy(a, template, place, 0, out, scratch)
                    if fit >> 4 > scratch[_SCORES + mark] >> 4:
                        scratch[_SCORES + mark], scratch[_PLACES + mark] = fit, place


@njit(cache=True)
def stamp(a: Cells, y: int, x: int, kind: int, out: Cells, scratch: Numbers) -> Result:
    """Move each template that finds marks to them, those first that go with most marks.

    Args:
        a: cells ``(h, w)``.
        y: row of the picture.
        x: column of the picture.
        kind: 0 turned and mirrored as the marks ask, as they are where that fits; 1 likewise, where things hold
            together over gaps of one cell; 2 with left and right swapped; 3 as 0, where things are one color with what
            is in its box.
        out: receives the cells.
        scratch: work space.
    """
    h, w = a.shape
    main = main_color(a, scratch)
    if main == 0 or scratch[COLORS] + scratch[COLORS + main] == h * w:
        return 0, 0, 0, 0
    count = find_things(a, 2 if kind == 1 else 0 if kind == 3 else 1, scratch)
    if count < 2 or count > MAX_THINGS:
        return 0, 0, 0, 0
    templates = find_templates(a, count, scratch)
    scratch[_ROUND] = 0
    for n in range(1, count + 1):
        scratch[_SEEN + n] = 0
        scratch[_STATES + n] = 0
    for n in range(1, count + 1):
        best_place(a, n, templates, kind == 2, out, scratch)
    for k in range(h * w):
        out[k] = 0
    found = False
    while True:
        mark = 1
        for n in range(2, count + 1):
            if scratch[_SCORES + n] >> 4 > scratch[_SCORES + mark] >> 4:
                mark = n
        if scratch[_SCORES + mark] == 0:
            break
        place = scratch[_PLACES + mark]
        template = place >> 25
        if scratch[_STATES + mark] != 0:
            scratch[_SCORES + mark] = 0
        elif scratch[_STATES + template] == _MARK or lay_copy(a, template, place, 0, out, scratch) == 0:
            best_place(a, mark, templates, kind == 2, out, scratch)
        else:
            lay_copy(a, template, place, scratch[_SCORES + mark] & 15, out, scratch)
            scratch[_STATES + template] = _TEMPLATE
            found = True
    if not found:
        return 0, 0, 0, 0
    for r in range(h):
        for c in range(w):
            if out[r * w + c] == 0 and scratch[_STATES + scratch[LABELS + r * 32 + c]] != _TEMPLATE:
                out[r * w + c] = a[r, c]
    return h, w, y, x


@njit(cache=True)
def rectangles(a: Cells, y: int, x: int, kind: int, out: Cells, scratch: Numbers) -> Result:
    """Keep rectangles of one nonzero color.

    Args:
        a: cells ``(h, w)``.
        y: row of the picture.
        x: column of the picture.
        kind: 0 the largest with both sides above 1, all of equal ones; else squares of ``kind + 1`` cells a side, each
            free of those before it in reading order.
        out: receives the cells.
        scratch: work space.
    """
    h, w = a.shape
    for r in range(h):
        run = 0
        for c in range(w - 1, -1, -1):
            run = run + 1 if run > 0 and a[r, c] == a[r, c + 1] else 1
            scratch[r * 32 + c] = run if a[r, c] != 0 else 0
            out[r * w + c] = 0
    most = 4 if kind == 0 else (kind + 1) * (kind + 1)
    for r in range(h):
        for c in range(w):
            width = w if kind == 0 else kind + 1
            bottom = h if kind == 0 else min(h, r + kind + 1)
            for row in range(r, bottom):
                if a[row, c] != a[r, c]:
                    break
                width = min(width, scratch[row * 32 + c])
                area = width * (row - r + 1)
                if width < 2 or (kind > 0 and width <= kind):
                    break
                if row == r or area < most:
                    continue
                free = True
                if kind > 0:
                    for k in range(kind + 1):
                        free = free and out[r * w + c + k] == 0
                elif area > most:
                    most = area
                    for k in range(h * w):
                        out[k] = 0
                for i in range(r, row + 1 if free else r):
                    for j in range(c, c + width):
                        out[i * w + j] = a[r, c]
    return h, w, y, x
