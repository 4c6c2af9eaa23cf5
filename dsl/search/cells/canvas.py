"""Canvases: images of the output's shape, made from the input, on which cell rules work.

Text of a canvas::

    same                    the input
    panels                  the first panel between separating lines; every panel is a layer
    split 2 1               the first of 2 x 1 equal parts; every part is a layer
    tile 2 3                the input repeated 2 times down and 3 times across; scaled and turned copies are layers
    blocks                  one cell per panel: its most common color
    shrink 3 3              one cell per block of 3 x 3 cells
    box, box #3             the box of all filled cells, or of a color
    object m8 largest       the box of a chosen component
    box inside, ...         without its outermost ring
    blank height*2 3        background only, of a predicted shape; counts and ranked colors are layers
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import MAX_SIDE, NUM_COLORS, Grid
from dsl.kernels import planes_objects as objects
from dsl.kernels.bitsets import COLOR_PLANE
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.numbers import SELECTORS, count_numbers, select_component
from dsl.search.cells.panels import find_panels
from dsl.search.cells.planes import SEGMENTATIONS, Image, color, flag, get_plane_spec, image_of, number
from dsl.search.cells.predicates import Plane, PlaneSpec
from dsl.search.cells.shape import parse_side, side_length

MAX_PARTS = 6
_MAX_COMPARED_LAYERS = 6
_RANKINGS = (
    (objects.SIZE, -1, "by_size"),
    (objects.SIZE, 1, "by_size_up"),
    (objects.TOP, 1, "by_top"),
    (objects.LEFT, 1, "by_left"),
)

Layer = tuple[PlaneSpec, NDArray[np.generic]]


class Canvas:
    """A base image with layers: further planes of its shape that the base alone does not show."""

    def __init__(self, base: NDArray[np.uint8], layers: list[Layer] | None = None) -> None:
        if not base.size:
            raise PrimitiveError("a canvas needs at least one cell")
        self.image: Image = image_of(base)
        self.specs: tuple[PlaneSpec, ...] = tuple(spec for spec, _ in layers or ())
        self._layers: dict[str, Plane] = {
            spec.name: np.ascontiguousarray(np.broadcast_to(values, base.shape), dtype=np.uint8)
            for spec, values in layers or ()
        }

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns of the canvas, and so of the output."""
        return self.image.shape

    def plane(self, name: str) -> Plane:
        """Return a layer or a plane of the base by name; raises ``KeyError``."""
        layer = self._layers.get(name)
        return self.image.plane(name) if layer is None else layer

    def kind_of(self, name: str) -> int:
        """Return the kind of a plane by name; raises ``KeyError``."""
        for spec in self.specs:
            if spec.name == name:
                return spec.kind
        return get_plane_spec(name).kind

    def pairs(self) -> list[tuple[str, str, float]]:
        """Return the comparisons that layers add: with the background, with the cell itself, and among each other."""
        colored = [spec for spec in self.specs if spec.kind == COLOR_PLANE]
        found = [(spec.name, "background", spec.cost + 1.5) for spec in colored]
        found += [("own", spec.name, spec.cost + 2.0) for spec in colored]
        if len(colored) <= _MAX_COMPARED_LAYERS:
            for k, first in enumerate(colored):
                found += [(first.name, second.name, first.cost + second.cost + 1.0) for second in colored[k + 1 :]]
        return found


def open_canvas(text: str, grid: Grid) -> Canvas:
    """Make the canvas that a text describes from an input grid.

    Raises:
        ParseError: the text describes none.
        PrimitiveError: this input has none.
    """
    return _maker(text)(grid)


@lru_cache(maxsize=512)
def _maker(text: str) -> Callable[[Grid], Canvas]:
    name, *words = text.split(" ")
    try:
        return _MAKERS[name](*words)
    except (KeyError, TypeError, ValueError):
        raise ParseError(f"no canvas {text!r}; the first word is one of {', '.join(_MAKERS)}") from None


def _same() -> Callable[[Grid], Canvas]:
    return Canvas


def _panels() -> Callable[[Grid], Canvas]:
    def make(grid: Grid) -> Canvas:
        panels = find_panels(grid)
        if panels is None or len(panels.rows) * len(panels.columns) > MAX_PARTS:
            raise PrimitiveError(f"no 2..{MAX_PARTS} panels of equal size")
        return _of_parts([part for band in panels.parts(grid) for part in band])

    return make


def _split(down: str, across: str) -> Callable[[Grid], Canvas]:
    rows, columns = int(down), int(across)

    def make(grid: Grid) -> Canvas:
        return _of_parts([part for band in _cut(grid, rows, columns) for part in band])

    return make


