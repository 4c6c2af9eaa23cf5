"""Inside, outside and edges of the content; growth and flow of colors."""

import numpy as np

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.flood import grow, inner_edge, outside_cells, spread
from dsl.primitives.color import main_content_color
from dsl.primitives.results import ALL_COLORS, content_mask
from dsl.registry import primitive
from dsl.types import Color, Mask

_FAR = 900


@primitive()
def enclosed_cells(grid: Grid) -> Mask:
    """Mark the background cells from which content bars every way out (steps to 4 neighbors)."""
    background = background_color(grid)
    return seal((grid == background) & ~outside_cells(grid, 1 << background, False))


@primitive()
def outside_background(grid: Grid) -> Mask:
    """Mark the background cells connected to the side of the grid (steps to 4 neighbors)."""
    return seal(outside_cells(grid, 1 << background_color(grid), False))


@primitive()
def boundary_cells(grid: Grid) -> Mask:
    """Mark the content cells at the side of the grid or next to background (8 neighbors)."""
    return seal(inner_edge(content_mask(grid), True))


@primitive(cost=3)
def fill_enclosed(grid: Grid, color: Color) -> Grid:
    """Paint the background cells that content encloses."""
    return _paint(grid, enclosed_cells(grid), color)


@primitive()
def fill_enclosed_in_main_color(grid: Grid) -> Grid:
    """Paint the background cells that content encloses in the main content color."""
    return _paint(grid, enclosed_cells(grid), main_content_color(grid))


@primitive()
def fill_outside(grid: Grid, color: Color) -> Grid:
    """Paint the background cells connected to the side of the grid."""
    return _paint(grid, outside_background(grid), color)


@primitive()
def only_enclosed(grid: Grid) -> Grid:
    """Paint the cells that content encloses in the main content color, and erase the content."""
    background = background_color(grid)
    cells = np.full(grid.shape, background, np.uint8)
    cells[enclosed_cells(grid)] = main_content_color(grid)
    return seal(cells)


@primitive()
def keep_boundary(grid: Grid) -> Grid:
    """Keep the content cells at the side of the grid or next to background (8 neighbors)."""
    return _paint(grid, seal(~boundary_cells(grid)), background_color(grid))


@primitive()
def erase_boundary(grid: Grid) -> Grid:
    """Erase the content cells at the side of the grid or next to background (8 neighbors)."""
    return _paint(grid, boundary_cells(grid), background_color(grid))


@primitive()
def outline_content(grid: Grid, color: Color) -> Grid:
    """Paint the background cells next to content (8 neighbors)."""
    inside = content_mask(grid)
    return _paint(grid, seal(grow(inside, True) & ~inside), color)


def _paint(grid: Grid, mask: Mask, color: int) -> Grid:
    result = grid.copy()
    result[mask] = color
    return seal(result)


@primitive()
def grow_content(grid: Grid) -> Grid:
    """Let every content color take the background cells next to it (4 neighbors), one step."""
    return _flow(grid, ALL_COLORS, diagonal=False, max_steps=1)


@primitive()
def grow_content_8(grid: Grid) -> Grid:
    """Let every content color take the background cells next to it (8 neighbors), one step."""
    return _flow(grid, ALL_COLORS, diagonal=True, max_steps=1)


@primitive()
def spread_content(grid: Grid) -> Grid:
    """Let every content color flow over the background until the nearest color has it (4 neighbors)."""
    return _flow(grid, ALL_COLORS, diagonal=False, max_steps=_FAR)


@primitive()
def spread_color(grid: Grid, color: Color) -> Grid:
    """Let one color flow over all background it can reach (4 neighbors)."""
    return _flow(grid, 1 << color, diagonal=False, max_steps=_FAR)


@primitive(cost=5)
def spread_color_8(grid: Grid, color: Color) -> Grid:
    """Let one color flow over all background it can reach, corners too (8 neighbors)."""
    return _flow(grid, 1 << color, diagonal=True, max_steps=_FAR)


def _flow(grid: Grid, sources: int, *, diagonal: bool, max_steps: int) -> Grid:
    free = 1 << background_color(grid)
    return seal(spread(grid, sources & ~free, free, diagonal, max_steps))


@primitive(cost=5)
def spread_color_into(grid: Grid, color: Color, into: Color) -> Grid:
    """Let one color flow over all cells of another color that it can reach (4 neighbors)."""
    return seal(spread(grid, 1 << color, (1 << into) & ~(1 << color), False, _FAR))


@primitive(cost=5)
def spread_rare_colors(grid: Grid) -> Grid:
    """Let every color but the main content color flow over all content it can reach (4 neighbors)."""
    main = 1 << main_content_color(grid)
    return seal(spread(grid, ALL_COLORS & ~main & ~(1 << background_color(grid)), main, False, _FAR))


@primitive()
def erase_lone_cells(grid: Grid) -> Grid:
    """Erase the content cells that have no content beside them (8 neighbors)."""
    inside = content_mask(grid)
    height, width = grid.shape
    framed = np.zeros((height + 2, width + 2), np.uint8)
    framed[1:-1, 1:-1] = inside
    rows = framed[:-2] + framed[1:-1] + framed[2:]
    around = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return _paint(grid, seal(inside & (around == 1)), background_color(grid))
