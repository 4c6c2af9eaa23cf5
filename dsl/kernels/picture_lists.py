"""Pick members of a list of pictures, or order them, by their statistics."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_list_codes import (
    ASYMMETRIC,
    COMMON_COLOR,
    COMMON_CONTENT,
    COMMON_SHAPE,
    NUM_PICKS,
    NUM_SORTS,
    ODD_CONTENT,
    ODD_SHAPE,
    PICK_COLUMNS,
    SORT_COLUMNS,
    STAT_CONTENT_HASH,
    STAT_FULL,
    STAT_MAIN_COLOR,
    STAT_SHAPE_HASH,
    STAT_SYMMETRIC_LR,
    STAT_SYMMETRY,
    SYMMETRIC_LR,
)

Numbers = NDArray[np.int64]


@njit(cache=True)
def pick(stats: Numbers, criterion: int, chosen: NDArray[np.uint8]) -> int:
    """Mark the members that meet a criterion and return their number, 0 if the criterion does not decide.

    Args:
        stats: ``(n, NUM_STATS)``, one row of ``picture_stats`` for each member, n at most 64.
        criterion: ``MOST_*``, ``LEAST_*`` (all members of the best value), ``COMMON_*`` (the value that occurs most
            often, more than once; none if two do), ``ODD_*`` (the only value that occurs once), ``SYMMETRIC_LR``,
            ``ASYMMETRIC`` or ``FULL_BOX``.
        chosen: ``(64,)``, receives 1 for marked members and 0 for the others of the n.
    """
    n = stats.shape[0]
    if criterion < 2 * len(PICK_COLUMNS):
        column = PICK_COLUMNS[criterion >> 1]
        best = stats[0, column] if n > 0 else 0
        for k in range(1, n):
            best = max(best, stats[k, column]) if criterion & 1 == 0 else min(best, stats[k, column])
        return _mark_equal(stats, column, best, chosen)
    if criterion == SYMMETRIC_LR:
        return _mark_equal(stats, STAT_SYMMETRIC_LR, 1, chosen)
    if criterion == ASYMMETRIC:
        return _mark_equal(stats, STAT_SYMMETRY, 0, chosen)
    if criterion >= NUM_PICKS - 1:
        return _mark_equal(stats, STAT_FULL, 1, chosen) if criterion < NUM_PICKS else 0
    column = STAT_MAIN_COLOR
    if criterion in (COMMON_SHAPE, ODD_SHAPE):
        column = STAT_SHAPE_HASH
    elif criterion in (COMMON_CONTENT, ODD_CONTENT):
        column = STAT_CONTENT_HASH
    common = criterion in (COMMON_SHAPE, COMMON_COLOR, COMMON_CONTENT)
    member = _common_member(stats, column) if common else _odd_member(stats, column)
    if member < 0:
        return 0
    return _mark_equal(stats, column, stats[member, column], chosen)


@njit(cache=True)
def _mark_equal(stats: Numbers, column: int, value: int, chosen: NDArray[np.uint8]) -> int:
    count = 0
    for k in range(stats.shape[0]):
        marked = stats[k, column] == value
        chosen[k] = marked
        count += marked
    return count


@njit(cache=True)
def _times(stats: Numbers, column: int, member: int) -> int:
    count = 0
    for k in range(stats.shape[0]):
        if stats[k, column] == stats[member, column]:
            count += 1
    return count


@njit(cache=True)
def _common_member(stats: Numbers, column: int) -> int:
    """Return a member of the value that occurs most often, -1 if none occurs twice or two occur equally often."""
    best, best_times = -1, 1
    tied = False
    for k in range(stats.shape[0]):
        times = _times(stats, column, k)
        if times > best_times:
            best, best_times, tied = k, times, False
        elif best >= 0 and times == best_times and stats[k, column] != stats[best, column]:
            tied = True
    return -1 if tied else best


@njit(cache=True)
def _odd_member(stats: Numbers, column: int) -> int:
    """Return the only member whose value occurs once, -1 if there is none or several."""
    odd = -1
    for k in range(stats.shape[0]):
        if _times(stats, column, k) == 1:
            if odd >= 0:
                return -1
            odd = k
    return odd


@njit(cache=True)
def sort_order(stats: Numbers, n: int, key: int, order: Numbers) -> None:
    """Order members by a key, ties in list order.

    Args:
        stats: rows of ``picture_stats``, at least n.
        n: number of members, at most 64.
        key: ``*_UP`` or ``*_DOWN``.
        order: ``(64,)``, receives the members in their new order.
    """
    column = SORT_COLUMNS[key >> 1] if key < NUM_SORTS else 0
    sign = 1 if key & 1 == 0 else -1
    for k in range(n):
        value = sign * stats[k, column]
        place = k
        while place > 0 and sign * stats[order[place - 1], column] > value:
            order[place] = order[place - 1]
            place -= 1
        order[place] = k
