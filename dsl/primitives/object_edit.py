"""Objects back to grids, and changes of objects on their place."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.flood import grow, outside_cells
from dsl.kernels.shapes import rare_color
from dsl.primitives.color import blank
from dsl.primitives.filters import gap
from dsl.primitives.results import box_object, check_sides, fail, full_mask, painted, put, sized_grid, some
from dsl.primitives.select import object_color, shape_key
from dsl.registry import primitive
from dsl.types import Color, Object, Objects

_MAX_PAIRS = 1024


@primitive(cost=3)
def grid_of_object(item: Object) -> Grid:
    """Return the object's bounding box as a grid, 0 outside its own cells."""
    return sized_grid(item.patch)


@primitive(cost=3)
def crop_to_object(grid: Grid, item: Object) -> Grid:
    """Return the part of a grid under the object's bounding box, whatever it holds."""
    height, width = item.patch.shape
    top, left = max(0, item.top), max(0, item.left)
    return sized_grid(grid[top : max(0, item.top + height), left : max(0, item.left + width)])


@primitive(cost=3)
def paint_object(item: Object, canvas: Grid) -> Grid:
    """Paint an object on a canvas, on its place; cells outside the canvas are lost."""
    return painted(canvas, (item,))


@primitive(cost=3)
def paint_objects(objects: Objects, canvas: Grid) -> Grid:
    """Paint objects on a canvas in the order of the list, each on its place; cells outside the canvas are lost."""
    return painted(canvas, objects)


@primitive(cost=3)
def only_objects(objects: Objects, grid: Grid) -> Grid:
    """Erase everything from a grid but these objects."""
    return painted(blank(grid), objects)


@primitive(cost=3)
def erase_objects(objects: Objects, grid: Grid) -> Grid:
    """Paint the cells of objects in the background of the grid."""
    return painted(grid, recolor_objects(objects, Color(background_color(grid))))


@primitive()
def erase_object(item: Object, grid: Grid) -> Grid:
    """Paint the cells of an object in the background of the grid."""
    return painted(grid, (recolor_object(item, Color(background_color(grid))),))


@primitive()
def objects_grid(objects: Objects) -> Grid:
    """Paint objects on 0 in a grid as large as their common bounding box."""
    top, left = min(item.top for item in some(objects)), min(item.left for item in objects)
    height = max(item.top + item.patch.shape[0] for item in objects) - top
    width = max(item.left + item.patch.shape[1] for item in objects) - left
    check_sides(height, width)
    canvas = seal(np.zeros((height, width), np.uint8))
    return painted(canvas, tuple(put(item, item.top - top, item.left - left) for item in objects))


@primitive(cost=3)
def recolor_object(item: Object, color: Color) -> Object:
    """Give all cells of an object one color."""
    return Object(seal(item.mask * np.uint8(color)), item.mask, item.top, item.left)


@primitive(cost=3)
def recolor_objects(objects: Objects, color: Color) -> Objects:
    """Give all cells of all objects one color."""
    return tuple(recolor_object(item, color) for item in objects)


@primitive()
def color_of_object(item: Object) -> Color:
    """Return the most common color of an object's own cells (the lowest of equals)."""
    return Color(object_color(item))


@primitive()
def fill_box(item: Object, color: Color) -> Object:
    """Give the free cells of the object's bounding box a color; they become its own."""
    patch = item.patch.copy()
    patch[~item.mask] = color
    return Object(seal(patch), full_mask(*patch.shape), item.top, item.left)


@primitive()
def fill_boxes(objects: Objects, color: Color) -> Objects:
    """Give the free cells of each object's bounding box a color; they become its own."""
    return tuple(fill_box(item, color) for item in objects)


@primitive()
def fill_boxes_in_own_color(objects: Objects) -> Objects:
    """Give the free cells of each object's bounding box its main color; they become its own."""
    return tuple(fill_box(item, color_of_object(item)) for item in objects)


@primitive()
def number_objects(objects: Objects) -> Objects:
    """Give the first object color 1, the second color 2, and so on; at most nine objects."""
    if len(objects) > NUM_COLORS - 1:
        fail(f"there are {NUM_COLORS - 1} colors to number with, got {len(objects)} objects")
    return tuple(recolor_object(item, Color(k + 1)) for k, item in enumerate(objects))


@primitive()
def recolor_in_rare_color(objects: Objects) -> Objects:
    """Give each object the rarest of its own colors."""
    return tuple(recolor_object(item, Color(rare_color(item.patch, item.mask))) for item in objects)


@primitive()
def recolor_in_main_color(objects: Objects) -> Objects:
    """Give each object the most common of its own colors."""
    return tuple(recolor_object(item, color_of_object(item)) for item in objects)


@primitive()
def swap_object_colors(objects: Objects) -> Objects:
    """Exchange the two colors of each object that has exactly two."""
    return tuple(_swapped(item) for item in objects)


def _swapped(item: Object) -> Object:
    colors = np.unique(item.patch[item.mask])
    if len(colors) != 2:
        return item
    other = np.where(item.patch == colors[0], colors[1], colors[0])
    return Object(seal(other * item.mask), item.mask, item.top, item.left)


@primitive()
def recolor_as_same_shape(objects: Objects, models: Objects) -> Objects:
    """Give each object the main color of the first model of its shape; objects without one are left out."""
    colors: dict[object, int] = {}
    for model in models:
        colors.setdefault(shape_key(model), object_color(model))
    pairs = ((item, colors.get(shape_key(item))) for item in objects)
    return tuple(recolor_object(item, Color(color)) for item, color in pairs if color is not None)


