"""Canvases of a predicted shape: background, or the input laid on it."""

from collections.abc import Callable, Iterator

import numpy as np

from dsl.grid import MAX_SIDE, NUM_COLORS, Grid
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.canvas import Canvas, Layer
from dsl.search.cells.numbers import count_numbers
from dsl.search.cells.planes import SEGMENTATIONS, Image, color, flag, image_of, number
from dsl.search.cells.shape import parse_side, side_length

Maker = Callable[[Grid], Canvas]

_RANKINGS = (
    (objects.SIZE, -1, "by_size"),
    (objects.SIZE, 1, "by_size_up"),
    (objects.TOP, 1, "by_top"),
    (objects.LEFT, 1, "by_left"),
)


def blank_canvas(height: str, width: str) -> Maker:
    """Take background of a predicted shape, with counts and ranked colors of the input as layers."""
    down, across = parse_side(height), parse_side(width)

    def make(grid: Grid) -> Canvas:
        shape = side_length(down, grid), side_length(across, grid)
        image = image_of(grid)
        base = np.full(shape, image.background, np.uint8)
        return Canvas(base, [*_ranked_layers(image, shape), *_count_layers(image, shape)])

    return make


def _ranked_layers(image: Image, shape: tuple[int, int]) -> Iterator[Layer]:
    """Yield the k-th color of a ranking at row or column k, and in the k-th cell of reading and of winding order."""
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    index = row * shape[1] + column
    winding = row * shape[1] + np.where(row % 2, shape[1] - 1 - column, column)
    for name, cost, colors in _rankings(image):
        line = np.array((colors + [NO_COLOR] * MAX_SIDE * MAX_SIDE)[: MAX_SIDE * MAX_SIDE], np.uint8)
        yield color(f"{name}.at_row", cost), line[: shape[0], None]
        yield color(f"{name}.at_column", cost), line[None, : shape[1]]
        if not name.startswith(_UNREAD):
            yield color(f"{name}.at_index", cost + 0.5), line[index]
            yield color(f"{name}.winding", cost + 1.5), line[winding]


_UNREAD = ("m4", "x4")
"""Segmentations whose rankings are shown along rows and columns only."""


def _rankings(image: Image) -> Iterator[tuple[str, float, list[int]]]:
    """Yield names, bits and colors of rankings: of all colors, of components, of the largest components."""
    yield "color", 3.0, image.ranked_colors
    by_cells = np.argsort(-image.color_counts, kind="stable").tolist()
    yield "any_color", 3.5, [c for c in by_cells if image.color_counts[c]]
    for name in SEGMENTATIONS:
        parts = image.components(name)
        table = parts.table[parts.filled(image.background)]
        for column, sign, title in _RANKINGS:
            order = np.argsort(sign * table[:, column], kind="stable")
            yield f"{name}.{title}", 3.5, table[order, objects.COLOR].tolist()
    parts = image.components("m8")
    table = parts.table[parts.filled(image.background)]
    largest = table[table[:, objects.LARGEST] > 0]
    for column, _, title in _RANKINGS[2:]:
        yield f"m8.largest.{title}", 4.5, largest[np.argsort(largest[:, column], kind="stable"), objects.COLOR].tolist()


def _count_layers(image: Image, shape: tuple[int, int]) -> Iterator[Layer]:
    height, width = shape
    row, column = np.mgrid[0:height, 0:width]
    bars = np.zeros(MAX_SIDE, np.int64)
    cells = [int(image.color_counts[c]) for c in image.ranked_colors][:MAX_SIDE]
    bars[: len(cells)] = cells
    every = np.zeros(MAX_SIDE, np.int64)
    every[:NUM_COLORS] = -np.sort(-image.color_counts)
    yield flag("any_bar.right", 3.5), column < every[row]
    yield flag("any_bar.up", 3.5), height - 1 - row < every[column]
    yield flag("any_bar.down", 3.5), row < every[column]
    yield flag("bar.right", 3.0), column < bars[row]
    yield flag("bar.up", 3.0), height - 1 - row < bars[column]
    yield flag("bar.down", 3.0), row < bars[column]
    for name, (_, value) in count_numbers(image).items():
        yield flag(f"index<{name}", 4.0), row * width + column < value
        yield flag(f"index_down<{name}", 5.0), column * height + row < value
        yield flag(f"diagonal<{name}", 5.0), (row == column) & (row < value)
        yield number(f"total.{name}", 4.5), np.array(min(value, NONE - 1))


def padded_canvas(height: str, width: str) -> Maker:
    """Lay the input on background of a predicted shape, at its upper left corner."""
    down, across = parse_side(height), parse_side(width)

    def make(grid: Grid) -> Canvas:
        shape = side_length(down, grid), side_length(across, grid)
        base = np.full(shape, image_of(grid).background, np.uint8)
        rows, columns = min(shape[0], grid.shape[0]), min(shape[1], grid.shape[1])
        base[:rows, :columns] = grid[:rows, :columns]
        return Canvas(base, list(_input_layers(grid, shape)))

    return make


def _input_layers(grid: Grid, shape: tuple[int, int]) -> Iterator[Layer]:
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    height, width = grid.shape
    yield color("input.wrapped", 1.5), grid[row % height, column % width]
    yield color("input.stretched", 1.5), grid[row * height // shape[0], column * width // shape[1]]
    back = row - shape[0] + height, column - shape[1] + width
    inside = (back[0] >= 0) & (back[1] >= 0)
    yield color("input.lower_right", 2.5), np.where(inside, grid[back[0].clip(0), back[1].clip(0)], NO_COLOR)
    yield flag("input.inside", 2.0), (row < height) & (column < width)
