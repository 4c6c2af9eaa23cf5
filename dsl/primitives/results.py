"""Checks and conversions that all primitives share; no primitive stands here."""

from functools import lru_cache
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import MAX_SIDE, Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.paste import paste_into
from dsl.kernels.shapes import mask_box
from dsl.types import Mask, Object, Objects

ALL_COLORS = 0x3FF
"""Set of all ten colors; bit ``k`` stands for color ``k``."""

MAX_OBJECTS = 256
"""More objects than this in one list are noise, not objects."""


def fail(reason: str) -> NoReturn:
    """Say why a primitive has no result."""
    raise PrimitiveError(reason)


def sized_grid(array: NDArray[np.uint8]) -> Grid:
    """Seal a result whose sides may be out of range.

    Raises:
        PrimitiveError: a side is not 1..30.
    """
    height, width = array.shape
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        fail(f"a grid has 1..{MAX_SIDE} rows and columns, this result has {height}x{width}")
    return seal(array)


def check_sides(height: int, width: int) -> None:
    """Raise ``PrimitiveError`` unless both sides are 1..30; called before a large result is built."""
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        fail(f"a grid has 1..{MAX_SIDE} rows and columns, this result has {height}x{width}")


def check_same_shape(left: NDArray[np.generic], right: NDArray[np.generic]) -> None:
    """Raise ``PrimitiveError`` unless two images have the same shape."""
    if left.shape != right.shape:
        fail(f"needs two images of one shape, got {left.shape} and {right.shape}")


def content_colors(grid: Grid) -> int:
    """Return the set of all colors but the background."""
    return ALL_COLORS & ~(1 << background_color(grid))


def content_mask(grid: Grid) -> Mask:
    """Return the cells that are not background."""
    return seal(grid != background_color(grid))


def box_object(grid: Grid, top: int, left: int, height: int, width: int) -> Object:
    """Return a rectangle of a grid, all of its cells, as an object."""
    patch = seal(grid[top : top + height, left : left + width])
    return Object(patch, full_mask(height, width), top, left)


@lru_cache(maxsize=MAX_SIDE * MAX_SIDE)
def full_mask(height: int, width: int) -> Mask:
    """Return a mask of all cells."""
    return seal(np.ones((height, width), np.bool_))


def put(item: Object, top: int, left: int) -> Object:
    """Return an object at another place (quicker than ``dataclasses.replace``)."""
    return Object(item.patch, item.mask, top, left)


def some(objects: Objects) -> Objects:
    """Return the objects; raise ``PrimitiveError`` if there are none."""
    if not objects:
        fail("needs at least one object, got none")
    return objects


def bounded(objects: Objects) -> Objects:
    """Return the objects; raise ``PrimitiveError`` if there are too many."""
    if len(objects) > MAX_OBJECTS:
        fail(f"a list holds at most {MAX_OBJECTS} objects, got {len(objects)}")
    return objects


def painted(canvas: Grid, objects: Objects) -> Grid:
    """Return a copy of the canvas with the objects painted in order."""
    result = canvas.copy()
    for item in objects:
        paste_into(result, item.patch, item.mask, item.top, item.left)
    return seal(result)


def object_from_cells(grid: Grid, mask: Mask) -> Object:
    """Return the masked cells of a grid, cut to their bounding box.

    Raises:
        PrimitiveError: the mask has no cell.
    """
    top, left, bottom, right = bounding_box(mask)
    own = seal(mask[top:bottom, left:right])
    return Object(seal(grid[top:bottom, left:right] * own), own, top, left)


def bounding_box(mask: Mask) -> tuple[int, int, int, int]:
    """Return first row, first column, row after the last and column after the last of the set cells.

    Raises:
        PrimitiveError: no cell is set.
    """
    top, left, bottom, right = mask_box(mask)
    if bottom == 0:
        fail("there is no cell to cut out")
    return top, left, bottom, right
