"""Whole numbers of an image, by name: sizes, counts, boxes; the material of output shapes and bar charts."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid
from dsl.kernels import planes_objects as objects
from dsl.search.cells.panels import find_panels
from dsl.search.cells.planes import SEGMENTATIONS, Image, image_of

Table = NDArray[np.int64]
Numbers = dict[str, tuple[float, int]]
"""Cost in bits and value by name; a number that the image does not have is left out."""


def _most(column: int, sign: int = 1) -> Callable[[Table], int | None]:
    def select(table: Table) -> int | None:
        values = sign * table[:, column]
        best = np.flatnonzero(values == values.max())
        return int(best[0]) if len(best) == 1 else None

    return select


def _unique(column: int) -> Callable[[Table], int | None]:
    def select(table: Table) -> int | None:
        _, first, counts = np.unique(table[:, column], return_index=True, return_counts=True)
        alone = first[counts == 1]
        return int(alone[0]) if len(alone) == 1 and len(table) > 2 else None

    return select


def _common_shape(table: Table) -> int | None:
    return int(table[:, objects.SAME_SHAPE].argmax()) if table[:, objects.SAME_SHAPE].max() > 1 else None


SELECTORS: dict[str, Callable[[Table], int | None]] = {
    "largest": _most(objects.SIZE),
    "smallest": _most(objects.SIZE, -1),
    "widest_area": _most(objects.AREA),
    "least_area": _most(objects.AREA, -1),
    "most_colors": _most(objects.COLORS),
    "fewest_colors": _most(objects.COLORS, -1),
    "most_holes": _most(objects.HOLES),
    "fewest_holes": _most(objects.HOLES, -1),
    "only_color": _unique(objects.COLOR),
    "only_shape": _unique(objects.SHAPE_HASH),
    "only_size": _unique(objects.SIZE),
    "only_holes": _unique(objects.HOLES),
    "symmetric_lr": _most(objects.MIRROR_LR),
    "asymmetric_lr": _most(objects.MIRROR_LR, -1),
    "symmetric_ud": _most(objects.MIRROR_UD),
    "common_shape": _common_shape,
    "common_color": lambda table: int(table[:, objects.SAME_COLOR].argmax()),
    "at_edge": _most(objects.AT_EDGE),
    "off_edge": _most(objects.AT_EDGE, -1),
    "full_box": _most(objects.FULL_BOX),
    "square": _most(objects.SQUARE),
    "top": _most(objects.TOP, -1),
    "bottom": _most(objects.BOTTOM),
    "left": _most(objects.LEFT, -1),
    "right": _most(objects.RIGHT),
    "only_colors": _unique(objects.COLORS),
}
"""Ways to choose one component of a property table; None where there is no single one."""


def select_component(image: Image, segmentation: str, selector: str) -> int | None:
    """Return the index of the chosen component among those that are not background, or None."""
    parts = image.components(segmentation)
    filled = parts.filled(image.background)
    chosen = SELECTORS[selector](parts.table[filled]) if len(filled) else None
    return None if chosen is None else int(filled[chosen])


def count_numbers(image: Image) -> Numbers:
    """Return how many colors, cells and components of which kind an image has."""
    counts = image.color_counts
    numbers: Numbers = {
        "colors": (3.5, len(image.ranked_colors)),
        "filled": (3.5, int(image.grid.size - counts[image.background])),
    }
    for name in SEGMENTATIONS:
        parts = image.components(name)
        table = parts.table[parts.filled(image.background)]
        numbers[f"{name}.count"] = (3.5, len(table))
        numbers[f"{name}.holes"] = (3.5, int(table[:, objects.HOLES].sum()) if name != "m4" else 0)
        if name in ("m8", "x8"):
            kinds = parts.outlines.kinds[parts.filled(image.background)]
            numbers[f"{name}.kinds"] = (4.5, len(np.unique(kinds)))
            numbers[f"{name}.ringed"] = (4.5, int((table[:, objects.HOLES] > 0).sum()))
        if name in ("m4", "m8"):
            for c in range(NUM_COLORS):
                numbers[f"{name}.count_#{c}"] = (3.5, int((table[:, objects.COLOR] == c).sum()))
            single = table[:, objects.SIZE] == 1
            numbers[f"{name}.squares"] = (3.5, int((table[:, objects.SQUARE] * ~single).sum()))
            numbers[f"{name}.singles"] = (3.5, int(single.sum()))
            numbers[f"{name}.max_size"] = (3.5, int(table[:, objects.SIZE].max(initial=0)))
            numbers[f"{name}.largest"] = (4.5, int((table[:, objects.LARGEST] > 0).sum()))
    numbers |= {f"cells_#{c}": (4.0, int(counts[c])) for c in range(NUM_COLORS)}
    return numbers


def shape_numbers(grid: Grid) -> Numbers:
    """Return the numbers that an output's side may be made of."""
    return _shape_numbers((grid.shape[0], grid.shape[1]), grid.tobytes())


