"""Canvases made of equal parts of the input, or of copies of it."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import MAX_SIDE, NUM_COLORS, Grid
from dsl.kernels.planes import NONE
from dsl.search.cells.canvas import Canvas, Layer
from dsl.search.cells.panel_choice import PANEL_SELECTORS, select_panel
from dsl.search.cells.panels import find_panels
from dsl.search.cells.planes import color, flag, image_of, number

MAX_PARTS = 6
Maker = Callable[[Grid], Canvas]


def panels_canvas() -> Maker:
    """Lay the panels between separating lines over each other."""

    def make(grid: Grid) -> Canvas:
        panels = find_panels(grid)
        if panels is None or len(panels.rows) * len(panels.columns) > MAX_PARTS:
            raise PrimitiveError(f"no 2..{MAX_PARTS} panels of equal size")
        return _of_parts([part for band in panels.parts(grid) for part in band])

    return make


def split_canvas(down: str, across: str) -> Maker:
    """Lay the equal parts of the input over each other."""
    rows, columns = _counts(down, across)

    def make(grid: Grid) -> Canvas:
        return _of_parts([part for band in _cut(grid, rows, columns) for part in band])

    return make


def _counts(down: str, across: str) -> tuple[int, int]:
    """Read how many are meant down and across; raises ``ValueError`` for what is not 1 or more."""
    rows, columns = int(down), int(across)
    if rows < 1 or columns < 1:
        raise ValueError(f"{rows} x {columns}")
    return rows, columns


def _cut(grid: Grid, rows: int, columns: int) -> list[list[NDArray[np.uint8]]]:
    if grid.shape[0] % rows or grid.shape[1] % columns:
        raise PrimitiveError(f"grid of {grid.shape} cannot be cut into {rows} x {columns}")
    height, width = grid.shape[0] // rows, grid.shape[1] // columns
    return [
        [grid[a * height : (a + 1) * height, b * width : (b + 1) * width] for b in range(columns)] for a in range(rows)
    ]


def _of_parts(parts: list[NDArray[np.uint8]]) -> Canvas:
    return Canvas(parts[0], [(color(f"part_{k + 1}", 1.0 + 0.2 * k), part) for k, part in enumerate(parts)])


def tile_canvas(down: str, across: str) -> Maker:
    """Repeat the input, down and across."""
    rows, columns = _counts(down, across)

    def make(grid: Grid) -> Canvas:
        height, width = grid.shape
        if height * rows > MAX_SIDE or width * columns > MAX_SIDE:
            raise PrimitiveError(f"{rows} x {columns} copies of {height}x{width} are more than {MAX_SIDE} a side")
        r, c = np.mgrid[0 : height * rows, 0 : width * columns]
        tiled = grid[r % height, c % width]
        return Canvas(tiled, list(_tile_layers(grid, r, c, rows, columns)))

    return make


def _tile_layers(grid: Grid, r: NDArray[np.int64], c: NDArray[np.int64], rows: int, columns: int) -> Iterator[Layer]:
    height, width = grid.shape
    inner_r, inner_c, tile_r, tile_c = r % height, c % width, r // height, c // width
    turning_r = np.where(tile_r % 2, height - 1 - inner_r, inner_r)
    turning_c = np.where(tile_c % 2, width - 1 - inner_c, inner_c)
    yield color("scaled", 1.0), grid[r // rows, c // columns]
    yield color("tile.alternating_lr", 2.0), grid[inner_r, turning_c]
    yield color("tile.alternating_ud", 2.0), grid[turning_r, inner_c]
    yield color("tile.alternating", 2.0), grid[turning_r, turning_c]
    yield color("tile.mirror_lr", 3.0), grid[inner_r, width - 1 - inner_c]
    yield color("tile.mirror_ud", 3.0), grid[height - 1 - inner_r, inner_c]
    yield color("tile.turned_180", 3.0), grid[height - 1 - inner_r, width - 1 - inner_c]
    if height == width:
        turned = {"transposed": grid.T, "turned_90": np.rot90(grid), "turned_270": np.rot90(grid, 3)}
        turned["antitransposed"] = np.rot90(grid, 2).T
        for name, image in turned.items():
            yield color(f"tile.{name}", 3.5), image[inner_r, inner_c]
    if rows <= height and columns <= width:
        yield color("tile.cell", 1.5), grid[tile_r, tile_c]
    yield number("tile.row", 2.5), tile_r
    yield number("tile.column", 2.5), tile_c
    yield number("scaled.inner_row", 3.0), r % rows
    yield number("scaled.inner_column", 3.0), c % columns


def blocks_canvas() -> Maker:
    """Shrink each panel between separating lines to one cell."""

    def make(grid: Grid) -> Canvas:
        panels = find_panels(grid)
        if panels is None:
            raise PrimitiveError("no panels of equal size")
        return _of_blocks(panels.parts(grid), image_of(grid).background)

    return make


def shrink_canvas(down: str, across: str) -> Maker:
    """Shrink each block of some rows and columns to one cell."""
    rows, columns = _counts(down, across)

    def make(grid: Grid) -> Canvas:
        if grid.shape[0] % rows or grid.shape[1] % columns:
            raise PrimitiveError(f"grid of {grid.shape} has no blocks of {rows} x {columns}")
        return _of_blocks(_cut(grid, grid.shape[0] // rows, grid.shape[1] // columns), image_of(grid).background)

    return make


def _of_blocks(parts: list[list[NDArray[np.uint8]]], background: int) -> Canvas:
    flat = [part for band in parts for part in band]
    shape = len(parts), len(parts[0])
    tally = np.stack([np.bincount(part.ravel(), minlength=NUM_COLORS) for part in flat])
    tally[:, background] = 0
    count, kinds = tally.sum(axis=1), (tally > 0).sum(axis=1)
    majority = np.where(count > 0, tally.argmax(axis=1), background)
    minority = np.where(count > 0, np.where(tally > 0, tally, 1000).argmin(axis=1), background)
    contents = [part.tobytes() for part in flat]
    same = np.array([contents.count(content) for content in contents])
    numbers = {"filled": count, "colors": kinds, "fullest": count == count.max(), "emptiest": count == count.min()}
    numbers |= {"same": same, "most_colors": kinds == kinds.max()}
    layers: list[Layer] = [(color("block.minority", 2.0), minority.reshape(shape))]
    symmetric = np.array([[np.array_equal(part, part[:, ::-1]), np.array_equal(part, part[::-1])] for part in flat])
    numbers |= {"symmetric_lr": symmetric[:, 0], "symmetric_ud": symmetric[:, 1]}
    for name in PANEL_SELECTORS if len(flat) > 1 else ():
        chosen = select_panel(name, flat, background)
        layers.append((flag(f"block.only_{name}", 3.5), (np.arange(len(flat)) == chosen).reshape(shape)))
    for name, values in numbers.items():
        spec = number(f"block.{name}", 3.0) if values.dtype != bool else flag(f"block.{name}", 3.0)
        layers.append((spec, np.minimum(values, NONE - 1).reshape(shape)))
    return Canvas(majority.reshape(shape).astype(np.uint8), layers)
