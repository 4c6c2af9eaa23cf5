"""Grids: the one image type of the project, with checks where data enters and keys to compare by."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsl.errors import GridError

Grid = NDArray[np.uint8]
"""Cells ``(H, W)``, 1..30 a side, values 0..9, C order, read-only."""

MAX_SIDE = 30
NUM_COLORS = 10

Scalar = TypeVar("Scalar", np.uint8, np.bool_)

GridKey = tuple[tuple[int, ...], bytes]


def as_grid(values: ArrayLike) -> Grid:
    """Check and copy any nested sequence or array into a grid.

    Raises:
        GridError: not rectangular, not two-dimensional, a side outside 1..30, or a value that is not an integer 0..9.
    """
    array = _as_array(values)
    if array.ndim != 2:
        raise GridError(f"grid must have 2 dimensions, got {array.ndim}")
    height, width = array.shape
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise GridError(f"grid sides must be 1..{MAX_SIDE}, got {height}x{width}")
    if array.dtype.kind not in "iu":
        raise GridError(f"grid cells must be integers 0..9, got {array.dtype}")
    wrong = np.argwhere((array < 0) | (array >= NUM_COLORS))
    if len(wrong):
        r, c = (int(i) for i in wrong[0])
        raise GridError(f"grid cells must be 0..9, got {array[r, c]} at row {r}, column {c}")
    return seal(array.astype(np.uint8))


def _as_array(values: ArrayLike) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise GridError(f"grid must be a non-empty list of rows, got {str(values)[:40]!r}")
    width = 0
    for r, row in enumerate(values):
        if not isinstance(row, Sequence) or isinstance(row, str):
            raise GridError(f"grid row {r} must be a list of integers, got {str(row)[:40]!r}")
        if r == 0:
            width = len(row)
        if len(row) != width:
            raise GridError(f"grid rows must have equal length, row 0 has {width} cells and row {r} has {len(row)}")
        for c, cell in enumerate(row):
            if isinstance(cell, bool) or not isinstance(cell, int | np.integer):
                raise GridError(f"grid cells must be integers 0..9, got {str(cell)[:40]!r} at row {r}, column {c}")
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        raise GridError("grid cells must be integers 0..9, got a number beyond 64 bits") from None


def seal(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Freeze a ``(H, W)`` array that is known to be a grid (uint8) or a mask (bool).

    Copies only a view that is not C-contiguous, or that another array could still write to.
    """
    sealed = np.ascontiguousarray(array)
    base = array.base  # numpy's views know the array that owns the memory, whatever they were taken of
    if sealed is array and isinstance(base, np.ndarray) and (array.flags.writeable or base.flags.writeable):
        sealed = array.copy()
    sealed.setflags(write=False)
    return sealed


def grid_key(grid: Grid) -> GridKey:
    """Return a hashable key, equal exactly for equal grids."""
    return grid.shape, grid.tobytes()


def same_grid(left: Grid, right: Grid) -> bool:
    """Tell whether two grids have the same shape and cells."""
    return left.shape == right.shape and left.tobytes() == right.tobytes()


def grid_from_text(text: str) -> Grid:
    """Read rows of digits separated by ``/``: ``"12/34"`` is ``[[1, 2], [3, 4]]``."""
    rows = text.split("/")
    if not all(row.isascii() and row.isdigit() for row in rows):
        raise GridError(f"grid text must be rows of digits separated by '/', got {text[:40]!r}")
    return as_grid([[int(cell) for cell in row] for row in rows])


def grid_to_text(grid: Grid) -> str:
    """Write a grid as rows of digits separated by ``/``."""
    return "/".join("".join(str(cell) for cell in row) for row in grid.tolist())
