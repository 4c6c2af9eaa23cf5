"""The table of programs found so far: results by image, cost, and how each was made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.types import Kind

MISSING = -1
"""Stands where a test image has no result."""

BUCKETS_PER_BIT = 2

Ids = NDArray[np.int32]
"""Numbers of interned results ``(rows, images)``."""

_CODE = {kind: code for code, kind in enumerate(Kind)}


class Rows:
    """Rows that differ on some image; each keeps its cheapest program (observational equivalence).

    Rows are also listed by kind in buckets of half a bit of cost, in the order they were found, for expansion.

    Attributes:
        count: number of rows.
        duplicates: results that were equal to a row already known.
    """

    def __init__(self, images: int) -> None:
        self.images = images
        self.count = 0
        self.duplicates = 0
        self._ids = np.empty((1024, images), np.int32)
        self._costs = np.empty(1024, np.float32)
        self._codes = np.empty(1024, np.uint8)
        self._origin = np.empty((1024, 3), np.int32)
        self._known: dict[int, int] = {}
        self._buckets: dict[Kind, list[list[int]]] = {kind: [] for kind in Kind}
        self._mixers = _mixers(images)

    @property
    def ids(self) -> Ids:
        """Return results ``(count, images)``."""
        return self._ids[: self.count]

    @property
    def costs(self) -> NDArray[np.float32]:
        """Return the cost in bits of each row."""
        return self._costs[: self.count]

    def of_kind(self, kind: Kind) -> NDArray[np.int64]:
        """Return all rows of a kind, ascending."""
        return np.flatnonzero(self._codes[: self.count] == _CODE[kind])

    def origin(self, row: int) -> tuple[int, int, int]:
        """Return what made a row: production and argument rows, -1 for none."""
        index, left, right = self._origin[row].tolist()
        return index, left, right

    def bucket(self, kind: Kind, index: int) -> list[int] | None:
        """Return the rows of a kind that cost ``index`` half bits, stale entries too; None past the last one."""
        buckets = self._buckets[kind]
        return buckets[index] if index < len(buckets) else None

    def in_bucket(self, row: int, index: int) -> bool:
        """Tell whether a row still costs what its bucket says."""
        return int(self._costs[row] * BUCKETS_PER_BIT) == index

    def add(self, kind: Kind, ids: Ids, costs: NDArray[np.float32], origin: NDArray[Any]) -> None:
        """Add rows of one kind; where a row is known, keep the cheaper program.

        Args:
            kind: of all results.
            ids: results ``(n, images)``.
            costs: in bits ``(n,)``.
            origin: production and argument rows ``(n, 3)``.
        """
        order = np.argsort(costs, kind="stable")
        ids, costs, origin = ids[order], costs[order], origin[order]
        base, known = self.count, self._known
        fresh: list[int] = []
        for i, key in enumerate(_keys(ids, self._mixers).tolist()):
            row = known.setdefault(key, base + len(fresh))
            if row == base + len(fresh):
                fresh.append(i)
                continue
            self.duplicates += 1
            if row < base and costs[i] < self._costs[row]:
                self._costs[row], self._origin[row] = costs[i], origin[i]
                self._list(kind, [row], [float(costs[i])])
        if not fresh:
            return
        end = base + len(fresh)
        self._reserve(end)
        self._ids[base:end], self._costs[base:end] = ids[fresh], costs[fresh]
        self._codes[base:end], self._origin[base:end] = _CODE[kind], origin[fresh]
        self.count = end
        self._list(kind, range(base, end), costs[fresh].tolist())

    def _list(self, kind: Kind, rows: "range | list[int]", costs: list[float]) -> None:
        buckets = self._buckets[kind]
        for row, cost in zip(rows, costs, strict=True):
            index = int(cost * BUCKETS_PER_BIT)
            while len(buckets) <= index:
                buckets.append([])
            buckets[index].append(row)

    def _reserve(self, need: int) -> None:
        if need <= len(self._costs):
            return
        size = max(need, 2 * len(self._costs))
        self._ids = np.resize(self._ids, (size, self.images))
        self._costs = np.resize(self._costs, size)
        self._codes = np.resize(self._codes, size)
        self._origin = np.resize(self._origin, (size, 3))


def _mixers(images: int) -> NDArray[np.uint64]:
    """Return one odd 64-bit constant for each image, fixed by its position."""
    with np.errstate(over="ignore"):
        return np.arange(1, images + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)


def _keys(ids: Ids, mixers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a 64-bit key for each row of numbers (splitmix64 finalizer for each number, summed)."""
    with np.errstate(over="ignore"):
        mixed = (ids.astype(np.int64) + 2).astype(np.uint64) * mixers
        mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        keys: NDArray[np.uint64] = (mixed ^ mixed >> np.uint64(31)).sum(axis=1, dtype=np.uint64)
        return keys
