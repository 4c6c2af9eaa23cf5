"""Loops that compare what actions paint with outputs, and paint the chosen; arrays as in ``dsl.kernels.objects``."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.objects import Cells, Grid8, Labels, Numbers

Flags = NDArray[np.bool_]

NOBODY, SEVERAL = -1, -2


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
    own: Cells,
    starts: Numbers,
    cells: Cells,
    ends: Numbers,
    erases: Flags,
    wrong: Flags,
) -> bool:
    """Mark in ``wrong`` actions that leave undone what no other object can do; tell if the output can be reached.

    Every cell that changes or belongs to an object must come out right through some action of some object. Where one
    object alone can do it, its other actions are wrong. Writes to ``wrong``.

    Args:
        own: the objects' own cells, with their places ``starts``.
    """
    actions, count = wrong.shape
    made = np.empty((grid.size, 2), np.int64)
    seen = np.full(grid.shape, -1, np.int64)
    for turn in range(3):
        maker = np.full(grid.shape, NOBODY, np.int64)
        for a in range(actions):
            for q in range(count):
                if wrong[a, q]:
                    continue
                painted = cells[ends[a, q] : ends[a, q + 1]]
                stamp = (2 * turn * actions + a) * count + q
                size = _make(output, background, own[starts[q] : starts[q + 1]], painted, erases[a], seen, stamp, made)
                for n in range(size):
                    r, c = made[n, 0], made[n, 1]
                    if maker[r, c] != q:
                        maker[r, c] = q if maker[r, c] == NOBODY else SEVERAL
        needed = np.zeros(count, np.int64)
        for r in range(grid.shape[0]):
            for c in range(grid.shape[1]):
                if labels[r, c] < 0 and grid[r, c] == output[r, c]:
                    maker[r, c] = SEVERAL
                elif maker[r, c] == NOBODY:
                    return False
                elif maker[r, c] >= 0:
                    needed[maker[r, c]] += 1
        changed = False
        for a in range(actions):
            for q in range(count):
                if wrong[a, q]:
                    continue
                painted = cells[ends[a, q] : ends[a, q + 1]]
                stamp = ((2 * turn + 1) * actions + a) * count + q
                size = _make(output, background, own[starts[q] : starts[q + 1]], painted, erases[a], seen, stamp, made)
                done = 0
                for n in range(size):
                    done += maker[made[n, 0], made[n, 1]] == q
                if done < needed[q]:
                    wrong[a, q] = True
                    changed = True
        if not changed:
            break
    return True


@njit(cache=True)
def _make(
    output: Grid8, background: int, own: Cells, painted: Cells, erases: bool, seen: Numbers, stamp: int, made: Numbers
) -> int:
    """List in ``made`` the cells that an action paints or clears to background as the output has it; return how many.

    Args:
        seen: ``(H, W)``, changed to ``stamp`` where cells were listed; the stamp must be new.
    """
    size = 0
    for n in range(len(painted)):
        r, c = painted[n, 0], painted[n, 1]
        if seen[r, c] != stamp:
            seen[r, c] = stamp
            made[size, 0] = r
            made[size, 1] = c
            size += 1
    if erases:
        for n in range(len(own)):
            r, c = own[n, 0], own[n, 1]
            if seen[r, c] != stamp and output[r, c] == background:
                seen[r, c] = stamp
                made[size, 0] = r
                made[size, 1] = c
                size += 1
    return size


@njit(cache=True)
def explain(
    grid: Grid8, output: Grid8, background: int, own: Cells, starts: Numbers, cells: Cells, ends: Numbers, erases: Flags
) -> Numbers:
    """Count for each action and object the changed cells that it paints, or clears to background.

    Returns ``(actions, objects)``; the counts say something only where the action is not wrong.
    """
    actions, count = ends.shape[0], ends.shape[1] - 1
    explained = np.zeros((actions, count), np.int64)
    made = np.empty((grid.size, 2), np.int64)
    seen = np.full(grid.shape, -1, np.int64)
    for a in range(actions):
        for q in range(count):
            painted = cells[ends[a, q] : ends[a, q + 1]]
            stamp = a * count + q
            size = _make(output, background, own[starts[q] : starts[q + 1]], painted, erases[a], seen, stamp, made)
            for n in range(size):
                explained[a, q] += grid[made[n, 0], made[n, 1]] != output[made[n, 0], made[n, 1]]
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
