"""Loops that compare what actions paint with outputs, and paint the chosen; arrays as in ``dsl.kernels.objects``."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.objects import Cells, Grid8, Labels, Numbers

Flags = NDArray[np.bool_]


@njit(cache=True)
def judge(grid: Grid8, labels: Labels, output: Grid8, cells: Cells, ends: Numbers, erases: Flags) -> Flags:
    """Tell for each action and object whether what it paints disagrees with the output.

    Args:
        cells: what all actions paint for all objects, ``(n, 3)``.
        ends: ``(actions, objects + 1)`` places in ``cells``; a first place of -1 marks an action without a result.
        erases: ``(actions,)``.

    Of two paintings of one cell the later counts. An action that erases and paints nothing is wrong if some cell of
    the object keeps its color.
    """
    actions, count = ends.shape[0], ends.shape[1] - 1
    wrong = np.zeros((actions, count), np.bool_)
    kept = np.zeros(count, np.bool_)
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            if labels[r, c] >= 0 and grid[r, c] == output[r, c]:
                kept[labels[r, c]] = True
    seen = np.full(grid.shape, -1, np.int64)
    for a in range(actions):
        for q in range(count):
            if ends[a, q] == ends[a, q + 1]:
                wrong[a, q] = not erases[a] or kept[q]
                continue
            for n in range(ends[a, q + 1] - 1, ends[a, q] - 1, -1):
                r = cells[n, 0]
                c = cells[n, 1]
                if seen[r, c] != a * count + q:
                    seen[r, c] = a * count + q
                    if output[r, c] != cells[n, 2]:
                        wrong[a, q] = True
                        break
    return wrong


@njit(cache=True)
def narrow(
    grid: Grid8,
    labels: Labels,
    output: Grid8,
    background: int,
    cells: Cells,
    ends: Numbers,
    erases: Flags,
    wrong: Flags,
) -> bool:
    """Mark in ``wrong`` actions that leave undone what no other object can do; tell if the output can be reached.

    Every cell that changes or belongs to an object must come out right through some action of some object. Where one
    object alone can do it, its other actions are wrong. Writes to ``wrong``.
    """
    height, width = grid.shape
    actions, count = wrong.shape
    own = np.zeros(count + 1, np.int64)
    place = np.full(grid.shape, -1, np.int64)
    for r in range(height):
        for c in range(width):
            if labels[r, c] >= 0:
                own[labels[r, c] + 1] += 1
    for q in range(count):
        own[q + 1] += own[q]
    where = np.empty((own[count], 2), np.int64)
    filled = own.copy()
    for r in range(height):
        for c in range(width):
            if labels[r, c] >= 0:
                where[filled[labels[r, c]], 0] = r
                where[filled[labels[r, c]], 1] = c
                filled[labels[r, c]] += 1
    for _ in range(3):
        producer = np.full(grid.shape, -1, np.int64)
        place[:] = -1
        for a in range(actions):
            for q in range(count):
                if not wrong[a, q]:
                    _produce(output, background, cells, ends, erases, own, where, a, q, producer, place, count)
        needed = np.zeros(count, np.int64)
        for r in range(height):
            for c in range(width):
                if labels[r, c] >= 0 or grid[r, c] != output[r, c]:
                    if producer[r, c] == -1:
                        return False
                    if producer[r, c] >= 0:
                        needed[producer[r, c]] += 1
        changed = False
        place[:] = -1
        for a in range(actions):
            for q in range(count):
                if wrong[a, q]:
                    continue
                done = _count_needed(
                    grid, labels, output, background, cells, ends, erases, own, where, a, q, producer, place, count
                )
                if done < needed[q]:
                    wrong[a, q] = True
                    changed = True
        if not changed:
            break
    return True


@njit(cache=True)
def _produce(
    output: Grid8,
    background: int,
    cells: Cells,
    ends: Numbers,
    erases: Flags,
    own: Numbers,
    where: Numbers,
    a: int,
    q: int,
    producer: Numbers,
    place: Numbers,
    count: int,
) -> None:
    for n in range(ends[a, q], ends[a, q + 1]):
        r, c = cells[n, 0], cells[n, 1]
        place[r, c] = a * count + q
        if producer[r, c] != q:
            producer[r, c] = q if producer[r, c] == -1 else -2
    if erases[a]:
        for n in range(own[q], own[q + 1]):
            r, c = where[n, 0], where[n, 1]
            if place[r, c] != a * count + q and output[r, c] == background and producer[r, c] != q:
                producer[r, c] = q if producer[r, c] == -1 else -2


@njit(cache=True)
def _count_needed(
    grid: Grid8,
    labels: Labels,
    output: Grid8,
    background: int,
    cells: Cells,
    ends: Numbers,
    erases: Flags,
    own: Numbers,
    where: Numbers,
    a: int,
    q: int,
    producer: Numbers,
    place: Numbers,
    count: int,
) -> int:
    done = 0
    for n in range(ends[a, q], ends[a, q + 1]):
        r, c = cells[n, 0], cells[n, 1]
        if place[r, c] != a * count + q:
            place[r, c] = a * count + q
            if producer[r, c] == q and (labels[r, c] >= 0 or grid[r, c] != output[r, c]):
                done += 1
    if erases[a]:
        for n in range(own[q], own[q + 1]):
            r, c = where[n, 0], where[n, 1]
            if place[r, c] != a * count + q and output[r, c] == background and producer[r, c] == q:
                done += 1
    return done


@njit(cache=True)
def explain(
    grid: Grid8, labels: Labels, output: Grid8, background: int, cells: Cells, ends: Numbers, erases: Flags
) -> Numbers:
    """Count for each action and object the changed cells that it makes right: painted, or cleared to background.

    Returns ``(actions, objects)``.
    """
    actions, count = ends.shape[0], ends.shape[1] - 1
    explained = np.zeros((actions, count), np.int64)
    cleared = np.zeros(count, np.int64)
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            if labels[r, c] >= 0 and grid[r, c] != output[r, c] and output[r, c] == background:
                cleared[labels[r, c]] += 1
    seen = np.full(grid.shape, -1, np.int64)
    for a in range(actions):
        for q in range(count):
            if erases[a]:
                explained[a, q] = cleared[q]
            for n in range(ends[a, q], ends[a, q + 1]):
                r, c = cells[n, 0], cells[n, 1]
                if seen[r, c] == a * count + q or grid[r, c] == output[r, c]:
                    continue
                seen[r, c] = a * count + q
                if not (erases[a] and labels[r, c] == q and output[r, c] == background):
                    explained[a, q] += 1
    return explained


@njit(cache=True)
def render(
    grid: Grid8,
    labels: Labels,
    background: int,
    cells: Cells,
    ends: Numbers,
    erases: Flags,
    passive: Flags,
    choice: Numbers,
) -> Grid8:
    """Paint the chosen action of every object: first what erases is cleared, then passive actions, then the others.

    Args:
        choice: action of each object, ``(objects,)``.
    """
    out = grid.copy()
    for r in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            if labels[r, c] >= 0 and erases[choice[labels[r, c]]]:
                out[r, c] = background
    for late in range(2):
        for q in range(len(choice)):
            a = choice[q]
            if passive[a] == (late == 1):
                continue
            for n in range(ends[a, q], ends[a, q + 1]):
                out[cells[n, 0], cells[n, 1]] = cells[n, 2]
    return out
