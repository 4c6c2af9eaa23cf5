"""Properties of one object: its colors, holes and symmetries."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.directions import COLUMN_STEPS, ROW_STEPS

LEFT_RIGHT, TOP_BOTTOM, MAIN_DIAGONAL, OTHER_DIAGONAL = 1, 2, 4, 8
"""Bits of :func:`symmetries`."""


@njit(cache=True)
def mask_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return top, left, and the row and column after the last set cell; zeros if no cell is set."""
    height, width = mask.shape
    top, left, bottom, right = height, width, 0, 0
    for r in range(height):
        for c in range(width):
            if mask[r, c]:
                top, left = min(top, r), min(left, c)
                bottom, right = r + 1, max(right, c + 1)
    if bottom == 0:
        return 0, 0, 0, 0
    return top, left, bottom, right


@njit(cache=True)
def main_color(patch: NDArray[np.uint8], mask: NDArray[np.bool_]) -> int:
    """Return the most common color under the mask (the lowest of equals)."""
    counts = np.zeros(10, np.int64)
    height, width = patch.shape
    for r in range(height):
        for c in range(width):
            if mask[r, c]:
                counts[patch[r, c]] += 1
    best = 0
    for color in range(1, 10):
        if counts[color] > counts[best]:
            best = color
    return best


@njit(cache=True)
def rare_color(patch: NDArray[np.uint8], mask: NDArray[np.bool_]) -> int:
    """Return the rarest color that occurs under the mask (the lowest of equals)."""
    counts = np.zeros(10, np.int64)
    height, width = patch.shape
    for r in range(height):
        for c in range(width):
            if mask[r, c]:
                counts[patch[r, c]] += 1
    best = -1
    for color in range(10):
        if counts[color] > 0 and (best < 0 or counts[color] < counts[best]):
            best = color
    return best


@njit(cache=True)
def color_set(patch: NDArray[np.uint8], mask: NDArray[np.bool_]) -> int:
    """Return the colors under the mask: bit ``k`` for color ``k``."""
    colors = 0
    height, width = patch.shape
    for r in range(height):
        for c in range(width):
            if mask[r, c]:
                colors |= 1 << int(patch[r, c])
    return colors


@njit(cache=True)
def hole_count(mask: NDArray[np.bool_]) -> int:
    """Count the 4-connected groups of unset cells that do not touch the side of the mask."""
    height, width = mask.shape
    seen = mask.copy()
    stack = np.empty(height * width, np.int64)
    holes = 0
    for row in range(height):
        for column in range(width):
            if seen[row, column]:
                continue
            seen[row, column] = True
            stack[0] = row * width + column
            depth = 1
            enclosed = True
            while depth > 0:
                depth -= 1
                r, c = stack[depth] // width, stack[depth] % width
                for k in range(0, 8, 2):
                    next_r, next_c = r + ROW_STEPS[k], c + COLUMN_STEPS[k]
                    if next_r < 0 or next_r >= height or next_c < 0 or next_c >= width:
                        enclosed = False
                    elif not seen[next_r, next_c]:
                        seen[next_r, next_c] = True
                        stack[depth] = next_r * width + next_c
                        depth += 1
            if enclosed:
                holes += 1
    return holes


@njit(cache=True)
def symmetries(patch: NDArray[np.uint8]) -> int:
    """Return the mirror symmetries of a patch as the bits ``LEFT_RIGHT`` .. ``OTHER_DIAGONAL``."""
    height, width = patch.shape
    found = LEFT_RIGHT | TOP_BOTTOM
    if height == width:
        found |= MAIN_DIAGONAL | OTHER_DIAGONAL
    for r in range(height):
        for c in range(width):
            if patch[r, c] != patch[r, width - 1 - c]:
                found &= ~LEFT_RIGHT
            if patch[r, c] != patch[height - 1 - r, c]:
                found &= ~TOP_BOTTOM
            if height == width:
                if patch[r, c] != patch[c, r]:
                    found &= ~MAIN_DIAGONAL
                if patch[r, c] != patch[width - 1 - c, height - 1 - r]:
                    found &= ~OTHER_DIAGONAL
        if found == 0:
            break
    return found
