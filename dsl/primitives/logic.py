"""Truth values: questions about grids, objects and numbers, their logic, and choices by them."""

from dsl.grid import Grid, same_grid
from dsl.kernels.colors import background_color, color_counts
from dsl.kernels.shapes import (
    LEFT_RIGHT,
    MAIN_DIAGONAL,
    OTHER_DIAGONAL,
    TOP_BOTTOM,
    color_set,
    symmetries,
)
from dsl.primitives.select import shape_key
from dsl.registry import primitive
from dsl.types import Color, Object, Objects


@primitive(cost=3)
def if_else(condition: bool, when_true: Grid, when_false: Grid) -> Grid:
    """Return one of two grids."""
    return when_true if condition else when_false


@primitive()
def if_else_color(condition: bool, when_true: Color, when_false: Color) -> Color:
    """Return one of two colors."""
    return when_true if condition else when_false


@primitive()
def if_else_object(condition: bool, when_true: Object, when_false: Object) -> Object:
    """Return one of two objects."""
    return when_true if condition else when_false


@primitive()
def same_grids(left: Grid, right: Grid) -> bool:
    """Tell whether two grids are equal."""
    return same_grid(left, right)


@primitive()
def same_colors(left: Color, right: Color) -> bool:
    """Tell whether two colors are equal."""
    return left == right


@primitive(choices={"right": (1, 2, 3, 4)})
def same_numbers(left: int, right: int) -> bool:
    """Tell whether two numbers are equal."""
    return left == right


@primitive(choices={"right": (1, 2, 3, 4)})
def more_than(left: int, right: int) -> bool:
    """Tell whether the first number is larger than the second."""
    return left > right


@primitive()
def same_shapes(left: Object, right: Object) -> bool:
    """Tell whether two objects have the same shape."""
    return shape_key(left) == shape_key(right)


@primitive()
def both(left: bool, right: bool) -> bool:
    """Tell whether both are true."""
    return left and right


@primitive()
def either(left: bool, right: bool) -> bool:
    """Tell whether at least one is true."""
    return left or right


@primitive()
def negate(condition: bool) -> bool:
    """Turn true into false and false into true."""
    return not condition


@primitive()
def has_color(grid: Grid, color: Color) -> bool:
    """Tell whether a color occurs in a grid."""
    return bool(color_counts(grid)[color])


@primitive(cost=5)
def has_content(grid: Grid) -> bool:
    """Tell whether a grid has a cell that is not background."""
    return bool(color_counts(grid)[background_color(grid)] < grid.size)


@primitive()
def object_has_color(item: Object, color: Color) -> bool:
    """Tell whether an object has a cell of a color."""
    return bool((color_set(item.patch, item.mask) >> color) & 1)


@primitive()
def is_symmetric_left_right(grid: Grid) -> bool:
    """Tell whether a grid equals its left-right mirror image."""
    return bool(symmetries(grid) & LEFT_RIGHT)


@primitive()
def is_symmetric_top_bottom(grid: Grid) -> bool:
    """Tell whether a grid equals its top-bottom mirror image."""
    return bool(symmetries(grid) & TOP_BOTTOM)


@primitive(cost=5)
def is_symmetric_diagonal(grid: Grid) -> bool:
    """Tell whether a grid equals its mirror image at one of the diagonals."""
    return bool(symmetries(grid) & (MAIN_DIAGONAL | OTHER_DIAGONAL))


@primitive(cost=5)
def is_square(grid: Grid) -> bool:
    """Tell whether a grid has as many rows as columns."""
    height, width = grid.shape
    return bool(height == width)


@primitive(cost=5)
def is_wide(grid: Grid) -> bool:
    """Tell whether a grid has more columns than rows."""
    height, width = grid.shape
    return bool(width > height)


@primitive(cost=5)
def any_object_has_color(objects: Objects, color: Color) -> bool:
    """Tell whether an object of a list has a cell of a color."""
    return any((color_set(item.patch, item.mask) >> color) & 1 for item in objects)
