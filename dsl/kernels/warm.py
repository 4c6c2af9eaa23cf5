"""One small call of every kernel, so that all are compiled, or loaded from the cache, before they are timed or forked.

Numba compiles a kernel again for every other type of its arguments; these calls are the types that all callers use:
grids and masks read-only and C-contiguous, canvases writable, plain integers and truth values.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.colors import KEEP, background_color, color_counts, recolor
from dsl.kernels.components import component_boxes, cut_components, find_components, label_components
from dsl.kernels.flood import grow, inner_edge, outside_cells, spread
from dsl.kernels.frames import largest_rectangle, marked_rectangles, panel_boxes, separator_color
from dsl.kernels.paste import overlay_content, paste_into
from dsl.kernels.rays import connect_equal, fall_cells, shoot_rays, slide_steps
from dsl.kernels.shapes import color_set, hole_count, main_color, mask_box, rare_color, symmetries
from dsl.kernels.symmetry import fill_mirrored, mirror_axes, mirror_cell
from dsl.kernels.tiling import continue_period, has_period, smallest_period

Call = tuple[Callable[..., Any], tuple[Any, ...]]


def example_calls() -> tuple[Call, ...]:
    """Return every kernel with arguments of the types that its callers use."""
    canvas = np.array([[0, 1], [1, 0]], np.uint8)
    grid, mask = _frozen(canvas.copy()), _frozen(canvas == 1)
    labels, count = label_components(grid, 2, True, True)
    boxes = component_boxes(labels, count)
    axes = _frozen(mirror_axes(grid, 2))
    return (
        (color_counts, (grid,)),
        (background_color, (grid,)),
        (recolor, (grid, 2, 3, KEEP)),
        (label_components, (grid, 2, True, True)),
        (component_boxes, (labels, count)),
        (cut_components, (grid, labels, boxes)),
        (find_components, (grid, 2, True, True)),
        (outside_cells, (grid, 1, False)),
        (spread, (grid, 2, 1, False, 1)),
        (grow, (mask, True)),
        (inner_edge, (mask, True)),
        (marked_rectangles, (grid, 0, 1)),
        (largest_rectangle, (mask,)),
        (separator_color, (grid, 0)),
        (panel_boxes, (grid, 1)),
        (paste_into, (canvas, grid, mask, 0, 0)),
        (overlay_content, (grid, grid, 0)),
        (shoot_rays, (grid, 2, 1, 1, KEEP)),
        (connect_equal, (grid, 2, 1, 1, KEEP)),
        (fall_cells, (grid, 0, 2, 4)),
        (slide_steps, (canvas, 0, mask, 0, 0, 4)),
        (mask_box, (mask,)),
        (main_color, (grid, mask)),
        (rare_color, (grid, mask)),
        (color_set, (grid, mask)),
        (hole_count, (mask,)),
        (symmetries, (grid,)),
        (mirror_cell, (0, 0, 0, 0)),
        (mirror_axes, (grid, 2)),
        (fill_mirrored, (grid, 2, axes, 1)),
        (has_period, (grid, 2, 1, 1)),
        (smallest_period, (grid, 2)),
        (continue_period, (grid, 2, 2, 2, 2, 2)),
    )


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
