"""Learn decision lists of copy expressions: ``if p1 copy e1; else if p2 copy e2; ...; else copy e``.

A list must be exact on every cell of the demonstrations. The search is a beam over partial lists, scored by description
length: the bits of the rules so far plus the bits to name the cells that the best single expression still gets wrong
(``log2 C(n, e)``). All lists of the first depth that has one are kept: they vote.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.kernels import bitsets
from dsl.kernels.bitsets import COLOR_PLANE
from dsl.search.bits import log2_factorial
from dsl.search.budget import Meter
from dsl.search.cells.predicates import Items, Predicate, PredicateTable, build_predicates

CONSTANT_COST = 2.5
ALWAYS = -1
_PAD = -2
_PREDICATES_PER_NODE = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound the search for lists.

    Attributes:
        depth: rules before the default.
        beam: partial lists kept per depth.
        solutions: lists returned.
        predicates: predicates after interning.
        nodes: work of one search, in nodes.
    """

    depth: int = 7
    beam: int = 24
    solutions: int = 400
    predicates: int = 6000
    nodes: int = 100_000


Rule = tuple[int, int, int]
"""Predicate index (``ALWAYS``: the default), 1 if it must hold or 0 if it must not, expression index."""


@dataclass(frozen=True, slots=True)
class RuleList:
    """Rules in order, the default last, with their cost in bits."""

    cost: float
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Expressions:
    """Color planes that may be copied, in cost order.

    Attributes:
        values: ``(K, N)`` colors on all cells, demonstrations first.
        wrong: ``(K, W)`` bitsets of demonstration cells where the copy is wrong.
        names: plane name, or ``#3`` for a constant color.
        costs: bits.
    """

    values: NDArray[np.uint8]
    wrong: bitsets.Words
    names: tuple[str, ...]
    costs: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Partial:
    """Rules so far, their bits, and the cells that they leave to be explained."""

    cost: float
    active: bitsets.Words
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Extensions:
    """Ways to add one more rule to a partial list, not yet carried out: parallel arrays, best scores first."""

    state: _Partial
    holds: int
    scores: NDArray[np.float64]
    costs: NDArray[np.float64]
    scanned: NDArray[np.int64]
    expressions: NDArray[np.int32]


