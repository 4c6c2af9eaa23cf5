"""Predicates on the cells of a canvas: their text, and their table over the cells of a whole task.

Text: ``name`` (a flag plane), ``name == 3``, ``name == none``, ``name == #3`` (color planes), ``name == other`` (two
color planes that both have a color), ``name <= 3``, ``name >= 3``; each may be preceded by ``not ``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError
from dsl.kernels import bitsets
from dsl.kernels.bitsets import COLOR_PLANE, EQUAL, FLAG_PLANE, NONE, SAME

Plane = NDArray[np.uint8]

NO_COLOR = 10
_COLOR = re.compile(r"#(\d)", re.ASCII)
_VALUE = re.compile(r"#?(\d{1,3})", re.ASCII)
_MARKS = {"==": EQUAL, "<=": bitsets.AT_MOST, ">=": bitsets.AT_LEAST}


@dataclass(frozen=True, slots=True)
class PlaneSpec:
    """Name a plane.

    Attributes:
        name: name in program text, without spaces.
        kind: ``COLOR_PLANE`` (0..9, 10 no color), ``NUMBER_PLANE`` (0..254, 255 none) or ``FLAG_PLANE`` (0, 1).
        cost: description length in bits of choosing it.
    """

    name: str
    kind: int
    cost: float


@dataclass(frozen=True, slots=True)
class Predicate:
    """A test of one cell: ``plane relation value``, or the same color in two planes."""

    plane: str
    relation: int
    value: int
    other: str | None = None
    negated: bool = False
    kind: int = FLAG_PLANE

    def __str__(self) -> str:
        return ("not " if self.negated else "") + self._positive_text()

    def _positive_text(self) -> str:
        if self.relation == SAME:
            return f"{self.plane} == {self.other}"
        if self.kind == FLAG_PLANE:
            return self.plane
        mark = next(mark for mark, relation in _MARKS.items() if relation == self.relation)
        if self.kind == COLOR_PLANE:
            return f"{self.plane} {mark} {'none' if self.value == NO_COLOR else f'#{self.value}'}"
        return f"{self.plane} {mark} {'none' if self.value == NONE else self.value}"

    def mask(self, plane: Callable[[str], Plane]) -> NDArray[np.bool_]:
        """Return where it holds, given planes by name."""
        here = plane(self.plane)
        result: NDArray[np.bool_]
        if self.relation == SAME:
            assert self.other is not None
            result = (here == plane(self.other)) & (here < NO_COLOR)
        elif self.relation == EQUAL:
            result = here == self.value
        elif self.relation == bitsets.AT_MOST:
            result = here <= self.value
        else:
            result = (here >= self.value) & (here != NONE)
        return ~result if self.negated else result


def parse_predicate(text: str, kind_of: Callable[[str], int]) -> Predicate:
    """Read a predicate from its text, given the kinds of planes by name.

    Raises:
        ParseError: the text is no predicate, or names no plane.
    """
    negated = text.startswith("not ")
    words = text.removeprefix("not ").split()
    if len(words) == 1:
        return Predicate(words[0], EQUAL, 1, negated=negated, kind=_known_kind(words[0], kind_of, text))
    if len(words) != 3 or words[1] not in _MARKS:
        raise ParseError(f"expected a flag or 'plane == value', got {text!r}")
    name, mark, right = words
    kind = _known_kind(name, kind_of, text)
    if right == "none":
        return Predicate(name, _MARKS[mark], NO_COLOR if kind == COLOR_PLANE else NONE, None, negated, kind)
    value = _VALUE.fullmatch(right)
    if value is not None:
        return Predicate(name, _MARKS[mark], int(value[1]), None, negated, kind)
    _known_kind(right, kind_of, text)
    return Predicate(name, SAME, 0, right, negated, kind)


def constant_color(text: object) -> int | None:
    """Return the color that a constant such as ``#3`` names; None for anything else."""
    match = _COLOR.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else int(match[1])


