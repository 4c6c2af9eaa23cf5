"""Slow, obvious twins of the object kernels, written with dicts from (row, column) to color."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Place = tuple[int, int]
Picture = dict[Place, int]
Array = NDArray[Any]

STEPS: tuple[Place, ...] = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
EDGE, NOTHING = -1, -2


def pictures(grid: Array, labels: Array, count: int) -> list[Picture]:
    """Return the cells of each object."""
    return [{(int(r), int(c)): int(grid[r, c]) for r, c in np.argwhere(labels == q)} for q in range(count)]


def inside(grid: Array, place: Place) -> bool:
    height, width = grid.shape
    return place[0] in range(height) and place[1] in range(width)


def moved(picture: Picture, down: int, right: int) -> Picture:
    return {(r + down, c + right): color for (r, c), color in picture.items()}


def box(picture: Picture) -> tuple[int, int, int, int]:
    """Return first and last row, first and last column."""
    rows, columns = [r for r, _ in picture], [c for _, c in picture]
    return min(rows), max(rows), min(columns), max(columns)


def free_slide(grid: Array, labels: Array, q: int, picture: Picture, d: int, background: int) -> tuple[int, int]:
    """Return the steps of a slide, and what stops it: an object, ``EDGE`` or ``NOTHING``."""
    for steps in range(1, 31):
        places = list(moved(picture, steps * STEPS[d][0], steps * STEPS[d][1]))
        if not all(inside(grid, place) for place in places):
            return steps - 1, EDGE
        for place in places:
            if labels[place] != q and grid[place] != background:
                return steps - 1, int(labels[place]) if labels[place] >= 0 else NOTHING
    raise AssertionError("a slide ends at the edge at the latest")


def falls(
    grid: Array, labels: Array, found: Sequence[Picture], background: int, order: Sequence[int], d: int
) -> list[int]:
    """Return how far each object falls in one direction, one after the other."""
    taken = {place for place in np.ndindex(grid.shape) if labels[place] < 0 and grid[place] != background}
    steps = [0] * len(found)
    for q in order:
        while True:
            there = moved(found[q], (steps[q] + 1) * STEPS[d][0], (steps[q] + 1) * STEPS[d][1])
            if not all(inside(grid, place) for place in there) or taken & set(there):
                break
            steps[q] += 1
        taken |= set(moved(found[q], steps[q] * STEPS[d][0], steps[q] * STEPS[d][1]))
    return steps


def rays(
    grid: Array, labels: Array, q: int, picture: Picture, background: int, directions: int, stop: str
) -> set[Place]:
    """Return the background cells that rays from all cells of an object reach."""
    reached: set[Place] = set()
    for (r, c), color in picture.items():
        for d in range(8):
            path: list[Place] = []
            met = None
            place = (r + STEPS[d][0], c + STEPS[d][1])
            while inside(grid, place) and directions >> d & 1:
                if labels[place] != q and grid[place] != background and stop != "through":
                    met = int(grid[place])
                    break
                path.append(place)
                place = (place[0] + STEPS[d][0], place[1] + STEPS[d][1])
            wanted = {"to_object": met is not None, "to_same_color": met == color}.get(stop, True)
            if wanted:
                reached.update(p for p in path if labels[p] != q and grid[p] == background)
    return reached


def rays_from(grid: Array, picture: Picture, place: str, directions: int, background: int) -> set[Place]:
    """Return the background cells of rays that leave an object's box where it has, or lacks, cells of its outline."""
    top, bottom, left, right = box(picture)
    reached: set[Place] = set()
    for d, (down, across) in enumerate(STEPS):
        for r, c in np.ndindex(grid.shape):
            at_end = r in (top, bottom) and c in (left, right)
            leaves = {-1: r == top, 0: top <= r <= bottom, 1: r == bottom}[down]
            leaves &= {-1: c == left, 0: left <= c <= right, 1: c == right}[across]
            own = (r, c) in picture
            gap = not own and grid[r, c] == background and not (at_end and d < 4)
            if place == "mouths" and d >= 4:
                in_row = r == {-1: top, 1: bottom}[down] and left < c < right and (r, c + across) in picture
                in_column = c == {-1: left, 1: right}[across] and top < r < bottom and (r + down, c) in picture
                leaves = in_row or in_column
            if not (directions >> d & 1 and leaves and (own if place == "corners" else gap)):
                continue
            step = (r + down, c + across)
            while inside(grid, step) and (grid[step] == background or step in picture):
                reached |= {step} - set(picture)
                step = (step[0] + down, step[1] + across)
    return reached


def bar(grid: Array, picture: Picture, d: int, length: int, background: int) -> set[Place]:
    """Return the background cells within some rows or columns of a side of an object's box."""
    top, bottom, left, right = box(picture)
    spans = ((top - length, top - 1), (bottom + 1, bottom + length), (top, bottom), (top, bottom))
    across = ((left, right), (left, right), (left - length, left - 1), (right + 1, right + length))
    return {
        (r, c)
        for r, c in np.ndindex(grid.shape)
        if spans[d][0] <= r <= spans[d][1] and across[d][0] <= c <= across[d][1] and grid[r, c] == background
    }


