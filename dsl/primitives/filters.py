"""Filters: the objects of a list that have a property; there may be none."""

from collections import Counter
from collections.abc import Callable

from dsl.grid import Grid
from dsl.kernels.shapes import LEFT_RIGHT, color_set, hole_count, symmetries
from dsl.primitives.select import cell_count, color_count, image_key, object_color, shape_key
from dsl.registry import primitive
from dsl.types import Color, Object, Objects, value_key


def _having(objects: Objects, test: Callable[[Object], bool]) -> Objects:
    return tuple(item for item in objects if test(item))


def gap(left: Object, right: Object) -> int:
    """Return the king's moves between two bounding boxes: 0 if they overlap, 1 if they touch at a side or corner."""
    height, width = left.mask.shape
    other_height, other_width = right.mask.shape
    down = max(left.top - right.top - other_height, right.top - left.top - height) + 1
    across = max(left.left - right.left - other_width, right.left - left.left - width) + 1
    return int(max(0, down, across))


@primitive(cost=3)
def of_color(objects: Objects, color: Color) -> Objects:
    """Keep the objects whose main color is this one."""
    return _having(objects, lambda item: object_color(item) == color)


@primitive()
def not_of_color(objects: Objects, color: Color) -> Objects:
    """Drop the objects whose main color is this one."""
    return _having(objects, lambda item: object_color(item) != color)


@primitive()
def with_color(objects: Objects, color: Color) -> Objects:
    """Keep the objects that have a cell of a color."""
    return _having(objects, lambda item: bool((color_set(item.patch, item.mask) >> color) & 1))


@primitive()
def without_color(objects: Objects, color: Color) -> Objects:
    """Keep the objects that have no cell of a color."""
    return _having(objects, lambda item: not (color_set(item.patch, item.mask) >> color) & 1)


@primitive()
def multicolored(objects: Objects) -> Objects:
    """Keep the objects of two or more colors."""
    return _having(objects, lambda item: color_count(item) > 1)


@primitive()
def single_colored(objects: Objects) -> Objects:
    """Keep the objects of one color."""
    return _having(objects, lambda item: color_count(item) == 1)


@primitive(choices={"cells": (1, 2, 3, 4)})
def of_size(objects: Objects, cells: int) -> Objects:
    """Keep the objects of a number of cells."""
    return _having(objects, lambda item: cell_count(item) == cells)


@primitive(choices={"cells": (1, 2, 3, 4)})
def larger_than(objects: Objects, cells: int) -> Objects:
    """Keep the objects of more than a number of cells."""
    return _having(objects, lambda item: cell_count(item) > cells)


@primitive()
def with_holes(objects: Objects) -> Objects:
    """Keep the objects that enclose free cells."""
    return _having(objects, lambda item: hole_count(item.mask) > 0)


@primitive()
def without_holes(objects: Objects) -> Objects:
    """Keep the objects that enclose no free cells."""
    return _having(objects, lambda item: hole_count(item.mask) == 0)


@primitive(cost=5, choices={"holes": (1, 2, 3, 4)})
def of_holes(objects: Objects, holes: int) -> Objects:
    """Keep the objects with a number of holes."""
    return _having(objects, lambda item: hole_count(item.mask) == holes)


@primitive()
def symmetric(objects: Objects) -> Objects:
    """Keep the objects that equal their left-right mirror image."""
    return _having(objects, lambda item: bool(symmetries(item.patch) & LEFT_RIGHT))


@primitive()
def mirror_symmetric(objects: Objects) -> Objects:
    """Keep the objects that equal one of their mirror images, diagonals included."""
    return _having(objects, lambda item: symmetries(item.patch) != 0)


@primitive()
def asymmetric(objects: Objects) -> Objects:
    """Keep the objects that equal none of their mirror images, diagonals included."""
    return _having(objects, lambda item: symmetries(item.patch) == 0)


@primitive()
def solid(objects: Objects) -> Objects:
    """Keep the objects that fill their bounding box."""
    return _having(objects, lambda item: cell_count(item) == item.mask.size)


@primitive()
def not_solid(objects: Objects) -> Objects:
    """Keep the objects that do not fill their bounding box."""
    return _having(objects, lambda item: cell_count(item) < item.mask.size)


@primitive()
def framing(objects: Objects) -> Objects:
    """Keep the objects that hold the whole outer ring of their bounding box, at least 3x3."""
    return _having(objects, is_frame)


