"""Completion of partly hidden symmetric images, and grids made symmetric."""

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.paste import overlay_content
from dsl.kernels.symmetry import fill_mirrored, mirror_axes
from dsl.primitives.compose import overlay
from dsl.primitives.geometry import flip_left_right, flip_top_bottom, rotate_180, rotate_270, transpose
from dsl.primitives.results import bounding_box, fail
from dsl.registry import primitive
from dsl.types import Color

_SHARE_OF_BEST = 2


def _completed(grid: Grid, hidden: int) -> Grid:
    """Fill hidden cells by the mirrors that at least half as many cells support as the best one."""
    axes = mirror_axes(grid, hidden)
    agreeing = int(axes[:, 1].max())
    if not agreeing:
        fail("no mirror axis fits the visible cells")
    axes.setflags(write=False)
    return seal(fill_mirrored(grid, hidden, axes, agreeing // _SHARE_OF_BEST + 1))


@primitive()
def complete_symmetry(grid: Grid, hidden: Color) -> Grid:
    """Replace the cells of a color by their mirror images, on the axes that the other cells agree with."""
    return _completed(grid, hidden)


@primitive()
def complete_symmetric_content(grid: Grid) -> Grid:
    """Complete the content to a symmetric image, on the axes that most of it agrees with."""
    return _completed(grid, background_color(grid))


@primitive()
def hidden_by(grid: Grid, hidden: Color) -> Grid:
    """Return what a color hides in a symmetric image: the color's bounding box, completed by mirror images."""
    top, left, bottom, right = bounding_box(seal(grid == hidden))
    return seal(_completed(grid, hidden)[top:bottom, left:right])


@primitive()
def symmetrize_left_right(grid: Grid) -> Grid:
    """Paint the content over its left-right mirror image."""
    return overlay(grid, flip_left_right(grid))


@primitive()
def symmetrize_top_bottom(grid: Grid) -> Grid:
    """Paint the content over its top-bottom mirror image."""
    return overlay(grid, flip_top_bottom(grid))


@primitive()
def symmetrize_rotations(grid: Grid) -> Grid:
    """Paint the content over its four quarter turns; the grid must be square."""
    if grid.shape[0] != grid.shape[1]:
        fail(f"needs a square grid, got {grid.shape}")
    ground = background_color(grid)  # no cell of it may be left after the first half turn
    half = seal(overlay_content(grid, rotate_180(grid), ground))
    return seal(overlay_content(half, rotate_270(half), ground))


@primitive(cost=5)
def symmetrize_all(grid: Grid) -> Grid:
    """Paint the content over all of its mirror images; diagonals too if the grid is square."""
    is_square = grid.shape[0] == grid.shape[1]
    ground = background_color(grid)
    result = grid
    for mirrored in (flip_left_right, flip_top_bottom, *([transpose] if is_square else ())):
        result = seal(overlay_content(result, mirrored(result), ground))
    return result
