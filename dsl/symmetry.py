"""The 8 symmetries of the square, as transforms of grids by name."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal

TRANSFORMS: MappingProxyType[str, Callable[[Grid], NDArray[np.uint8]]] = MappingProxyType(
    {
        "identity": lambda grid: grid,
        "rotate_90": lambda grid: np.rot90(grid, -1),
        "rotate_180": lambda grid: np.rot90(grid, 2),
        "rotate_270": lambda grid: np.rot90(grid, 1),
        "flip_left_right": lambda grid: grid[:, ::-1],
        "flip_up_down": lambda grid: grid[::-1],
        "transpose": lambda grid: grid.T,
        "anti_transpose": lambda grid: grid[::-1, ::-1].T,
    }
)
"""Rotations are clockwise."""

_INVERSES = MappingProxyType({"rotate_90": "rotate_270", "rotate_270": "rotate_90"})


def transform(grid: Grid, name: str) -> Grid:
    """Apply one of the ``TRANSFORMS``."""
    return seal(TRANSFORMS[name](grid))


def inverse_name(name: str) -> str:
    """Return the transform that undoes another."""
    return _INVERSES.get(name, name)
