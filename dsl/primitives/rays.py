"""Rays, lines and falling cells. Directions count clockwise from up: 0 up, 2 right, 4 down, 6 left, odd diagonal."""

from dsl.grid import Grid, seal
from dsl.kernels.colors import KEEP, background_color
from dsl.kernels.directions import DOWN, DOWN_LEFT, DOWN_RIGHT, LEFT, RIGHT, UP, UP_LEFT, UP_RIGHT
from dsl.kernels.rays import connect_equal, fall_cells, shoot_rays
from dsl.primitives.results import ALL_COLORS, content_colors, fail
from dsl.registry import primitive
from dsl.types import Color

HORIZONTAL = 1 << LEFT | 1 << RIGHT
VERTICAL = 1 << UP | 1 << DOWN
PLUS = HORIZONTAL | VERTICAL
CROSS = 1 << UP_RIGHT | 1 << DOWN_RIGHT | 1 << DOWN_LEFT | 1 << UP_LEFT
STAR = PLUS | CROSS

_HALF_CROSS = 1 << DOWN_RIGHT | 1 << DOWN_LEFT


def _direction(direction: int) -> int:
    if not 0 <= direction < 8:
        fail(f"a direction is 0..7, clockwise from up, got {direction}")
    return 1 << direction


def _smear(grid: Grid, directions: int) -> Grid:
    background = background_color(grid)
    return seal(shoot_rays(grid, content_colors(grid), 1 << background, directions, KEEP))


@primitive(choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7)})
def smear(grid: Grid, direction: int) -> Grid:
    """Draw a ray from every content cell in one direction (0..7, clockwise from up), over background only."""
    return _smear(grid, _direction(direction))


@primitive()
def smear_horizontal(grid: Grid) -> Grid:
    """Draw rays from every content cell to the left and right, over background only."""
    return _smear(grid, HORIZONTAL)


@primitive()
def smear_vertical(grid: Grid) -> Grid:
    """Draw rays from every content cell up and down, over background only."""
    return _smear(grid, VERTICAL)


@primitive()
def smear_plus(grid: Grid) -> Grid:
    """Draw rays from every content cell in the four straight directions, over background only."""
    return _smear(grid, PLUS)


@primitive()
def smear_cross(grid: Grid) -> Grid:
    """Draw rays from every content cell in the four diagonal directions, over background only."""
    return _smear(grid, CROSS)


@primitive(cost=5)
def smear_star(grid: Grid) -> Grid:
    """Draw rays from every content cell in all eight directions, over background only."""
    return _smear(grid, STAR)


@primitive(cost=5)
def smear_main_diagonal(grid: Grid) -> Grid:
    """Draw rays from every content cell to the upper left and lower right, over background only."""
    return _smear(grid, 1 << UP_LEFT | 1 << DOWN_RIGHT)


@primitive(cost=5)
def smear_other_diagonal(grid: Grid) -> Grid:
    """Draw rays from every content cell to the upper right and lower left, over background only."""
    return _smear(grid, 1 << UP_RIGHT | 1 << DOWN_LEFT)


def _shoot(grid: Grid, color: int, directions: int) -> Grid:
    return seal(shoot_rays(grid, 1 << color, 1 << background_color(grid), directions, KEEP))


@primitive(choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7)})
def shoot(grid: Grid, color: Color, direction: int) -> Grid:
    """Draw a ray from every cell of a color in one direction (0..7, clockwise from up), over background only."""
    return _shoot(grid, color, _direction(direction))


@primitive()
def shoot_horizontal(grid: Grid, color: Color) -> Grid:
    """Draw rays from every cell of a color to the left and right, over background only."""
    return _shoot(grid, color, HORIZONTAL)


@primitive()
def shoot_vertical(grid: Grid, color: Color) -> Grid:
    """Draw rays from every cell of a color up and down, over background only."""
    return _shoot(grid, color, VERTICAL)


@primitive()
def shoot_plus(grid: Grid, color: Color) -> Grid:
    """Draw rays from every cell of a color in the four straight directions, over background only."""
    return _shoot(grid, color, PLUS)


