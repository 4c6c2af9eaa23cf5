"""Canvases with one cell per component, for components that stand in rows and columns."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import MAX_SIDE, Grid
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.canvas import Canvas, Layer
from dsl.search.cells.planes import SEGMENTATIONS, color, flag, image_of, number

Numbers = NDArray[np.int64]

_COLORS = {"rarest": objects.RAREST, "around": objects.AROUND}
_NUMBERS = {
    "size": objects.SIZE,
    "height": objects.HEIGHT,
    "width": objects.WIDTH,
    "holes": objects.HOLES,
    "colors": objects.COLORS,
    "rank": objects.RANK,
    "same_shape": objects.SAME_SHAPE,
}
_FLAGS = {
    "largest": objects.LARGEST,
    "smallest": objects.SMALLEST,
    "full_box": objects.FULL_BOX,
    "symmetric_lr": objects.MIRROR_LR,
    "symmetric_ud": objects.MIRROR_UD,
}


def lattice_canvas(segmentation: str) -> Callable[[Grid], Canvas]:
    """Show each component as a cell of its color, in the row and column of components where it stands."""
    if segmentation not in SEGMENTATIONS:
        raise ValueError(segmentation)

    def make(grid: Grid) -> Canvas:
        image = image_of(grid)
        parts = image.components(segmentation)
        table = parts.table[parts.filled(image.background)]
        rows = bands(table[:, objects.TOP], table[:, objects.BOTTOM])
        columns = bands(table[:, objects.LEFT], table[:, objects.RIGHT])
        if len(table) < 2 or len(np.unique(rows * MAX_SIDE + columns)) < len(table):
            raise PrimitiveError(f"the {segmentation} components do not stand in rows and columns")
        place = rows, columns
        shape = int(rows.max()) + 1, int(columns.max()) + 1

        def lay(column: int, empty: int) -> Numbers:
            out = np.full(shape, empty, np.int64)
            out[place] = np.minimum(table[:, column], NONE - 1)
            return out

        layers: list[Layer] = [(color(f"object.{name}", 2.0), lay(k, NO_COLOR)) for name, k in _COLORS.items()]
        layers += [(number(f"object.{name}", 3.0), lay(k, NONE)) for name, k in _NUMBERS.items()]
        layers += [(flag(f"object.{name}", 3.0), lay(k, 0)) for name, k in _FLAGS.items()]
        return Canvas(lay(objects.COLOR, image.background).astype(np.uint8), layers)

    return make


def bands(low: Numbers, high: Numbers) -> Numbers:
    """Number the groups of spans ``low`` to ``high`` that overlap, directly or through others, from the first on."""
    order = np.argsort(low, kind="stable")
    reached = np.maximum.accumulate(high[order])
    fresh = np.concatenate([[False], low[order][1:] > reached[:-1]]) if len(low) else np.zeros(0, bool)
    out = np.empty(len(low), np.int64)
    out[order] = np.cumsum(fresh)
    return out
