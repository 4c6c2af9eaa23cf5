"""Planes of places: quadrants, rings of the box of filled cells, the nearest other color, what the largest pulls."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.legend import legend_partners
from dsl.search.cells.planes import Block, Group, Image, color, flag, number, stack

_FAR = 100
"""More than the steps between any two cells."""

_MAX_QUARTERED = 40
"""Components at most whose quadrants are shown."""


def _places(image: Image) -> Block:
    grid, shape = image.grid, image.shape
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    rings = np.minimum(np.minimum(row, shape[0] - 1 - row), np.minimum(column, shape[1] - 1 - column))
    inward = rings.max() - rings
    parts = image.components("x8")
    partners = legend_partners(grid, parts.table)
    ringed = grid[inward, inward], _box_rings(image, row, column)
    far = _exposed(image), _quadrants(image), _echoes(image, row, column)
    return stack(
        [corner_colors(grid, shape), *ringed, *_nearest_other(image), _pulled(image), partners[grid], *far],
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


def _exposed(image: Image) -> NDArray[np.uint8]:
    """Return for each filled cell the nearest other color that it sees over background along its row or column."""
    colors, steps, _ = image.rays
    open_view = (steps[:4] > 1) & (steps[:4] != NONE) & (colors[:4] != image.grid) & (image.grid != image.background)
    apart = np.where(open_view, steps[:4], NONE)
    seen = np.take_along_axis(colors[:4], apart.argmin(axis=0)[None], axis=0)[0]
    return np.where(apart.min(axis=0) < NONE, seen, NO_COLOR).astype(np.uint8)


def _quadrants(image: Image) -> NDArray[np.uint8]:
    """Show in each quadrant of a component's box the color nearest to the box's middle in that quadrant of the image.

    Cells on the box's middle lines, and those of images with many components, show none.
    """
    parts = image.components("x8")
    out = np.full(image.shape, NO_COLOR, np.uint8)
    if len(parts.table) > _MAX_QUARTERED:
        return out
    rows, columns = np.nonzero(parts.labels >= 0)
    labels = parts.labels[rows, columns]
    for k, box in enumerate(parts.table):
        down = 2 * rows - (box[objects.TOP] + box[objects.BOTTOM])
        across = 2 * columns - (box[objects.LEFT] + box[objects.RIGHT])
        steps = np.abs(down) + np.abs(across)
        for vertical in (-1, 1):
            for sideways in (-1, 1):
                there = (down * vertical > 0) & (across * sideways > 0)
                others = np.flatnonzero(there & (labels != k))
                if len(others):
                    nearest = others[steps[others].argmin()]
                    own = there & (labels == k)
                    out[rows[own], columns[own]] = image.grid[rows[nearest], columns[nearest]]
    return out


def _echoes(image: Image, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which cells lie on squares around the box of all filled cells, as far apart as the box's middle and side."""
    filled = image.grid != image.background
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    nowhere = np.zeros(image.shape, np.bool_)
    if not len(rows):
        return nowhere
    down, across = rows[0] + rows[-1], columns[0] + columns[-1]
    half = max(rows[-1] - rows[0], columns[-1] - columns[0]) // 2
    if half < 2 or down % 2 or across % 2:
        return nowhere
    echoes: NDArray[np.bool_] = np.maximum(np.abs(row - down // 2), np.abs(column - across // 2)) % half == 0
    return echoes


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
        color("exposed", 4.5),
        color("quadrant", 5.0),
        flag("echoes", 5.5),
    ),
    _places,
    (("own", "other", 5.0), ("own", "corner", 5.0), ("pulled", "background", 6.0)),
    basic=False,
)

GROUPS = (PLACES,)