def _known_kind(name: str, kind_of: Callable[[str], int], text: str) -> int:
    try:
        return kind_of(name)
    except KeyError:
        raise ParseError(f"no plane {name!r}, in {text!r}") from None


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The cells of all images of a task, demonstrations first, under named planes.

    Attributes:
        planes: ``(P, N)`` uint8.
        specs: names, kinds and costs of the planes.
        pairs: planes to compare for equal colors, with the cost of the comparison.
        train_cells: number of columns that belong to demonstrations.
        written: indices of planes that read cells of the output written before; they are known for demonstrations only.
    """

    planes: NDArray[np.uint8]
    specs: tuple[PlaneSpec, ...]
    pairs: tuple[tuple[int, int, float], ...]
    train_cells: int
    written: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class PredicateTable:
    """Predicates interned over all cells up to complement, in cost order.

    Attributes:
        train: ``(P, W)`` bitsets over the demonstrations' cells; the first cell is never set.
        test: bitsets over the other cells, likewise complemented.
        costs: bits, ``(P,)``.
        rows: ``(P, 4)`` plane, relation, value, other plane.
        negated: whether the bitsets are the complement of the row's predicate.
        class_of: ``(P,)`` index into ``representatives`` of the first predicate with equal bits on demonstrations.
        representatives: ``(C,)`` predicate indices.
    """

    train: bitsets.Words
    test: bitsets.Words
    costs: NDArray[np.float64]
    rows: NDArray[np.int64]
    negated: NDArray[np.bool_]
    class_of: NDArray[np.int64]
    representatives: NDArray[np.int64]

    def describe(self, index: int, holds: bool, items: Items) -> Predicate:
        """Return the predicate of a row, so that it is true where the bit equals ``holds``."""
        plane, relation, value, other = (int(x) for x in self.rows[index])
        negated = bool(self.negated[index]) == holds
        spec = items.specs[plane]
        partner = items.specs[other].name if relation == SAME else None
        return Predicate(spec.name, relation, 0 if relation == SAME else value, partner, negated, spec.kind)


def build_predicates(items: Items, max_predicates: int) -> PredicateTable:
    """Enumerate, pack and intern the predicates of items; the cheapest name of equal ones wins."""
    kinds = np.array([spec.kind for spec in items.specs], np.int64)
    plane_costs = np.array([spec.cost for spec in items.specs])
    rows, costs = bitsets.enumerate_predicates(items.planes, kinds, plane_costs, items.train_cells)
    if items.pairs:
        rows = np.concatenate([rows, np.array([(a, SAME, 0, b) for a, b, _ in items.pairs], np.int64)])
        costs = np.concatenate([costs, np.array([cost for _, _, cost in items.pairs])])
    order = np.argsort(costs, kind="stable")
    rows, costs = rows[order], costs[order]
    train, test, counts = bitsets.pack_predicates(items.planes, rows, items.train_cells)
    written = np.array([row[0] in items.written or row[3] in items.written for row in rows.tolist()], bool)
    keep, class_of, representatives = _intern(train, test, counts, written, max_predicates)
    return PredicateTable(train[keep], test[keep], costs[keep], rows[keep], counts[keep] < 0, class_of, representatives)


def _intern(
    train: bitsets.Words,
    test: bitsets.Words,
    counts: NDArray[np.int64],
    written: NDArray[np.bool_],
    max_predicates: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    seen: set[tuple[bytes, bytes | int]] = set()
    classes: dict[bytes, int] = {}
    keep: list[int] = []
    class_of: list[int] = []
    representatives: list[int] = []
    for p in np.flatnonzero(counts).tolist():
        bits = train[p].tobytes()
        key = (bits, p if written[p] else test[p].tobytes())
        if key in seen:
            continue
        seen.add(key)
        if bits not in classes:
            classes[bits] = len(representatives)
            representatives.append(len(keep))
        class_of.append(classes[bits])
        keep.append(p)
        if len(keep) == max_predicates:
            break
    return (np.array(keep, np.int64), np.array(class_of, np.int64), np.array(representatives, np.int64))
