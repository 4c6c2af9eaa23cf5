"""Ways to see a grid as objects: components, layers, panels, halves, lines."""

import numpy as np

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color, color_counts
from dsl.kernels.components import find_components
from dsl.kernels.frames import NO_SEPARATOR, largest_rectangle, marked_rectangles, panel_boxes, separator_color
from dsl.kernels.paste import paste_into
from dsl.primitives.results import (
    ALL_COLORS,
    MAX_OBJECTS,
    bounded,
    box_object,
    check_same_shape,
    check_sides,
    content_colors,
    content_mask,
    fail,
    full_mask,
    object_from_cells,
    some,
)
from dsl.registry import primitive
from dsl.types import Color, Mask, Object, Objects


def components_of(grid: Grid, colors: int, *, diagonal: bool, by_color: bool) -> Objects:
    """Return the components of a set of colors (bit ``k`` for color ``k``), in reading order of their first cells."""
    boxes, cells, masks = find_components(grid, colors, diagonal, by_color)
    if len(boxes) > MAX_OBJECTS:
        fail(f"a list holds at most {MAX_OBJECTS} objects, got {len(boxes)}")
    cells.setflags(write=False)
    masks.setflags(write=False)
    found = []
    start = 0
    for top, left, height, width, _ in boxes.tolist():
        end = start + height * width
        shape = (height, width)
        found.append(Object(cells[start:end].reshape(shape), masks[start:end].reshape(shape), top, left))
        start = end
    return tuple(found)


@primitive(cost=3)
def components(grid: Grid) -> Objects:
    """Return the connected cells of equal color that are not background; corners connect (8 neighbors)."""
    return components_of(grid, content_colors(grid), diagonal=True, by_color=True)


@primitive(cost=3)
def components_4(grid: Grid) -> Objects:
    """Return the connected cells of equal color that are not background; only sides connect (4 neighbors)."""
    return components_of(grid, content_colors(grid), diagonal=False, by_color=True)


@primitive(cost=3)
def sprites(grid: Grid) -> Objects:
    """Return the connected cells of any color that are not background; corners connect (8 neighbors)."""
    return components_of(grid, content_colors(grid), diagonal=True, by_color=False)


@primitive()
def sprites_4(grid: Grid) -> Objects:
    """Return the connected cells of any color that are not background; only sides connect (4 neighbors)."""
    return components_of(grid, content_colors(grid), diagonal=False, by_color=False)


@primitive()
def components_of_color(grid: Grid, color: Color) -> Objects:
    """Return the connected cells of one color, background or not; corners connect (8 neighbors)."""
    return components_of(grid, 1 << color, diagonal=True, by_color=True)


@primitive()
def background_regions(grid: Grid) -> Objects:
    """Return the connected background cells; only sides connect (4 neighbors)."""
    return components_of(grid, 1 << background_color(grid), diagonal=False, by_color=True)


@primitive()
def regions(grid: Grid) -> Objects:
    """Return the connected cells of equal color, background included; only sides connect (4 neighbors)."""
    return components_of(grid, ALL_COLORS, diagonal=False, by_color=True)


@primitive(cost=3)
def color_layers(grid: Grid) -> Objects:
    """Return one object for each color that is not background, lowest color first."""
    counts = color_counts(grid)
    counts[background_color(grid)] = 0
    return tuple(object_from_cells(grid, seal(grid == color)) for color in counts.nonzero()[0].tolist())


@primitive()
def content(grid: Grid) -> Object:
    """Return all cells that are not background as one object."""
    return object_from_cells(grid, content_mask(grid))


@primitive()
def whole(grid: Grid) -> Object:
    """Return the whole grid as one object."""
    return box_object(grid, 0, 0, *grid.shape)


@primitive(cost=3)
def panels(grid: Grid) -> Objects:
    """Return the rectangles between full rows and columns of the separator color, in reading order.

    The separator is the color, other than the background, of which most rows and columns are full (the lowest of
    equals); the background if no line of another color is full.
    """
    color = separator_color(grid, background_color(grid))
    if color == NO_SEPARATOR:
        fail("no row or column is one color throughout")
    return _panels(grid, color)


@primitive()
def panels_between(grid: Grid, separator: Color) -> Objects:
    """Return the rectangles between full rows and columns of a color, in reading order."""
    return _panels(grid, separator)


def _panels(grid: Grid, separator: int) -> Objects:
    found = panel_boxes(grid, separator).tolist()
    if not 2 <= len(found) <= MAX_OBJECTS:
        fail(f"needs 2..{MAX_OBJECTS} panels, got {len(found)}")
    return tuple(box_object(grid, *box) for box in found)


@primitive(cost=5)
def parts_between(grid: Grid, separator: Color) -> Objects:
    """Return the connected cells that are not of a color, background included; only sides connect (4 neighbors)."""
    return components_of(grid, ALL_COLORS & ~(1 << separator), diagonal=False, by_color=False)


