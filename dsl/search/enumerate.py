"""Bottom-up enumeration of programs by cost, over all images of a task at once.

A row is a program with its results on every image: demonstration inputs first, then test inputs. Results are interned
per image, so that two rows that share a result compute its successors once, and a row is a short tuple of numbers. A
result missing on a test image is allowed; a result missing on a demonstration drops the row.

Productions of equal kind and cost form a group. A group walks over the rows of its kind in order of cost, and the group
whose next results are cheapest goes first: programs come in order of their total cost, half a bit more or less. Order
and outcome depend on the task, the language and the node budget only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.errors import DslError
from dsl.grid import Grid
from dsl.program import Input, Program
from dsl.search.bank import Bank
from dsl.search.budget import Meter
from dsl.search.filters import GridFilter
from dsl.search.grammar import SCALARS, Production
from dsl.search.rows import BUCKETS_PER_BIT, MISSING, Ids, Rows
from dsl.types import Kind

INPUT_COST = 1.0
_LEAST_COST = 1.0 / BUCKETS_PER_BIT
"""Productions cheaper than one bucket would reach back into buckets that were already expanded."""


@dataclass(frozen=True, slots=True)
class EnumerationConfig:
    """Sizes of one enumeration.

    Attributes:
        batch: rows expanded together.
        reach: largest product of the ranks, by cost, of two rows that are combined in a two-slot production.
        max_rows: rows kept at most.
        max_bytes: memory of interned values at most.
    """

    batch: int = 128
    reach: int = 150
    max_rows: int = 1_500_000
    max_bytes: int = 1 << 30


class Enumeration:
    """A resumable enumeration: call :meth:`advance` until it returns False.

    Attributes:
        bank: the interned values.
        rows: the programs found so far.
        productions: the language with constants filled in.
    """

    def __init__(
        self,
        images: Sequence[Grid],
        demonstrations: int,
        productions: Sequence[Production],
        config: EnumerationConfig | None = None,
    ) -> None:
        """Start with the input.

        Args:
            images: demonstration inputs, then test inputs.
            demonstrations: how many of them are demonstrations.
            productions: the language with constants filled in.
            config: sizes.
        """
        self.config = config or EnumerationConfig()
        self.bank = Bank()
        self.rows = Rows(len(images))
        self.productions = tuple(productions)
        self._demonstrations = demonstrations
        self._groups = _grouped(self.productions)
        self._filter = GridFilter(self.bank, self.rows)
        numbers = np.array([[self.bank.intern(Kind.GRID, image) for image in images]], np.int32)
        self.rows.add(Kind.GRID, numbers, np.array([INPUT_COST], np.float32), np.array([[-1, -1, -1]]))

    def program(self, row: int) -> Program:
        """Return the cheapest program found for a row."""
        index, left, right = self.rows.origin(row)
        if index < 0:
            return Input()
        arguments = [self.program(left)] if right < 0 else [self.program(left), self.program(right)]
        return self.productions[index].program(arguments)

    def advance(self, meter: Meter) -> bool:
        """Expand one batch; return False when nothing is left, the meter is exhausted, or a limit is reached."""
        best: _Group | None = None
        for group in self._groups:
            group.seek(self.rows)
            if group.has_next and (best is None or group.next_cost < best.next_cost):
                best = group
        if best is None or meter.exhausted:
            return False
        batch = best.take(self.rows, self.config.batch)
        if best.kind is Kind.GRID:
            batch = self._filter.keep(batch)
        if isinstance(best, _Single):
            self._expand(best, batch, meter)
        elif isinstance(best, _Pair):
            self._combine(best, batch, meter)
        return self.rows.count < self.config.max_rows and self.bank.bytes < self.config.max_bytes

    def _expand(self, group: "_Single", batch: NDArray[np.int64], meter: Meter) -> None:
        """Apply one-slot productions to rows."""
        ids = self.rows.ids[batch]
        unique, inverse = np.unique(ids, return_inverse=True)
        inverse = inverse.reshape(ids.shape)
        for j, results in group.results(self.bank, unique.tolist()):
            meter.spend(len(batch))
            found = results[inverse]
            usable = (found[:, : self._demonstrations] >= 0).all(axis=1) & (found != ids).any(axis=1)
            if usable.any():
                sources = batch[usable]
                production = self.productions[group.indices[j]]
                origin = np.full((len(sources), 3), -1)
                origin[:, 0], origin[:, 1] = group.indices[j], sources
                costs = self.rows.costs[sources] + np.float32(max(production.cost, _LEAST_COST))
                self.rows.add(production.primitive.result, found[usable], costs, origin)
            if meter.exhausted:
                return

    def _combine(self, group: "_Pair", batch: NDArray[np.int64], meter: Meter) -> None:
        """Apply two-slot productions to new rows and cheap partners, the new rows in either slot."""
        if group.kind in SCALARS:
            ids = self.rows.ids[batch]
            batch = batch[(ids != ids[:, :1]).any(axis=1)]
        pairs = group.pairs(batch.tolist(), self.config.reach)
        for index in group.indices if len(pairs) else ():
            production = self.productions[index]
            meter.spend(len(pairs))
            found = self._pair_results(production.function(), production.primitive.result, pairs)
            usable = (found[:, : self._demonstrations] >= 0).all(axis=1)
            if usable.any():
                costs = self.rows.costs[pairs[usable]].sum(axis=1) + np.float32(max(production.cost, _LEAST_COST))
                origin = np.insert(pairs[usable], 0, index, axis=1)
                self.rows.add(production.primitive.result, found[usable], costs, origin)
            if meter.exhausted:
                return

    def _pair_results(self, function: Callable[..., Any], result: Kind, pairs: NDArray[np.int64]) -> Ids:
        left, right = (self.rows.ids[pairs[:, slot]].astype(np.int64) for slot in (0, 1))
        codes = np.where((left >= 0) & (right >= 0), left << 32 | right, MISSING)
        unique, inverse = np.unique(codes, return_inverse=True)
        numbers = np.full(len(unique), MISSING, np.int32)
        bank = self.bank
        values = {number: bank.value(number) for number in np.unique(np.stack((left, right))).tolist() if number >= 0}
        for i, code in enumerate(unique.tolist()):
            if code == MISSING:
                continue
            try:
                numbers[i] = bank.intern(result, function(values[code >> 32], values[code & 0xFFFFFFFF]))
            except DslError:
                continue
        return numbers[inverse.reshape(codes.shape)]


class _Group:
    """Productions of one kind and cost with their place in the walk over the rows of that kind."""

    def __init__(self, kind: Kind, cost: float, indices: Sequence[int]) -> None:
        self.kind = kind
        self.cost = cost
        self.indices = tuple(indices)
        self._bucket = 0
        self._position = 0
        self.has_next = False

    @property
    def next_cost(self) -> float:
        """Return the least cost of the next results."""
        return self._bucket / BUCKETS_PER_BIT + self.cost

    def seek(self, rows: Rows) -> None:
        """Move to the next bucket that holds a row not yet taken."""
        while (bucket := rows.bucket(self.kind, self._bucket)) is not None:
            if self._position < len(bucket):
                self.has_next = True
                return
            self._bucket, self._position = self._bucket + 1, 0
        self.has_next = False

    def take(self, rows: Rows, limit: int) -> NDArray[np.int64]:
        """Return the next rows of the current bucket, at most ``limit``."""
        bucket = rows.bucket(self.kind, self._bucket) or []
        taken = bucket[self._position : self._position + limit]
        self._position += len(taken)
        return np.array([row for row in taken if rows.in_bucket(row, self._bucket)], np.int64)


class _Single(_Group):
    """One-slot productions; results are remembered for every value that was expanded."""

    def __init__(self, kind: Kind, cost: float, numbered: Sequence[tuple[int, Production]]) -> None:
        super().__init__(kind, cost, [index for index, _ in numbered])
        self._functions = [(production.function(), production.primitive.result) for _, production in numbered]
        self._position_of: dict[int, int] = {}
        self._tables: list[list[int]] = [[] for _ in numbered]

    def results(self, bank: Bank, numbers: Sequence[int]) -> Iterator[tuple[int, Ids]]:
        """Yield each production's place in the group and its results for interned values."""
        new = [number for number in numbers if number != MISSING and number not in self._position_of]
        base = len(self._position_of)
        self._position_of.update({number: base + i for i, number in enumerate(new)})
        positions = np.array([self._position_of.get(number, -1) for number in numbers], np.int64)
        values = [bank.value(number) for number in new]
        for j, (function, result) in enumerate(self._functions):
            table = self._tables[j]
            table.extend(_apply(bank, function, result, values))
            results = np.array(table, np.int32)[positions] if table else np.full(len(numbers), MISSING, np.int32)
            results[positions < 0] = MISSING
            yield j, results


