"""Planes of places: quadrants, rings of the box of filled cells, the nearest other color, what the largest pulls."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.legend import legend_partners
from dsl.search.cells.planes import Block, Group, Image, color, number, stack

_FAR = 100
"""More than the steps between any two cells."""


def _places(image: Image) -> Block:
    grid, shape = image.grid, image.shape
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    rings = np.minimum(np.minimum(row, shape[0] - 1 - row), np.minimum(column, shape[1] - 1 - column))
    inward = rings.max() - rings
    parts = image.components("x8")
    partners = legend_partners(grid, parts.table)
    ringed = grid[inward, inward], _box_rings(image, row, column)
    return stack(
        [corner_colors(grid, shape), *ringed, *_nearest_other(image), _pulled(image), partners[grid]],
        shape,
    )


def corner_colors(grid: Grid, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Show in each quadrant of a shape the color of a grid's corner there, none on middle lines."""
    height, width = shape
    out = np.full(shape, NO_COLOR, np.uint8)
    for rows, r in ((slice(0, height // 2), 0), (slice((height + 1) // 2, None), -1)):
        for columns, c in ((slice(0, width // 2), 0), (slice((width + 1) // 2, None), -1)):
            out[rows, columns] = grid[r, c]
    return out


def _box_rings(image: Image, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count steps inward from the box of all filled cells, none outside it."""
    filled = image.grid != image.background
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        return np.full(image.shape, NONE)
    down, across = np.minimum(row - rows[0], rows[-1] - row), np.minimum(column - columns[0], columns[-1] - column)
    steps = np.minimum(down, across)
    return np.where(steps < 0, NONE, steps)


def _nearest_other(image: Image) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the nearest color but a cell's own and background, none if several tie, and the steps to it."""
    steps = np.where(image.grid == np.arange(NUM_COLORS)[:, None, None], 0, _FAR)
    steps[image.background] = _FAR
    for axis in (1, 2):
        along = np.expand_dims(np.arange(steps.shape[axis]), tuple(k for k in range(3) if k != axis))
        before = np.minimum.accumulate(steps - along, axis=axis) + along
        after = np.flip(np.minimum.accumulate(np.flip(steps + along, axis), axis=axis), axis) - along
        steps = np.minimum(before, after)
    np.put_along_axis(steps, image.grid[None].astype(np.int64), _FAR, axis=0)
    least = steps.min(axis=0)
    alone = (least < _FAR) & ((steps == least).sum(axis=0) == 1)
    return np.where(alone, steps.argmin(axis=0), NO_COLOR).astype(np.uint8), np.where(least < _FAR, least, NONE)


def _pulled(image: Image) -> NDArray[np.uint8]:
    """Let the cells in line with the box of the largest component fall to it, and leave the others out."""
    parts = image.components("m8")
    out = np.full(image.shape, image.background, np.uint8)
    if not len(parts.table):
        return out
    box = parts.table[int(parts.table[:, objects.SIZE].argmax())]
    rows, columns = (int(box[objects.TOP]), int(box[objects.BOTTOM])), (int(box[objects.LEFT]), int(box[objects.RIGHT]))
    inside = slice(rows[0], rows[1] + 1), slice(columns[0], columns[1] + 1)
    out[inside] = image.grid[inside]
    _pull_lines(image.grid, out, image.background, rows, columns)
    _pull_lines(image.grid.T, out.T, image.background, columns, rows)
    return out


def _pull_lines(
    grid: NDArray[np.uint8], out: NDArray[np.uint8], background: int, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """Write into ``out`` the cells above and below a box, moved against it in their columns."""
    first, end = rows[0], rows[1] + 1
    for column in range(columns[0], columns[1] + 1):
        above, below = (part[part != background] for part in (grid[:first, column], grid[end:, column]))
        out[first - len(above) : first, column] = above
        out[end : end + len(below), column] = below


PLACES = Group(
    "places",
    (
        color("corner", 4.5),
        color("frames_reversed", 5.0),
        number("box_ring", 4.5),
        color("other", 4.0),
        number("other.steps", 4.5),
        color("pulled", 5.0),
        color("legend", 4.5),
    ),
    _places,
    (("own", "other", 5.0), ("own", "corner", 5.0), ("pulled", "background", 6.0)),
    basic=False,
)

GROUPS = (PLACES,)
