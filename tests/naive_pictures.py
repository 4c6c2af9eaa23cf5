"""Slow, obvious twins of the operations on pictures: lists, sets and numpy; None where there is no result."""

from collections import Counter, deque
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.naive_picture_stamps import rectangles, stamp

Cells = NDArray[np.uint8]
Cell = tuple[int, int]
UP, RIGHT, DOWN, LEFT = (-1, 0), (0, 1), (1, 0), (0, -1)
UP_RIGHT, DOWN_RIGHT, DOWN_LEFT, UP_LEFT = (-1, 1), (1, 1), (1, -1), (-1, -1)
STRAIGHT = (UP, RIGHT, DOWN, LEFT)
ALL = (*STRAIGHT, UP_RIGHT, DOWN_RIGHT, DOWN_LEFT, UP_LEFT)
CLOCKWISE = (UP, UP_RIGHT, RIGHT, DOWN_RIGHT, DOWN, DOWN_LEFT, LEFT, UP_LEFT)


def places(a: Cells) -> list[Cell]:
    return list(product(range(a.shape[0]), range(a.shape[1])))


def inside(a: Cells, cell: Cell) -> bool:
    return bool(0 <= cell[0] < a.shape[0] and 0 <= cell[1] < a.shape[1])


def neighbors(cell: Cell, steps: tuple[Cell, ...]) -> list[Cell]:
    return [(cell[0] + r, cell[1] + c) for r, c in steps]


def walk(a: Cells, cell: Cell, step: Cell) -> list[Cell]:
    """Return the cells after one cell in a direction, up to the side."""
    cells = []
    cell = (cell[0] + step[0], cell[1] + step[1])
    while inside(a, cell):
        cells.append(cell)
        cell = (cell[0] + step[0], cell[1] + step[1])
    return cells


def ranked(a: Cells) -> list[int]:
    """Return the nonzero colors, most common first, the lower number first on ties."""
    counts = Counter(int(cell) for cell in a.ravel() if cell)
    return sorted(counts, key=lambda color: (-counts[color], color))


def components(a: Cells, steps: tuple[Cell, ...], same_color: bool) -> list[set[Cell]]:
    """Return the components of nonzero cells in reading order of their first cells."""
    seen: set[Cell] = set()
    found = []
    for start in places(a):
        if not a[start] or start in seen:
            continue
        component, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            for there in neighbors(here, steps):
                joined = inside(a, there) and a[there] and (not same_color or a[there] == a[here])
                if joined and there not in component:
                    component.add(there)
                    waiting.append(there)
        seen |= component
        found.append(component)
    return found


def only(a: Cells, cells: set[Cell]) -> Cells:
    out = np.zeros_like(a)
    for cell in cells:
        out[cell] = a[cell]
    return out


# Colors


def keep(a: Cells, color: int) -> Cells:
    return np.where(a == color, a, 0)


def drop(a: Cells, color: int) -> Cells:
    return np.where(a == color, 0, a)


def paint(a: Cells, color: int) -> Cells:
    return np.where(a > 0, color, 0)


def invert(a: Cells, _: int) -> Cells | None:
    return np.where(a > 0, 0, ranked(a)[0]) if a.any() else None


def paint_main(a: Cells, _: int) -> Cells:
    return paint(a, ranked(a)[0]) if a.any() else a


def of_rank(a: Cells, rank: int) -> int | None:
    colors = ranked(a)
    if rank == 2:
        return colors[-1] if colors else None
    return colors[rank] if rank < len(colors) else None


def keep_rank(a: Cells, rank: int) -> Cells | None:
    color = of_rank(a, rank)
    return None if color is None else keep(a, color)


def drop_rank(a: Cells, rank: int) -> Cells | None:
    color = of_rank(a, rank)
    return None if color is None else drop(a, color)


def swap(a: Cells, _: int) -> Cells | None:
    colors = ranked(a)
    if len(colors) != 2:
        return None
    return np.where(a == colors[0], colors[1], np.where(a == colors[1], colors[0], 0))


def hull(a: Cells, _: int) -> Cells | None:
    return np.full_like(a, ranked(a)[0]) if a.any() else None


def blank(a: Cells, _: int) -> Cells:
    return np.zeros_like(a)


def stripes(a: Cells, kind: int) -> Cells:
    rows, columns = np.indices(a.shape)
    return np.where((rows, columns, rows + columns, rows + columns + 1)[kind] % 2 == 0, a, 0)


