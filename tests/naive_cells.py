"""Slow, obvious twins of the kernels behind cell rules."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint8]
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
NO_COLOR, NONE = 10, 255


def places(grid: Cells) -> list[tuple[int, int]]:
    return list(product(range(grid.shape[0]), range(grid.shape[1])))


def line(grid: Cells, r: int, c: int, step: tuple[int, int]) -> list[int]:
    """Return the colors met on the way from a cell to the edge."""
    met = []
    while 0 <= r + step[0] < grid.shape[0] and 0 <= c + step[1] < grid.shape[1]:
        r, c = r + step[0], c + step[1]
        met.append(int(grid[r, c]))
    return met


def rays(grid: Cells, background: int) -> tuple[Cells, Cells, Cells]:
    colors = np.full((8, *grid.shape), NO_COLOR, np.uint8)
    steps = np.full((8, *grid.shape), NONE, np.uint8)
    changes = np.full((8, *grid.shape), NO_COLOR, np.uint8)
    for d, (r, c) in product(range(8), places(grid)):
        met = line(grid, r, c, STEPS[d])
        hits = [k for k, color in enumerate(met) if color != background]
        if hits:
            colors[d, r, c], steps[d, r, c] = met[hits[0]], hits[0] + 1
        others = [color for color in met if color != grid[r, c]]
        if others:
            changes[d, r, c] = others[0]
    return colors, steps, changes


def nearest(grid: Cells, background: int) -> tuple[Cells, Cells, Cells]:
    king = np.full(grid.shape, NONE, np.uint8)
    rook = np.full(grid.shape, NONE, np.uint8)
    color = np.full(grid.shape, NO_COLOR, np.uint8)
    for r, c in places(grid):
        others = [(y, x) for y, x in places(grid) if grid[y, x] != background and (y, x) != (r, c)]
        if others:
            king[r, c] = min(max(abs(y - r), abs(x - c)) for y, x in others)
            rook[r, c] = min(abs(y - r) + abs(x - c) for y, x in others)
            tied = {int(grid[y, x]) for y, x in others if abs(y - r) + abs(x - c) == rook[r, c]}
            color[r, c] = tied.pop() if len(tied) == 1 else NO_COLOR
    return king, rook, color


def around(grid: Cells, r: int, c: int, steps: tuple[tuple[int, int], ...]) -> list[int]:
    inside = [(r + dy, c + dx) for dy, dx in steps if 0 <= r + dy < grid.shape[0] and 0 <= c + dx < grid.shape[1]]
    return [int(grid[place]) for place in inside]


def color_counts(grid: Cells, ray_colors: Cells) -> Cells:
    counts = np.zeros((60, *grid.shape), np.uint8)
    for color, (r, c) in product(range(10), places(grid)):
        counts[color, r, c] = around(grid, r, c, STEPS).count(color)
        counts[10 + color, r, c] = around(grid, r, c, STEPS[:4]).count(color)
        counts[20 + color, r, c] = ray_colors[:4, r, c].tolist().count(color)
        counts[30 + color, r, c] = ray_colors[:, r, c].tolist().count(color)
        counts[40 + color, r, c] = grid[r].tolist().count(color)
        counts[50 + color, r, c] = grid[:, c].tolist().count(color)
    return counts


def neighbor_summary(grid: Cells, background: int) -> Cells:
    planes = np.zeros((5, *grid.shape), np.uint8)
    for r, c in places(grid):
        eight, four = around(grid, r, c, STEPS), around(grid, r, c, STEPS[:4])
        planes[0, r, c], planes[1, r, c] = eight.count(int(grid[r, c])), four.count(int(grid[r, c]))
        filled = [color for color in eight if color != background]
        planes[2, r, c], planes[3, r, c] = len(filled), sum(color != background for color in four)
        planes[4, r, c] = min(filled, key=lambda color: (-filled.count(color), color)) if filled else NO_COLOR
    return planes


def fall(grid: Cells, background: int, direction: int) -> Cells:
    turned = grid if direction >= 2 else grid.T
    rows = []
    for row in turned.tolist():
        filled, empty = [x for x in row if x != background], [x for x in row if x == background]
        rows.append(filled + empty if direction % 2 == 0 else empty + filled)
    out = np.array(rows, np.uint8)
    return out if direction >= 2 else out.T


def extend(grid: Cells, background: int, directions: int, through: bool) -> Cells:
    out = grid.copy()
    for (r, c), d in product(places(grid), range(8)):
        if grid[r, c] == background or not directions >> d & 1:
            continue
        for k, color in enumerate(line(grid, r, c, STEPS[d])):
            if color == background:
                out[r + (k + 1) * STEPS[d][0], c + (k + 1) * STEPS[d][1]] = grid[r, c]
            elif not through:
                break
    return out


def label(
    grid: Cells, skip_background: bool, one_color: bool, diagonal: bool, background: int
) -> tuple[NDArray[np.int32], int]:
    labels = np.full(grid.shape, -1, np.int32)
    count = 0
    for start in places(grid):
        if labels[start] >= 0 or (skip_background and grid[start] == background):
            continue
        group, waiting = {start}, [start]
        while waiting:
            r, c = waiting.pop()
            for dy, dx in STEPS if diagonal else STEPS[:4]:
                place = (r + dy, c + dx)
                if place in group or not (0 <= place[0] < grid.shape[0] and 0 <= place[1] < grid.shape[1]):
                    continue
                if (skip_background and grid[place] == background) or (one_color and grid[place] != grid[start]):
                    continue
                group.add(place)
                waiting.append(place)
        for place in group:
            labels[place] = count
        count += 1
    return labels, count


def bits(words: NDArray[np.uint64], size: int) -> NDArray[np.bool_]:
    """Unpack bitsets ``(..., W)`` into ``(..., size)`` truth values."""
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")[..., :size].astype(bool)


def pack(values: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack ``(P, N)`` truth values into bitsets."""
    width = -(-values.shape[1] // 64) * 64
    padded = np.zeros((len(values), width), bool)
    padded[:, : values.shape[1]] = values
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def scan(predicates: NDArray[np.bool_], wrong: NDArray[np.bool_], active: NDArray[np.bool_]) -> NDArray[np.int32]:
    result = np.full((len(predicates), 6), -1, np.int32)
    for p, held in enumerate(predicates):
        sides = (active & held, active & ~held)
        result[p, 2:4] = [side.sum() for side in sides]
        if not all(side.any() for side in sides):
            continue
        errors = [[int((bad & side).sum()) for bad in wrong] for side in sides]
        for s in (0, 1):
            result[p, s] = errors[s].index(0) if 0 in errors[s] else -1
            result[p, 4 + s] = min(errors[s]) if 0 in errors[1 - s] else -1
    return result


Shape = frozenset[tuple[int, int]]


def component_cells(labels: NDArray[np.int32]) -> list[Shape]:
    """Return the cells of each component."""
    return [
        frozenset((r, c) for r, c in product(*map(range, labels.shape)) if labels[r, c] == k)
        for k in range(labels.max(initial=-1) + 1)
    ]


def ends(cells: Shape) -> int:
    return sum(sum((r + dy, c + dx) in cells for dy, dx in STEPS[:4]) == 1 for r, c in cells)


def quads_with(cells: Shape, filled: int) -> int:
    """Count places of a 2x2 square that holds so many cells."""
    corners = {(r - dy, c - dx) for r, c in cells for dy, dx in product((0, 1), repeat=2)}
    squares = [[(r + dy, c + dx) for dy, dx in product((0, 1), repeat=2)] for r, c in corners]
    return sum(sum(place in cells for place in square) == filled for square in squares)


def kind(cells: Shape) -> tuple[tuple[int, int], ...]:
    """Return the least of the eight turned and mirrored shapes."""
    turned = []
    for flip, swap, back in product((False, True), repeat=3):
        places = [(-r if flip else r, -c if back else c) for r, c in cells]
        places = [(c, r) for r, c in places] if swap else places
        top, left = min(r for r, _ in places), min(c for _, c in places)
        turned.append(tuple(sorted((r - top, c - left) for r, c in places)))
    return min(turned)


def edges(cells: Shape, shape: tuple[int, int]) -> int:
    rows, columns = {r for r, _ in cells}, {c for _, c in cells}
    return sum([0 in rows, shape[0] - 1 in rows, 0 in columns, shape[1] - 1 in columns])


def run_lengths(grid: Cells) -> Cells:
    """Return the length of the piece of one color that each cell has in its row."""
    out = np.zeros(grid.shape, np.uint8)
    for r, c in places(grid):
        for step in STEPS[2:4]:
            met = line(grid, r, c, step)
            out[r, c] += next((k for k, color in enumerate(met) if color != grid[r, c]), len(met))
    return out + np.uint8(1)


def facing_small(grid: Cells, labels: NDArray[np.int32], background: int) -> Cells:
    """Return the color of the smaller of the two components on either side of a background cell, the nearer two."""
    out = np.full(grid.shape, NO_COLOR, np.uint8)
    for r, c in places(grid):
        if grid[r, c] != background:
            continue
        found = []
        for pair in (STEPS[:2], STEPS[2:4]):
            met = [line(grid, r, c, step) for step in pair]
            steps = [next((k + 1 for k, color in enumerate(part) if color != background), 0) for part in met]
            if all(steps):
                hits = [(r + k * step[0], c + k * step[1]) for k, step in zip(steps, pair, strict=True)]
                sizes = [int((labels == labels[hit]).sum()) for hit in hits]
                if sizes[0] != sizes[1]:
                    found.append((sum(steps), int(grid[hits[sizes.index(min(sizes))]])))
        if found:
            out[r, c] = min(found, key=lambda item: item[0])[1]
    return out


def nearest_other(grid: Cells, background: int) -> tuple[Cells, Cells]:
    """Return the one nearest color but a cell's own and background, and the side steps to it."""
    color, steps = np.full(grid.shape, NO_COLOR, np.uint8), np.full(grid.shape, NONE, np.uint8)
    for r, c in places(grid):
        others = [p for p in places(grid) if grid[p] not in (background, grid[r, c])]
        if others:
            steps[r, c] = min(abs(y - r) + abs(x - c) for y, x in others)
            tied = {int(grid[y, x]) for y, x in others if abs(y - r) + abs(x - c) == steps[r, c]}
            color[r, c] = tied.pop() if len(tied) == 1 else NO_COLOR
    return color, steps


def pulled(grid: Cells, box: tuple[int, int, int, int], background: int) -> Cells:
    """Push what is in line with a box (first and last row, first and last column) against it."""
    top, bottom, left, right = box
    out = np.full(grid.shape, background, np.uint8)
    for r, c in places(grid):
        rows, columns = top <= r <= bottom, left <= c <= right
        if rows and columns:
            out[r, c] = grid[r, c]
        elif (rows or columns) and grid[r, c] != background:
            edge = (top - 1 if r < top else bottom + 1) if columns else (left - 1 if c < left else right + 1)
            inner = range(min(r, edge), max(r, edge) + 1) if columns else range(min(c, edge), max(c, edge) + 1)
            between = [(k, c) if columns else (r, k) for k in inner]
            held = sum(grid[p] != background for p in between if p != (r, c))
            away = -held if (r < top if columns else c < left) else held
            out[(edge + away, c) if columns else (r, edge + away)] = grid[r, c]
    return out
