"""Masks: choices of cells, their logic, and grids changed under them."""

import numpy as np

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.flood import grow, inner_edge
from dsl.primitives.results import bounding_box, check_same_shape, content_mask
from dsl.registry import primitive
from dsl.types import Color, Mask, Object, Objects


@primitive(cost=3)
def color_cells(grid: Grid, color: Color) -> Mask:
    """Mark the cells of a color."""
    return seal(grid == color)


@primitive(cost=3)
def content_cells(grid: Grid) -> Mask:
    """Mark the cells that are not background."""
    return content_mask(grid)


@primitive()
def same_cells(left: Grid, right: Grid) -> Mask:
    """Mark the cells that are equal in two grids of the same shape."""
    check_same_shape(left, right)
    return seal(left == right)


@primitive()
def object_cells(item: Object, grid: Grid) -> Mask:
    """Mark the cells of an object on its place in a grid."""
    return _cells_of((item,), grid)


@primitive()
def objects_cells(objects: Objects, grid: Grid) -> Mask:
    """Mark the cells of all objects on their places in a grid."""
    return _cells_of(objects, grid)


def _cells_of(objects: Objects, grid: Grid) -> Mask:
    height, width = grid.shape
    result = np.zeros(grid.shape, np.bool_)
    for item in objects:
        top, left = max(0, item.top), max(0, item.left)
        bottom, right = min(height, item.top + item.mask.shape[0]), min(width, item.left + item.mask.shape[1])
        if top < bottom and left < right:
            result[top:bottom, left:right] |= item.mask[
                top - item.top : bottom - item.top, left - item.left : right - item.left
            ]
    return seal(result)


@primitive()
def border_cells(grid: Grid) -> Mask:
    """Mark the outermost rows and columns of a grid."""
    result = np.ones(grid.shape, np.bool_)
    result[1:-1, 1:-1] = False
    return seal(result)


@primitive(cost=5, choices={"step": (2, 3), "start": (0, 1, 2)})
def diagonal_cells(grid: Grid, step: int, start: int) -> Mask:
    """Mark every n-th diagonal: the cells whose row plus column leaves the rest ``start`` when divided by ``step``."""
    step = max(1, abs(step))
    return seal((np.add.outer(np.arange(grid.shape[0]), np.arange(grid.shape[1])) - start) % step == 0)


@primitive(cost=5, choices={"step": (2, 3), "start": (0, 1, 2)})
def every_row(grid: Grid, step: int, start: int) -> Mask:
    """Mark every n-th row, counted from row ``start``."""
    result = np.zeros(grid.shape, np.bool_)
    result[start % max(1, abs(step)) :: max(1, abs(step))] = True
    return seal(result)


@primitive(cost=5, choices={"step": (2, 3), "start": (0, 1, 2)})
def every_column(grid: Grid, step: int, start: int) -> Mask:
    """Mark every n-th column, counted from column ``start``."""
    result = np.zeros(grid.shape, np.bool_)
    result[:, start % max(1, abs(step)) :: max(1, abs(step))] = True
    return seal(result)


@primitive()
def rows_with(mask: Mask) -> Mask:
    """Mark every row that has a marked cell."""
    result = np.zeros(mask.shape, np.bool_)
    result[mask.any(axis=1)] = True
    return seal(result)


@primitive()
def columns_with(mask: Mask) -> Mask:
    """Mark every column that has a marked cell."""
    result = np.zeros(mask.shape, np.bool_)
    result[:, mask.any(axis=0)] = True
    return seal(result)


@primitive()
def box_cells(mask: Mask) -> Mask:
    """Mark the bounding box of the marked cells."""
    top, left, bottom, right = bounding_box(mask)
    result = np.zeros(mask.shape, np.bool_)
    result[top:bottom, left:right] = True
    return seal(result)


@primitive(cost=3)
def mask_not(mask: Mask) -> Mask:
    """Mark the cells that are not marked."""
    return seal(~mask)


@primitive(cost=3)
def mask_and(left: Mask, right: Mask) -> Mask:
    """Mark the cells marked in both of two masks of the same shape."""
    check_same_shape(left, right)
    return seal(left & right)


@primitive(cost=3)
def mask_or(left: Mask, right: Mask) -> Mask:
    """Mark the cells marked in one or both of two masks of the same shape."""
    check_same_shape(left, right)
    return seal(left | right)


@primitive()
def mask_xor(left: Mask, right: Mask) -> Mask:
    """Mark the cells marked in exactly one of two masks of the same shape."""
    check_same_shape(left, right)
    return seal(left ^ right)


@primitive()
def mask_minus(left: Mask, right: Mask) -> Mask:
    """Mark the cells marked in the first but not in the second of two masks of the same shape."""
    check_same_shape(left, right)
    return seal(left & ~right)


@primitive()
def grow_cells(mask: Mask) -> Mask:
    """Mark the marked cells and all cells next to them (8 neighbors)."""
    return seal(grow(mask, True))


@primitive()
def shrink_cells(mask: Mask) -> Mask:
    """Unmark the cells next to an unmarked cell (8 neighbors)."""
    return seal(mask & ~inner_edge(mask, False))


@primitive(cost=3)
def paint_cells(grid: Grid, mask: Mask, color: Color) -> Grid:
    """Paint the marked cells of a grid in one color."""
    check_same_shape(grid, mask)
    result = grid.copy()
    result[mask] = color
    return seal(result)


@primitive(cost=3)
def keep_cells(grid: Grid, mask: Mask) -> Grid:
    """Keep the marked cells of a grid and erase the rest."""
    check_same_shape(grid, mask)
    return seal(np.where(mask, grid, np.uint8(background_color(grid))))


@primitive()
def choose_cells(mask: Mask, marked: Grid, unmarked: Grid) -> Grid:
    """Take the marked cells from one grid and the others from another, all of the same shape."""
    check_same_shape(marked, mask)
    check_same_shape(unmarked, mask)
    return seal(np.where(mask, marked, unmarked))


@primitive()
def crop_to_cells(grid: Grid, mask: Mask) -> Grid:
    """Return the part of a grid under the bounding box of the marked cells."""
    check_same_shape(grid, mask)
    top, left, bottom, right = bounding_box(mask)
    return seal(grid[top:bottom, left:right])


@primitive()
def grid_of_mask(mask: Mask, color: Color) -> Grid:
    """Draw the marked cells in a color on 0."""
    return seal(mask * np.uint8(color))