# Shapes that keep the place


def dihedral(a: NDArray[Any], kind: int) -> NDArray[Any]:
    return (
        a,
        np.fliplr(a),
        np.flipud(a),
        np.rot90(a, 2),
        a.T,
        np.rot90(a, -1),
        np.rot90(a),
        np.rot90(a, 2).T,
    )[kind]


def squeeze_blank(a: Cells, _: int) -> Cells:
    return a[a.any(axis=1)][:, a.any(axis=0)]


def squeeze_equal(a: Cells, _: int) -> Cells:
    rows = [r for r in range(a.shape[0]) if r == 0 or list(a[r]) != list(a[r - 1])]
    columns = [c for c in range(a.shape[1]) if c == 0 or list(a[:, c]) != list(a[:, c - 1])]
    return a[rows][:, columns]


def upscale(a: Cells, factor: int) -> Cells:
    return np.kron(a, np.ones((factor, factor), np.uint8))


def downscale(a: Cells, factor: int) -> Cells | None:
    if factor >= 4:
        size = factor - 2
        if a.shape[0] % size or a.shape[1] % size:
            return None
        small = np.zeros((a.shape[0] // size, a.shape[1] // size), np.uint8)
        for r, c in places(small):
            block = a[r * size : r * size + size, c * size : c * size + size].ravel()
            small[r, c] = next((cell for cell in block if cell), 0)
        return small
    small = a[::factor, ::factor]
    return small if np.array_equal(upscale(small, factor), a) else None


def double(a: Cells, kind: int) -> Cells:
    right, below = np.hstack([a, np.fliplr(a)]), np.vstack([a, np.flipud(a)])
    return (
        np.hstack([a, a]),
        np.vstack([a, a]),
        right,
        below,
        np.vstack([right, np.flipud(right)]),
        np.hstack([np.fliplr(a), a]),
        np.vstack([np.flipud(a), a]),
    )[kind]


def symmetrize(a: Cells, kind: int) -> Cells | None:
    if kind in (3, 5) and a.shape[0] != a.shape[1]:
        return None
    if kind >= 6:
        return complete(a) if kind == 6 else complete(a.T).T
    images = {0: [1], 1: [2], 2: [3], 3: [4], 4: [1, 2, 3], 5: [1, 2, 3, 4, 7, 5, 6]}[kind]
    out = a.copy()
    for k in images:
        out = np.where(out == 0, dihedral(a, k), out)
    return out


def complete(a: Cells) -> Cells:
    def mirrored(axis: int) -> Cells:
        out = np.zeros_like(a)
        for r, c in places(a):
            if inside(a, (r, axis - c)):
                out[r, c] = a[r, axis - c]
        return out

    def score(axis: int) -> int:
        image = mirrored(axis)
        both = (a > 0) & (image > 0)
        return int((both & (a == image)).sum()) - int((both & (a != image)).sum())

    best = max(range(2 * a.shape[1] - 1), key=score)
    return np.where(a == 0, mirrored(best), a) if score(best) > 0 else a


def roll(a: Cells, direction: int) -> Cells:
    return np.roll(a, STRAIGHT[direction], (0, 1))


def fractal(a: Cells, kind: int) -> Cells:
    return np.kron((a == 0) if kind else (a > 0), a)


def slant(a: Cells, kind: int) -> Cells:
    h, w = a.shape
    out = np.zeros((h, w + h - 1), np.uint8)
    for r in range(h):
        start = r if kind else h - 1 - r
        out[r, start : start + w] = a[r]
    return out


# Lines


def sort_lines(a: Cells, kind: int) -> Cells:
    if kind >= 2:
        return sort_lines(a.T, kind - 2).T
    return np.array(sorted(a, key=lambda line: int((line > 0).sum()), reverse=kind == 1))


def gravity(a: Cells, direction: int) -> Cells:
    if direction in (0, 2):
        return gravity(a.T, 3 if direction == 0 else 1).T
    lines = []
    for line in a:
        cells, zeros = [cell for cell in line if cell], [0] * int((line == 0).sum())
        lines.append(zeros + cells if direction == 1 else cells + zeros)
    return np.array(lines, np.uint8)


def smear(a: Cells, kind: int) -> Cells:
    sets: list[tuple[Cell, ...]] = [
        *((step,) for step in STRAIGHT),
        (UP, DOWN),
        (RIGHT, LEFT),
        *((step,) for step in ALL[4:]),
        (UP_RIGHT, DOWN_LEFT),
        (DOWN_RIGHT, UP_LEFT),
        STRAIGHT,
        ALL[4:],
        ALL,
    ]
    out = a.copy()
    for step in sets[kind]:
        for start in places(a):
            if a[start]:
                for cell in walk(a, start, step):
                    if a[cell]:
                        break
                    out[cell] = out[cell] or a[start]
    return out


def connect(a: Cells, kind: int) -> Cells:
    out = a.copy()
    for step in ((RIGHT,), (DOWN,), (RIGHT, DOWN), (DOWN_RIGHT, DOWN_LEFT))[kind]:
        for start in places(a):
            if not a[start]:
                continue
            way = walk(a, start, step)
            ends = [i for i, cell in enumerate(way) if a[cell]]
            if ends and a[way[ends[0]]] == a[start]:
                for cell in way[: ends[0]]:
                    out[cell] = out[cell] or a[start]
    return out


def tile_of(a: Cells, rows: int, columns: int) -> Cells | None:
    """Return the complete tile that repeats over the picture without contradiction."""
    tile = np.zeros((rows, columns), np.uint8)
    for r, c in product(range(rows), range(columns)):
        colors = set(a[r::rows, c::columns].ravel().tolist()) - {0}
        if len(colors) != 1:
            return None
        tile[r, c] = colors.pop()
    return tile


def diagonals(a: Cells, falling: bool) -> Cells | None:
    rows, columns = np.indices(a.shape)
    diagonal = rows - columns if falling else rows + columns
    for length in range(1, a.shape[0] + a.shape[1] - 1):
        colors = [set(a[diagonal % length == k].tolist()) - {0} for k in range(length)]
        if all(len(each) == 1 for each in colors):
            return np.array([each.pop() for each in colors], np.uint8)[diagonal % length]
    return None


def period(a: Cells, kind: int) -> Cells | None:
    if kind >= 3:
        return diagonals(a, kind == 4)
    h, w = a.shape
    sizes = {
        0: [(h, p) for p in range(1, w)],
        1: [(p, w) for p in range(1, h)],
        2: sorted(product(range(1, h + 1), range(1, w + 1)), key=lambda size: (size[0] * size[1], size[0]))[:-1],
    }[kind]
    for rows, columns in sizes:
        tile = tile_of(a, rows, columns)
        if tile is not None:
            return np.tile(tile, (h // rows + 1, w // columns + 1))[:h, :w]
    return None


# Regions


def holes(a: Cells, kind: int) -> Cells:
    """Return the colors of the filled cells alone."""
    out = np.zeros_like(a)
    for region in components((a == 0).astype(np.uint8), ALL if kind else STRAIGHT, True):
        around = [cell for here in region for cell in neighbors(here, STRAIGHT)]
        if all(inside(a, cell) for cell in around):
            counts = Counter(int(a[cell]) for cell in around if a[cell])
            color = min(counts, key=lambda k: (-counts[k], k))
            for cell in region:
                out[cell] = color
    return out


def fill_holes(a: Cells, kind: int) -> Cells:
    return a + holes(a, kind)


def border_cells(a: Cells, kind: int) -> Cells:
    def at_border(cell: Cell) -> bool:
        around = neighbors(cell, ALL)
        return any(not a[there] if inside(a, there) else kind == 0 for there in around)

    return only(a, {cell for cell in places(a) if at_border(cell)})


def inner_cells(a: Cells, _: int) -> Cells:
    return a - border_cells(a, 0)


def outline(a: Cells, kind: int) -> Cells:
    out = np.zeros_like(a)
    for cell in places(a):
        colors = [a[there] for there in neighbors(cell, STRAIGHT if kind else ALL) if inside(a, there) and a[there]]
        if not a[cell] and colors:
            out[cell] = colors[0]
    return out


def grow(a: Cells, kind: int) -> Cells:
    return a + outline(a, kind)


def spread(a: Cells, kind: int) -> Cells:
    out = a.copy()
    waiting = deque(cell for cell in places(a) if a[cell])
    while waiting:
        here = waiting.popleft()
        for there in neighbors(here, ALL if kind else STRAIGHT):
            if inside(a, there) and not out[there]:
                out[there] = out[here]
                waiting.append(there)
    return out


def drop_small(a: Cells, kind: int) -> Cells | None:
    if kind < 2:
        single = [component for component in components(a, ALL, True) if len(component) == 1]
        kept = only(a, {cell for component in single for cell in component})
        return kept if kind else a - kept
    found = components(a, ALL, False)
    if not found:
        return None
    kept = only(a, max(found, key=len))
    return kept if kind == 2 else a - kept


def fall(a: Cells, direction: int) -> Cells:
    """Move bodies down, one step at a time; other directions by turning the picture."""
    symmetry = (2, 4, 0, 7)[direction]
    turned = dihedral(a, symmetry)
    indices = dihedral(np.arange(a.size).reshape(a.shape), symmetry)

    def order(body: set[Cell]) -> tuple[int, int]:
        lowest = max(r for r, _ in body)
        return -lowest, min(int(indices[cell]) for cell in body if cell[0] == lowest)

    bodies = sorted(components(turned, ALL, False), key=order)
    pieces = [{cell: int(turned[cell]) for cell in body} for body in bodies]
    moved = True
    while moved:
        moved = False
        for i, piece in enumerate(pieces):
            others = {cell for j, other in enumerate(pieces) if j != i for cell in other}
            lower = {(r + 1, c): color for (r, c), color in piece.items()}
            while all(inside(turned, cell) and cell not in others for cell in lower):
                pieces[i], moved = lower, True
                lower = {(r + 1, c): color for (r, c), color in lower.items()}
    out = np.zeros_like(turned)
    for piece in pieces:
        for cell, color in piece.items():
            out[cell] = color
    return dihedral(out, symmetry)


def at_side(a: Cells, kind: int) -> Cells:
    kept: set[Cell] = set()
    for component in components(a, ALL, False):
        if any(not inside(a, cell) for here in component for cell in neighbors(here, STRAIGHT)) == (kind == 0):
            kept |= component
    return only(a, kept)


def fill_boxes(a: Cells, kind: int) -> Cells:
    out = a.copy()
    for component in components(a, ALL, False):
        color = ranked(only(a, component))[0]
        rows, columns = zip(*component, strict=True)
        for cell in product(range(min(rows), max(rows) + 1), range(min(columns), max(columns) + 1)):
            out[cell] = out[cell] or color
    return out - a if kind else out


AT_PLACE: dict[str, Any] = {
    "KEEP": keep,
    "DROP": drop,
    "PAINT": paint,
    "INVERT": invert,
    "PAINT_MAIN": paint_main,
    "KEEP_RANK": keep_rank,
    "DROP_RANK": drop_rank,
    "SWAP": swap,
    "HULL": hull,
    "BLANK": blank,
    "STRIPES": stripes,
    "DIHEDRAL": dihedral,
    "SQUEEZE_BLANK": squeeze_blank,
    "SQUEEZE_EQUAL": squeeze_equal,
    "UPSCALE": upscale,
    "DOWNSCALE": downscale,
    "DOUBLE": double,
    "SYMMETRIZE": symmetrize,
    "ROLL": roll,
    "FRACTAL": fractal,
    "SLANT": slant,
    "SORT": sort_lines,
    "GRAVITY": gravity,
    "SMEAR": smear,
    "CONNECT": connect,
    "PERIOD": period,
    "FILL_HOLES": fill_holes,
    "INTERIOR": holes,
    "BORDER_CELLS": border_cells,
    "INNER_CELLS": inner_cells,
    "OUTLINE": outline,
    "GROW": grow,
    "SPREAD": spread,
    "DROP_SMALL": drop_small,
    "FALL": fall,
    "AT_SIDE": at_side,
    "FILL_BOXES": fill_boxes,
    "STAMP": stamp,
    "RECTANGLES": rectangles,
}
"""Operations that keep the place: cells and argument to cells."""


def moved_picture(name: str, arg: int, a: Cells) -> tuple[Cells | None, int, int] | None:
    """Return the cells and how far the place moves, for operations that move it by what the picture alone says."""
    h, w = a.shape
    if name == "ADD_FRAME":
        if arg == 2:
            return np.pad(a, 1, mode="edge"), -1, -1
        if arg == 0 and not a.any():
            return None
        return np.pad(a, 1, constant_values=ranked(a)[0] if arg == 0 else 0), -1, -1
    if name == "HALF":
        return (
            (a[:, : w // 2], 0, 0),
            (a[:, w - w // 2 :], 0, w - w // 2),
            (a[: h // 2], 0, 0),
            (a[h - h // 2 :], h - h // 2, 0),
        )[arg]
    if name == "CROP":
        if not a.any():
            return None
        rows, columns = np.nonzero(a)
        return a[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], rows.min(), columns.min()
    if name == "TRIM":
        return a[1:-1, 1:-1], 1, 1
    if name == "CENTER":
        top, left = (h - 1) // 2, (w - 1) // 2
        return a[top : h - top, left : w - left], top, left
    if name == "MOVE":
        return a, *CLOCKWISE[arg]
    if name == "MOVE_OWN":
        return a, CLOCKWISE[arg][0] * h, CLOCKWISE[arg][1] * w
    assert name == "LINES"
    return ((a[:1], 0, 0), (a[-1:], h - 1, 0), (a[:, :1], 0, 0), (a[:, -1:], 0, w - 1))[arg]


def at_origin(name: str, arg: int, a: Cells) -> Cells | None:
    """Return the cells of operations whose result lies at (0, 0), whatever the frame."""
    if name == "TO_ORIGIN":
        return a
    if name == "PALETTE":
        counts = Counter(a.ravel().tolist())
        if arg == 4 and a.any():
            width = max(counts[color] for color in ranked(a))
            return np.array([[color] * counts[color] + [0] * (width - counts[color]) for color in ranked(a)], np.uint8)
        column = np.array(ranked(a), np.uint8)[:, None]
        return (column, column.T, column[::-1], column[::-1].T, column)[arg]
    assert name == "COUNT"
    n = (
        int((a > 0).sum()),
        len(ranked(a)),
        len(components(a, ALL, False)),
        len(components(a, STRAIGHT, True)),
    )[arg // 4]
    if n == 0 or n > 30:
        return None
    shape = ((n, n), (n, 1), (1, n), (n, n))[arg % 4]
    return (np.eye(n) if arg % 4 == 3 else np.ones(shape)).astype(np.uint8) * ranked(a)[0]


def sized(name: str, arg: int, a: Cells, y: int, x: int, frames: list[int]) -> Cells | None:
    """Return the cells of operations whose result is a frame."""
    variants = {"TILE": 4, "MIRROR_TILE": 2}.get(name, 1)
    height, width = frames[2 * (arg // variants) : 2 * (arg // variants) + 2]
    if height == 0:
        return None
    h, w = a.shape
    if name == "REFLOW":
        return np.array([*a.ravel(), *[0] * (height * width)][: height * width], np.uint8).reshape(height, width)
    if name == "CENTERED":
        y, x = int(np.floor((height - h) / 2)), int(np.floor((width - w) / 2))
    out = np.zeros((height, width), np.uint8)
    for r, c in places(out):
        if name in ("FIT", "CENTERED"):
            cell = (r - y, c - x)
            out[r, c] = a[cell] if inside(a, cell) else 0
        elif name == "RESIZE":
            out[r, c] = a[r * h // height, c * w // width]
        else:
            unit = a
            if name == "TILE":
                beyond = ((0, 0), (1, 1), (0, 99), (99, 0))[arg % 4]
                unit = np.pad(a, ((0, beyond[0]), (0, beyond[1])))
            if name == "MIRROR_TILE":
                unit = np.vstack([a, np.flipud(a)[1:-1] if arg % 2 else np.flipud(a)])
                unit = np.hstack([unit, np.fliplr(unit)[:, 1:-1] if arg % 2 else np.fliplr(unit)])
            out[r, c] = unit[(r - y) % unit.shape[0], (c - x) % unit.shape[1]]
    return out


def apply_picture(name: str, arg: int, a: Cells, y: int, x: int, frames: list[int]) -> tuple[Cells, int, int] | None:
    """Apply an operation by name; return cells and place, or None."""
    cells: Cells | None
    if name in AT_PLACE:
        cells = AT_PLACE[name](a, arg)
    elif name in ("TO_ORIGIN", "PALETTE", "COUNT"):
        cells, y, x = at_origin(name, arg, a), 0, 0
    elif name in ("FIT", "RESIZE", "TILE", "MIRROR_TILE", "REFLOW", "CENTERED"):
        cells, y, x = sized(name, arg, a, y, x, frames), 0, 0
    else:
        moved = moved_picture(name, arg, a)
        if moved is None:
            return None
        cells, y, x = moved[0], y + int(moved[1]), x + int(moved[2])
    if cells is None or cells.size == 0 or max(cells.shape) > 30:
        return None
    return cells, y, x
