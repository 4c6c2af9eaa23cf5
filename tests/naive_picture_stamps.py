"""Slow, obvious twins of the operations that find parts of a picture again: stamps and rectangles."""

from collections import Counter
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint8]
Cell = tuple[int, int]


class Copy(NamedTuple):
    """A template laid over marks: numbers of things, and the cells to draw."""

    template: int
    marks: set[int]
    cells: dict[Cell, int]


def find_things(a: Cells, reach: int) -> list[list[Cell]]:
    """Return the groups of nonzero cells at most ``reach`` apart, each and all in reading order."""
    left = {(int(r), int(c)) for r, c in np.argwhere(a)}
    things = []
    while left:
        thing, waiting = set(), [min(left)]
        while waiting:
            r, c = waiting.pop()
            thing.add((r, c))
            near = {(y, x) for y, x in left if abs(y - r) <= reach and abs(x - c) <= reach}
            left -= near
            waiting += near - thing
        things.append(sorted(thing))
    return things


def find_boxes(a: Cells) -> list[list[Cell]]:
    """Return the groups of one color; those of three cells or more, largest first, take what is left in their boxes."""
    regions = []
    left = {(int(r), int(c)) for r, c in np.argwhere(a)}
    while left:
        region, waiting = set(), [min(left)]
        while waiting:
            r, c = waiting.pop()
            region.add((r, c))
            near = {
                cell for cell in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)) if cell in left and a[cell] == a[r, c]
            }
            left -= near
            waiting += near - region
        left -= region
        regions.append(region)
    free = {cell for region in regions for cell in region}
    things = []
    for region in sorted(regions, key=len, reverse=True):
        thing = region & free
        if len(thing) >= 3:
            rows, columns = zip(*thing, strict=True)
            box = product(range(min(rows), max(rows) + 1), range(min(columns), max(columns) + 1))
            thing = free & set(box)
        free -= thing
        if thing:
            things.append(sorted(thing))
    return sorted(things)


def turned(a: NDArray[Any], turn: int) -> NDArray[Any]:
    a = a.T if turn & 4 else a
    a = a[:, ::-1] if turn & 1 else a
    return a[::-1] if turn & 2 else a


def box_of(a: Cells, thing: list[Cell]) -> Cells:
    rows, columns = zip(*thing, strict=True)
    box = np.zeros((max(rows) - min(rows) + 1, max(columns) - min(columns) + 1), np.uint8)
    for r, c in thing:
        box[r - min(rows), c - min(columns)] = a[r, c]
    return box


def main_of(box: Cells) -> int:
    counts = Counter(int(cell) for cell in box.ravel() if cell)
    return min(counts, key=lambda color: (-counts[color], color))


def laid(a: Cells, things: list[list[Cell]], template: int, copy: dict[Cell, int], main: int) -> Copy | None:
    """Return a copy of cells by place if the things below it show whole colors of it, or some of its main color too."""
    inside = {cell for cell in copy if 0 <= cell[0] < a.shape[0] and 0 <= cell[1] < a.shape[1]}
    covered = {cell for cell in inside if a[cell]}
    own = {int(a[cell]) for cell in covered if copy[cell] == main} or {main}
    if any(a[cell] != copy[cell] for cell in covered if copy[cell] != main) or len(own) > 1:
        return None
    marks = {k for k, thing in enumerate(things) if not covered.isdisjoint(thing)}
    if template in marks or any(not set(things[mark]) <= covered for mark in marks):
        return None
    (color,) = own
    if color != main and (color in copy.values() or len(marks) > 1):
        return None
    shown = {copy[cell] for cell in covered}
    beyond = {copy[cell] for cell in copy.keys() - inside} - {main}
    hidden = beyond | {copy[cell] for cell in inside - covered}
    if not hidden or shown & hidden - {main}:
        return None
    if not shown - {main} and (color != main or main in hidden or main not in shown):
        return None
    return Copy(template, marks, {cell: color if copy[cell] == main else copy[cell] for cell in inside})


def copies(a: Cells, things: list[list[Cell]], mark: int, template: int, turns: list[int]) -> list[Copy]:
    """Return the copies of a template that fit and have a block at the mark's first cell."""
    found = []
    box, (row, column) = box_of(a, things[template]), things[mark][0]
    main, numbers = main_of(box), np.arange(box.size).reshape(box.shape)
    for scale, turn in product(range(1, 5), turns):
        end = (row + scale - 1, column + scale - 1)
        if len(things[mark]) % scale**2 or end[0] >= a.shape[0] or end[1] >= a.shape[1] or a[end] != a[row, column]:
            continue
        numbered = dict(zip(turned(numbers, turn).ravel().tolist(), np.ndindex(turned(box, turn).shape), strict=True))
        blocks = [(r, c, int(box.ravel()[k])) for k, (r, c) in sorted(numbered.items()) if box.ravel()[k]]
        for first_r, first_c, color in blocks:
            if color in (a[row, column], main):
                moved = [(row + (r - first_r) * scale, column + (c - first_c) * scale, k) for r, c, k in blocks]
                cells = {(y + i, x + j): k for y, x, k in moved for i in range(scale) for j in range(scale)}
                copy = laid(a, things, template, cells, main)
                found += [copy] if copy is not None else []
    return found


def stamp(a: Cells, kind: int) -> Cells | None:
    things = find_boxes(a) if kind == 3 else find_things(a, 2 if kind == 1 else 1)
    if len(things) > 100:
        return None
    several = [k for k, thing in enumerate(things) if len({a[cell] for cell in thing}) > 1 and len(thing) <= 100]
    templates = sorted(several, key=lambda k: -len(things[k]))
    turns = [1] if kind == 2 else list(range(8))
    waiting = [
        copy
        for mark in range(len(things))
        for template in templates
        if template != mark
        for copy in copies(a, things, mark, template, turns)
    ]
    out, stamped = a.copy(), np.zeros_like(a)
    used: set[int] = set()
    models: set[int] = set()
    while waiting:
        copy = max(waiting, key=lambda copy: len(copy.marks))
        used |= copy.marks
        models.add(copy.template)
        for cell, color in copy.cells.items():
            stamped[cell] = color
        waiting = [other for other in waiting if not other.marks & (used | models) and other.template not in used]
    for model in models:
        for cell in things[model]:
            out[cell] = 0
    return np.where(stamped > 0, stamped, out) if models else None


def rectangles(a: Cells, kind: int) -> Cells:
    boxes = []
    for top, left in product(range(a.shape[0]), range(a.shape[1])):
        for height, width in product(range(2, a.shape[0] - top + 1), range(2, a.shape[1] - left + 1)):
            if (kind == 0 or height == width == kind + 1) and a[top, left]:
                box = a[top : top + height, left : left + width]
                if (box == a[top, left]).all():
                    boxes.append((top, left, height, width))
    if kind == 0:
        boxes = [box for box in boxes if box[2] * box[3] == max(h * w for _, _, h, w in boxes)]
    out = np.zeros_like(a)
    for top, left, height, width in boxes:
        part = np.s_[top : top + height, left : left + width]
        if kind == 0 or not out[part].any():
            out[part] = a[part]
    return out
