"""Complete an image whose colors go round by row, column or diagonal: one color for each remainder of a number."""

import numpy as np

from dsl.grid import Grid, seal

_DIRECTIONS = ((1, 1), (1, -1), (1, 0), (0, 1))
"""Rows and columns that one step counts for: along diagonals, rows, columns."""
_MAX_NUMBER = 6
_MIN_CELLS = 2
"""Visible cells for each remainder, on average: fewer show no rule."""


def fill_by_remainder(grid: Grid, hidden: int) -> Grid | None:
    """Fill the hidden cells with the colors of their remainders, by the smallest number that the visible cells allow.

    None if no number up to ``_MAX_NUMBER`` gives every remainder one color.
    """
    rows, columns = np.mgrid[0 : grid.shape[0], 0 : grid.shape[1]]
    visible = grid != hidden
    colors = grid[visible]
    for number in range(2, _MAX_NUMBER + 1):
        if len(colors) < _MIN_CELLS * number:
            return None
        for down, across in _DIRECTIONS:
            remainders = (down * rows + across * columns) % number
            known = np.full(number, hidden, np.uint8)
            known[remainders[visible]] = colors
            if (known != hidden).all() and (known[remainders[visible]] == colors).all():
                return seal(np.where(visible, grid, known[remainders]))
    return None
