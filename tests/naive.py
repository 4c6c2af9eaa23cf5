"""Slow, obvious twins of the kernels: the same names, arguments and results, written with sets, dicts and lists."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[Any]
Place = tuple[int, int]

STEPS: tuple[Place, ...] = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
KEEP = 10
NO_SEPARATOR = 10


def places(grid: Cells) -> Iterator[Place]:
    """Yield all cells in reading order."""
    return product(range(grid.shape[0]), range(grid.shape[1]))


def within(grid: Cells, r: int, c: int) -> bool:
    return 0 <= r < grid.shape[0] and 0 <= c < grid.shape[1]


def neighbors(place: Place, diagonal: bool) -> list[Place]:
    return [(place[0] + r, place[1] + c) for r, c in (STEPS if diagonal else STEPS[::2])]


def is_in(color: int, colors: int) -> bool:
    return bool(colors >> int(color) & 1)


def groups(chosen: set[Place], diagonal: bool) -> list[set[Place]]:
    """Return the connected groups of cells, in reading order of their first cells."""
    found = []
    left = set(chosen)
    for start in sorted(chosen):
        if start not in left:
            continue
        group, frontier = {start}, {start}
        while frontier:
            frontier = {near for place in frontier for near in neighbors(place, diagonal)} & left - group
            group |= frontier
        left -= group
        found.append(group)
    return found


def color_counts(grid: Cells) -> Cells:
    counts = Counter(grid.ravel().tolist())
    return np.array([counts[color] for color in range(10)])


def background_color(grid: Cells) -> int:
    counts = color_counts(grid)
    return 0 if counts[0] else int(np.argmax(counts))


def recolor(grid: Cells, colors: int, chosen: int, other: int) -> Cells:
    result = grid.copy()
    for place in places(grid):
        wanted = chosen if is_in(grid[place], colors) else other
        if wanted != KEEP:
            result[place] = wanted
    return result


def label_components(grid: Cells, colors: int, diagonal: bool, by_color: bool) -> tuple[Cells, int]:
    allowed = {place for place in places(grid) if is_in(grid[place], colors)}
    if by_color:
        layers = [{place for place in allowed if grid[place] == color} for color in range(10)]
        found = sorted((group for layer in layers for group in groups(layer, diagonal)), key=min)
    else:
        found = groups(allowed, diagonal)
    labels = np.zeros(grid.shape, int)
    for k, group in enumerate(found):
        for place in group:
            labels[place] = k + 1
    return labels, len(found)


def component_boxes(labels: Cells, count: int) -> Cells:
    boxes = []
    for k in range(1, count + 1):
        rows, columns = np.nonzero(labels == k)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        boxes.append([rows.min(), columns.min(), height, width, len(rows)])
    return np.array(boxes, int).reshape(-1, 5)


def cut_components(grid: Cells, labels: Cells, boxes: Cells) -> tuple[Cells, Cells]:
    cells: list[int] = []
    masks: list[bool] = []
    for k, (top, left, height, width, _) in enumerate(boxes.tolist()):
        for r, c in product(range(top, top + height), range(left, left + width)):
            own = labels[r, c] == k + 1
            cells.append(grid[r, c] if own else 0)
            masks.append(own)
    return np.array(cells, np.uint8), np.array(masks, bool)


def find_components(grid: Cells, colors: int, diagonal: bool, by_color: bool) -> tuple[Cells, Cells, Cells]:
    labels, count = label_components(grid, colors, diagonal, by_color)
    boxes = component_boxes(labels, count)
    return boxes, *cut_components(grid, labels, boxes)


def _touches_side(grid: Cells, group: set[Place]) -> bool:
    height, width = grid.shape
    return any(r in (0, height - 1) or c in (0, width - 1) for r, c in group)


def outside_cells(grid: Cells, colors: int, diagonal: bool) -> Cells:
    result = np.zeros(grid.shape, bool)
    for group in groups({place for place in places(grid) if is_in(grid[place], colors)}, diagonal):
        if _touches_side(grid, group):
            for place in group:
                result[place] = True
    return result


def spread(grid: Cells, sources: int, free: int, diagonal: bool, max_steps: int) -> Cells:
    """Give each free cell the color of the nearest source by steps over free cells, the first of equals."""
    starts = [place for place in places(grid) if is_in(grid[place], sources)]
    open_cells = {place for place in places(grid) if is_in(grid[place], free)} - set(starts)
    best: dict[Place, tuple[int, int]] = {}
    for k, start in enumerate(starts):
        frontier, seen = {start}, {start}
        for steps in range(1, max_steps + 1):
            frontier = {near for place in frontier for near in neighbors(place, diagonal)} & open_cells - seen
            seen |= frontier
            for place in frontier:
                best[place] = min(best.get(place, (steps, k)), (steps, k))
            if not frontier:
                break
    result = grid.copy()
    for place, (_, k) in best.items():
        result[place] = grid[starts[k]]
    return result


def grow(mask: Cells, diagonal: bool) -> Cells:
    result = np.zeros(mask.shape, bool)
    for place in places(mask):
        near = [place, *neighbors(place, diagonal)]
        result[place] = any(within(mask, *other) and mask[other] for other in near)
    return result


def inner_edge(mask: Cells, side_is_edge: bool) -> Cells:
    result = np.zeros(mask.shape, bool)
    for place in places(mask):
        near = neighbors(place, diagonal=True)
        result[place] = mask[place] and any(not mask[other] if within(mask, *other) else side_is_edge for other in near)
    return result


def largest_rectangle(mask: Cells) -> tuple[int, int, int, int]:
    best = (0, 0, 0, 0)
    for bottom, left in places(mask):
        for right, top in product(range(left, mask.shape[1]), range(bottom + 1)):
            size = bottom - top + 1, right - left + 1
            corners = mask[bottom, left] and mask[top, right]
            better = (size[0] * size[1], min(size)) > (best[2] * best[3], min(best[2:]))
            if corners and better and mask[top : bottom + 1, left : right + 1].all():
                best = (top, left, *size)
    return best


def marked_rectangles(grid: Cells, background: int, limit: int) -> Cells:
    height, width = grid.shape
    found = []
    for top, left in places(grid):
        color = grid[top, left]
        for bottom, right in product(range(top + 2, height), range(left + 2, width)):
            corners = (grid[top, left], grid[top, right], grid[bottom, left], grid[bottom, right])
            if color == background or any(corner != color for corner in corners):
                continue
            sides = (
                *grid[top, left + 1 : right],
                *grid[bottom, left + 1 : right],
                *grid[top + 1 : bottom, left],
                *grid[top + 1 : bottom, right],
            )
            if color not in sides:
                found.append([top, left, bottom - top + 1, right - left + 1])
    return np.array(found[:limit], int).reshape(-1, 4)


def separator_color(grid: Cells, background: int) -> int:
    lines = [line.tolist() for line in (*grid, *grid.T)]
    full = [line[0] for line in lines if len(set(line)) == 1]
    drawn = Counter(sorted(color for color in full if color != background))
    if drawn:
        return int(drawn.most_common(1)[0][0])
    return background if full else NO_SEPARATOR


def panel_boxes(grid: Cells, separator: int) -> Cells:
    def runs(lines: Cells) -> list[tuple[int, int]]:
        full = [all(line == separator) for line in lines]
        numbered = groupby(enumerate(full), key=lambda pair: pair[1])
        kept = [[index for index, _ in run] for is_full, run in numbered if not is_full]
        return [(run[0], len(run)) for run in kept]

    boxes = [(top, left, height, width) for (top, height), (left, width) in product(runs(grid), runs(grid.T))]
    return np.array(boxes, int).reshape(-1, 4)


def paste_into(canvas: Cells, patch: Cells, mask: Cells, top: int, left: int) -> None:
    for r, c in places(patch):
        if mask[r, c] and within(canvas, top + r, left + c):
            canvas[top + r, left + c] = patch[r, c]


def overlay_content(top: Cells, bottom: Cells, background: int) -> Cells:
    return np.where(top == background, bottom, top)


def _path(grid: Cells, start: Place, direction: int, through: int) -> tuple[list[Place], Place]:
    """Return the cells that a ray passes, and the place where it ends."""
    (r, c), (down, right) = start, STEPS[direction]
    passed = []
    while True:
        r, c = r + down, c + right
        if not within(grid, r, c) or not is_in(grid[r, c], through):
            return passed, (r, c)
        passed.append((r, c))


def _drawn(grid: Cells, colors: dict[Place, int]) -> Cells:
    result = grid.copy()
    for place, color in colors.items():
        result[place] = color
    return result


def shoot_rays(grid: Cells, sources: int, through: int, directions: int, color: int) -> Cells:
    first: dict[Place, int] = {}
    for direction, source in product(range(8), list(places(grid))):
        if is_in(direction, directions) and is_in(grid[source], sources):
            for place in _path(grid, source, direction, through)[0]:
                first.setdefault(place, grid[source] if color == KEEP else color)
    return _drawn(grid, first)


def connect_equal(grid: Cells, ends: int, through: int, directions: int, color: int) -> Cells:
    last: dict[Place, int] = {}
    for direction, source in product(range(8), list(places(grid))):
        if is_in(direction, directions) and is_in(grid[source], ends):
            passed, stop = _path(grid, source, direction, through)
            if within(grid, *stop) and grid[stop] == grid[source]:
                for place in passed:
                    last[place] = grid[source] if color == KEEP else color
    return _drawn(grid, last)


def fall_cells(grid: Cells, background: int, movable: int, direction: int) -> Cells:
    """Turn the grid so that cells fall up, then move single cells by single steps until nothing moves."""
    turned = np.rot90(grid, direction // 2).copy()
    moved = True
    while moved:
        moved = False
        for r, c in places(turned):
            falls = turned[r, c] != background and is_in(turned[r, c], movable)
            if r > 0 and falls and turned[r - 1, c] == background:
                turned[r - 1, c], turned[r, c] = turned[r, c], background
                moved = True
    return np.rot90(turned, -(direction // 2))


def slide_steps(canvas: Cells, background: int, mask: Cells, top: int, left: int, direction: int) -> int:
    own = {(top + r, left + c) for r, c in places(mask) if mask[r, c]}
    down, right = STEPS[direction]
    steps = 0
    while True:
        own = {(r + down, c + right) for r, c in own}
        if not all(within(canvas, *place) and canvas[place] == background for place in own):
            return steps
        steps += 1


def mask_box(mask: Cells) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def main_color(patch: Cells, mask: Cells) -> int:
    counts = Counter(sorted(patch[mask].tolist()))
    return counts.most_common(1)[0][0] if counts else 0


def rare_color(patch: Cells, mask: Cells) -> int:
    counts = Counter(sorted(patch[mask].tolist()))
    return min(counts, key=lambda color: (counts[color], color)) if counts else -1


def color_set(patch: Cells, mask: Cells) -> int:
    return sum(1 << color for color in set(patch[mask].tolist()))


def hole_count(mask: Cells) -> int:
    free = groups({place for place in places(mask) if not mask[place]}, diagonal=False)
    return sum(not _touches_side(mask, group) for group in free)


def symmetries(patch: Cells) -> int:
    images = (patch[:, ::-1], patch[::-1], patch.T, patch[::-1, ::-1].T)
    return sum(1 << k for k, image in enumerate(images) if np.array_equal(patch, image))


def mirror_cell(kind: int, axis: int, r: int, c: int) -> Place:
    return ((r, axis - c), (axis - r, c), (c - axis, r + axis), (axis - c, axis - r))[kind]


def mirror_axes(grid: Cells, hidden: int) -> Cells:
    height, width = grid.shape
    spans = (
        range(2 * width - 1),
        range(2 * height - 1),
        range(1 - height, width),
        range(height + width - 1),
    )
    visible = {place for place in places(grid) if grid[place] != hidden}
    best = []
    for kind, span in enumerate(spans):
        found = [(0, 0)]
        for axis in span:
            images = {place: mirror_cell(kind, axis, *place) for place in visible}
            pairs = [(place, image) for place, image in images.items() if image in visible and image != place]
            if all(grid[place] == grid[image] for place, image in pairs):
                found.append((axis, len(pairs)))
        best.append(max(found, key=lambda pair: pair[1]))
    return np.array(best)


def fill_mirrored(grid: Cells, hidden: int, axes: Cells, min_agreeing: int) -> Cells:
    result = grid.copy()
    before = None
    while before is None or not np.array_equal(before, result):
        before = result.copy()
        for kind, (axis, agreeing) in enumerate(axes.tolist()):
            if agreeing < min_agreeing:
                continue
            for place in places(grid):
                image = mirror_cell(kind, axis, *place)
                if result[place] == hidden and within(grid, *image):
                    result[place] = result[image]
    return result


def has_period(grid: Cells, hidden: int, down: int, right: int) -> bool:
    colors: dict[Place, set[int]] = {}
    for r, c in places(grid):
        if grid[r, c] != hidden:
            colors.setdefault((r % down, c % right), set()).add(int(grid[r, c]))
    return all(len(seen) == 1 for seen in colors.values())


def smallest_period(grid: Cells, hidden: int) -> tuple[int, int]:
    height, width = grid.shape
    sizes = sorted(product(range(1, height + 1), range(1, width + 1)), key=lambda size: (size[0] * size[1], size[0]))
    return next(size for size in sizes if has_period(grid, hidden, *size))


def continue_period(grid: Cells, hidden: int, down: int, right: int, height: int, width: int) -> Cells:
    tile = {(r % down, c % right): grid[r, c] for r, c in places(grid) if grid[r, c] != hidden}
    missing = hidden if hidden < 10 else 0
    rows = [[tile.get((r % down, c % right), missing) for c in range(width)] for r in range(height)]
    return np.array(rows)