def level(first: Picture, second: Picture) -> tuple[bool, bool]:
    """Tell whether two boxes share rows, and whether they share columns."""
    a, b = box(first), box(second)
    return a[0] <= b[1] and b[0] <= a[1], a[2] <= b[3] and b[2] <= a[3]


def _sides(place: Place) -> list[Place]:
    return [(place[0] + r, place[1] + c) for r, c in STEPS[:4]]


def _corners(place: Place) -> list[Place]:
    return [(place[0] + r, place[1] + c) for r, c in STEPS[4:]]


def holes(picture: Picture) -> set[Place]:
    """Return the cells of the box that cannot reach its border over sides."""
    top, bottom, left, right = box(picture)
    free = {(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)} - set(picture)
    outside = {(r, c) for r, c in free if r in (top, bottom) or c in (left, right)}
    while True:
        more = {place for place in free - outside if any(side in outside for side in _sides(place))}
        if not more:
            return free - outside
        outside |= more


Test = Callable[[Place, Picture], bool]


def _in_box(place: Place, picture: Picture) -> bool:
    top, bottom, left, right = box(picture)
    return top <= place[0] <= bottom and left <= place[1] <= right


def _on_rim(place: Place, picture: Picture) -> bool:
    top, bottom, left, right = box(picture)
    return _in_box(place, picture) and (place[0] in (top, bottom) or place[1] in (left, right))


def _beside(place: Place, picture: Picture) -> bool:
    return place not in picture and any(side in picture for side in _sides(place))


def _at_corner(place: Place, picture: Picture) -> bool:
    return place not in picture and any(corner in picture for corner in _corners(place))


def _in_core(place: Place, picture: Picture) -> bool:
    return place in picture and all(near in picture for near in _sides(place) + _corners(place))


def _around(place: Place, picture: Picture) -> bool:
    top, bottom, left, right = box(picture)
    near = top - 1 <= place[0] <= bottom + 1 and left - 1 <= place[1] <= right + 1
    return near and not _in_box(place, picture)


REGIONS: dict[str, Test] = {
    "box": lambda p, o: _in_box(p, o) and p not in o,
    "inner": lambda p, o: _in_box(p, o) and not _on_rim(p, o),
    "holes": lambda p, o: p in holes(o),
    "frame": _around,
    "halo": lambda p, o: _beside(p, o) or _at_corner(p, o),
    "sides": _beside,
    "corners": lambda p, o: _at_corner(p, o) and not _beside(p, o),
    "core": _in_core,
    "rim": lambda p, o: p in o and not _in_core(p, o),
    "box_rim": _on_rim,
    "checker": lambda p, o: p in o and (p[0] - box(o)[0] + p[1] - box(o)[2]) % 2 == 1,
    "odd_columns": lambda p, o: p in o and (p[1] - box(o)[2]) % 2 == 1,
    "odd_rows": lambda p, o: p in o and (p[0] - box(o)[0]) % 2 == 1,
}
"""Whether a place is in a region of an object."""


def region(grid: Array, picture: Picture, name: str, background: int) -> set[Place]:
    """Return the cells that filling a region of an object paints."""
    overwrites = name in ("inner", "box_rim")
    return {
        place
        for place in np.ndindex(grid.shape)
        if REGIONS[name](place, picture) and (overwrites or place in picture or grid[place] == background)
    }


def turned(picture: Picture, name: str) -> Picture:
    """Turn or mirror an object in its box; quarter turns are for square boxes."""
    top, bottom, left, right = box(picture)
    last_row, last_column = bottom - top, right - left
    places: dict[str, Callable[[int, int], Place]] = {
        "left_right": lambda i, j: (i, last_column - j),
        "up_down": lambda i, j: (last_row - i, j),
        "half": lambda i, j: (last_row - i, last_column - j),
        "transposed": lambda i, j: (j, i),
        "left": lambda i, j: (last_column - j, i),
        "right": lambda i, j: (j, last_row - i),
        "anti_transposed": lambda i, j: (last_column - j, last_row - i),
    }
    result = {}
    for (r, c), color in picture.items():
        i, j = places[name](r - top, c - left)
        result[top + i, left + j] = color
    return result


def is_wrong(grid: Array, output: Array, picture: Picture, painted: Picture, erases: bool) -> bool:
    """Tell whether an output refutes what an action paints for an object."""
    if not painted:
        return not erases or any(grid[place] == output[place] for place in picture)
    return any(output[place] != color for place, color in painted.items())


def explained(grid: Array, output: Array, picture: Picture, painted: Picture, erases: bool, background: int) -> int:
    """Count the changed cells that an action makes right, if it is not wrong."""
    made = set(painted)
    if erases:
        made |= {place for place in picture if output[place] == background}
    return sum(grid[place] != output[place] for place in made)