@primitive()
def left_right_halves(grid: Grid) -> Objects:
    """Return the left and right half, without the middle column if the width is odd."""
    height, width = grid.shape
    if width < 2:
        fail("one column has no halves")
    half = width // 2
    return box_object(grid, 0, 0, height, half), box_object(grid, 0, width - half, height, half)


@primitive()
def top_bottom_halves(grid: Grid) -> Objects:
    """Return the top and bottom half, without the middle row if the height is odd."""
    height, width = grid.shape
    if height < 2:
        fail("one row has no halves")
    half = height // 2
    return box_object(grid, 0, 0, half, width), box_object(grid, height - half, 0, half, width)


@primitive()
def quadrants(grid: Grid) -> Objects:
    """Return the four quarters in reading order, without the middle row or column of an odd side."""
    height, width = grid.shape
    if min(height, width) < 2:
        fail("one row or column has no quarters")
    down, right = height // 2, width // 2
    return tuple(box_object(grid, r, c, down, right) for r in (0, height - down) for c in (0, width - right))


@primitive()
def rows(grid: Grid) -> Objects:
    """Return the rows, top first."""
    return _blocks(grid, 1, grid.shape[1])


@primitive()
def columns(grid: Grid) -> Objects:
    """Return the columns, left first."""
    return _blocks(grid, grid.shape[0], 1)


@primitive(choices={"side": (2, 3, 4, 5)})
def blocks(grid: Grid, side: int) -> Objects:
    """Return the squares that the grid divides into, in reading order."""
    height, width = grid.shape
    if side < 1 or height % side or width % side or height * width > MAX_OBJECTS * side * side:
        fail(f"a {height}x{width} grid does not divide into blocks of side {side}")
    return _blocks(grid, side, side)


def _blocks(grid: Grid, height: int, width: int) -> Objects:
    """Cut a grid into blocks of a size that divides it, in reading order."""
    down, right = grid.shape[0] // height, grid.shape[1] // width
    cut = np.ascontiguousarray(grid.reshape(down, height, right, width).swapaxes(1, 2))
    cut.setflags(write=False)
    mask = full_mask(height, width)
    return tuple(Object(cut[r, c], mask, r * height, c * width) for r in range(down) for c in range(right))


@primitive()
def inside_corners(grid: Grid) -> Objects:
    """Return the insides of rectangles whose four corner cells are of one content color."""
    found = marked_rectangles(grid, background_color(grid), MAX_OBJECTS + 1).tolist()
    return bounded(
        tuple(box_object(grid, top + 1, left + 1, height - 2, width - 2) for top, left, height, width in found)
    )


@primitive(cost=5)
def largest_blank(grid: Grid) -> Object:
    """Return the largest rectangle of background (of equals the squarest, then the one that ends highest)."""
    top, left, height, width = largest_rectangle(seal(grid == background_color(grid)))
    if not height:
        fail("the grid has no background")
    return box_object(grid, top, left, height, width)


@primitive()
def cells_of_color(grid: Grid, color: Color) -> Objects:
    """Return every cell of a color as an object of its own."""
    patch = seal(np.full((1, 1), color, np.uint8))
    found = zip(*(axis.tolist() for axis in (grid == color).nonzero()), strict=True)
    return bounded(tuple(Object(patch, full_mask(1, 1), r, c) for r, c in found))


@primitive(cost=5)
def mask_components(mask: Mask, grid: Grid) -> Objects:
    """Return the connected marked cells of a grid of the same shape; corners connect (8 neighbors)."""
    check_same_shape(mask, grid)
    drawn = components_of(seal(mask.astype(np.uint8)), 2, diagonal=True, by_color=True)
    return tuple(_colored_by(item, grid) for item in drawn)


def _colored_by(item: Object, grid: Grid) -> Object:
    height, width = item.mask.shape
    cells = grid[item.top : item.top + height, item.left : item.left + width]
    return Object(seal(cells * item.mask), item.mask, item.top, item.left)


@primitive(cost=3)
def as_list(item: Object) -> Objects:
    """Return a list of one object."""
    return (item,)


@primitive()
def join_lists(first: Objects, second: Objects) -> Objects:
    """Put the objects of a second list behind those of the first."""
    return bounded(first + second)


@primitive()
def merge(objects: Objects) -> Object:
    """Return one object of the cells of all objects, later ones on top."""
    top, left = min(item.top for item in some(objects)), min(item.left for item in objects)
    height = max(item.top + item.mask.shape[0] for item in objects) - top
    width = max(item.left + item.mask.shape[1] for item in objects) - left
    check_sides(height, width)
    cells, mask = np.zeros((height, width), np.uint8), np.zeros((height, width), np.bool_)
    for item in objects:
        r, c = item.top - top, item.left - left
        paste_into(cells, item.patch, item.mask, r, c)
        mask[r : r + item.mask.shape[0], c : c + item.mask.shape[1]] |= item.mask
    return Object(seal(cells), seal(mask), top, left)