class Learner:
    """Search lists for one task on one canvas, and predict with them."""

    def __init__(self, items: Items, target: NDArray[np.uint8] | Expressions, limits: Limits) -> None:
        """Prepare the search.

        Args:
            items: cells, or other things that each rule decides on (objects), under named planes.
            target: colors of the demonstrations' cells; or, for items that are no cells, what may be chosen for them.
            limits: bounds of the search.
        """
        self.items = items
        self.limits = limits
        self.expressions = target if isinstance(target, Expressions) else build_expressions(items, target)
        self.predicates: PredicateTable = build_predicates(items, limits.predicates)
        self._scanned = np.ascontiguousarray(self.predicates.train[self.predicates.representatives])
        self._scanned_costs = self.predicates.costs[self.predicates.representatives]
        self._members = _members(self.predicates)

    def search(
        self,
        meter: Meter,
        accept: Callable[[RuleList], bool] | None = None,
        left_out: tuple[int, int] | None = None,
        depth: int | None = None,
    ) -> list[RuleList]:
        """Return exact lists in cost order; empty if the limits or the meter end the search before one is found.

        Args:
            meter: counts the work and may end it.
            accept: a further test of exact lists, for choices that are right only together.
            left_out: the first and past the last column of a demonstration that is not looked at.
            depth: rules before the default at most, if fewer than the limits allow.
        """
        everything = _all_cells(self.items.train_cells, left_out)
        costs = self.expressions.costs
        pure = bitsets.pure_expressions(self.expressions.wrong, everything, 8)
        found = [RuleList(float(costs[k]), ((ALWAYS, 1, int(k)),)) for k in pure]
        found = [rules for rules in found if accept is None or accept(rules)]
        states = [_Partial(0.0, everything, ())]
        seen: set[bytes] = set()
        spent = 0
        for _ in range(self.limits.depth if depth is None else depth):
            following: list[_Extensions] = []
            for state in states:
                if meter.exhausted or spent > self.limits.nodes or not len(self._scanned):
                    break
                nodes = 1 + len(self._scanned) * (1 + int(np.count_nonzero(state.active)) // 8) // _PREDICATES_PER_NODE
                meter.spend(nodes)
                spent += nodes
                result = bitsets.scan(self._scanned, self.expressions.wrong, state.active)
                finished = self._finished(state, result)
                found.extend(rules for rules in finished if accept is None or accept(rules))
                following.extend(self._extended(state, result))
            if found:
                break
            states = self._carried_out(following, seen)
            if not states:
                break
        found.sort(key=lambda rules: rules.cost)
        return found[: self.limits.solutions]

    def _finished(self, state: _Partial, result: NDArray[np.int32]) -> list[RuleList]:
        """Return the lists that one more predicate completes: both sides have an expression without an error."""
        table, costs = self.predicates, self.expressions.costs
        both = np.flatnonzero((result[:, 0] >= 0) & (result[:, 1] >= 0))
        if not len(both):
            return []
        side_costs = costs[result[both, 0]] + costs[result[both, 1]]
        ranked = sorted(
            (float(table.costs[member] + side_cost), int(member), int(c))
            for c, side_cost in zip(both.tolist(), side_costs.tolist(), strict=True)
            for member in self._members[c]
        )
        found = []
        for _, member, c in ranked[:60]:
            inside = state.active & self._scanned[c]
            held = bitsets.pure_expressions(self.expressions.wrong, inside, 4).tolist()
            missed = bitsets.pure_expressions(self.expressions.wrong, state.active & ~inside, 4).tolist()
            for first in held:
                for last in missed:
                    cost = state.cost + float(table.costs[member] + costs[first] + costs[last])
                    found.append(RuleList(cost, (*state.rules, (member, 1, first), (ALWAYS, 1, last))))
        return found

    def _extended(self, state: _Partial, result: NDArray[np.int32]) -> list[_Extensions]:
        """Return the best ways to add one rule: a side of a predicate where some expression has no error."""
        extensions = []
        for holds in (1, 0):
            pure, rest, errors = result[:, 1 - holds], result[:, 2 + holds], result[:, 4 + holds]
            chosen = np.flatnonzero((pure >= 0) & (errors > 0))
            if not len(chosen):
                continue
            cost = state.cost + self._scanned_costs[chosen] + self.expressions.costs[pure[chosen]]
            score = cost + exception_bits(rest[chosen], errors[chosen]) + 3.0 * np.minimum(errors[chosen], 4)
            best = np.argsort(score, kind="stable")[: 2 * self.limits.beam]
            kept = chosen[best]
            extensions.append(_Extensions(state, holds, score[best], cost[best], kept, pure[kept]))
        return extensions

    def _carried_out(self, extensions: list[_Extensions], seen: set[bytes]) -> list[_Partial]:
        """Carry out the best extensions, one per set of cells that they leave to be explained."""
        if not extensions:
            return []
        scores = np.concatenate([group.scores for group in extensions])
        groups = np.concatenate([np.full(len(group.scores), k) for k, group in enumerate(extensions)])
        places = np.concatenate([np.arange(len(group.scores)) for group in extensions])
        kept: list[_Partial] = []
        for index in np.argsort(scores, kind="stable"):
            group, place = extensions[groups[index]], places[index]
            scanned = group.scanned[place]
            bits = self._scanned[scanned]
            active = group.state.active & (~bits if group.holds else bits)
            key = active.tobytes()
            if key in seen:
                continue
            seen.add(key)
            rule = (int(self.predicates.representatives[scanned]), group.holds, int(group.expressions[place]))
            kept.append(_Partial(float(group.costs[place]), active, (*group.state.rules, rule)))
            if len(kept) == self.limits.beam:
                break
        return kept

    def predict(self, lists: Sequence[RuleList]) -> NDArray[np.uint8]:
        """Apply lists to the test cells; returns ``(len(lists), test cells)`` colors, 10 for no color."""
        values = np.ascontiguousarray(self.expressions.values[:, self.items.train_cells :])
        predicted: NDArray[np.uint8] = bitsets.apply_rules(_rule_table(lists), self.predicates.test, values, 0)
        return predicted

    def recall(self, lists: Sequence[RuleList], columns: tuple[int, int]) -> NDArray[np.uint8]:
        """Apply lists to a range of the demonstrations' cells; returns ``(len(lists), cells)`` colors."""
        values = np.ascontiguousarray(self.expressions.values[:, columns[0] : columns[1]])
        recalled: NDArray[np.uint8] = bitsets.apply_rules(_rule_table(lists), self.predicates.train, values, columns[0])
        return recalled

    def describe(self, found: RuleList) -> tuple[tuple[tuple[Predicate, str], ...], str]:
        """Return the rules as predicates with expression names, and the name of the default."""
        names = self.expressions.names
        rules = tuple(
            (self.predicates.describe(p, bool(holds), self.items), names[k]) for p, holds, k in found.rules[:-1]
        )
        return rules, names[found.rules[-1][2]]


def build_expressions(items: Items, target: NDArray[np.uint8]) -> Expressions:
    """Collect color planes and the target's own colors, interned, in cost order."""
    colored = [p for p, spec in enumerate(items.specs) if spec.kind == COLOR_PLANE]
    constants = [color for color in range(NUM_COLORS) if (target == color).any()]
    values = np.concatenate(
        [items.planes[colored], np.repeat(np.array(constants, np.uint8)[:, None], items.planes.shape[1], axis=1)]
    )
    names = [items.specs[p].name for p in colored] + [f"#{color}" for color in constants]
    costs = np.array([items.specs[p].cost for p in colored] + [CONSTANT_COST] * len(constants))
    right = (values[:, : items.train_cells] == target).any(axis=1)
    keep: list[int] = []
    seen: set[tuple[bytes, int]] = set()
    for k in np.argsort(costs, kind="stable").tolist():
        key = (values[k].tobytes(), k if k < len(colored) and colored[k] in items.written else -1)
        if right[k] and key not in seen:
            seen.add(key)
            keep.append(k)
    kept = np.ascontiguousarray(values[keep])
    wrong = bitsets.pack_wrong(kept, target)
    return Expressions(kept, wrong, tuple(names[k] for k in keep), costs[keep])


def exception_bits(cells: NDArray[np.int32], errors: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return ``log2 C(cells, errors)``: the bits to name which cells are exceptions."""
    return log2_factorial(cells) - log2_factorial(errors) - log2_factorial(cells - errors)


def _rule_table(lists: Sequence[RuleList]) -> NDArray[np.int64]:
    longest = max(len(found.rules) for found in lists)
    table = np.full((len(lists), longest, 3), _PAD, np.int64)
    for s, found in enumerate(lists):
        table[s, : len(found.rules)] = found.rules
    return table


def _all_cells(cells: int, left_out: tuple[int, int] | None) -> bitsets.Words:
    """Return the bitset of the demonstrations' cells without a range."""
    bits = np.zeros(64 * ((cells + 63) // 64), np.uint8)
    bits[:cells] = 1
    if left_out is not None:
        bits[left_out[0] : left_out[1]] = 0
    return np.packbits(bits, bitorder="little").view(np.uint64)


def _members(table: PredicateTable) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in table.representatives]
    for p, c in enumerate(table.class_of.tolist()):
        members[c].append(p)
    return members
