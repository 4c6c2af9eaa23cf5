"""Subsets of objects that one predicate names, for outputs that count or line up several objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.program import Program
from dsl.search.cells.predicates import Items, PredicateTable, build_predicates
from dsl.search.objects.properties import object_items
from dsl.search.objects.rules import write_rules
from dsl.search.objects.segments import Scene

TAKE, LEAVE = "take", "leave"
_MAX_PREDICATES = 2000
_EVERYTHING_BITS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Subsets:
    """All objects, and the objects of each predicate and of its negation, over several scenes.

    Attributes:
        chosen: ``(subsets, objects)`` bool, the objects of all scenes in a row.
        bits: description length of each subset.
    """

    chosen: NDArray[np.bool_]
    bits: NDArray[np.float64]
    _items: Items
    _table: PredicateTable

    def write(self, k: int) -> tuple[Program, ...]:
        """Write subset ``k`` as rules that take its objects and leave the others."""
        if k == 0:
            return write_rules((), TAKE)
        predicate = self._table.describe((k - 1) // 2, k % 2 == 1, self._items)
        return write_rules(((predicate, TAKE),), LEAVE)


def find_subsets(scenes: list[Scene], train: int) -> Subsets:
    """Enumerate the predicates that tell objects of the demonstrations (the first ``train`` scenes) apart."""
    items = object_items(scenes, train)
    table = build_predicates(items, _MAX_PREDICATES)
    others = items.planes.shape[1] - items.train_cells
    held = np.concatenate([_unpack(table.train, items.train_cells), _unpack(table.test, others)], axis=1)
    everything = np.ones((1, held.shape[1]), np.bool_)
    both = np.stack([held, ~held], axis=1).reshape(-1, held.shape[1])
    bits = np.concatenate([[_EVERYTHING_BITS], np.repeat(table.costs, 2)])
    return Subsets(np.concatenate([everything, both]), bits, items, table)


def _unpack(words: NDArray[np.uint64], size: int) -> NDArray[np.bool_]:
    """Read bitsets ``(n, words)`` as flags ``(n, size)``."""
    flags: NDArray[np.bool_] = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :size].astype(np.bool_)
    return flags


def split_scenes(values: NDArray[np.generic], scenes: Sequence[Scene]) -> Iterator[NDArray[np.generic]]:
    """Cut an array whose last axis is the objects of all scenes in a row into one part per scene."""
    start = 0
    for scene in scenes:
        yield values[..., start : start + scene.count]
        start += scene.count
