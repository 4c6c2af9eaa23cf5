"""Planes that know which way an image lies: along and across its stripes, between things that face each other."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import COLUMN_STEPS, NO_COLOR, NONE, ROW_STEPS
from dsl.search.cells.planes import Block, Group, Image, color, flag, number, stack

_LINES = ("row", "column")


def most_common(grid: Grid, axis: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the most common color of each row (axis 1) or column (axis 0), background too, and its cells."""
    counts = np.stack([(grid == c).sum(axis=axis) for c in range(NUM_COLORS)])
    return counts.argmax(axis=0).astype(np.uint8), counts.max(axis=0)


def lies_in_rows(grid: Grid) -> bool:
    """Tell whether rows are nearer to one color each than columns are."""
    return bool(most_common(grid, 1)[1].sum() > most_common(grid, 0)[1].sum())


def _axis(image: Image) -> Block:
    rows, columns = most_common(image.grid, 1)[0][:, None], most_common(image.grid, 0)[0][None]
    lying = lies_in_rows(image.grid)
    changes = image.rays[2]
    down, across = changes[:2], changes[2:4]
    seen = [_sees(pair) for pair in ((across, down) if lying else (down, across))]
    sides = (*changes[2:4], *changes[:2]) if lying else changes[:4]
    row, column = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    planes = [rows, columns, rows if lying else columns, lying, *sides, *((column, row) if lying else (row, column))]
    return np.concatenate([stack(planes, image.shape), *seen])


def _sees(pair: Block) -> Block:
    """Tell for each color whether one of two planes ``(2, H, W)`` shows it, ``(10, H, W)``."""
    return np.stack([(pair == c).any(axis=0) for c in range(NUM_COLORS)]).astype(np.uint8)


AXIS = Group(
    "axis",
    (
        *(color(f"{line}_mode", 4.0) for line in _LINES),
        color("stripe", 4.0),
        flag("lies_in_rows", 5.0),
        *(color(f"{way}.{side}", 5.0) for way in ("along", "across") for side in ("before", "after")),
        *(number(f"{way}.place", 5.5) for way in ("along", "across")),
        *(flag(f"{way}.sees_#{c}", 5.0) for way in ("along", "across") for c in range(NUM_COLORS)),
    ),
    _axis,
    tuple(("own", name, 5.0) for name in ("row_mode", "column_mode", "stripe")),
    basic=False,
)


def _runs(image: Image) -> Block:
    lengths = [_run_lengths(image.grid), _run_lengths(np.ascontiguousarray(image.grid.T)).T]
    return stack([*lengths, np.minimum(*lengths), np.maximum(*lengths)], image.shape)


def _run_lengths(grid: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return for each cell how many cells of its color stand in one piece of its row."""
    starts = np.ones(grid.shape, bool)
    starts[:, 1:] = grid[:, 1:] != grid[:, :-1]
    pieces = np.cumsum(starts.ravel()) - 1
    lengths: NDArray[np.int64] = np.bincount(pieces)[pieces].reshape(grid.shape)
    return lengths


RUNS = Group(
    "runs",
    (number("run_row", 4.5), number("run_column", 4.5), number("run_least", 4.5), number("run_most", 4.5)),
    _runs,
    basic=False,
)


def _facing(image: Image) -> Block:
    """Show for each background cell between two components which of them is smaller, and paint it so."""
    colors, steps, _ = image.rays
    parts = image.components("m8")
    sizes = np.concatenate([parts.table[:, objects.SIZE], [0]])
    r, c = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    free = image.grid == image.background
    small, large = (np.full(image.shape, NO_COLOR, np.uint8) for _ in range(2))
    gap = np.full(image.shape, NONE, np.int64)
    for first, second in ((0, 1), (2, 3)):
        hit = free & (steps[first] != NONE) & (steps[second] != NONE)
        met = []
        for d in (first, second):
            far = np.where(hit, steps[d].astype(np.int64), 0)
            met.append(np.where(hit, sizes[parts.labels[r + ROW_STEPS[d] * far, c + COLUMN_STEPS[d] * far]], 0))
        between = steps[first].astype(np.int64) + steps[second]
        better = hit & (met[0] != met[1]) & (between < gap)
        under = met[0] < met[1]
        small = np.where(better, np.where(under, colors[first], colors[second]), small)
        large = np.where(better, np.where(under, colors[second], colors[first]), large)
        gap = np.where(better, between, gap)
    joined = np.where(small == NO_COLOR, image.grid, small)
    return stack([joined, small, large, np.where(gap == NONE, NONE, gap - 1)], image.shape)


FACING = Group(
    "facing",
    (color("facing.joined", 4.5), color("facing.small", 4.0), color("facing.large", 4.5), number("facing.gap", 5.5)),
    _facing,
    basic=False,
)

GROUPS = (AXIS, RUNS, FACING)
