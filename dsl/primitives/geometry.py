"""Moves of the whole grid: symmetries, crops, halves, shifts, scale."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import MAX_SIDE, Grid, seal
from dsl.kernels.colors import background_color
from dsl.primitives.results import bounding_box, check_sides, fail, sized_grid
from dsl.registry import primitive
from dsl.types import Color


@primitive(cost=3)
def flip_left_right(grid: Grid) -> Grid:
    """Mirror left and right."""
    return seal(grid[:, ::-1])


@primitive(cost=3)
def flip_top_bottom(grid: Grid) -> Grid:
    """Mirror top and bottom."""
    return seal(grid[::-1])


@primitive(cost=3)
def transpose(grid: Grid) -> Grid:
    """Mirror at the main diagonal: rows become columns."""
    return seal(grid.T)


@primitive(cost=3)
def transpose_anti(grid: Grid) -> Grid:
    """Mirror at the other diagonal, from lower left to upper right."""
    return seal(grid[::-1, ::-1].T)


@primitive(cost=3)
def rotate_90(grid: Grid) -> Grid:
    """Turn a quarter clockwise."""
    return seal(grid[::-1].T)


@primitive(cost=3)
def rotate_180(grid: Grid) -> Grid:
    """Turn by half."""
    return seal(grid[::-1, ::-1])


@primitive(cost=3)
def rotate_270(grid: Grid) -> Grid:
    """Turn a quarter counterclockwise."""
    return seal(grid[:, ::-1].T)


@primitive(cost=3)
def left_half(grid: Grid) -> Grid:
    """Return the left half, without the middle column if the width is odd."""
    return _part(grid[:, : grid.shape[1] // 2])


@primitive(cost=3)
def right_half(grid: Grid) -> Grid:
    """Return the right half, without the middle column if the width is odd."""
    return _part(grid[:, (grid.shape[1] + 1) // 2 :])


@primitive(cost=3)
def top_half(grid: Grid) -> Grid:
    """Return the top half, without the middle row if the height is odd."""
    return _part(grid[: grid.shape[0] // 2])


@primitive(cost=3)
def bottom_half(grid: Grid) -> Grid:
    """Return the bottom half, without the middle row if the height is odd."""
    return _part(grid[(grid.shape[0] + 1) // 2 :])


def _part(array: NDArray[np.uint8]) -> Grid:
    if not array.size:
        fail("nothing is left of the grid")
    return seal(array)


@primitive(cost=3)
def crop_to_content(grid: Grid) -> Grid:
    """Return the bounding box of all cells that are not background."""
    return _crop_to(grid, grid != background_color(grid))


@primitive()
def crop_to_color(grid: Grid, color: Color) -> Grid:
    """Return the bounding box of a color."""
    return _crop_to(grid, grid == color)


def _crop_to(grid: Grid, chosen: NDArray[np.bool_]) -> Grid:
    top, left, bottom, right = bounding_box(seal(chosen))
    return seal(grid[top:bottom, left:right])


@primitive()
def drop_blank_lines(grid: Grid) -> Grid:
    """Remove all rows and columns that hold only background."""
    content = grid != background_color(grid)
    return _part(grid[content.any(axis=1)][:, content.any(axis=0)])


@primitive()
def drop_repeated_lines(grid: Grid) -> Grid:
    """Remove each row equal to the row above it, and each column equal to the column left of it."""
    rows = np.ones(grid.shape[0], np.bool_)
    rows[1:] = (grid[1:] != grid[:-1]).any(axis=1)
    columns = np.ones(grid.shape[1], np.bool_)
    columns[1:] = (grid[:, 1:] != grid[:, :-1]).any(axis=0)
    return seal(grid[rows][:, columns])


@primitive(cost=5)
def sort_rows(grid: Grid) -> Grid:
    """Order the rows by their number of content cells, fewest at the top; equals keep their order."""
    return seal(grid[np.argsort((grid != background_color(grid)).sum(axis=1), kind="stable")])


@primitive(cost=5)
def sort_columns(grid: Grid) -> Grid:
    """Order the columns by their number of content cells, fewest at the left; equals keep their order."""
    return seal(grid[:, np.argsort((grid != background_color(grid)).sum(axis=0), kind="stable")])


@primitive()
def trim_border(grid: Grid) -> Grid:
    """Remove the outermost row or column on each side."""
    return _part(grid[1:-1, 1:-1])


@primitive()
def add_border(grid: Grid, color: Color) -> Grid:
    """Add a border one cell wide around the grid."""
    height, width = grid.shape
    check_sides(height + 2, width + 2)
    result = np.full((height + 2, width + 2), color, np.uint8)
    result[1:-1, 1:-1] = grid
    return seal(result)


@primitive()
def paint_border(grid: Grid, color: Color) -> Grid:
    """Paint the outermost cells of the grid."""
    result = np.full(grid.shape, color, np.uint8)
    result[1:-1, 1:-1] = grid[1:-1, 1:-1]
    return seal(result)


@primitive(cost=5, choices={"down": (-2, -1, 0, 1, 2), "right": (-2, -1, 0, 1, 2)})
def shift(grid: Grid, down: int, right: int) -> Grid:
    """Move all cells; background comes in, and what leaves is lost."""
    height, width = grid.shape
    result = np.full(grid.shape, background_color(grid), np.uint8)
    if abs(down) < height and abs(right) < width:
        result[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = grid[
            max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)
        ]
    return seal(result)


@primitive(cost=5, choices={"down": (-1, 0, 1), "right": (-1, 0, 1)})
def roll(grid: Grid, down: int, right: int) -> Grid:
    """Move all cells; what leaves comes in on the other side."""
    height, width = grid.shape
    rows = (np.arange(height) - down) % height
    columns = (np.arange(width) - right) % width
    return seal(grid[rows][:, columns])


@primitive(choices={"factor": (2, 3, 4, 5)})
def scale_up(grid: Grid, factor: int) -> Grid:
    """Enlarge every cell to a square of ``factor`` cells a side."""
    return _repeated(grid, factor, factor)


@primitive(choices={"factor": (2, 3)})
def stretch_right(grid: Grid, factor: int) -> Grid:
    """Enlarge every cell to ``factor`` cells side by side."""
    return _repeated(grid, 1, factor)


@primitive(choices={"factor": (2, 3)})
def stretch_down(grid: Grid, factor: int) -> Grid:
    """Enlarge every cell to ``factor`` cells one below the other."""
    return _repeated(grid, factor, 1)


def _repeated(grid: Grid, down: int, right: int) -> Grid:
    if not (1 <= down <= MAX_SIDE and 1 <= right <= MAX_SIDE):
        fail(f"a scale factor is 1..{MAX_SIDE}, got {down}x{right}")
    check_sides(grid.shape[0] * down, grid.shape[1] * right)
    return seal(grid.repeat(down, axis=0).repeat(right, axis=1))


@primitive(choices={"factor": (2, 3, 4, 5)})
def scale_down(grid: Grid, factor: int) -> Grid:
    """Take the first cell of each square of ``factor`` cells a side; the grid must divide evenly."""
    height, width = grid.shape
    if factor < 1 or height % factor or width % factor:
        fail(f"a {height}x{width} grid has no whole blocks of side {factor}")
    return seal(grid[::factor, ::factor])


@primitive()
def resize_like(grid: Grid, like: Grid) -> Grid:
    """Stretch or shrink to the size of another grid by nearest cells."""
    height, width = like.shape
    rows = np.arange(height) * grid.shape[0] // height
    columns = np.arange(width) * grid.shape[1] // width
    return seal(grid[rows][:, columns])


@primitive()
def fit_like(grid: Grid, like: Grid) -> Grid:
    """Crop or pad, at the right and bottom, to the size of another grid and with its background."""
    result = np.full(like.shape, background_color(like), np.uint8)
    height, width = min(grid.shape[0], like.shape[0]), min(grid.shape[1], like.shape[1])
    result[:height, :width] = grid[:height, :width]
    return seal(result)


@primitive(cost=6)
def reflow_like(grid: Grid, like: Grid) -> Grid:
    """Write the cells in reading order into the size of another grid; its background where they run out."""
    result = np.full(like.size, background_color(like), np.uint8)
    count = min(grid.size, like.size)
    result[:count] = grid.ravel()[:count]
    return seal(result.reshape(like.shape))


@primitive()
def center_cells(grid: Grid) -> Grid:
    """Return the middle cell, or the middle two of an even side."""
    height, width = grid.shape
    return seal(grid[(height - 1) // 2 : height // 2 + 1, (width - 1) // 2 : width // 2 + 1])


@primitive(choices={"count": (1, 2, 3)})
def top_rows(grid: Grid, count: int) -> Grid:
    """Return the first rows."""
    return sized_grid(grid[: max(0, count)])


@primitive(choices={"count": (1, 2, 3)})
def left_columns(grid: Grid, count: int) -> Grid:
    """Return the first columns."""
    return sized_grid(grid[:, : max(0, count)])
