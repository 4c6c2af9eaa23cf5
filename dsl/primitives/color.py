"""Colors: keep, remove, replace and count them."""

import numpy as np

from dsl.grid import Grid, seal
from dsl.kernels.colors import KEEP, background_color, color_counts, recolor
from dsl.primitives.results import ALL_COLORS, content_colors, fail
from dsl.registry import primitive
from dsl.types import Color


@primitive(cost=3)
def keep_color(grid: Grid, color: Color) -> Grid:
    """Replace every other color by the background."""
    return seal(recolor(grid, 1 << color, KEEP, background_color(grid)))


@primitive(cost=3)
def remove_color(grid: Grid, color: Color) -> Grid:
    """Replace one color by the background."""
    return seal(recolor(grid, 1 << color, background_color(grid), KEEP))


@primitive(cost=3)
def replace_color(grid: Grid, old: Color, new: Color) -> Grid:
    """Replace one color by another."""
    return seal(recolor(grid, 1 << old, new, KEEP))


@primitive()
def swap_colors(grid: Grid, first: Color, second: Color) -> Grid:
    """Exchange two colors."""
    table = np.arange(10, dtype=np.uint8)
    table[first], table[second] = second, first
    return seal(table[grid])


@primitive(cost=3)
def paint_content(grid: Grid, color: Color) -> Grid:
    """Give all cells that are not background one color."""
    return seal(recolor(grid, content_colors(grid), color, KEEP))


@primitive()
def replace_background(grid: Grid, color: Color) -> Grid:
    """Give the background another color."""
    return seal(recolor(grid, 1 << background_color(grid), color, KEEP))


@primitive()
def invert_content(grid: Grid) -> Grid:
    """Exchange figure and ground: paint the background in the main content color, and erase the content."""
    background = background_color(grid)
    return seal(recolor(grid, 1 << background, main_content_color(grid), background))


@primitive(cost=3)
def blank(grid: Grid) -> Grid:
    """Fill the whole grid with its background."""
    color = background_color(grid)
    return seal(recolor(grid, ALL_COLORS, color, color))


@primitive()
def fill_all(grid: Grid, color: Color) -> Grid:
    """Fill the whole grid with one color."""
    return seal(recolor(grid, ALL_COLORS, color, color))


@primitive()
def background(grid: Grid) -> Color:
    """Return the background: 0 where it occurs, else the most common color."""
    return Color(background_color(grid))


@primitive()
def most_common_color(grid: Grid) -> Color:
    """Return the most common color of all cells (the lowest of equals)."""
    return Color(int(color_counts(grid).argmax()))


@primitive()
def least_common_color(grid: Grid) -> Color:
    """Return the rarest color that occurs (the lowest of equals)."""
    counts = color_counts(grid)
    counts[counts == 0] = grid.size + 1
    return Color(int(counts.argmin()))


@primitive(cost=3)
def main_content_color(grid: Grid) -> Color:
    """Return the most common color that is not background (the lowest of equals)."""
    counts = color_counts(grid)
    counts[background_color(grid)] = 0
    color = int(counts.argmax())
    if not counts[color]:
        fail("the grid has no content")
    return Color(color)


@primitive()
def rare_content_color(grid: Grid) -> Color:
    """Return the rarest color that is not background (the lowest of equals)."""
    counts = color_counts(grid)
    counts[background_color(grid)] = 0
    counts[counts == 0] = grid.size + 1
    color = int(counts.argmin())
    if counts[color] > grid.size:
        fail("the grid has no content")
    return Color(color)


@primitive()
def keep_main_color(grid: Grid) -> Grid:
    """Keep only the most common content color."""
    return keep_color(grid, main_content_color(grid))


@primitive()
def keep_rare_color(grid: Grid) -> Grid:
    """Keep only the rarest content color."""
    return keep_color(grid, rare_content_color(grid))


@primitive()
def paint_content_in_main_color(grid: Grid) -> Grid:
    """Give all content its most common color."""
    return paint_content(grid, main_content_color(grid))


@primitive(choices={"corner": (0, 1, 2, 3)})
def corner_color(grid: Grid, corner: int) -> Color:
    """Return the color of a corner: 0 upper left, 1 upper right, 2 lower right, 3 lower left."""
    r, c = ((0, 0), (0, -1), (-1, -1), (-1, 0))[corner % 4]
    return Color(int(grid[r, c]))


@primitive()
def color_grid(color: Color) -> Grid:
    """Return one cell of a color."""
    return seal(np.full((1, 1), color, np.uint8))
