"""Two or more images into one: overlays, cell-wise logic, side by side, stacks."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.paste import overlay_content
from dsl.primitives.results import check_same_shape, check_sides, fail
from dsl.registry import primitive
from dsl.types import Color


@primitive(cost=3)
def overlay(top: Grid, bottom: Grid) -> Grid:
    """Paint the content of the first grid over the second, of the same shape."""
    check_same_shape(top, bottom)
    return seal(overlay_content(top, bottom, background_color(top)))


@primitive()
def content_and(left: Grid, right: Grid) -> Grid:
    """Keep the first grid's content where the second, of the same shape, has content too."""
    check_same_shape(left, right)
    ground = background_color(left)
    return _choose(left, (left != ground) & (right != background_color(right)), ground)


@primitive()
def content_minus(left: Grid, right: Grid) -> Grid:
    """Keep the first grid's content where the second, of the same shape, has none."""
    check_same_shape(left, right)
    return _choose(left, right == background_color(right), background_color(left))


@primitive()
def content_xor(left: Grid, right: Grid) -> Grid:
    """Keep content where exactly one of two grids of the same shape has some."""
    check_same_shape(left, right)
    ground = background_color(left)
    in_left, in_right = left != ground, right != background_color(right)
    return _choose(overlay(left, right), in_left ^ in_right, ground)


@primitive()
def content_nor(left: Grid, right: Grid, color: Color) -> Grid:
    """Paint a color on 0 where neither of two grids of the same shape has content."""
    check_same_shape(left, right)
    free = (left == background_color(left)) & (right == background_color(right))
    return seal(free * np.uint8(color))


@primitive()
def equal_cells(left: Grid, right: Grid, color: Color) -> Grid:
    """Keep the first grid's cells that equal the second's, of the same shape; give the others a color."""
    check_same_shape(left, right)
    return seal(np.where(left == right, left, np.uint8(color)))


def _choose(grid: Grid, chosen: NDArray[np.bool_], ground: int) -> Grid:
    return seal(np.where(chosen, grid, np.uint8(ground)))


@primitive()
def beside(left: Grid, right: Grid) -> Grid:
    """Put two grids of equal height side by side."""
    if left.shape[0] != right.shape[0]:
        fail(f"needs grids of one height, got {left.shape[0]} and {right.shape[0]}")
    check_sides(left.shape[0], left.shape[1] + right.shape[1])
    return seal(np.concatenate((left, right), axis=1))


@primitive()
def below(top: Grid, bottom: Grid) -> Grid:
    """Put the second grid below the first, of equal width."""
    if top.shape[1] != bottom.shape[1]:
        fail(f"needs grids of one width, got {top.shape[1]} and {bottom.shape[1]}")
    check_sides(top.shape[0] + bottom.shape[0], top.shape[1])
    return seal(np.concatenate((top, bottom), axis=0))