class _Pair(_Group):
    """Two-slot productions of equal kinds, walking over the rows of one of the two slots."""

    def __init__(self, slot: int, seen: tuple[list[int], list[int]], kind: Kind, cost: float, indices: Sequence[int]):
        super().__init__(kind, cost, indices)
        self._slot = slot
        self._seen = seen

    def pairs(self, new: Sequence[int], reach: int) -> NDArray[np.int64]:
        """Return the new rows with partners seen before, in slot order.

        A row of rank ``r`` meets partners up to rank ``reach / r``: early rows meet the input, and the first few rows
        meet each other.
        """
        own, partners = self._seen[self._slot], self._seen[1 - self._slot]
        found: list[tuple[int, int]] = []
        for row in new:
            own.append(row)
            for other in partners[: reach // len(own)]:
                found.append((row, other) if self._slot == 0 else (other, row))
        return np.array(found, np.int64).reshape(-1, 2)


def _apply(bank: Bank, function: Callable[..., Any], result: Kind, values: Sequence[Any]) -> list[int]:
    numbers = []
    intern = bank.intern
    for value in values:
        try:
            numbers.append(intern(result, function(value)))
        except DslError:
            numbers.append(MISSING)
    return numbers


def _grouped(productions: Sequence[Production]) -> list[_Group]:
    """Return the groups in the order of the productions; costs within one bucket count as equal."""
    members: dict[tuple[tuple[Kind, ...], int], list[tuple[int, Production]]] = {}
    for index, production in enumerate(productions):
        tier = int(max(production.cost, _LEAST_COST) * BUCKETS_PER_BIT)
        members.setdefault((production.slots, tier), []).append((index, production))
    groups: list[_Group] = []
    for (slots, tier), numbered in members.items():
        cost = tier / BUCKETS_PER_BIT
        if len(slots) == 1:
            groups.append(_Single(slots[0], cost, numbered))
            continue
        seen: tuple[list[int], list[int]] = ([], [])
        indices = [index for index, _ in numbered]
        groups.extend(_Pair(slot, seen, slots[slot], cost + INPUT_COST, indices) for slot in (0, 1))
    return groups
