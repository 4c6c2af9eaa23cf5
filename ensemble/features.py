"""What the search's kernels see at each cell of an input, as numbers that the network reads beside the color.

Components, holes, boxes, mirrored cells and rays need many layers of attention to be found, and are what most rules
speak of. Every feature takes one of a few values; all values of all features are numbered through, and 0 is none. The
network has a vector for each, and adds those of a cell to the vector of its color (:class:`ensemble.model.GridLM`).

Features follow from a grid alone, as it is shown: under a view they are those of the turned and renamed grid.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid
from dsl.kernels.cache import njit
from dsl.kernels.colors import color_counts
from dsl.kernels.planes_objects import (
    AROUND,
    AT_EDGE,
    COLORS,
    FULL_BOX,
    HEIGHT,
    HOLES,
    LARGEST,
    MIRROR_LR,
    MIRROR_UD,
    SAME_SHAPE,
    SIZE,
    SMALLEST,
    SQUARE,
    WIDTH,
    Cells,
    Labels,
    Table,
    box_positions,
    contacts,
    label,
    paint_symmetric,
    properties,
)

_ANY_COLOR = NUM_COLORS + 1
"""Values of a feature that is a color or, as the last value, none."""

_COMPONENT = {
    "size": 10,
    "holes": 3,
    "at edge": 2,
    "box": 6,
    "square": 2,
    "rank": 4,
    "same shape": 4,
    "colors": 3,
    "mirrored": 4,
    "around": _ANY_COLOR,
    "sides of box": 16,
    "ring of box": 5,
    "parity in box": 2,
    "middle of box": 2,
}
"""Values of what is known of the component of a cell, and of the cell's place in it."""

FEATURES: dict[str, int] = {
    **{f"region {name}": values for name, values in _COMPONENT.items() if name != "colors"},
    **{f"thing {name}": values for name, values in _COMPONENT.items()},
    **{f"thing {turn}": _ANY_COLOR for turn in ("left-right", "up-down", "half turn")},
    **{f"ray {direction}": _ANY_COLOR for direction in ("up", "down", "left", "right")},
    **{f"grid {turn}": NUM_COLORS for turn in ("left-right", "up-down", "half turn")},
    "grid transposed": _ANY_COLOR,
    "rank of color": 6,
    "like neighbors": 16,
    "steps from edge": 6,
    "lines": 4,
    "panel": 16,
}
"""Names of the features and their numbers of values. *Regions* are connected over sides and of one color, *things* over
corners too, of all colors but the background."""

_OFFSETS = np.array([1, *accumulate(FEATURES.values(), initial=1)][1:-1], np.int16)
NUM_VALUES = 1 + sum(FEATURES.values())
"""Values of all features together, with 0 for none."""


_NONE = 255
_NUM_MIRRORS = 3
_COLORS_ROW = list(_COMPONENT).index("colors")


def input_features(grid: Grid) -> NDArray[np.int16]:
    """Return the numbered values ``(H, W, F)`` of a grid's features, each 1 to ``NUM_VALUES - 1`` or 0."""
    counts = color_counts(grid)
    background = int(counts.argmax())
    parts = [
        _of_components(grid, background, things=False),
        _of_components(grid, background, things=True),
        _of_places(grid, counts, background),
    ]
    values = np.concatenate(parts).transpose(1, 2, 0)
    return np.where(values == _NONE, 0, values + _OFFSETS).astype(np.int16)


def _of_components(grid: Grid, background: int, *, things: bool) -> NDArray[np.int16]:
    """Return values of ``_COMPONENT`` and, for things, of cells mirrored in their box; ``_NONE`` outside.

    Regions are of one color: how many they have is left out.
    """
    labels, count = label(grid, things, not things, things, background)
    if count == 0:
        return np.full((len(_COMPONENT) + _NUM_MIRRORS, *grid.shape), _NONE, np.int16)
    table = properties(grid, labels, *contacts(grid, labels, count), background)
    values = _per_cell(labels, table, box_positions(labels, table))
    if not things:
        return np.delete(values, _COLORS_ROW, axis=0)
    mirrored = paint_symmetric(grid, table, np.arange(count), 0)[:_NUM_MIRRORS].astype(np.int16)
    return np.concatenate([values, np.where(labels < 0, _NONE, mirrored)])


@njit(cache=True)
def _per_cell(labels: Labels, table: Table, places: Cells) -> NDArray[np.int16]:
    height, width = labels.shape
    values = np.full((14, height, width), 255, np.int16)
    for r in range(height):
        for c in range(width):
            k = labels[r, c]
            if k < 0:
                continue
            box = table[k]
            values[0, r, c] = _size_class(box[SIZE])
            values[1, r, c] = min(box[HOLES], 2)
            values[2, r, c] = box[AT_EDGE]
            values[3, r, c] = _box_class(box)
            values[4, r, c] = box[SQUARE]
            values[5, r, c] = box[LARGEST] + 2 * box[SMALLEST]
            values[6, r, c] = min(box[SAME_SHAPE], 4) - 1
            values[7, r, c] = min(box[COLORS], 3) - 1
            values[8, r, c] = box[MIRROR_LR] + 2 * box[MIRROR_UD]
            values[9, r, c] = box[AROUND]
            values[10, r, c] = _sides_of_box(places, r, c)
            values[11, r, c] = min(places[4, r, c], 4)
            values[12, r, c] = places[5, r, c]
            values[13, r, c] = places[9, r, c]
    return values


