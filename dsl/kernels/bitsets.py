"""Loops over bitsets of cells: predicates, purity of copy expressions, and rule lists.

A bitset over N cells is ``ceil(N / 64)`` words of uint64; bits past the last cell are 0.
"""

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from dsl.kernels.cache import njit

Words = NDArray[np.uint64]
Planes = NDArray[np.uint8]

COLOR_PLANE, NUMBER_PLANE, FLAG_PLANE = 0, 1, 2
EQUAL, AT_MOST, AT_LEAST, SAME = 0, 1, 2, 3
NONE = 255
MAX_EQUAL_VALUES = 12
MAX_THRESHOLDS = 10


if numba.config.DISABLE_JIT:

    def popcount(word: Any) -> Any:
        """Count the set bits of a uint64."""
        return int(word).bit_count()
else:

    @intrinsic  # type: ignore[untyped-decorator]
    def popcount(typing_context: Any, word: Any) -> Any:
        """Count the set bits of a uint64 with the processor's own instruction."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.ctpop(arguments[0])

        return types.uint64(types.uint64), generate


@njit(cache=True)
def enumerate_predicates(
    planes: Planes, kinds: NDArray[np.int64], costs: NDArray[np.float64], cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """List predicates on single planes for the values seen in the first ``cells`` columns.

    Returns rows ``(plane, relation, value, -1)`` and their costs in bits. Color planes: equal to each value. Number
    planes: equal to each of the smallest values, and thresholds from below and, where some cell has no number, from
    above. Flag planes: set.
    """
    rows = np.empty((len(planes) * (MAX_EQUAL_VALUES + 2 * 16 + 2), 4), np.int64)
    bits = np.empty(len(rows), np.float64)
    count = 0
    seen = np.empty(256, np.bool_)
    values = np.empty(256, np.int64)
    for p in range(len(planes)):
        if kinds[p] == FLAG_PLANE:
            count = _add(rows, bits, count, p, EQUAL, 1, costs[p])
            continue
        seen[:] = False
        for n in range(cells):
            seen[planes[p, n]] = True
        size = 0
        for value in range(256):
            if seen[value]:
                values[size] = value
                size += 1
        if kinds[p] == COLOR_PLANE:
            for k in range(size):
                count = _add(rows, bits, count, p, EQUAL, values[k], costs[p] + 2.5)
            continue
        if size < 2:
            continue
        has_none = seen[NONE]
        numbers = size - 1 if has_none else size
        if has_none:
            count = _add(rows, bits, count, p, EQUAL, NONE, costs[p] + 1.3)
        for k in range(min(numbers, MAX_EQUAL_VALUES)):
            count = _add(rows, bits, count, p, EQUAL, values[k], costs[p] + 1.0 + _number_bits(values[k]))
        step = max(1, numbers // 8)
        for k in range(numbers):
            if numbers > MAX_THRESHOLDS and k >= 6 and (k - 6) % step != 0:
                continue
            price = costs[p] + 1.5 + _number_bits(values[k])
            if k < numbers - 1:
                count = _add(rows, bits, count, p, AT_MOST, values[k], price)
            if has_none and k > 0:
                count = _add(rows, bits, count, p, AT_LEAST, values[k], price)
    return rows[:count], bits[:count]


@njit(cache=True)
def _add(
    rows: NDArray[np.int64], bits: NDArray[np.float64], count: int, plane: int, relation: int, value: int, cost: float
) -> int:
    rows[count, 0] = plane
    rows[count, 1] = relation
    rows[count, 2] = value
    rows[count, 3] = -1
    bits[count] = cost
    return count + 1


@njit(cache=True)
def _number_bits(value: int) -> float:
    return min(2.0, 0.3 * value)


@njit(cache=True)
def holds(planes: Planes, row: NDArray[np.int64], n: int) -> bool:
    """Tell whether predicate ``row`` (plane, relation, value, other plane) holds in column ``n``."""
    here = planes[row[0], n]
    if row[1] == EQUAL:
        return bool(here == row[2])
    if row[1] == AT_MOST:
        return bool(here <= row[2])
    if row[1] == AT_LEAST:
        return bool(here >= row[2] and here != NONE)
    return bool(here == planes[row[3], n] and here < 10)


@njit(cache=True)
def pack_predicates(planes: Planes, rows: NDArray[np.int64], cells: int) -> tuple[Words, Words, NDArray[np.int64]]:
    """Pack predicates into bitsets over the first ``cells`` columns and over the rest.

    Every predicate is complemented, if need be, so that it is false in the first column. Returns both bitsets, and per
    predicate the number of set bits among the first columns; negative where it was complemented.
    """
    total = planes.shape[1]
    rest = total - cells
    train = np.zeros((len(rows), (cells + 63) // 64), np.uint64)
    test = np.zeros((len(rows), max(1, (rest + 63) // 64)), np.uint64)
    counts = np.zeros(len(rows), np.int64)
    for p in range(len(rows)):
        flip = holds(planes, rows[p], 0)
        for n in range(cells):
            if holds(planes, rows[p], n) != flip:
                train[p, n >> 6] |= np.uint64(1) << np.uint64(n & 63)
                counts[p] += 1
        for n in range(rest):
            if holds(planes, rows[p], cells + n) != flip:
                test[p, n >> 6] |= np.uint64(1) << np.uint64(n & 63)
        if flip:
            counts[p] = -counts[p]
    return train, test, counts


@njit(cache=True)
def pack_wrong(planes: Planes, target: NDArray[np.uint8]) -> Words:
    """Pack for each plane the columns where it differs from the target."""
    cells = len(target)
    wrong = np.zeros((len(planes), (cells + 63) // 64), np.uint64)
    for k in range(len(planes)):
        for n in range(cells):
            if planes[k, n] != target[n]:
                wrong[k, n >> 6] |= np.uint64(1) << np.uint64(n & 63)
    return wrong


@njit(cache=True)
def scan(predicates: Words, wrong: Words, active: Words) -> NDArray[np.int32]:
    """Test every predicate on the active cells against every expression.

    Args:
        predicates: ``(P, W)`` bitsets.
        wrong: ``(K, W)`` cells where copying expression k is wrong, expressions in cost order.
        active: ``(W,)`` cells still to be explained.

    Returns:
        ``(P, 6)``: the first expression without an error where the predicate holds, and where it does not (-1: none);
        the number of active cells where it holds, and where not; the fewest errors of one expression where it holds,
        and where not (counted only if the other side has an expression without an error, else -1).
    """
    result = np.full((len(predicates), 6), -1, np.int32)
    used = np.flatnonzero(active)
    width = len(used)
    live = active[used]
    bad = np.empty((len(wrong), width), np.uint64)
    for k in range(len(wrong)):
        for w in range(width):
            bad[k, w] = wrong[k, used[w]] & live[w]
    inside = np.empty(width, np.uint64)
    outside = np.empty(width, np.uint64)
    for p in range(len(predicates)):
        ones = 0
        zeros = 0
        for w in range(width):
            inside[w] = predicates[p, used[w]] & live[w]
            outside[w] = live[w] & ~inside[w]
            ones += popcount(inside[w])
            zeros += popcount(outside[w])
        result[p, 2] = ones
        result[p, 3] = zeros
        if ones == 0 or zeros == 0:
            continue
        result[p, 0] = _first_pure(bad, inside)
        result[p, 1] = _first_pure(bad, outside)
        if result[p, 1] >= 0:
            result[p, 4] = 0 if result[p, 0] >= 0 else _fewest_errors(bad, inside)
        if result[p, 0] >= 0:
            result[p, 5] = 0 if result[p, 1] >= 0 else _fewest_errors(bad, outside)
    return result


@njit(cache=True)
def _first_pure(bad: Words, side: Words) -> int:
    for k in range(len(bad)):
        pure = True
        for w in range(len(side)):
            if bad[k, w] & side[w]:
                pure = False
                break
        if pure:
            return k
    return -1


@njit(cache=True)
def _fewest_errors(bad: Words, side: Words) -> int:
    fewest = 1 << 30
    for k in range(len(bad)):
        errors = 0
        for w in range(len(side)):
            errors += popcount(bad[k, w] & side[w])
            if errors >= fewest:
                break
        if errors < fewest:
            fewest = errors
    return fewest


@njit(cache=True)
def pure_expressions(wrong: Words, side: Words, limit: int) -> NDArray[np.int64]:
    """List the first ``limit`` expressions that have no error on a set of cells."""
    found = np.empty(limit, np.int64)
    count = 0
    for k in range(len(wrong)):
        pure = True
        for w in range(len(side)):
            if wrong[k, w] & side[w]:
                pure = False
                break
        if pure:
            found[count] = k
            count += 1
            if count == limit:
                break
    return found[:count]


@njit(cache=True)
def apply_rules(lists: NDArray[np.int64], predicates: Words, expressions: Planes, first: int) -> Planes:
    """Apply rule lists to cells.

    Args:
        lists: ``(S, D, 3)`` rules of each list: predicate (-1: always), 1 if it must hold or 0 if not, expression; a
            predicate of -2 pads.
        predicates: ``(P, W)`` bitsets over the cells.
        expressions: ``(K, N)`` color planes on the cells.
        first: bit of the predicates that belongs to the first cell.

    Returns:
        ``(S, N)`` colors.
    """
    cells = expressions.shape[1]
    out = np.full((len(lists), cells), 10, np.uint8)
    for s in range(len(lists)):
        for n in range(cells):
            for d in range(lists.shape[1]):
                p = lists[s, d, 0]
                if p == -2:
                    break
                if p >= 0:
                    bit = first + n
                    held = (predicates[p, bit >> 6] >> np.uint64(bit & 63)) & np.uint64(1)
                    if held != np.uint64(lists[s, d, 1]):
                        continue
                out[s, n] = expressions[lists[s, d, 2], n]
                break
    return out