def is_frame(item: Object) -> bool:
    """Tell whether an object holds the whole outer ring of its bounding box, at least 3x3."""
    height, width = item.mask.shape
    if min(height, width) < 3:
        return False
    mask = item.mask
    return bool(mask[0].all() and mask[-1].all() and mask[:, 0].all() and mask[:, -1].all())


@primitive(cost=5)
def straight(objects: Objects) -> Objects:
    """Keep the objects that are one row or one column, of at least two cells."""
    return _having(objects, lambda item: min(item.mask.shape) == 1 and item.mask.size > 1)


@primitive(cost=5)
def square(objects: Objects) -> Objects:
    """Keep the objects whose bounding box has as many rows as columns."""
    return _having(objects, lambda item: item.mask.shape[0] == item.mask.shape[1])


@primitive(cost=5)
def wide(objects: Objects) -> Objects:
    """Keep the objects with more columns than rows."""
    return _having(objects, lambda item: item.mask.shape[1] > item.mask.shape[0])


@primitive(cost=5)
def tall(objects: Objects) -> Objects:
    """Keep the objects with more rows than columns."""
    return _having(objects, lambda item: item.mask.shape[0] > item.mask.shape[1])


def _at_side(item: Object, grid: Grid) -> bool:
    return (
        item.top <= 0
        or item.left <= 0
        or item.top + item.mask.shape[0] >= grid.shape[0]
        or item.left + item.mask.shape[1] >= grid.shape[1]
    )


@primitive()
def at_border(objects: Objects, grid: Grid) -> Objects:
    """Keep the objects that reach a side of the grid."""
    return _having(objects, lambda item: _at_side(item, grid))


@primitive()
def off_border(objects: Objects, grid: Grid) -> Objects:
    """Keep the objects that reach no side of the grid."""
    return _having(objects, lambda item: not _at_side(item, grid))


@primitive()
def of_shape(objects: Objects, like: Object) -> Objects:
    """Keep the objects of the shape of another object."""
    key = shape_key(like)
    return _having(objects, lambda item: shape_key(item) == key)


@primitive()
def colored_like(objects: Objects, like: Object) -> Objects:
    """Keep the objects with the main color of another object."""
    color = object_color(like)
    return _having(objects, lambda item: object_color(item) == color)


@primitive()
def repeated_shapes(objects: Objects) -> Objects:
    """Keep the objects whose shape another object of the list has too."""
    counts = Counter(shape_key(item) for item in objects)
    return _having(objects, lambda item: counts[shape_key(item)] > 1)


@primitive()
def single_shapes(objects: Objects) -> Objects:
    """Keep the objects whose shape no other object of the list has."""
    counts = Counter(shape_key(item) for item in objects)
    return _having(objects, lambda item: counts[shape_key(item)] == 1)


@primitive(cost=5)
def repeated_images(objects: Objects) -> Objects:
    """Keep the objects whose shape and colors another object of the list has too."""
    counts = Counter(image_key(item) for item in objects)
    return _having(objects, lambda item: counts[image_key(item)] > 1)


@primitive()
def touching(objects: Objects, item: Object) -> Objects:
    """Keep the objects whose bounding box overlaps or touches that of another object, itself excluded."""
    key = value_key(item)
    return _having(objects, lambda other: gap(other, item) <= 1 and value_key(other) != key)


@primitive()
def inside(objects: Objects, item: Object) -> Objects:
    """Keep the objects that lie within the bounding box of another object, itself excluded."""
    height, width = item.mask.shape
    key = value_key(item)
    return _having(
        objects,
        lambda other: (
            item.top <= other.top
            and item.left <= other.left
            and other.top + other.mask.shape[0] <= item.top + height
            and other.left + other.mask.shape[1] <= item.left + width
            and value_key(other) != key
        ),
    )


@primitive()
def without(objects: Objects, others: Objects) -> Objects:
    """Drop the objects that another list holds too, at the same place."""
    dropped = {value_key(item) for item in others}
    return _having(objects, lambda item: value_key(item) not in dropped)


@primitive()
def drop_object(objects: Objects, item: Object) -> Objects:
    """Drop one object, at its place, from a list."""
    key = value_key(item)
    return _having(objects, lambda other: value_key(other) != key)
