"""A fast 64-bit hash of grids for tables of values that a search has seen."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)
_CELL_BITS = np.uint64(4)


@njit(cache=True)
def grid_hash(grid: NDArray[np.uint8], salt: int) -> np.uint64:
    """Hash a grid's shape and cells to 64 bits; equal grids with equal salt have equal hashes on every machine.

    Sixteen cells are packed into one word. Salt and shape are mixed in, not just combined, before the first cells, so
    that they cannot cancel against them.

    Args:
        grid: cells ``(H, W)``, values 0..15.
        salt: whatever else tells the value apart, for example position or kind, 0 or more.
    """
    height, width = grid.shape
    state = (np.uint64(salt) + _MULTIPLIER) * _MIXER
    state ^= state >> _SHIFT
    state = (state + np.uint64(height * 256 + width)) * _MULTIPLIER
    state ^= state >> _SHIFT
    word = np.uint64(0)
    filled = 0
    for r in range(height):
        for c in range(width):
            word = (word << _CELL_BITS) | np.uint64(grid[r, c])
            filled += 1
            if filled == 16:
                state = (state ^ word) * _MIXER
                state ^= state >> _SHIFT
                word = np.uint64(0)
                filled = 0
    state = (state ^ word) * _MULTIPLIER
    state ^= state >> _SHIFT
    state = state * _MIXER
    return state ^ (state >> _SHIFT)
