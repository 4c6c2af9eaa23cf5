"""Planes that are whole images made from the input: fallen, extended, rolled, sorted, overlaid, completed."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.kernels import planes as kernels
from dsl.search.cells.completion import completer
from dsl.search.cells.planes import Block, Group, Image, color, flag, stack

_FALLS = ("up", "down", "left", "right")
_EXTENSIONS = {
    "up": 0b1,
    "down": 0b10,
    "left": 0b100,
    "right": 0b1000,
    "horizontal": 0b1100,
    "vertical": 0b11,
    "straight": 0b1111,
    "diagonal": 0b11110000,
    "all": 0b11111111,
    "falling": 0b10010000,
    "rising": 0b01100000,
}
_THROUGH = ("horizontal", "vertical", "straight", "diagonal")
_SQUARE_ONLY = {
    "overlay_transposed": 4.5,
    "overlay_turned": 4.5,
    "overlay_d8": 4.5,
    "turned_90": 4.0,
    "turned_270": 4.0,
}
_IN_BOX = ("box_mirror_lr", "box_mirror_ud", "box_turned_180", "box_overlay")

_COSTS: dict[str, float] = {
    **{f"fallen_{name}": 4.0 for name in _FALLS},
    **{f"extended_{name}": 4.0 for name in _EXTENSIONS},
    **{f"extended_{name}_through": 4.5 for name in _THROUGH},
    **{f"rolled_{name}_{k}": 4.5 for k in (1, 2) for name in _FALLS},
    **{f"sorted_{line}_{way}": 5.0 for line in ("rows", "columns") for way in ("up", "down")},
    "overlay_lr": 4.0,
    "overlay_ud": 4.0,
    "overlay_both": 4.0,
    "overlay_180": 4.5,
    **_SQUARE_ONLY,
    **{name: 4.5 for name in _IN_BOX},
}


def _derived(image: Image) -> Block:
    grids = stack(list(_derived_grids(image.grid, image.background)), image.shape)
    fresh = (grids != image.background) & (image.grid == image.background)
    return np.concatenate([grids, fresh], dtype=np.uint8)


def _derived_grids(grid: Grid, background: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the grids in the order of ``_COSTS``."""
    for k in range(4):
        yield kernels.fall(grid, background, k)
    for directions in _EXTENSIONS.values():
        yield kernels.extend(grid, background, directions, False)
    for name in _THROUGH:
        yield kernels.extend(grid, background, _EXTENSIONS[name], True)
    for k in (1, 2):
        for axis, steps in ((0, -k), (0, k), (1, -k), (1, k)):
            yield np.roll(grid, steps, axis)
    filled = grid != background
    for axis in (1, 0):
        count = filled.sum(axis=axis)
        for order in (np.argsort(count, kind="stable"), np.argsort(-count, kind="stable")):
            yield grid[order] if axis == 1 else grid[:, order]
    yield from _overlays(grid, background)
    yield from _in_box(grid, background)


def _overlays(grid: Grid, background: int) -> Iterator[NDArray[np.uint8]]:
    def over(top: NDArray[np.uint8], below: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.where(top != background, top, below)

    sideways = over(grid, grid[:, ::-1])
    yield sideways
    yield over(grid, grid[::-1])
    yield over(sideways, sideways[::-1])
    yield over(grid, grid[::-1, ::-1])
    if grid.shape[0] != grid.shape[1]:
        yield from [grid] * len(_SQUARE_ONLY)
        return
    turned: NDArray[np.uint8] = grid
    for k in (1, 2, 3):
        turned = over(turned, np.rot90(grid, k))
    yield over(grid, grid.T)
    yield turned
    yield over(turned, turned.T)
    yield np.rot90(grid)
    yield np.rot90(grid, 3)


def _in_box(grid: Grid, background: int) -> Iterator[NDArray[np.uint8]]:
    """Mirror and overlay about the center of the box of all filled cells."""
    filled = grid != background
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        yield from [grid] * len(_IN_BOX)
        return
    height, width = grid.shape
    across = columns[0] + columns[-1] - np.arange(width)
    down = rows[0] + rows[-1] - np.arange(height)
    seen_across, seen_down = (across >= 0) & (across < width), (down >= 0) & (down < height)
    sideways = np.where(seen_across, grid[:, across.clip(0, width - 1)], background).astype(np.uint8)
    upside = np.where(seen_down[:, None], grid[down.clip(0, height - 1)], background).astype(np.uint8)
    turned = np.where(seen_down[:, None], sideways[down.clip(0, height - 1)], background).astype(np.uint8)
    yield sideways
    yield upside
    yield turned
    whole: NDArray[np.uint8] = grid
    for below in (sideways, upside, turned):
        whole = np.where(whole != background, whole, below)
    yield whole


DERIVED = Group(
    "derived",
    (*(color(name, cost) for name, cost in _COSTS.items()), *(flag(f"{n}.new", c + 1) for n, c in _COSTS.items())),
    _derived,
    tuple((name, "background", cost + 1) for name, cost in _COSTS.items()),
    basic=False,
)

_WAYS = ("mirror", "mirror_all", "period_loose", "period_down", "period_right")
_MAX_PERIOD_CELLS = 500


def _completed(image: Image) -> Block:
    planes: list[NDArray[np.uint8]] = []
    for hidden in (None, 0):
        work = completer(image.grid, hidden)
        for way in _WAYS:
            affordable = way.startswith("mirror") or image.grid.size <= _MAX_PERIOD_CELLS
            completed = work.complete(way) if affordable else None
            planes.append(image.grid if completed is None else completed)
    return stack(planes, image.shape)


COMPLETED = Group(
    "completed",
    tuple(color(f"completed_{hidden}_{way}", 4.5) for hidden in ("background", "0") for way in _WAYS),
    _completed,
    basic=False,
)

GROUPS = (DERIVED, COMPLETED)