@primitive()
def shoot_cross(grid: Grid, color: Color) -> Grid:
    """Draw rays from every cell of a color in the four diagonal directions, over background only."""
    return _shoot(grid, color, CROSS)


@primitive(cost=5, choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7)})
def shoot_through(grid: Grid, color: Color, direction: int) -> Grid:
    """Draw a line from every cell of a color to the side of the grid, over anything of another color."""
    return seal(shoot_rays(grid, 1 << color, ALL_COLORS & ~(1 << color), _direction(direction), KEEP))


@primitive()
def fill_rows(grid: Grid, color: Color) -> Grid:
    """Paint every row that holds a color in that color."""
    result = grid.copy()
    result[(grid == color).any(axis=1)] = color
    return seal(result)


@primitive()
def fill_columns(grid: Grid, color: Color) -> Grid:
    """Paint every column that holds a color in that color."""
    result = grid.copy()
    result[:, (grid == color).any(axis=0)] = color
    return seal(result)


def _connect(grid: Grid, directions: int) -> Grid:
    return seal(connect_equal(grid, content_colors(grid), 1 << background_color(grid), directions, KEEP))


@primitive()
def connect_horizontal(grid: Grid) -> Grid:
    """Join content cells of equal color along rows, over background only."""
    return _connect(grid, 1 << RIGHT)


@primitive()
def connect_vertical(grid: Grid) -> Grid:
    """Join content cells of equal color along columns, over background only."""
    return _connect(grid, 1 << DOWN)


@primitive()
def connect_straight(grid: Grid) -> Grid:
    """Join content cells of equal color along rows and columns (columns on top), over background only."""
    return _connect(grid, 1 << RIGHT | 1 << DOWN)


@primitive()
def connect_diagonal(grid: Grid) -> Grid:
    """Join content cells of equal color along both diagonals, over background only."""
    return _connect(grid, _HALF_CROSS)


def _bridge(grid: Grid, ends: int, paint: int, directions: int) -> Grid:
    return seal(connect_equal(grid, 1 << ends, 1 << background_color(grid), directions, paint))


@primitive(cost=5)
def bridge_horizontal(grid: Grid, ends: Color, paint: Color) -> Grid:
    """Join cells of one color along rows by lines of another color, over background only."""
    return _bridge(grid, ends, paint, 1 << RIGHT)


@primitive(cost=5)
def bridge_vertical(grid: Grid, ends: Color, paint: Color) -> Grid:
    """Join cells of one color along columns by lines of another color, over background only."""
    return _bridge(grid, ends, paint, 1 << DOWN)


@primitive(cost=5)
def bridge_straight(grid: Grid, ends: Color, paint: Color) -> Grid:
    """Join cells of one color along rows and columns by lines of another color, over background only."""
    return _bridge(grid, ends, paint, 1 << RIGHT | 1 << DOWN)


@primitive(cost=5)
def bridge_through(grid: Grid, ends: Color) -> Grid:
    """Join cells of one color along rows and columns, over anything of another color."""
    return seal(connect_equal(grid, 1 << ends, ALL_COLORS & ~(1 << ends), 1 << RIGHT | 1 << DOWN, KEEP))


@primitive(choices={"direction": (0, 2, 4, 6)})
def gravity(grid: Grid, direction: int) -> Grid:
    """Let every content cell fall to a side (0 up, 2 right, 4 down, 6 left), keeping the order in its line."""
    return _fall(grid, content_colors(grid), direction)


@primitive(cost=5, choices={"direction": (0, 2, 4, 6)})
def gravity_of_color(grid: Grid, color: Color, direction: int) -> Grid:
    """Let the cells of one color fall through background until something stops them."""
    return _fall(grid, 1 << color, direction)


def _fall(grid: Grid, movable: int, direction: int) -> Grid:
    if direction not in (0, 2, 4, 6):
        fail(f"cells fall in direction 0, 2, 4 or 6, got {direction}")
    return seal(fall_cells(grid, background_color(grid), movable, direction))
