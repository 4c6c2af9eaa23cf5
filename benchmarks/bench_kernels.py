"""Time the most used kernels and primitives on 20x20 grids against numpy, scipy or plain Python.

python -m benchmarks.bench_kernels [--json] [--side 20]

Prints processor time in microseconds per call, the best of five rounds; compilation is not counted.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

import dsl.kernels
from dsl.grid import Grid, seal
from dsl.kernels.colors import KEEP, background_color, color_counts, recolor
from dsl.kernels.components import find_components
from dsl.kernels.flood import grow, outside_cells, spread
from dsl.kernels.paste import paste_into
from dsl.kernels.rays import connect_equal, fall_cells, shoot_rays
from dsl.kernels.shapes import hole_count, main_color, symmetries
from dsl.kernels.symmetry import mirror_axes
from dsl.kernels.tiling import NOT_HIDDEN, smallest_period
from dsl.registry import get_primitive
from dsl.types import Mask
from tests import naive

ROUNDS = 5
SECONDS_PER_ROUND = 0.02
ALL, CONTENT = 0x3FF, 0x3FE
EIGHT_NEIGHBORS = np.ones((3, 3))

Call = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; times are microseconds of processor time per call."""

    name: str
    microseconds: float
    twin: str
    twin_microseconds: float


def draw_scene(side: int, seed: int = 0) -> Grid:
    """Draw eight overlapping rectangles of four colors on 0."""
    rng = np.random.default_rng(seed)
    cells = np.zeros((side, side), np.uint8)
    for _ in range(8):
        top, left = rng.integers(0, max(1, side - 4), 2)
        height, width = rng.integers(2, 6, 2)
        cells[top : top + height, left : left + width] = rng.integers(1, 5)
    return seal(cells)


def kernel_calls(grid: Grid, mask: Mask) -> dict[str, tuple[Call, str, Call]]:
    """Return for each kernel a call, the name of its twin, and a call of the twin."""
    canvas, twin_canvas = grid.copy(), grid.copy()
    return {
        "color_counts": (lambda: color_counts(grid), "numpy", lambda: np.bincount(grid.ravel(), minlength=10)),
        "background_color": (lambda: background_color(grid), "numpy", lambda: _numpy_background(grid)),
        "recolor": (lambda: recolor(grid, 4, KEEP, 0), "numpy", lambda: np.where(grid == 2, grid, np.uint8(0))),
        "find_components": (
            lambda: find_components(grid, CONTENT, True, False),
            "scipy",
            lambda: ndimage.find_objects(ndimage.label(grid, EIGHT_NEIGHBORS)[0]),
        ),
        "find_components by color": (
            lambda: find_components(grid, CONTENT, True, True),
            "python",
            lambda: naive.find_components(grid, CONTENT, True, True),
        ),
        "outside_cells": (lambda: outside_cells(grid, 1, False), "scipy", lambda: ndimage.binary_fill_holes(grid)),
        "spread": (
            lambda: spread(grid, CONTENT, 1, False, 900),
            "scipy",
            lambda: ndimage.distance_transform_cdt(grid == 0, "taxicab", return_indices=True),
        ),
        "grow": (lambda: grow(mask, True), "scipy", lambda: ndimage.binary_dilation(mask, EIGHT_NEIGHBORS)),
        "paste_into": (
            lambda: paste_into(canvas, grid, mask, 0, 0),
            "numpy",
            lambda: np.copyto(twin_canvas, grid, where=mask),
        ),
        "shoot_rays": (
            lambda: shoot_rays(grid, CONTENT, 1, 0b01010101, KEEP),
            "python",
            lambda: naive.shoot_rays(grid, CONTENT, 1, 0b01010101, KEEP),
        ),
        "connect_equal": (
            lambda: connect_equal(grid, CONTENT, 1, 0b00010100, KEEP),
            "python",
            lambda: naive.connect_equal(grid, CONTENT, 1, 0b00010100, KEEP),
        ),
        "fall_cells": (lambda: fall_cells(grid, 0, ALL, 4), "python", lambda: naive.fall_cells(grid, 0, ALL, 4)),
        "main_color": (lambda: main_color(grid, mask), "numpy", lambda: np.bincount(grid[mask]).argmax()),
        "hole_count": (lambda: hole_count(mask), "python", lambda: naive.hole_count(mask)),
        "symmetries": (lambda: symmetries(grid), "numpy", lambda: naive.symmetries(grid)),
        "mirror_axes": (lambda: mirror_axes(grid, 0), "python", lambda: naive.mirror_axes(grid, 0)),
        "smallest_period": (
            lambda: smallest_period(grid, NOT_HIDDEN),
            "python",
            lambda: naive.smallest_period(grid, NOT_HIDDEN),
        ),
    }


