"""Canvases cut out of the input: boxes of filled cells, of a color, of a chosen component or panel."""

from collections.abc import Callable

import numpy as np

from dsl.errors import PrimitiveError
from dsl.grid import Grid
from dsl.kernels import planes_objects as objects
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.numbers import SELECTORS, select_component
from dsl.search.cells.panel_choice import PANEL_SELECTORS, select_panel
from dsl.search.cells.panels import find_blocks
from dsl.search.cells.planes import SEGMENTATIONS, color, image_of

Maker = Callable[[Grid], Canvas]


RANKED = {"common_1": slice(0, 1), "common_2": slice(1, 2), "rarest": slice(-1, None)}
"""Colors by their rank among the filled cells."""


def box_canvas(*words: str) -> Maker:
    """Cut out the box of all filled cells or of one color, and leave out its outermost ring (``inside``).

    The color is a constant (``#3``) or one of ``RANKED``.
    """
    inner = int(words[-1:] == ("inside",))
    named = words[: len(words) - inner]
    if len(named) > 1:
        raise ValueError(words)
    constant = int(named[0].removeprefix("#")) if named and named[0] not in RANKED else None

    def make(grid: Grid) -> Canvas:
        image = image_of(grid)
        if named and constant is None:
            mask = np.isin(grid, image.ranked_colors[RANKED[named[0]]])
        else:
            mask = grid != image.background if constant is None else grid == constant
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            raise PrimitiveError("the box has no cell")
        return Canvas(grid[rows[0] + inner : rows[-1] + 1 - inner, columns[0] + inner : columns[-1] + 1 - inner])

    return make


def object_canvas(segmentation: str, selector: str, *words: str) -> Maker:
    """Cut out the box of the component that a selector chooses; ``alone`` shows only its own cells."""
    inner = int(words == ("inside",))
    if segmentation not in SEGMENTATIONS or selector not in SELECTORS or len(words) != inner:
        raise ValueError(selector)

    def make(grid: Grid) -> Canvas:
        image = image_of(grid)
        chosen = select_component(image, segmentation, selector)
        if chosen is None:
            raise PrimitiveError(f"no single {selector} component")
        parts = image.components(segmentation)
        box = parts.table[chosen]
        place = (
            slice(int(box[objects.TOP]) + inner, int(box[objects.BOTTOM]) + 1 - inner),
            slice(int(box[objects.LEFT]) + inner, int(box[objects.RIGHT]) + 1 - inner),
        )
        alone = np.where(parts.labels[place] == chosen, grid[place], image.background)
        return Canvas(grid[place], [(color("alone", 1.5), alone)])

    return make


def panel_canvas(selector: str) -> Maker:
    """Cut out the one panel that a name of ``PANEL_SELECTORS`` chooses."""
    if selector not in PANEL_SELECTORS:
        raise ValueError(selector)

    def make(grid: Grid) -> Canvas:
        background = image_of(grid).background
        found = find_blocks(grid, background)
        parts = [] if found is None else [part for band in found.parts(grid) for part in band]
        if len(parts) < 2:
            raise PrimitiveError("no panels to choose from")
        best = select_panel(selector, parts, background)
        if best is None:
            raise PrimitiveError(f"no single {selector} panel")
        return Canvas(parts[best])

    return make
