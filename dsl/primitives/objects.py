"""Ways to see a grid as objects: components, layers, panels, halves, lines."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.kernels.colors import background_color, color_counts
from dsl.kernels.components import find_components
from dsl.primitives.results import (
    ALL_COLORS,
    MAX_OBJECTS,
    box_object,
    content_colors,
    content_mask,
    fail,
    object_from_cells,
    some,
)
from dsl.registry import primitive
from dsl.types import Color, Object, Objects


def components_of(grid: Grid, colors: int, *, diagonal: bool, by_color: bool) -> Objects:
    """Return the components of a set of colors (bit ``k`` for color ``k``), in reading order of their first cells."""
    boxes, cells, masks = find_components(grid, colors, diagonal, by_color)
    if not 0 < len(boxes) <= MAX_OBJECTS:
        fail(f"needs 1..{MAX_OBJECTS} objects, got {len(boxes)}")
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
    return some(tuple(object_from_cells(grid, grid == color) for color in counts.nonzero()[0].tolist()))


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

    The separator is the color of the first row or column that is one color throughout, other than the background; of
    the background if there is no other.
    """
    color = _separator_color(grid)
    rows, columns = _runs(~(grid == color).all(axis=1)), _runs(~(grid == color).all(axis=0))
    found = tuple(
        box_object(grid, top, left, bottom - top, right - left) for top, bottom in rows for left, right in columns
    )
    if len(found) < 2:
        fail("no full row or column separates the grid")
    return some(found)


def _separator_color(grid: Grid) -> int:
    """Return the color of the full rows and columns; prefers a color that is not background."""
    rows = (grid == grid[:, :1]).all(axis=1)
    columns = (grid == grid[:1]).all(axis=0)
    colors = np.concatenate((grid[rows, 0], grid[0, columns]))
    if not len(colors):
        fail("no row or column is one color throughout")
    drawn = colors[colors != background_color(grid)]
    return int(drawn[0] if len(drawn) else colors[0])


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return start and end of each run of True."""
    padded = np.zeros(len(flags) + 2, np.int8)
    padded[1:-1] = flags
    edges = np.diff(padded).nonzero()[0].tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


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
    return tuple(box_object(grid, r, 0, 1, grid.shape[1]) for r in range(grid.shape[0]))


@primitive()
def columns(grid: Grid) -> Objects:
    """Return the columns, left first."""
    return tuple(box_object(grid, 0, c, grid.shape[0], 1) for c in range(grid.shape[1]))


@primitive(choices={"side": (2, 3, 4, 5)})
def blocks(grid: Grid, side: int) -> Objects:
    """Return the squares that the grid divides into, in reading order."""
    height, width = grid.shape
    if side < 1 or height % side or width % side or height * width > MAX_OBJECTS * side * side:
        fail(f"a {height}x{width} grid does not divide into blocks of side {side}")
    return tuple(box_object(grid, r, c, side, side) for r in range(0, height, side) for c in range(0, width, side))
