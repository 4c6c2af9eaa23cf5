"""Repetition: tiles, mirrored tiles, grids laid out by grids, periods and their completion."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.tiling import NOT_HIDDEN, continue_period, smallest_period
from dsl.primitives.results import bounding_box, check_sides, fail
from dsl.registry import primitive
from dsl.types import Color


def _joined(rows: list[list[NDArray[np.uint8]]]) -> Grid:
    check_sides(sum(row[0].shape[0] for row in rows), sum(part.shape[1] for part in rows[0]))
    return seal(np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0))


@primitive(choices={"down": (1, 2, 3), "right": (1, 2, 3)})
def tile(grid: Grid, down: int, right: int) -> Grid:
    """Repeat the grid downward and to the right."""
    if down < 1 or right < 1:
        fail(f"a grid is repeated at least once, got {down}x{right}")
    check_sides(grid.shape[0] * down, grid.shape[1] * right)
    return seal(np.tile(grid, (down, right)))


@primitive()
def tile_like(grid: Grid, like: Grid) -> Grid:
    """Repeat the grid over the size of another grid, cut off at the right and bottom."""
    height, width = grid.shape
    return seal(grid[np.arange(like.shape[0]) % height][:, np.arange(like.shape[1]) % width])


@primitive()
def mirror_tile_like(grid: Grid, like: Grid) -> Grid:
    """Repeat the grid and its mirror images in turn over the size of another grid."""
    return seal(grid[_back_and_forth(like.shape[0], grid.shape[0])][:, _back_and_forth(like.shape[1], grid.shape[1])])


def _back_and_forth(count: int, length: int) -> NDArray[np.intp]:
    places = np.arange(count) % (2 * length)
    return np.where(places < length, places, 2 * length - 1 - places)


@primitive()
def mirror_right(grid: Grid) -> Grid:
    """Put the left-right mirror image at the right of the grid."""
    return _joined([[grid, grid[:, ::-1]]])


@primitive()
def mirror_left(grid: Grid) -> Grid:
    """Put the left-right mirror image at the left of the grid."""
    return _joined([[grid[:, ::-1], grid]])


@primitive()
def mirror_down(grid: Grid) -> Grid:
    """Put the top-bottom mirror image below the grid."""
    return _joined([[grid], [grid[::-1]]])


@primitive()
def mirror_up(grid: Grid) -> Grid:
    """Put the top-bottom mirror image above the grid."""
    return _joined([[grid[::-1]], [grid]])


@primitive()
def kaleidoscope(grid: Grid) -> Grid:
    """Put the grid at the upper left of its mirror images to the right, below and across."""
    return _joined([[grid, grid[:, ::-1]], [grid[::-1], grid[::-1, ::-1]]])


@primitive(cost=5)
def pinwheel(grid: Grid) -> Grid:
    """Put the grid at the upper left of its quarter turns, clockwise; the grid must be square."""
    if grid.shape[0] != grid.shape[1]:
        fail(f"needs a square grid, got {grid.shape}")
    return _joined([[grid, np.rot90(grid, -1)], [np.rot90(grid, 1), np.rot90(grid, 2)]])


@primitive()
def lay_out(plan: Grid, piece: Grid) -> Grid:
    """Enlarge each cell of the plan to the piece where the plan has content, else to 0."""
    return _laid_out(plan != background_color(plan), piece)


@primitive()
def lay_out_self(grid: Grid) -> Grid:
    """Enlarge each cell to the whole grid where it has content, else to 0."""
    return _laid_out(grid != background_color(grid), grid)


@primitive(cost=5)
def lay_out_at_color(grid: Grid, color: Color) -> Grid:
    """Enlarge each cell to the whole grid where it has a color, else to 0."""
    return _laid_out(grid == color, grid)


@primitive(cost=5)
def lay_out_colored(plan: Grid, piece: Grid) -> Grid:
    """Enlarge each cell of the plan to the shape of the piece's content in the color of the cell."""
    return _laid_out(plan, piece != background_color(piece))


def _laid_out(plan: NDArray[Any], piece: NDArray[Any]) -> Grid:
    """Return the Kronecker product of colors and truth values (quicker than ``np.kron`` on small grids)."""
    height, width = plan.shape[0] * piece.shape[0], plan.shape[1] * piece.shape[1]
    check_sides(height, width)
    cells: NDArray[np.uint8] = plan[:, None, :, None] * piece[None, :, None, :]
    return seal(cells.reshape(height, width))


@primitive()
def smallest_tile(grid: Grid) -> Grid:
    """Return the smallest upper left part that, repeated, gives the grid."""
    down, right = smallest_period(grid, NOT_HIDDEN)
    return seal(grid[:down, :right])


@primitive()
def complete_tiling(grid: Grid, hidden: Color) -> Grid:
    """Replace the cells of a color by the smallest tile that repeats in all other cells."""
    return _completed(grid, hidden)


@primitive()
def tile_hidden_by(grid: Grid, hidden: Color) -> Grid:
    """Return what a color hides in a repeating image: the color's bounding box, completed by the tile."""
    top, left, bottom, right = bounding_box(seal(grid == hidden))
    return seal(_completed(grid, hidden)[top:bottom, left:right])


def _completed(grid: Grid, hidden: int) -> Grid:
    down, right = smallest_period(grid, hidden)
    if (down, right) == grid.shape:
        fail("no smaller tile repeats in the visible cells")
    return seal(continue_period(grid, hidden, down, right, *grid.shape))


@primitive(cost=5)
def continue_tiling_like(grid: Grid, like: Grid) -> Grid:
    """Continue the smallest repeating tile over the size of another grid."""
    down, right = smallest_period(grid, NOT_HIDDEN)
    return seal(continue_period(grid, NOT_HIDDEN, down, right, *like.shape))