def _cut(grid: Grid, rows: int, columns: int) -> list[list[NDArray[np.uint8]]]:
    if grid.shape[0] % rows or grid.shape[1] % columns:
        raise PrimitiveError(f"grid of {grid.shape} cannot be cut into {rows} x {columns}")
    height, width = grid.shape[0] // rows, grid.shape[1] // columns
    return [
        [grid[a * height : (a + 1) * height, b * width : (b + 1) * width] for b in range(columns)] for a in range(rows)
    ]


def _of_parts(parts: list[NDArray[np.uint8]]) -> Canvas:
    return Canvas(parts[0], [(color(f"part_{k + 1}", 1.0 + 0.2 * k), part) for k, part in enumerate(parts)])


def _tile(down: str, across: str) -> Callable[[Grid], Canvas]:
    rows, columns = int(down), int(across)

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


def _blocks() -> Callable[[Grid], Canvas]:
    def make(grid: Grid) -> Canvas:
        panels = find_panels(grid)
        if panels is None:
            raise PrimitiveError("no panels of equal size")
        return _of_blocks(panels.parts(grid), image_of(grid).background)

    return make


def _shrink(down: str, across: str) -> Callable[[Grid], Canvas]:
    rows, columns = int(down), int(across)

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
    for name, values in numbers.items():
        spec = number(f"block.{name}", 3.0) if values.dtype != bool else flag(f"block.{name}", 3.0)
        layers.append((spec, np.minimum(values, NONE - 1).reshape(shape)))
    return Canvas(majority.reshape(shape).astype(np.uint8), layers)


def _box(*words: str) -> Callable[[Grid], Canvas]:
    inner = int(words[-1:] == ("inside",))
    colors = [int(word.removeprefix("#")) for word in words[: len(words) - inner]]
    if len(colors) > 1:
        raise ValueError(words)
    wanted = colors[0] if colors else None

    def make(grid: Grid) -> Canvas:
        mask = grid != image_of(grid).background if wanted is None else grid == wanted
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            raise PrimitiveError("the box has no cell")
        return Canvas(grid[rows[0] + inner : rows[-1] + 1 - inner, columns[0] + inner : columns[-1] + 1 - inner])

    return make


def _object(segmentation: str, selector: str, *words: str) -> Callable[[Grid], Canvas]:
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


def _blank(height: str, width: str) -> Callable[[Grid], Canvas]:
    down, across = parse_side(height), parse_side(width)

    def make(grid: Grid) -> Canvas:
        shape = side_length(down, grid), side_length(across, grid)
        image = image_of(grid)
        base = np.full(shape, image.background, np.uint8)
        return Canvas(base, [*_ranked_layers(image, shape), *_count_layers(image, shape)])

    return make


def _ranked_layers(image: Image, shape: tuple[int, int]) -> Iterator[Layer]:
    """Yield the k-th color of a ranking at row or column k."""
    rankings: list[tuple[str, float, list[int]]] = [("color", 3.0, image.ranked_colors)]
    for name in SEGMENTATIONS:
        parts = image.components(name)
        table = parts.table[parts.filled(image.background)]
        for column, sign, title in _RANKINGS:
            order = np.argsort(sign * table[:, column], kind="stable")
            rankings.append((f"{name}.{title}", 3.5, table[order, objects.COLOR].tolist()))
    for name, cost, colors in rankings:
        line = np.array((colors + [NO_COLOR] * MAX_SIDE)[:MAX_SIDE], np.uint8)
        yield color(f"{name}.at_row", cost), line[: shape[0], None]
        yield color(f"{name}.at_column", cost), line[None, : shape[1]]


def _count_layers(image: Image, shape: tuple[int, int]) -> Iterator[Layer]:
    height, width = shape
    row, column = np.mgrid[0:height, 0:width]
    bars = np.zeros(MAX_SIDE, np.int64)
    cells = [int(image.color_counts[c]) for c in image.ranked_colors][:MAX_SIDE]
    bars[: len(cells)] = cells
    yield flag("bar.right", 3.0), column < bars[row]
    yield flag("bar.up", 3.0), height - 1 - row < bars[column]
    yield flag("bar.down", 3.0), row < bars[column]
    for name, (_, value) in count_numbers(image).items():
        yield flag(f"index<{name}", 4.0), row * width + column < value
        yield flag(f"index_down<{name}", 5.0), column * height + row < value
        yield flag(f"diagonal<{name}", 5.0), (row == column) & (row < value)
        yield number(f"total.{name}", 4.5), np.array(min(value, NONE - 1))


_MAKERS: dict[str, Callable[..., Callable[[Grid], Canvas]]] = {
    "same": _same,
    "panels": _panels,
    "split": _split,
    "tile": _tile,
    "blocks": _blocks,
    "shrink": _shrink,
    "box": _box,
    "object": _object,
    "blank": _blank,
}
