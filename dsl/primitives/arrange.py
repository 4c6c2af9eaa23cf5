"""Lists of objects laid out as one grid: in a line, over each other, cell by cell."""

import math

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.primitives.object_edit import objects_grid
from dsl.primitives.results import check_sides, fail, some
from dsl.primitives.select import cell_count, object_color
from dsl.registry import primitive
from dsl.types import Objects


@primitive()
def stack_right(objects: Objects) -> Grid:
    """Put the objects side by side in the order of the list, aligned at the top; 0 fills what is lower."""
    height = max(item.patch.shape[0] for item in some(objects))
    check_sides(height, sum(item.patch.shape[1] for item in objects))
    return seal(np.concatenate([_padded(item.patch, height, item.patch.shape[1]) for item in objects], axis=1))


@primitive()
def stack_down(objects: Objects) -> Grid:
    """Put the objects one below the other in the order of the list, aligned at the left; 0 fills what is narrower."""
    width = max(item.patch.shape[1] for item in some(objects))
    check_sides(sum(item.patch.shape[0] for item in objects), width)
    return seal(np.concatenate([_padded(item.patch, item.patch.shape[0], width) for item in objects], axis=0))


def _padded(patch: Grid, height: int, width: int) -> NDArray[np.uint8]:
    if patch.shape == (height, width):
        return patch
    result = np.zeros((height, width), np.uint8)
    result[: patch.shape[0], : patch.shape[1]] = patch
    return result


@primitive()
def stack_line(objects: Objects) -> Grid:
    """Put the objects in a line as they lie: side by side if they spread more in width, else one below the other."""
    tops, lefts = [item.top for item in some(objects)], [item.left for item in objects]
    if max(lefts) - min(lefts) > max(tops) - min(tops):
        return stack_right(tuple(sorted(objects, key=lambda item: item.left)))
    return stack_down(tuple(sorted(objects, key=lambda item: item.top)))


@primitive(cost=5)
def stack_square(objects: Objects) -> Grid:
    """Lay out objects of one shape in reading order in a square of pieces; their number must be a square."""
    side = math.isqrt(len(some(objects)))
    if side * side != len(objects) or any(item.patch.shape != objects[0].patch.shape for item in objects):
        fail(f"needs a square number of objects of one shape, got {len(objects)}")
    check_sides(side * objects[0].patch.shape[0], side * objects[0].patch.shape[1])
    rows = [
        np.concatenate([item.patch for item in objects[k : k + side]], axis=1) for k in range(0, len(objects), side)
    ]
    return seal(np.concatenate(rows, axis=0))


@primitive()
def compose_growing(objects: Objects) -> Grid:
    """Paint objects on their places, most cells first, so that small ones stay in sight."""
    return objects_grid(tuple(sorted(some(objects), key=lambda item: -cell_count(item))))


@primitive()
def overlay_all(objects: Objects) -> Grid:
    """Paint the boxes of objects of one shape over each other, the last on top; 0 counts as see-through."""
    patches = _same_shape(objects)
    result = patches[0].copy()
    for patch in patches[1:]:
        np.copyto(result, patch, where=patch != 0)
    return seal(result)


@primitive()
def common_content(objects: Objects) -> Grid:
    """Keep the cells of the first box that are not 0 in any box; the boxes must have one shape."""
    patches = _same_shape(objects)
    return seal(patches[0] * np.logical_and.reduce([patch != 0 for patch in patches]))


@primitive(cost=5)
def odd_content(objects: Objects) -> Grid:
    """Keep the cells that are not 0 in exactly one box, in its color; the boxes must have one shape."""
    patches = np.stack(_same_shape(objects))
    once = (patches != 0).sum(axis=0) == 1
    return seal(patches.max(axis=0) * once)


@primitive(cost=5)
def majority_cells(objects: Objects) -> Grid:
    """Give each cell the color most boxes have there (the lowest of equals); the boxes must have one shape."""
    patches = np.stack(_same_shape(objects))
    votes = [(patches == color).sum(axis=0) for color in range(int(patches.max()) + 1)]
    return seal(np.argmax(np.stack(votes), axis=0).astype(np.uint8))


def _same_shape(objects: Objects) -> list[Grid]:
    shape = some(objects)[0].patch.shape
    if any(item.patch.shape != shape for item in objects):
        fail("needs objects of one shape")
    check_sides(*shape)
    return [item.patch for item in objects]


@primitive()
def color_map(objects: Objects) -> Grid:
    """Return one cell for each object in its main color, laid out as the objects lie; free places are 0.

    Rows and columns of the result are the distinct first rows and columns of the objects.
    """
    rows = {top: r for r, top in enumerate(sorted({item.top for item in some(objects)}))}
    columns = {left: c for c, left in enumerate(sorted({item.left for item in objects}))}
    check_sides(len(rows), len(columns))
    result = np.zeros((len(rows), len(columns)), np.uint8)
    for item in objects:
        result[rows[item.top], columns[item.left]] = object_color(item)
    return seal(result)


@primitive()
def color_row(objects: Objects) -> Grid:
    """Return one row of the main colors of the objects, in the order of the list."""
    check_sides(1, len(some(objects)))
    return seal(np.array([[object_color(item) for item in objects]], np.uint8))


@primitive()
def color_column(objects: Objects) -> Grid:
    """Return one column of the main colors of the objects, in the order of the list."""
    check_sides(len(some(objects)), 1)
    return seal(np.array([[object_color(item)] for item in objects], np.uint8))


@primitive(cost=5)
def size_bars(objects: Objects) -> Grid:
    """Draw a bar for each object, one row each, in its main color, as long as its number of cells."""
    sizes = [cell_count(item) for item in some(objects)]
    check_sides(len(objects), max(sizes))
    result = np.zeros((len(objects), max(sizes)), np.uint8)
    for r, (item, size) in enumerate(zip(objects, sizes, strict=True)):
        result[r, :size] = object_color(item)
    return seal(result)
