"""Slow, obvious twins of the operations on lists of pictures: sets, dictionaries and numpy; None is no result."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations, pairwise, product

import numpy as np
from numpy.typing import NDArray

from dsl.kernels import picture_list_codes as codes

Cells = NDArray[np.uint8]
Picture = tuple[Cells, int, int]
Cell = tuple[int, int]
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
ALL = (*SIDES, (-1, -1), (-1, 1), (1, -1), (1, 1))


def main_color(a: Cells) -> int:
    """Return the most common nonzero color, the lowest of several, 0 if there is none."""
    counts = Counter(int(v) for v in a.ravel() if v)
    return min(counts, key=lambda color: (-counts[color], color)) if counts else 0


def regions(a: Cells, kind: Callable[[int], int], steps: tuple[Cell, ...]) -> list[list[Cell]]:
    """Return connected cells of equal kind, kind 0 left out, in reading order of their first cells."""
    kinds = {cell: kind(int(a[cell])) for cell in np.ndindex(a.shape)}
    left = {cell: True for cell, value in kinds.items() if value}
    found = []
    while left:
        region = [next(iter(left))]
        del left[region[0]]
        for r, c in region:
            for near in [(r + dr, c + dc) for dr, dc in steps]:
                if near in left and kinds[near] == kinds[r, c]:
                    del left[near]
                    region.append(near)
        found.append(region)
    return found


def box(region: list[Cell]) -> tuple[int, int, int, int]:
    rows, columns = [r for r, _ in region], [c for _, c in region]
    return min(rows), min(columns), max(rows) + 1, max(columns) + 1


def cut(picture: Picture, corners: tuple[int, int, int, int]) -> Picture:
    a, y, x = picture
    top, left, bottom, right = corners
    return a[top:bottom, left:right], y + top, x + left


def color_around(a: Cells, region: list[Cell]) -> int:
    near = [int(a[r + dr, c + dc]) for r, c in region for dr, dc in SIDES]
    return main_color(np.array(near, np.uint8))


def touches_side(a: Cells, region: list[Cell]) -> bool:
    return any(r in (0, a.shape[0] - 1) or c in (0, a.shape[1] - 1) for r, c in region)


def split_regions(code: int, picture: Picture) -> list[Picture]:
    a = picture[0]
    counts = np.bincount(a.ravel(), minlength=10)
    kind: Callable[[int], int] = {
        codes.SPLIT_4: lambda v: v,
        codes.SPLIT_8: lambda v: v,
        codes.SPLIT_BOXES: lambda v: v,
        codes.SPLIT_4_MIXED: lambda v: int(v != 0),
        codes.SPLIT_8_MIXED: lambda v: int(v != 0),
        codes.SPLIT_BACKGROUND: lambda v: int(v != counts.argmax()),
        codes.SPLIT_HOLES: lambda v: int(v == 0),
        codes.SPLIT_GAPS: lambda v: int(v == 0),
    }[code]
    by_sides = code in (codes.SPLIT_4, codes.SPLIT_4_MIXED, codes.SPLIT_HOLES, codes.SPLIT_GAPS)
    parts = []
    for region in regions(a, kind, SIDES if by_sides else ALL):
        if code == codes.SPLIT_HOLES and touches_side(a, region):
            continue
        part = cut(picture, box(region))
        if code != codes.SPLIT_BOXES:
            shown = np.zeros_like(a)
            for cell in region:
                shown[cell] = a[cell]
                if code == codes.SPLIT_GAPS:
                    shown[cell] = 5
                if code == codes.SPLIT_HOLES:
                    shown[cell] = color_around(a, region)
            part = cut((shown, *picture[1:]), box(region))
        parts.append(part)
    return parts


def stretches(separators: set[int], length: int) -> list[tuple[int, int]]:
    """Return the stretches between separators."""
    edges = [-1, *sorted(separators), length]
    return [(low + 1, high) for low, high in pairwise(edges) if high > low + 1]


def split_panels(picture: Picture) -> list[Picture]:
    a = picture[0]
    rows = {r: int(a[r, 0]) for r in range(a.shape[0]) if a[r, 0] and len(set(a[r].tolist())) == 1}
    columns = {c: int(a[0, c]) for c in range(a.shape[1]) if a[0, c] and len(set(a[:, c].tolist())) == 1}
    best = main_color(np.array([*rows.values(), *columns.values()], np.uint8))
    if best == 0:
        return []
    down = stretches({r for r, color in rows.items() if color == best}, a.shape[0])
    across = stretches({c for c, color in columns.items() if color == best}, a.shape[1])
    parts = [cut(picture, (top, left, bottom, right)) for (top, bottom), (left, right) in product(down, across)]
    return parts if len(parts) >= 2 else []


def split_blank(picture: Picture) -> list[Picture]:
    a = picture[0]
    down, across = (stretches(set(np.flatnonzero(~a.any(axis=axis)).tolist()), a.shape[1 - axis]) for axis in (1, 0))
    parts = [cut(picture, (top, left, bottom, right)) for (top, bottom), (left, right) in product(down, across)]
    return parts if len(parts) >= 2 else []


def split_marked(picture: Picture) -> list[Picture]:
    a = picture[0]
    by_color: dict[int, list[Cell]] = {}
    for cell in np.ndindex(a.shape):
        by_color.setdefault(int(a[cell]), []).append((cell[0], cell[1]))
    found = set()
    for color in range(1, 10):
        cells = set(by_color.get(color, []))
        for (top, left), (bottom, right) in combinations(sorted(cells), 2):
            if bottom - top >= 2 and right - left >= 2 and {(top, right), (bottom, left)} <= cells:
                found.add((top, left, bottom, right))
    by_size = sorted(found, key=lambda r: -(r[2] - r[0]) * (r[3] - r[1]))
    kept: list[tuple[int, int, int, int]] = []
    for t, el, b, r in by_size:
        if not any(o[0] <= t and o[1] <= el and o[2] >= b and o[3] >= r for o in kept):
            kept.append((t, el, b, r))
    parts = [cut(picture, (t + 1, el + 1, b, r)) for t, el, b, r in sorted(kept)]
    return parts if len(parts) <= 16 else []


def split_lattice(picture: Picture, rows: int, columns: int) -> list[Picture]:
    h, w = picture[0].shape
    if rows == 0 or h % rows or w % columns:
        return []
    h, w = h // rows, w // columns
    return [cut(picture, (r * h, c * w, r * h + h, c * w + w)) for r, c in product(range(rows), range(columns))]


def squares(h: int, w: int) -> tuple[int, int]:
    if h == w:
        side = round(h**0.5)
        return (side, side) if side * side == h and side > 1 else (0, 0)
    return (1, w // h) if w % h == 0 else (h // w, 1) if h % w == 0 else (0, 0)


def split(code: int, picture: Picture) -> list[Picture]:
    a, y, x = picture
    if code == codes.SPLIT_COLORS:
        return [(np.where(a == color, a, 0), y, x) for color in range(1, 10) if (a == color).any()]
    if code <= codes.SPLIT_GAPS:
        parts = split_regions(code, picture)
    elif code == codes.SPLIT_PANELS:
        parts = split_panels(picture)
    elif code == codes.SPLIT_BLANK:
        parts = split_blank(picture)
    elif code == codes.SPLIT_MARKED:
        parts = split_marked(picture)
    else:
        lattice = {
            codes.SPLIT_ROWS: (a.shape[0], 1),
            codes.SPLIT_COLUMNS: (1, a.shape[1]),
            codes.SPLIT_HALVES_ACROSS: (1, 2),
            codes.SPLIT_HALVES_DOWN: (2, 1),
            codes.SPLIT_THIRDS_ACROSS: (1, 3),
            codes.SPLIT_THIRDS_DOWN: (3, 1),
            codes.SPLIT_QUARTERS: (2, 2),
            codes.SPLIT_SQUARES: squares(*a.shape),
        }[code]
        parts = split_lattice(picture, *lattice)
    return parts if len(parts) <= 64 else []


def content(a: Cells) -> Cells:
    """Crop to the nonzero cells."""
    rows, columns = np.nonzero(a)
    return a[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] if len(rows) else a[:0, :0]


def stats(picture: Picture) -> dict[int, int]:
    """Return all columns except the hashes."""
    a, y, x = picture
    h, w = a.shape
    symmetric = [np.array_equal(a, a[:, ::-1]), np.array_equal(a, a[::-1]), np.array_equal(a, a.T)]
    zero_regions = regions(a, lambda v: int(v == 0), SIDES)
    return {
        codes.STAT_CELLS: int((a != 0).sum()),
        codes.STAT_AREA: h * w,
        codes.STAT_HEIGHT: h,
        codes.STAT_WIDTH: w,
        codes.STAT_COLORS: len(set(a.ravel().tolist()) - {0}),
        codes.STAT_Y: y,
        codes.STAT_X: x,
        codes.STAT_BOTTOM: y + h,
        codes.STAT_RIGHT: x + w,
        codes.STAT_COMPONENTS: len(regions(a, lambda v: int(v != 0), ALL)),
        codes.STAT_HOLES: sum(not touches_side(a, region) for region in zero_regions),
        codes.STAT_ZEROS: int((a == 0).sum()),
        codes.STAT_MAIN_COLOR: main_color(a),
        codes.STAT_OTHER_CELLS: int(((a != 0) & (a != main_color(a))).sum()),
        codes.STAT_SYMMETRIC_LR: int(symmetric[0]),
        codes.STAT_SYMMETRIC_UD: int(symmetric[1]),
        codes.STAT_SYMMETRIC_DIAGONAL: int(symmetric[2]),
        codes.STAT_SYMMETRY: sum(symmetric),
        codes.STAT_FULL: int(a.all()),
    }


def pick(rows: list[list[int]], criterion: int) -> list[int]:
    """Return the members that meet a criterion."""
    everyone = range(len(rows))
    if criterion < 2 * len(codes.PICK_COLUMNS):
        values = [row[codes.PICK_COLUMNS[criterion // 2]] for row in rows]
        best = min(values) if criterion % 2 else max(values)
        return [k for k in everyone if values[k] == best]
    wanted = {
        codes.SYMMETRIC_LR: (codes.STAT_SYMMETRIC_LR, 1),
        codes.ASYMMETRIC: (codes.STAT_SYMMETRY, 0),
        codes.FULL_BOX: (codes.STAT_FULL, 1),
    }
    if criterion in wanted:
        column, value = wanted[criterion]
        return [k for k in everyone if rows[k][column] == value]
    column = {
        codes.COMMON_SHAPE: codes.STAT_SHAPE_HASH,
        codes.ODD_SHAPE: codes.STAT_SHAPE_HASH,
        codes.COMMON_COLOR: codes.STAT_MAIN_COLOR,
        codes.ODD_COLOR: codes.STAT_MAIN_COLOR,
        codes.COMMON_CONTENT: codes.STAT_CONTENT_HASH,
        codes.ODD_CONTENT: codes.STAT_CONTENT_HASH,
    }[criterion]
    counts = Counter(row[column] for row in rows)
    if criterion in (codes.ODD_SHAPE, codes.ODD_COLOR, codes.ODD_CONTENT):
        picked = [value for value, count in counts.items() if count == 1]
    else:
        picked = [value for value, count in counts.items() if count == max(counts.values()) and count > 1]
    return [k for k in everyone if rows[k][column] == picked[0]] if len(picked) == 1 else []
