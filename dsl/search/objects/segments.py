"""Scenes: one image cut into objects, under one of several segmentations.

``components`` and ``components_4`` are areas of one color that are not background (over corners, over sides only),
``sprites`` and ``sprites_4`` areas of any colors but the background, ``colors`` all cells of each color, ``regions``
areas of one color with the background's too, ``whole`` the image itself, ``panels`` the rectangles between full lines,
and ``tiles 2x3`` the equal rectangles of a grid of 2 rows and 3 columns.
"""

import re
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import NUM_COLORS, Grid, seal
from dsl.kernels import objects as kernels
from dsl.kernels import planes_objects
from dsl.search.cells.outlines import Outlines, describe_outlines
from dsl.search.cells.panels import find_panels
from dsl.search.cells.planes import background_color

Labels = NDArray[np.int32]

MAX_OBJECTS = 40
"""Images with more objects are not scenes; their parts are texture."""

COMPONENTS: dict[str, tuple[bool, bool, bool]] = {
    "sprites": (True, False, True),
    "components": (True, True, True),
    "components_4": (True, True, False),
    "sprites_4": (True, False, False),
    "regions": (False, True, False),
}
"""Segmentations by connection: leave out background, one color, over corners."""

_TILES = re.compile(r"tiles ([1-9]\d?)x([1-9]\d?)", re.ASCII)

SEGMENTATION_BITS: dict[str, float] = {
    "sprites": 1.0,
    "components": 1.0,
    "components_4": 1.5,
    "sprites_4": 2.0,
    "colors": 2.5,
    "panels": 2.0,
    "whole": 1.0,
    "regions": 3.0,
    "tiles": 4.0,
}
"""Description length of choosing a segmentation, tiles without their numbers."""

_CACHED_SCENES = 256


