"""The text of canvases::

same                    the input
transposed              the input with rows and columns exchanged
panels                  the first panel between separating lines; every panel is a layer
split 2 1               the first of 2 x 1 equal parts; every part is a layer
tile 2 3                the input repeated 2 times down and 3 times across; scaled and turned copies are layers
blocks                  one cell per panel: its most common color
lattice m8              one cell per component, where components stand in rows and columns: its color
shrink 3 3              one cell per block of 3 x 3 cells
box, box #3, box rarest the box of all filled cells, or of a color
object m8 largest       the box of a chosen component
panel fullest           a chosen panel
box inside, ...         without its outermost ring
blank height*2 3        background only, of a predicted shape; counts and ranked colors are layers
padded height*2 3       the input on background of a predicted shape; its wrapped and stretched copies are layers
box then split 2 2      the second canvas of the first one's base
"""

from collections.abc import Callable
from functools import lru_cache

from dsl.errors import ParseError
from dsl.grid import Grid, seal
from dsl.search.cells import canvas_crops, canvas_lattice, canvas_parts, canvas_sized
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.planes import image_of

Maker = Callable[[Grid], Canvas]


def open_canvas(text: str, grid: Grid) -> Canvas:
    """Make the canvas that a text describes from an input grid.

    Raises:
        ParseError: the text describes none.
        PrimitiveError: this input has none.
    """
    *before, last = text.split(" then ")
    start = grid
    for part in before:
        grid = _maker(part)(grid).image.grid
    canvas = _maker(last)(grid)
    if text != "same":
        canvas.show_input(image_of(start))
    return canvas


@lru_cache(maxsize=512)
def _maker(text: str) -> Maker:
    name, *words = text.split(" ")
    try:
        return _MAKERS[name](*words)
    except (KeyError, TypeError, ValueError):
        raise ParseError(f"no canvas {text!r}; the first word is one of {', '.join(_MAKERS)}") from None


def _same() -> Maker:
    return Canvas


def _transposed() -> Maker:
    return lambda grid: Canvas(seal(grid.T))


_MAKERS: dict[str, Callable[..., Maker]] = {
    "same": _same,
    "transposed": _transposed,
    "panels": canvas_parts.panels_canvas,
    "split": canvas_parts.split_canvas,
    "tile": canvas_parts.tile_canvas,
    "blocks": canvas_parts.blocks_canvas,
    "shrink": canvas_parts.shrink_canvas,
    "lattice": canvas_lattice.lattice_canvas,
    "box": canvas_crops.box_canvas,
    "object": canvas_crops.object_canvas,
    "panel": canvas_crops.panel_canvas,
    "blank": canvas_sized.blank_canvas,
    "padded": canvas_sized.padded_canvas,
}
