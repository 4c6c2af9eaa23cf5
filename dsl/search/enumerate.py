"""Bottom-up enumeration of programs by cost, over all images of a task at once.

A row is a program with its results on every image: demonstration inputs first, then test inputs. Results are interned
per image, so that two rows that share a result compute its successors once, and a row is a short tuple of numbers. Rows
with equal numbers everywhere are one row (observational equivalence) that keeps its cheapest program; a result missing
on a test image is allowed (-1), a result missing on a demonstration drops the row.

The cheapest rows are expanded first, in batches: all productions on all new values of the batch, production by
production. Order and outcome depend on the task, the language and the node budget only.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.errors import DslError
from dsl.grid import Grid
from dsl.program import Input, Literal, Program
from dsl.search.bank import Bank
from dsl.search.budget import Meter
from dsl.search.grammar import SCALARS, Production
from dsl.types import Kind

MISSING = -1
INPUT_COST = 1.0

_Rows = NDArray[np.int32]
_KINDS = tuple(Kind)
_CODE = {kind: code for code, kind in enumerate(_KINDS)}


@dataclass(frozen=True, slots=True)
class EnumerationConfig:
    """Sizes of one enumeration.

    Attributes:
        batch: rows expanded together.
        reach: largest product of the ranks, by cost, of two rows that are combined in a two-slot production.
        max_rows: rows kept at most.
        max_bytes: memory of interned values at most.
    """

    batch: int = 64
    reach: int = 200
    max_rows: int = 2_000_000
    max_bytes: int = 1 << 30


class _Successors:
    """Results of all one-slot productions of one kind, for every value that was expanded so far."""

    def __init__(self, kind: Kind, productions: Sequence[tuple[int, Production]]) -> None:
        self.kind = kind
        self.indices = np.array([index for index, _ in productions], np.int32)
        self.costs = np.array([production.cost for _, production in productions], np.float32)
        self.functions = [production.function() for _, production in productions]
        self.results = [production.primitive.result for _, production in productions]
        self.codes = np.array([_CODE[kind] for kind in self.results], np.uint8)
        self._position: dict[int, int] = {}
        self._table = np.empty((0, len(productions)), np.int32)

    def positions(self, bank: Bank, numbers: Sequence[int], meter: Meter, images: int) -> NDArray[np.int64] | None:
        """Return the table positions of interned values, computing new ones; None if the meter ran out."""
        new = [number for number in numbers if number != MISSING and number not in self._position]
        if new:
            values = [bank.value(number) for number in new]
            block = np.empty((len(self.functions), len(new)), np.int32)
            for j, (function, result) in enumerate(zip(self.functions, self.results, strict=True)):
                block[j] = _apply(bank, function, result, values)
                meter.spend(max(1, len(new) // images))
                if meter.exhausted:
                    return None
            base = len(self._position)
            for i, number in enumerate(new):
                self._position[number] = base + i
            self._grow(base, block)
        return np.array([self._position.get(number, -1) for number in numbers], np.int64)

    def take(self, positions: NDArray[np.int64]) -> _Rows:
        """Return results ``(len(positions), productions)``; a position of -1 gives missing results."""
        taken = self._table[positions]
        taken[positions < 0] = MISSING
        return taken

    def _grow(self, base: int, block: _Rows) -> None:
        need = base + block.shape[1]
        if need > len(self._table):
            larger = np.empty((max(2 * len(self._table), need, 64), block.shape[0]), np.int32)
            larger[:base] = self._table[:base]
            self._table = larger
        self._table[base:need] = block.T


def _apply(bank: Bank, function: Callable[..., Any], result: Kind, values: Sequence[Any]) -> list[int]:
    numbers = []
    intern = bank.intern
    for value in values:
        try:
            numbers.append(intern(result, function(value)))
        except DslError:
            numbers.append(MISSING)
    return numbers


class Enumeration:
    """A resumable enumeration: call :meth:`advance` until it returns False.

    Attributes:
        bank: the interned values.
        count: number of rows found so far.
        duplicates: results that were equal to a row already known.
    """

    def __init__(
        self,
        images: Sequence[Grid],
        demonstrations: int,
        productions: Sequence[Production],
        config: EnumerationConfig | None = None,
        constants: Sequence[tuple[Literal, Kind, float]] = (),
    ) -> None:
        """Start with the input and constants.

        Args:
            images: demonstration inputs, then test inputs.
            demonstrations: how many of them are demonstrations.
            productions: the language with constants filled in.
            config: sizes.
            constants: further roots: literal, kind and cost in bits.
        """
        self.config = config or EnumerationConfig()
        self.bank = Bank()
        self.count = 0
        self.duplicates = 0
        self.productions = tuple(productions)
        self._demonstrations = demonstrations
        self._images = len(images)
        self._ids = np.empty((1024, self._images), np.int32)
        self._costs = np.empty(1024, np.float32)
        self._codes = np.empty(1024, np.uint8)
        self._origin = np.empty((1024, 3), np.int32)
        self._known: dict[int, int] = {}
        self._queue: list[tuple[float, int]] = []
        self._expanded: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        self._is_expanded = np.zeros(1024, np.bool_)
        self._mixers = _mixers(self._images)
        self._roots: list[Program] = []
        numbered = list(enumerate(self.productions))
        self._successors = {
            kind: _Successors(kind, [(i, p) for i, p in numbered if p.slots == (kind,)]) for kind in Kind
        }
        self._pairs = [(i, p) for i, p in numbered if len(p.slots) == 2]
        self._add_root(Input(), Kind.GRID, [self.bank.intern(Kind.GRID, image) for image in images], INPUT_COST)
        for literal, kind, cost in constants:
            self._add_root(literal, kind, [self.bank.intern(kind, literal.value)] * self._images, cost)

    @property
    def ids(self) -> _Rows:
        """Return interned results ``(count, images)``; -1 where a test image has none."""
        return self._ids[: self.count]

    @property
    def costs(self) -> NDArray[np.float32]:
        """Return the cost in bits of every row."""
        return self._costs[: self.count]

    def rows_of(self, kind: Kind, start: int = 0) -> NDArray[np.int64]:
        """Return the rows of a kind from a row on."""
        return start + np.flatnonzero(self._codes[start : self.count] == _CODE[kind])

    def program(self, row: int) -> Program:
        """Return the cheapest program found for a row."""
        index, left, right = (int(part) for part in self._origin[row])
        if index < 0:
            return self._roots[left]
        arguments = [self.program(left)] if right < 0 else [self.program(left), self.program(right)]
        return self.productions[index].program(arguments)

    def advance(self, meter: Meter) -> bool:
        """Expand the next cheapest rows; return False when nothing is left or a limit is reached."""
        rows = self._next_batch()
        if not rows or meter.exhausted:
            return False
        for kind in Kind:
            chosen = [row for row in rows if self._codes[row] == _CODE[kind]]
            if chosen and not self._expand(kind, np.array(chosen, np.int64), meter):
                return False
        return self.count < self.config.max_rows and self.bank.bytes < self.config.max_bytes

    def _next_batch(self) -> list[int]:
        rows: list[int] = []
        while self._queue and len(rows) < self.config.batch:
            cost, row = heapq.heappop(self._queue)
            if not self._is_expanded[row] and cost <= self._costs[row]:
                self._is_expanded[row] = True
                rows.append(row)
        return rows

    def _expand(self, kind: Kind, rows: NDArray[np.int64], meter: Meter) -> bool:
        successors = self._successors[kind]
        if len(successors.functions):
            ids = self._ids[rows]
            unique, inverse = np.unique(ids, return_inverse=True)
            positions = successors.positions(self.bank, unique.tolist(), meter, self._images)
            if positions is None:
                return False
            block = successors.take(positions)[inverse.reshape(ids.shape)]
            self._add_block(rows, successors, np.moveaxis(block, 2, 1))
        if kind in SCALARS:
            rows = rows[(self._ids[rows] != self._ids[rows][:, :1]).any(axis=1)]
        self._expanded[kind].extend(rows.tolist())
        return all(self._combine(index, production, kind, rows, meter) for index, production in self._pairs)

    def _add_block(self, rows: NDArray[np.int64], successors: _Successors, block: _Rows) -> None:
        """Add results ``(rows, productions, images)`` of one-slot productions."""
        usable = (block[:, :, : self._demonstrations] >= 0).all(axis=2)
        usable &= (block != self._ids[rows][:, None, :]).any(axis=2)
        source, column = np.nonzero(usable)
        origin = np.stack((successors.indices[column], rows[source], np.full(len(source), -1)), axis=1)
        costs = self._costs[rows[source]] + successors.costs[column]
        self._add(block[source, column], successors.codes[column], costs, origin)

    def _combine(self, index: int, production: Production, kind: Kind, rows: NDArray[np.int64], meter: Meter) -> bool:
        """Apply a two-slot production to new rows and cheap partners, the new rows in either slot."""
        pairs = self._pairs_of(production.slots, kind, rows)
        if not len(pairs):
            return True
        result = production.primitive.result
        ids = self._pair_results(production.function(), result, pairs)
        usable = (ids[:, : self._demonstrations] >= 0).all(axis=1)
        meter.spend(len(pairs))
        pairs, ids = pairs[usable], ids[usable]
        costs = self._costs[pairs].sum(axis=1) + np.float32(production.cost)
        origin = np.concatenate((np.full((len(pairs), 1), index), pairs), axis=1)
        self._add(ids, np.full(len(pairs), _CODE[result], np.uint8), costs, origin)
        return not meter.exhausted

    def _pairs_of(self, slots: tuple[Kind, ...], kind: Kind, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return pairs of a new row and a row expanded before or now, with a bounded product of ranks by cost.

        A row of rank ``r`` among the expanded rows of its kind meets partners up to rank ``reach / r``: everything
        early meets the input, and the first few rows meet each other.
        """
        first_new = len(self._expanded[kind]) - len(rows)
        found: list[tuple[int, int]] = []
        for slot in (0, 1):
            if slots[slot] is not kind:
                continue
            partners = self._expanded[slots[1 - slot]]
            same_kind = slots[0] is slots[1]
            for rank, row in enumerate(rows.tolist(), start=first_new):
                count = min(self.config.reach // (rank + 1), rank if same_kind else len(partners))
                found.extend((row, other) if slot == 0 else (other, row) for other in partners[:count])
        return np.array(found, np.int64).reshape(-1, 2)

    def _pair_results(self, function: Callable[..., Any], result: Kind, pairs: NDArray[np.int64]) -> _Rows:
        left, right = self._ids[pairs[:, 0]].astype(np.int64), self._ids[pairs[:, 1]].astype(np.int64)
        codes = np.where((left >= 0) & (right >= 0), left << 32 | right, MISSING)
        unique, inverse = np.unique(codes, return_inverse=True)
        numbers = np.full(len(unique), MISSING, np.int32)
        intern = self.bank.intern
        values: dict[int, Any] = {}
        for i, code in enumerate(unique.tolist()):
            if code == MISSING:
                continue
            first, second = code >> 32, code & 0xFFFFFFFF
            for number in (first, second):
                if number not in values:
                    values[number] = self.bank.value(number)
            try:
                numbers[i] = intern(result, function(values[first], values[second]))
            except DslError:
                continue
        return numbers[inverse.reshape(codes.shape)]

    def _add_root(self, program: Program, kind: Kind, numbers: list[int], cost: float) -> None:
        self._roots.append(program)
        origin = np.array([[-1, len(self._roots) - 1, -1]], np.int32)
        self._add(
            np.array([numbers], np.int32), np.array([_CODE[kind]], np.uint8), np.array([cost], np.float32), origin
        )

    def _add(self, ids: _Rows, codes: NDArray[np.uint8], costs: NDArray[np.float32], origin: NDArray[Any]) -> None:
        """Add rows that are new; where a row is known, keep the cheaper program."""
        order = np.argsort(costs, kind="stable")
        ids, codes, costs, origin = ids[order], codes[order], costs[order], origin[order]
        keys = _keys(ids, self._mixers)
        fresh: list[int] = []
        base, known = self.count, self._known
        for i, key in enumerate(keys.tolist()):
            row = known.setdefault(key, base + len(fresh))
            if row == base + len(fresh):
                fresh.append(i)
                continue
            self.duplicates += 1
            if row < base and costs[i] < self._costs[row] and not self._is_expanded[row]:
                self._costs[row] = costs[i]
                self._origin[row] = origin[i]
                heapq.heappush(self._queue, (float(costs[i]), row))
        if not fresh:
            return
        self._reserve(base + len(fresh))
        end = base + len(fresh)
        self._ids[base:end], self._costs[base:end] = ids[fresh], costs[fresh]
        self._codes[base:end], self._origin[base:end] = codes[fresh], origin[fresh]
        self.count = end
        for row, cost in zip(range(base, end), costs[fresh].tolist(), strict=True):
            heapq.heappush(self._queue, (cost, row))

    def _reserve(self, need: int) -> None:
        size = len(self._costs)
        if need <= size:
            return
        size = max(need, 2 * size)
        self._ids = np.resize(self._ids, (size, self._images))
        self._costs = np.resize(self._costs, size)
        self._codes = np.resize(self._codes, size)
        self._origin = np.resize(self._origin, (size, 3))
        grown = np.zeros(size, np.bool_)
        grown[: len(self._is_expanded)] = self._is_expanded
        self._is_expanded = grown


def _mixers(images: int) -> NDArray[np.uint64]:
    """Return one odd 64-bit constant for each image, fixed by its position."""
    positions = np.arange(1, images + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        return positions * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)


def _keys(ids: _Rows, mixers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a 64-bit key for each row of interned numbers (splitmix64 finalizer for each number, summed)."""
    with np.errstate(over="ignore"):
        mixed = (ids.astype(np.int64) + 2).astype(np.uint64) * mixers
        mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        keys: NDArray[np.uint64] = (mixed ^ mixed >> np.uint64(31)).sum(axis=1, dtype=np.uint64)
        return keys
