"""Loops that complete a partly hidden image by its symmetry or period."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit

Cells = NDArray[np.uint8]
Table = NDArray[np.int64]


@njit(cache=True)
def _reflect(kind: int, axis: int, r: int, c: int) -> tuple[int, int]:
    if kind == 0:
        return r, axis - c
    if kind == 1:
        return axis - r, c
    if kind == 2:
        return c + axis, r - axis
    return axis - c, axis - r


@njit(cache=True)
def best_axes(grid: Cells, hidden: int) -> Table:
    """Find for each kind of reflection the axis that most visible pairs agree on and none contradicts.

    Kinds: 0 left-right ``c -> axis - c``, 1 up-down ``r -> axis - r``, 2 ``(r, c) -> (c + axis, r - axis)``,
    3 ``(r, c) -> (axis - c, axis - r)``. Returns ``(4, 2)``: axis and number of agreeing pairs (0: there is none).
    """
    height, width = grid.shape
    best = np.zeros((4, 2), np.int64)
    longest = max(height, width)
    first = (width // 2, height // 2, -6, longest // 2)
    last = (width + width // 2, height + height // 2, 7, longest + longest // 2)
    for kind in range(4):
        for axis in range(first[kind], last[kind]):
            agreeing = 0
            broken = False
            for r in range(height):
                for c in range(width):
                    y, x = _reflect(kind, axis, r, c)
                    if y < 0 or x < 0 or y >= height or x >= width or (y == r and x == c):
                        continue
                    if grid[r, c] == hidden or grid[y, x] == hidden:
                        continue
                    if grid[r, c] != grid[y, x]:
                        broken = True
                        break
                    agreeing += 1
                if broken:
                    break
            if not broken and agreeing > best[kind, 1]:
                best[kind, 0] = axis
                best[kind, 1] = agreeing
    return best


@njit(cache=True)
def fill_symmetric(grid: Cells, hidden: int, axes: Table, kinds: int, min_pairs: int) -> tuple[Cells, bool]:
    """Fill hidden cells from their reflections (bit k of ``kinds``: use kind k); tell whether any was filled."""
    height, width = grid.shape
    out = grid.copy()
    any_filled = False
    for _ in range(4):
        changed = False
        for kind in range(4):
            if axes[kind, 1] < max(1, min_pairs) or not (kinds >> kind) & 1:
                continue
            for r in range(height):
                for c in range(width):
                    if out[r, c] != hidden:
                        continue
                    y, x = _reflect(kind, axes[kind, 0], r, c)
                    if 0 <= y < height and 0 <= x < width and out[y, x] != hidden:
                        out[r, c] = out[y, x]
                        changed = True
        any_filled = any_filled or changed
        if not changed:
            break
    return out, any_filled


@njit(cache=True)
def valid_shifts(grid: Cells, hidden: int) -> Table:
    """List the shifts that no pair of visible cells contradicts: rows down, columns right, agreeing pairs."""
    height, width = grid.shape
    found = np.empty((height * (2 * width), 3), np.int64)
    count = 0
    for dy in range(height):
        for dx in range(-width + 1, width):
            if dy == 0 and dx <= 0:
                continue
            agreeing = 0
            broken = False
            for r in range(height - dy):
                for c in range(max(0, -dx), min(width, width - dx)):
                    here = grid[r, c]
                    there = grid[r + dy, c + dx]
                    if here == hidden or there == hidden:
                        continue
                    if here != there:
                        broken = True
                        break
                    agreeing += 1
                if broken:
                    break
            if not broken and agreeing > 2:
                found[count, 0] = dy
                found[count, 1] = dx
                found[count, 2] = agreeing
                count += 1
    return found[:count]


@njit(cache=True)
def fill_shifted(grid: Cells, hidden: int, shifts: Table) -> tuple[Cells, bool]:
    """Fill hidden cells from cells one shift away, to a fixed point (6 rounds); tell whether any was filled."""
    height, width = grid.shape
    out = grid.copy()
    any_filled = False
    for _ in range(6):
        changed = False
        for s in range(len(shifts)):
            for sign in (1, -1):
                dy = sign * shifts[s, 0]
                dx = sign * shifts[s, 1]
                for r in range(max(0, -dy), min(height, height - dy)):
                    for c in range(max(0, -dx), min(width, width - dx)):
                        if out[r, c] == hidden and out[r + dy, c + dx] != hidden:
                            out[r, c] = out[r + dy, c + dx]
                            changed = True
        any_filled = any_filled or changed
        if not changed:
            break
    return out, any_filled
