"""Painting of pieces onto a canvas."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit


@njit(cache=True)
def paste_into(
    canvas: NDArray[np.uint8], patch: NDArray[np.uint8], mask: NDArray[np.bool_], top: int, left: int
) -> None:
    """Write the patch's masked cells into the canvas in place; what falls outside is dropped.

    Args:
        canvas: ``(H, W)``, writable.
        patch: cells ``(h, w)``.
        mask: ``(h, w)``, True on the cells to write.
        top: row of the canvas for the patch's first row, may be negative.
        left: column likewise.
    """
    height, width = canvas.shape
    first_row, last_row = max(0, -top), min(patch.shape[0], height - top)
    first_column, last_column = max(0, -left), min(patch.shape[1], width - left)
    for r in range(first_row, last_row):
        for c in range(first_column, last_column):
            if mask[r, c]:
                canvas[top + r, left + c] = patch[r, c]


@njit(cache=True)
def overlay_content(top: NDArray[np.uint8], bottom: NDArray[np.uint8], background: int) -> NDArray[np.uint8]:
    """Take each cell from the first image, or from the second, of the same shape, where the first is background."""
    height, width = top.shape
    result = np.empty((height, width), np.uint8)
    for r in range(height):
        for c in range(width):
            result[r, c] = bottom[r, c] if top[r, c] == background else top[r, c]
    return result
