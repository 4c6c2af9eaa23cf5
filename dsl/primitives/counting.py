"""Numbers: counts and sizes, arithmetic, and grids made from numbers."""

import numpy as np

from dsl.grid import NUM_COLORS, Grid, seal
from dsl.kernels.colors import background_color, color_counts
from dsl.kernels.shapes import hole_count
from dsl.primitives.results import check_sides, fail
from dsl.primitives.select import cell_count, color_count
from dsl.registry import primitive
from dsl.types import Color, Mask, Object, Objects


@primitive(cost=3)
def count_color(grid: Grid, color: Color) -> int:
    """Count the cells of a color."""
    return int(color_counts(grid)[color])


@primitive()
def count_content(grid: Grid) -> int:
    """Count the cells that are not background."""
    return grid.size - int(color_counts(grid)[background_color(grid)])


@primitive()
def count_colors(grid: Grid) -> int:
    """Count the colors that are not background."""
    return int(np.count_nonzero(color_counts(grid))) - 1


@primitive(cost=3)
def object_count(objects: Objects) -> int:
    """Count the objects of a list."""
    return len(objects)


@primitive()
def count_cells(mask: Mask) -> int:
    """Count the marked cells."""
    return int(np.count_nonzero(mask))


@primitive()
def height_of(grid: Grid) -> int:
    """Return the number of rows."""
    return int(grid.shape[0])


@primitive()
def width_of(grid: Grid) -> int:
    """Return the number of columns."""
    return int(grid.shape[1])


@primitive()
def object_size(item: Object) -> int:
    """Return the number of an object's own cells."""
    return cell_count(item)


@primitive()
def object_height(item: Object) -> int:
    """Return the number of rows of an object's bounding box."""
    return int(item.mask.shape[0])


@primitive()
def object_width(item: Object) -> int:
    """Return the number of columns of an object's bounding box."""
    return int(item.mask.shape[1])


@primitive()
def object_holes(item: Object) -> int:
    """Count the holes of an object: groups of free cells in its box from which there is no way out."""
    return hole_count(item.mask)


@primitive(cost=5)
def object_colors(item: Object) -> int:
    """Count the colors of an object."""
    return color_count(item)


@primitive(choices={"right": (1, 2)})
def add(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right


@primitive(choices={"right": (1, 2)})
def subtract(left: int, right: int) -> int:
    """Subtract the second number from the first."""
    return left - right


@primitive(cost=5, choices={"right": (2, 3)})
def multiply(left: int, right: int) -> int:
    """Multiply two numbers."""
    return max(-999, min(999, left * right))


@primitive(cost=5, choices={"right": (2, 3)})
def divide(left: int, right: int) -> int:
    """Divide the first number by the second, rounded down."""
    if right == 0:
        fail("division by zero")
    return left // right


@primitive(cost=5)
def minimum(left: int, right: int) -> int:
    """Return the smaller of two numbers."""
    return min(left, right)


@primitive(cost=5)
def maximum(left: int, right: int) -> int:
    """Return the larger of two numbers."""
    return max(left, right)


@primitive(cost=5)
def color_of_number(number: int) -> Color:
    """Return the color of a number 0..9."""
    if not 0 <= number < NUM_COLORS:
        fail(f"a color is 0..{NUM_COLORS - 1}, got {number}")
    return Color(number)


@primitive(cost=5)
def number_of_color(color: Color) -> int:
    """Return the number of a color."""
    return int(color)


@primitive()
def row_of(length: int, color: Color) -> Grid:
    """Return one row of a length, all of one color."""
    return canvas(1, length, color)


@primitive()
def column_of(length: int, color: Color) -> Grid:
    """Return one column of a length, all of one color."""
    return canvas(length, 1, color)


@primitive()
def square_of(side: int, color: Color) -> Grid:
    """Return a square of a side, all of one color."""
    return canvas(side, side, color)


@primitive(choices={"height": (1, 2, 3, 5), "width": (1, 2, 3, 5)})
def canvas(height: int, width: int, color: Color) -> Grid:
    """Return a grid of a size, all of one color."""
    check_sides(height, width)
    return seal(np.full((height, width), color, np.uint8))


@primitive(cost=5)
def diagonal_of(length: int, color: Color) -> Grid:
    """Return a square of 0 with its main diagonal in one color."""
    check_sides(length, length)
    return seal(np.eye(length, dtype=np.uint8) * np.uint8(color))


@primitive()
def fill_first(like: Grid, count: int, color: Color) -> Grid:
    """Return a grid of the size of another, 0 but for the first cells in reading order, which get a color."""
    cells = np.zeros(like.size, np.uint8)
    cells[: max(0, count)] = color
    return seal(cells.reshape(like.shape))


@primitive(cost=5)
def color_bars(grid: Grid) -> Grid:
    """Draw a bar for each content color, one row each, as long as its number of cells; most cells first."""
    return _bars(grid, longest_first=True)


@primitive(cost=5)
def color_bars_ascending(grid: Grid) -> Grid:
    """Draw a bar for each content color, one row each, as long as its number of cells; fewest cells first."""
    return _bars(grid, longest_first=False)


def _bars(grid: Grid, *, longest_first: bool) -> Grid:
    counts = color_counts(grid)
    counts[background_color(grid)] = 0
    colors = [color for color in range(NUM_COLORS) if counts[color]]
    if not colors:
        fail("the grid has no content")
    colors.sort(key=lambda color: -counts[color] if longest_first else counts[color])
    check_sides(len(colors), int(counts.max()))
    result = np.zeros((len(colors), int(counts.max())), np.uint8)
    for r, color in enumerate(colors):
        result[r, : counts[color]] = color
    return seal(result)


@primitive(cost=5)
def color_ranking(grid: Grid) -> Grid:
    """Return one column of the content colors, most common first."""
    counts = color_counts(grid)
    counts[background_color(grid)] = 0
    colors = [color for color in np.argsort(-counts, kind="stable").tolist() if counts[color]]
    if not colors:
        fail("the grid has no content")
    return seal(np.array(colors, np.uint8)[:, None])
