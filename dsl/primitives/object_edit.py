"""Objects back to grids, and changes of objects on their place."""

from dataclasses import replace

import numpy as np

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.primitives.color import blank
from dsl.primitives.results import check_sides, full_mask, painted, sized_grid, some
from dsl.primitives.select import object_color
from dsl.registry import primitive
from dsl.types import Color, Object, Objects


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
    return painted(canvas, some(objects))


@primitive(cost=3)
def only_objects(objects: Objects, grid: Grid) -> Grid:
    """Erase everything from a grid but these objects."""
    return painted(blank(grid), some(objects))


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
    return painted(canvas, tuple(replace(item, top=item.top - top, left=item.left - left) for item in objects))


@primitive(cost=3)
def recolor_object(item: Object, color: Color) -> Object:
    """Give all cells of an object one color."""
    return Object(seal(item.mask * np.uint8(color)), item.mask, item.top, item.left)


@primitive(cost=3)
def recolor_objects(objects: Objects, color: Color) -> Objects:
    """Give all cells of all objects one color."""
    return tuple(recolor_object(item, color) for item in some(objects))


@primitive()
def color_of_object(item: Object) -> Color:
    """Return the most common color of an object's own cells (the lowest of equals)."""
    return Color(object_color(item))


@primitive(cost=3)
def as_list(item: Object) -> Objects:
    """Return a list of one object."""
    return (item,)


@primitive()
def fill_box(item: Object, color: Color) -> Object:
    """Give the free cells of the object's bounding box a color; they become its own."""
    patch = item.patch.copy()
    patch[~item.mask] = color
    return Object(seal(patch), full_mask(*patch.shape), item.top, item.left)


@primitive()
def fill_boxes(objects: Objects, color: Color) -> Objects:
    """Give the free cells of each object's bounding box a color; they become its own."""
    return tuple(fill_box(item, color) for item in some(objects))


@primitive(choices={"down": (-3, -2, -1, 0, 1, 2, 3), "right": (-3, -2, -1, 0, 1, 2, 3)}, cost=6)
def move(item: Object, down: int, right: int) -> Object:
    """Move an object by rows and columns."""
    return replace(item, top=item.top + down, left=item.left + right)


@primitive()
def move_to_corner(item: Object) -> Object:
    """Move an object to the upper left corner."""
    return replace(item, top=0, left=0)