@lru_cache(maxsize=96)
def _shape_numbers(shape: tuple[int, int], data: bytes) -> Numbers:
    image = image_of(np.frombuffer(data, np.uint8).reshape(shape))
    grid, background, ranked = image.grid, image.background, image.ranked_colors
    filled = grid != background
    numbers: Numbers = {"height": (1.0, shape[0]), "width": (1.0, shape[1])}
    _add_box(numbers, "box", 2.0, filled)
    _add_box(numbers, "box_not_common", 2.5, grid != int(image.color_counts.argmax()))
    for c in range(NUM_COLORS):
        _add_box(numbers, f"box_#{c}", 3.0, grid == c)
    for k, c in enumerate(ranked[:2]):
        _add_box(numbers, f"box_common_{k + 1}", 3.0, grid == c)
    if ranked:
        _add_box(numbers, "box_rarest", 3.0, grid == ranked[-1])
    panels = find_panels(grid)
    if panels is not None:
        numbers["panels.down"] = (2.0, len(panels.rows))
        numbers["panels.across"] = (2.0, len(panels.columns))
        numbers["panel.height"] = (2.0, panels.rows[0][1] - panels.rows[0][0])
        numbers["panel.width"] = (2.0, panels.columns[0][1] - panels.columns[0][0])
    numbers |= count_numbers(image)
    numbers["row.max_filled"] = (3.0, int(filled.sum(axis=1).max()))
    numbers["column.max_filled"] = (3.0, int(filled.sum(axis=0).max()))
    numbers["most_cells"] = (3.0, max((int(image.color_counts[c]) for c in ranked), default=0))
    numbers["most_any_cells"] = (3.5, int(image.color_counts.max()))
    numbers["any_colors"] = (3.5, int((image.color_counts > 0).sum()))
    numbers["fewest_cells"] = (3.0, min((int(image.color_counts[c]) for c in ranked), default=0))
    numbers["distinct_rows"] = (3.0, 1 + int((grid[1:] != grid[:-1]).any(axis=1).sum()))
    numbers["distinct_columns"] = (3.0, 1 + int((grid[:, 1:] != grid[:, :-1]).any(axis=0).sum()))
    _add_objects(numbers, image)
    return numbers


def _add_box(numbers: Numbers, name: str, cost: float, mask: NDArray[np.bool_]) -> None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows):
        numbers[f"{name}.height"] = (cost, int(rows[-1] - rows[0] + 1))
        numbers[f"{name}.width"] = (cost, int(columns[-1] - columns[0] + 1))


def _add_objects(numbers: Numbers, image: Image) -> None:
    for segmentation in SEGMENTATIONS:
        parts = image.components(segmentation)
        table = parts.table[parts.filled(image.background)]
        for name, select in SELECTORS.items():
            chosen = select(table) if len(table) else None
            if chosen is not None:
                numbers[f"{segmentation}.{name}.height"] = (4.0, int(table[chosen, objects.HEIGHT]))
                numbers[f"{segmentation}.{name}.width"] = (4.0, int(table[chosen, objects.WIDTH]))