def _numpy_background(grid: Grid) -> int:
    return 0 if not grid.all() else int(np.bincount(grid.ravel()).argmax())


def primitive_calls(grid: Grid, other: Grid) -> dict[str, tuple[Call, str, Call]]:
    """Return for each primitive a call, the name of its twin, and a call of the twin."""
    functions = {name: get_primitive(name).function for name in PRIMITIVES}
    objects = functions["components"](grid)
    return {
        "keep_color": (lambda: functions["keep_color"](grid, 2), "numpy", lambda: np.where(grid == 2, grid, 0)),
        "paint_content": (lambda: functions["paint_content"](grid, 2), "numpy", lambda: np.where(grid == 0, grid, 2)),
        "rotate_90": (lambda: functions["rotate_90"](grid), "numpy", lambda: np.rot90(grid, -1).copy()),
        "scale_up": (
            lambda: functions["scale_up"](grid[:10, :10], 2),
            "numpy",
            lambda: np.kron(grid[:10, :10], np.ones((2, 2), np.uint8)),
        ),
        "crop_to_content": (lambda: functions["crop_to_content"](grid), "numpy", lambda: _numpy_crop(grid)),
        "overlay": (lambda: functions["overlay"](grid, other), "numpy", lambda: np.where(grid == 0, other, grid)),
        "fill_enclosed": (
            lambda: functions["fill_enclosed"](grid, 3),
            "scipy",
            lambda: np.where(ndimage.binary_fill_holes(grid) & (grid == 0), 3, grid),
        ),
        "components": (
            lambda: functions["components"](grid),
            "python",
            lambda: naive.find_components(grid, CONTENT, True, True),
        ),
        "largest": (
            lambda: functions["largest"](objects),
            "python",
            lambda: max(objects, key=lambda item: sum(map(sum, item.mask.tolist()))),
        ),
        "paint_objects": (
            lambda: functions["paint_objects"](objects, other),
            "python",
            lambda: _python_paint(objects, other),
        ),
    }


PRIMITIVES = (
    "keep_color", "paint_content", "rotate_90", "scale_up", "crop_to_content", "overlay", "fill_enclosed",
    "components", "largest", "paint_objects",
)  # fmt: skip


def _numpy_crop(grid: Grid) -> Grid:
    places = np.argwhere(grid)
    (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0) + 1
    return grid[top:bottom, left:right].copy()


def _python_paint(objects: Any, canvas: Grid) -> Grid:
    result = canvas.copy()
    for item in objects:
        naive.paste_into(result, item.patch, item.mask, item.top, item.left)
    return result


def microseconds(call: Call) -> float:
    """Return the processor time of a call: the best of some rounds, each of many calls."""
    started = time.process_time()
    call()
    count = max(1, int(SECONDS_PER_ROUND / max(1e-6, time.process_time() - started)))
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(count):
            call()
        best = min(best, (time.process_time() - started) / count)
    return best * 1e6


def measure(side: int) -> list[Row]:
    """Time every pair of calls on one scene."""
    dsl.kernels.warm_up()
    grid, other = draw_scene(side), draw_scene(side, seed=1)
    calls = {**kernel_calls(grid, seal(grid == 2)), **primitive_calls(grid, other)}
    return [
        Row(name, microseconds(call), twin, microseconds(twin_call)) for name, (call, twin, twin_call) in calls.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--side", type=int, default=20, help="side of the grids, 5..30")
    arguments = parser.parse_args()
    rows = measure(arguments.side)
    if arguments.json:
        print(json.dumps({"side": arguments.side, "rows": [asdict(row) for row in rows]}))
        return
    print(f"{'':26}{'us':>8}  {'twin':8}{'us':>10}{'factor':>9}")
    for row in rows:
        factor = row.twin_microseconds / row.microseconds
        print(f"{row.name:26}{row.microseconds:8.2f}  {row.twin:8}{row.twin_microseconds:10.2f}{factor:9.1f}")


if __name__ == "__main__":
    main()