class Scene:
    """An image with its objects, and what actions and predicates ask about them, each part computed once.

    Attributes:
        grid: the image.
        background: its background color.
        segmentation: name of the segmentation.
        labels: ``(H, W)`` object of each cell, -1 for none.
        count: number of objects.
        cells: ``(n, 3)`` row, column and color of the objects' cells, by object.
        starts: ``(count + 1,)`` places in ``cells``.
        table: ``(count, PROPERTIES)``, columns named in ``dsl.kernels.planes_objects``.
        inside: ``(count, 10)`` cells of each color in each object.
    """

    def __init__(self, grid: Grid, segmentation: str) -> None:
        self.grid = grid
        self.background = background_color(grid)
        self.segmentation = segmentation
        self.labels, self.count = segment(grid, segmentation, self.background)
        self.cells, self.starts = kernels.collect_cells(grid, self.labels, self.count)
        self.inside, outside = planes_objects.contacts(grid, self.labels, self.count)
        self.table = planes_objects.properties(grid, self.labels, self.inside, outside, self.background)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.grid.shape[0], self.grid.shape[1]

    @cached_property
    def slides(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Steps, stopping objects and stopping colors of a slide in 8 directions, ``(count, 8)`` each."""
        return kernels.free_slides(self.grid, self.labels, self.cells, self.starts, self.background)

    @cached_property
    def centers(self) -> NDArray[np.int64]:
        """Twice the middle of each box, ``(count, 2)``."""
        table = self.table
        return np.stack(
            [
                table[:, planes_objects.TOP] + table[:, planes_objects.BOTTOM],
                table[:, planes_objects.LEFT] + table[:, planes_objects.RIGHT],
            ],
            axis=1,
        )

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """Side steps between the boxes' middles, doubled, ``(count, count)``; large on the diagonal."""
        apart: NDArray[np.int64] = np.abs(self.centers[:, None] - self.centers[None]).sum(axis=2)
        np.fill_diagonal(apart, 1 << 20)
        return apart

    @cached_property
    def contains(self) -> NDArray[np.bool_]:
        """Tell whether the box of one object holds the box of another, ``(outer, inner)``."""
        table = self.table
        top, bottom = table[:, planes_objects.TOP], table[:, planes_objects.BOTTOM]
        left, right = table[:, planes_objects.LEFT], table[:, planes_objects.RIGHT]
        holds = (
            (top[:, None] <= top) & (bottom[:, None] >= bottom) & (left[:, None] <= left) & (right[:, None] >= right)
        )
        np.fill_diagonal(holds, False)
        return holds

    @cached_property
    def shares(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell which objects' boxes share rows, and which share columns, ``(count, count)`` each."""
        table = self.table
        spans = ((planes_objects.TOP, planes_objects.BOTTOM), (planes_objects.LEFT, planes_objects.RIGHT))
        rows, across = ((table[:, a][:, None] <= table[:, b]) & (table[:, b][:, None] >= table[:, a]) for a, b in spans)
        return rows, across

    @cached_property
    def outlines(self) -> Outlines:
        """Ends, corners and shapes of the objects."""
        return describe_outlines(self.labels, self.table)

    @cached_property
    def images(self) -> NDArray[np.int64]:
        """Numbers ``(count,)``, equal for objects that look alike: in shape and colors, wherever they are."""
        known: dict[bytes, int] = {}
        numbers = []
        for q in range(self.count):
            cells = self.cells[self.starts[q] : self.starts[q + 1]].copy()
            cells[:, 0] -= self.table[q, planes_objects.TOP]
            cells[:, 1] -= self.table[q, planes_objects.LEFT]
            numbers.append(known.setdefault(cells.tobytes(), len(known)))
        return np.array(numbers, np.int64)

    def box(self, q: int) -> tuple[slice, slice]:
        """Return the rows and columns of an object's bounding box."""
        row = self.table[q]
        return (
            slice(int(row[planes_objects.TOP]), int(row[planes_objects.BOTTOM]) + 1),
            slice(int(row[planes_objects.LEFT]), int(row[planes_objects.RIGHT]) + 1),
        )


def segment(grid: Grid, segmentation: str, background: int) -> tuple[Labels, int]:
    """Number the objects of an image.

    Raises:
        PrimitiveError: no such segmentation, or not 1 to ``MAX_OBJECTS`` objects.
    """
    if segmentation in COMPONENTS:
        skip_background, one_color, diagonal = COMPONENTS[segmentation]
        labels, count = planes_objects.label(grid, skip_background, one_color, diagonal, background)
    elif segmentation == "colors":
        labels, count = _color_layers(grid, background)
    elif segmentation == "whole":
        labels, count = np.zeros(grid.shape, np.int32), 1
    elif segmentation == "panels":
        labels, count = _panels(grid)
    else:
        labels, count = _tiles(grid, segmentation)
    if not 0 < count <= MAX_OBJECTS:
        raise PrimitiveError(f"a scene has 1..{MAX_OBJECTS} objects, got {count} {segmentation}")
    return labels, int(count)


def _color_layers(grid: Grid, background: int) -> tuple[Labels, int]:
    number = np.full(NUM_COLORS, -1, np.int32)
    present = [color for color in np.unique(grid).tolist() if color != background]
    number[present] = np.arange(len(present), dtype=np.int32)
    return number[grid], len(present)


def _panels(grid: Grid) -> tuple[Labels, int]:
    panels = find_panels(grid)
    if panels is None:
        raise PrimitiveError("no full lines cut the grid into panels of equal size")
    labels = np.full(grid.shape, -1, np.int32)
    count = 0
    for top, bottom in panels.rows:
        for left, right in panels.columns:
            labels[top:bottom, left:right] = count
            count += 1
    return labels, count


def _tiles(grid: Grid, segmentation: str) -> tuple[Labels, int]:
    match = _TILES.fullmatch(segmentation)
    if match is None:
        allowed = ", ".join((*COMPONENTS, "colors", "whole", "panels", "tiles 2x3"))
        raise PrimitiveError(f"segmentation must be one of {allowed}, got {segmentation!r}")
    rows, columns = int(match[1]), int(match[2])
    height, width = grid.shape
    if height % rows or width % columns:
        raise PrimitiveError(f"a {height}x{width} grid does not divide into {rows}x{columns} tiles")
    row = np.arange(height, dtype=np.int32) // (height // rows)
    column = np.arange(width, dtype=np.int32) // (width // columns)
    labels = row[:, None] * columns + column[None]
    return labels.astype(np.int32), rows * columns


def scene_of(grid: Grid, segmentation: str) -> Scene:
    """Return the scene of a grid, from the cache if it was seen lately.

    Raises:
        PrimitiveError: see :func:`segment`.
    """
    return _scene((grid.shape[0], grid.shape[1]), grid.tobytes(), segmentation)


@lru_cache(maxsize=_CACHED_SCENES)
def _scene(shape: tuple[int, int], data: bytes, segmentation: str) -> Scene:
    return Scene(seal(np.frombuffer(data, np.uint8).reshape(shape)), segmentation)


def scenes_of(grids: list[Grid], segmentation: str) -> list[Scene] | None:
    """Return one scene per grid, or None if some grid has none."""
    try:
        return [scene_of(grid, segmentation) for grid in grids]
    except PrimitiveError:
        return None