@primitive()
def recolor_as_nearest(objects: Objects, models: Objects) -> Objects:
    """Give each object the main color of the model whose bounding box is nearest (the first of equals)."""
    if len(objects) * len(some(models)) > _MAX_PAIRS:
        fail(f"compares at most {_MAX_PAIRS} pairs, got {len(objects)} objects and {len(models)} models")
    colors = [Color(object_color(model)) for model in models]
    found = []
    for item in objects:
        gaps = [gap(item, model) for model in models]
        found.append(recolor_object(item, colors[gaps.index(min(gaps))]))
    return tuple(found)


@primitive()
def recolor_from(objects: Objects, grid: Grid) -> Objects:
    """Give each object the most common color that a grid shows under its cells."""
    return tuple(recolor_object(item, Color(_color_under(item, grid))) for item in objects)


def _color_under(item: Object, grid: Grid) -> int:
    height, width = item.mask.shape
    top, left = max(0, item.top), max(0, item.left)
    window = grid[top : max(0, item.top + height), left : max(0, item.left + width)]
    rows, columns = top - item.top, left - item.left
    shown = window[item.mask[rows : rows + window.shape[0], columns : columns + window.shape[1]]]
    if not len(shown):
        fail("an object lies outside the grid")
    return int(np.bincount(shown).argmax())


@primitive()
def fill_object_holes(objects: Objects, color: Color) -> Objects:
    """Paint the free cells that each object encloses; they become its own."""
    return tuple(_holes_filled(item, color) for item in objects)


def _holes_filled(item: Object, color: int) -> Object:
    holes = ~item.mask & ~outside_cells(item.mask.view(np.uint8), 1, False)
    patch = item.patch.copy()
    patch[holes] = color
    return Object(seal(patch), seal(item.mask | holes), item.top, item.left)


@primitive()
def outlines(objects: Objects, color: Color) -> Objects:
    """Return the ring of cells around each object (8 neighbors), in one color, without the object."""
    return tuple(_outline(item, color) for item in objects)


def _outline(item: Object, color: int) -> Object:
    height, width = item.mask.shape
    mask = np.zeros((height + 2, width + 2), np.bool_)
    mask[1:-1, 1:-1] = item.mask
    ring = grow(seal(mask), True) & ~mask
    return Object(seal(ring * np.uint8(color)), seal(ring), item.top - 1, item.left - 1)


@primitive()
def box_frames(objects: Objects, color: Color) -> Objects:
    """Return the outer ring of each object's bounding box, in one color."""
    return tuple(_frame(item, color) for item in objects)


def _frame(item: Object, color: int) -> Object:
    mask = np.ones(item.mask.shape, np.bool_)
    mask[1:-1, 1:-1] = False
    return Object(seal(mask * np.uint8(color)), seal(mask), item.top, item.left)


@primitive()
def box_insides(objects: Objects, grid: Grid) -> Objects:
    """Return the part of a grid inside each object's bounding box, without the box's outer ring."""
    found = (crop_box(grid, item.top + 1, item.left + 1, *_inner(item)) for item in objects)
    return tuple(item for item in found if item is not None)


@primitive()
def boxes(objects: Objects, grid: Grid) -> Objects:
    """Return the part of a grid under each object's bounding box, whatever it holds."""
    found = (crop_box(grid, item.top, item.left, *item.mask.shape) for item in objects)
    return tuple(item for item in found if item is not None)


def _inner(item: Object) -> tuple[int, int]:
    height, width = item.mask.shape
    return height - 2, width - 2


def crop_box(grid: Grid, top: int, left: int, height: int, width: int) -> Object | None:
    """Return a rectangle of a grid as an object, cut off at the sides of the grid; None if nothing is left."""
    first_row, first_column = max(0, top), max(0, left)
    last_row, last_column = min(grid.shape[0], top + height), min(grid.shape[1], left + width)
    if first_row >= last_row or first_column >= last_column:
        return None
    return box_object(grid, first_row, first_column, last_row - first_row, last_column - first_column)


def _turned(objects: Objects, turn: Callable[[NDArray[Any]], NDArray[Any]]) -> Objects:
    return tuple(Object(seal(turn(item.patch)), seal(turn(item.mask)), item.top, item.left) for item in objects)


@primitive()
def flip_objects_left_right(objects: Objects) -> Objects:
    """Mirror each object left and right within its bounding box."""
    return _turned(objects, lambda cells: cells[:, ::-1])


@primitive()
def flip_objects_top_bottom(objects: Objects) -> Objects:
    """Mirror each object top and bottom within its bounding box."""
    return _turned(objects, lambda cells: cells[::-1])


@primitive()
def rotate_objects_90(objects: Objects) -> Objects:
    """Turn each object a quarter clockwise, its upper left corner in place."""
    return _turned(objects, lambda cells: cells[::-1].T)


@primitive()
def transpose_objects(objects: Objects) -> Objects:
    """Mirror each object at the main diagonal, its upper left corner in place."""
    return _turned(objects, lambda cells: cells.T)


@primitive(cost=5)
def symmetrize_objects(objects: Objects) -> Objects:
    """Paint each object over its left-right mirror image within its bounding box."""
    return tuple(_over(item, flipped) for item, flipped in zip(objects, flip_objects_left_right(objects), strict=True))


def _over(item: Object, under: Object) -> Object:
    patch = seal(np.where(item.mask, item.patch, under.patch))
    return Object(patch, seal(item.mask | under.mask), item.top, item.left)
