"""Which rows are worth expanding: the search may keep a value as a result and yet not build on it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.search.bank import Bank
from dsl.search.rows import MISSING, Rows

FREE_COST = 6.0
"""Grids of at most so many bits are always expanded: the input's own mirror images are."""


class GridFilter:
    """Keep grids that are no mirror image or turn of one kept before, and not of one color in all images.

    What a mirrored value leads to is, for most primitives, mirrored too: building on both doubles the work at each step
    and finds little. The judgment of a row does not change once it is made.
    """

    def __init__(self, bank: Bank, rows: Rows) -> None:
        self._bank = bank
        self._rows = rows
        self._verdicts: dict[int, bool] = {}
        self._seen: set[bytes] = set()

    def keep(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of a batch, all of them grids, that are worth expanding."""
        return batch[[self._judge(row) for row in batch.tolist()]]

    def _judge(self, row: int) -> bool:
        known = self._verdicts.get(row)
        if known is None:
            numbers = self._rows.ids[row].tolist()
            grids = [self._bank.value(number) for number in numbers if number != MISSING]
            key = _symmetry_key(grids)
            cheap = bool(self._rows.costs[row] <= FREE_COST)
            known = cheap or (key not in self._seen and any((grid != grid[0, 0]).any() for grid in grids))
            self._seen.add(key)
            self._verdicts[row] = known
        return known


def _symmetry_key(grids: Sequence[Grid]) -> bytes:
    """Return a key equal for tuples of grids that one common mirroring or turn takes into each other."""
    keys = []
    for turned in (grids, [grid.T for grid in grids]):
        for down in (1, -1):
            for right in (1, -1):
                parts = [bytes(grid.shape) + grid[::down, ::right].tobytes() for grid in turned]
                keys.append(b"".join(parts))
    return min(keys)
