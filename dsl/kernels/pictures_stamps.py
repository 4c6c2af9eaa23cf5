"""Operations on pictures that find one part of a picture again in another: stamps, and rectangles of one color.

A *thing* is a group of nonzero cells in touch. A thing of several colors is a *template*. Where other things are what
one would see of a turned, enlarged copy of it if whole colors of the copy were hidden, these are *marks*: the copy is
laid over them. Where only the color most common in the template differs, the copy takes the mark's color.

``scratch`` holds the things as ``picture_things`` lists them, and numbers of each.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_things import MAX_THINGS, SCORES, SEEN, STATES, find_things
from dsl.kernels.pictures_regions import COLORS, LABELS, QUEUE, STARTS, main_color

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]

MAX_TEMPLATE = 100
"""Most cells of a template."""
MAX_SCALE = 4
MIRRORED = 1
"""Turn that swaps left and right; bit 0 swaps columns, bit 1 rows, after bit 2 swapped rows and columns."""

_PLACES, _ORDER, _MEASURES, _ROUND = 384, 512, 3400, 4079
_MARK, _TEMPLATE = 1, 2
_UNKNOWN = 1 << 20
"""Score of a thing before its best copy was looked for."""
_OUT = 128
"""Added to rows and columns outside of the picture, so that a place packs into one number."""


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
                        scratch[STATES + thing] = _MARK
                    continue
                if thing == 0:
                    missing |= 1 << color
                    continue
                below = int(a[y, x])
                if thing == template or scratch[STATES + thing] != 0 or (color != main and below != color):
                    return 0
                if color == main:
                    if (own != 0 and below != own) or (below != main and (colors >> below) & 1 == 1):
                        return 0
                    own = below
                present |= 1 << color
                if scratch[SEEN + thing] < seen:
                    scratch[SEEN + thing] = seen
                    touched += 1
                scratch[SEEN + thing] += 1
                if scratch[SEEN + thing] - seen == scratch[STARTS + thing + 1] - scratch[STARTS + thing]:
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

    ``SCORES`` receives what :func:`lay_copy` returned for it, ``_PLACES`` template, turn, scale, row and column.
    """
    first = scratch[QUEUE + scratch[STARTS + mark]]
    color = int(a[first >> 5, first & 31])
    size = scratch[STARTS + mark + 1] - scratch[STARTS + mark]
    scratch[SCORES + mark] = 0
    for k in range(templates):
        template = scratch[_ORDER + k]
        main, colors = scratch[_MEASURES + 6 * template + 4], scratch[_MEASURES + 6 * template + 5]
        wanted = color if (colors >> color) & 1 == 1 else int(main)
        if template == mark or scratch[STATES + template] == _MARK:
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
                    if fit >> 4 > scratch[SCORES + mark] >> 4:
                        scratch[SCORES + mark], scratch[_PLACES + mark] = fit, place


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
    if templates == 0:
        return 0, 0, 0, 0
    scratch[_ROUND] = 0
    for n in range(1, count + 1):
        scratch[SEEN + n] = 0
        scratch[STATES + n] = 0
        scratch[SCORES + n] = _UNKNOWN
    for k in range(h * w):
        out[k] = 0
    found = False
    while True:
        mark = 1
        for n in range(2, count + 1):
            if scratch[SCORES + n] >> 4 > scratch[SCORES + mark] >> 4:
                mark = n
        if scratch[SCORES + mark] == 0:
            break
        if scratch[STATES + mark] != 0:
            scratch[SCORES + mark] = 0
            continue
        score, place = scratch[SCORES + mark], scratch[_PLACES + mark]
        template = place >> 25
        fits = score != _UNKNOWN and scratch[STATES + template] != _MARK
        for paint in (0, score & 15):
            fits = fits and (lay_copy(a, template, place, paint, out, scratch) > 0 or paint > 0)
        if fits:
            scratch[STATES + template] = _TEMPLATE
            found = True
        else:
            best_place(a, mark, templates, kind == 2, out, scratch)
    if not found:
        return 0, 0, 0, 0
    for r in range(h):
        for c in range(w):
            if out[r * w + c] == 0 and scratch[STATES + scratch[LABELS + r * 32 + c]] != _TEMPLATE:
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