@njit(cache=True)
def _sides_of_box(places: Cells, r: int, c: int) -> int:
    """Return which sides of its box a cell touches: 1 the top, 2 the left, 4 the bottom, 8 the right, added up."""
    sides = 0
    for k in range(4):
        if places[k, r, c] == 0:
            sides += 1 << k
    return sides


@njit(cache=True)
def _size_class(size: int) -> int:
    if size <= 4:
        return size - 1
    last = 4
    for limit in (6, 9, 15, 30, 60):
        if size <= limit:
            return last
        last += 1
    return last


@njit(cache=True)
def _box_class(box: Table) -> int:
    """Return 0 for one cell, 1 and 2 for a horizontal and vertical line, 3 a full box, 4 a thin ring, 5 others."""
    if box[SIZE] == 1:
        return 0
    if box[HEIGHT] == 1:
        return 1
    if box[WIDTH] == 1:
        return 2
    if box[FULL_BOX]:
        return 3
    if box[SIZE] == 2 * (box[HEIGHT] + box[WIDTH]) - 4 and box[HOLES] > 0:
        return 4
    return 5


def _of_places(grid: Grid, counts: NDArray[np.int64], background: int) -> NDArray[np.int16]:
    """Return the values of the features from the rays on."""
    height, width = grid.shape
    ranks = np.empty(NUM_COLORS, np.int16)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(NUM_COLORS)
    present = int(np.count_nonzero(counts))
    ranks = np.minimum(ranks, 4)
    if present > 1:  # the rarest, whatever its rank
        rarest = counts == counts[counts > 0].min()
        if np.count_nonzero(rarest & (counts > 0)) == 1:
            ranks[rarest] = 5
    transposed = grid.T if height == width else np.full_like(grid, NUM_COLORS)
    planes = np.stack([grid[:, ::-1], grid[::-1], grid[::-1, ::-1], transposed, ranks[grid]]).astype(np.int16)
    return np.concatenate([_rays(grid), planes, _surroundings(grid, background)])


@njit(cache=True)
def _rays(grid: Cells) -> NDArray[np.int16]:
    """Return the first other color up, down, left and right of each cell, 10 at the edge."""
    height, width = grid.shape
    rays = np.full((4, height, width), 10, np.int16)
    for r in range(height):
        for c in range(width):
            if r > 0:
                above = grid[r - 1, c]
                rays[0, r, c] = above if above != grid[r, c] else rays[0, r - 1, c]
            if c > 0:
                before = grid[r, c - 1]
                rays[2, r, c] = before if before != grid[r, c] else rays[2, r, c - 1]
    for r in range(height - 1, -1, -1):
        for c in range(width - 1, -1, -1):
            if r < height - 1:
                below = grid[r + 1, c]
                rays[1, r, c] = below if below != grid[r, c] else rays[1, r + 1, c]
            if c < width - 1:
                behind = grid[r, c + 1]
                rays[3, r, c] = behind if behind != grid[r, c] else rays[3, r, c + 1]
    return rays


@njit(cache=True)
def _surroundings(grid: Cells, background: int) -> NDArray[np.int16]:
    """Return which neighbors are alike, steps from the edge, whether lines cross a cell, and its panel between lines.

    A line is a row or column of one color other than the background.
    """
    height, width = grid.shape
    values = np.zeros((4, height, width), np.int16)
    rows = np.zeros(height, np.bool_)
    columns = np.zeros(width, np.bool_)
    for r in range(height):
        rows[r] = grid[r, 0] != background and (grid[r] == grid[r, 0]).all()
    for c in range(width):
        columns[c] = grid[0, c] != background and (grid[:, c] == grid[0, c]).all()
    above = 0
    for r in range(height):
        above += rows[r]
        left = 0
        for c in range(width):
            left += columns[c]
            color = grid[r, c]
            if r > 0 and grid[r - 1, c] == color:
                values[0, r, c] += 1
            if c > 0 and grid[r, c - 1] == color:
                values[0, r, c] += 2
            if r < height - 1 and grid[r + 1, c] == color:
                values[0, r, c] += 4
            if c < width - 1 and grid[r, c + 1] == color:
                values[0, r, c] += 8
            values[1, r, c] = min(min(r, height - 1 - r), min(min(c, width - 1 - c), 5))
            values[2, r, c] = rows[r] + 2 * columns[c]
            values[3, r, c] = 4 * min(above, 3) + min(left, 3)
    return values


def sequence_features(grids: Sequence[Grid | None], lengths: Sequence[int]) -> NDArray[np.int16]:
    """Return the values ``(T, F)`` along a sequence of parts: those of a grid's cells, 0 elsewhere.

    Args:
        grids: the input that each part shows, None for a part without one.
        lengths: tokens of each part; a grid's begin with its marker, and each of its rows ends with one more.
    """
    values = np.zeros((sum(lengths), len(FEATURES)), np.int16)
    start = 0
    for grid, length in zip(grids, lengths, strict=True):
        if grid is not None:
            height, width = grid.shape
            body = values[start + 1 : start + 1 + height * (width + 1)]
            body.reshape(height, width + 1, -1)[:, :width] = input_features(grid)
        start += length
    return values
