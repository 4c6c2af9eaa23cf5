"""Loops over the objects of one image: what an action paints for each object, and whether an output agrees with it.

Objects are ragged: ``cells (n, 3)`` int16 holds row, column and color, sorted by object, and object ``q`` owns the rows
``starts[q]`` to ``starts[q + 1]``. What an action paints has the same form. A painted cell that an action leaves to the
object's old colors is listed too, unless the action erases the object first.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.planes import COLUMN_STEPS, NO_COLOR, ROW_STEPS
from dsl.kernels.planes_objects import BOTTOM, HEIGHT, LEFT, RIGHT, SQUARE, TOP, WIDTH

Grid8 = NDArray[np.uint8]
Labels = NDArray[np.int32]
Cells = NDArray[np.int16]
Numbers = NDArray[np.int64]

EDGE = -1
"""Stands for the side of the image where a slide could have hit an object."""
NOTHING = -2
"""Stands for cells that are no object and not background."""

BLOCKED, THROUGH, TO_OBJECT, TO_SAME_COLOR = 0, 1, 2, 3


@njit(cache=True)
def collect_cells(grid: Grid8, labels: Labels, count: int) -> tuple[Cells, Numbers]:
    """List the cells of every labelled object, in raster order within each."""
    height, width = grid.shape
    starts = np.zeros(count + 1, np.int64)
    for r in range(height):
        for c in range(width):
            if labels[r, c] >= 0:
                starts[labels[r, c] + 1] += 1
    for q in range(count):
        starts[q + 1] += starts[q]
    place = starts.copy()
    cells = np.empty((starts[count], 3), np.int16)
    for r in range(height):
        for c in range(width):
            q = labels[r, c]
            if q >= 0:
                cells[place[q], 0] = r
                cells[place[q], 1] = c
                cells[place[q], 2] = grid[r, c]
                place[q] += 1
    return cells, starts


@njit(cache=True)
def copy_cells(cells: Cells, first: int, end: int, painted: Cells, n: int) -> int:
    """Copy a range of cells to ``painted``, from its row ``n`` on; return the row after the last.

    Number by number: numba compiles the texts of its errors for an assignment of arrays.
    """
    for m in range(first, end):
        for part in range(3):
            painted[n, part] = cells[m, part]
        n += 1
    return n


@njit(cache=True)
def free_slides(
    grid: Grid8, labels: Labels, cells: Cells, starts: Numbers, background: int
) -> tuple[Numbers, Numbers, Numbers]:
    """Slide every object in 8 directions until it would leave the image or meet a cell that is not background.

    Returns three ``(objects, 8)`` tables: steps, what stops it (an object, ``EDGE`` or ``NOTHING``), and the color of
    the first cell met (10 at the edge).
    """
    height, width = grid.shape
    count = len(starts) - 1
    steps = np.zeros((count, 8), np.int64)
    stops = np.full((count, 8), EDGE, np.int64)
    colors = np.full((count, 8), NO_COLOR, np.int64)
    for q in range(count):
        for d in range(8):
            moved = 0
            free = True
            while free:
                for n in range(starts[q], starts[q + 1]):
                    y = cells[n, 0] + ROW_STEPS[d] * (moved + 1)
                    x = cells[n, 1] + COLUMN_STEPS[d] * (moved + 1)
                    if y < 0 or x < 0 or y >= height or x >= width:
                        stops[q, d] = EDGE
                        colors[q, d] = NO_COLOR
                        free = False
                        break
                    if labels[y, x] != q and grid[y, x] != background and free:
                        stops[q, d] = labels[y, x] if labels[y, x] >= 0 else NOTHING
                        colors[q, d] = grid[y, x]
                        free = False
                if free:
                    moved += 1
            steps[q, d] = moved
    return steps, stops, colors


@njit(cache=True)
def falls(
    grid: Grid8, labels: Labels, cells: Cells, starts: Numbers, background: int, order: Numbers, direction: int
) -> Numbers:
    """Let the objects fall in one direction, in order, onto what is no object and onto those that fell before.

    Returns the steps of each object, ``(objects,)``.
    """
    height, width = grid.shape
    taken = np.zeros((height, width), np.bool_)
    for r in range(height):
        for c in range(width):
            taken[r, c] = labels[r, c] < 0 and grid[r, c] != background
    steps = np.zeros(len(starts) - 1, np.int64)
    for q in order:
        free = True
        while free:
            for n in range(starts[q], starts[q + 1]):
                y = cells[n, 0] + ROW_STEPS[direction] * (steps[q] + 1)
                x = cells[n, 1] + COLUMN_STEPS[direction] * (steps[q] + 1)
                if y < 0 or x < 0 or y >= height or x >= width or taken[y, x]:
                    free = False
                    break
            if free:
                steps[q] += 1
        for n in range(starts[q], starts[q + 1]):
            taken[cells[n, 0] + ROW_STEPS[direction] * steps[q], cells[n, 1] + COLUMN_STEPS[direction] * steps[q]] = (
                True
            )
    return steps


@njit(cache=True)
def copied(
    cells: Cells, starts: Numbers, vectors: Numbers, first: int, last: int, height: int, width: int
) -> tuple[Cells, Numbers]:
    """Paint each object ``first`` to ``last`` times its vector away; what falls outside the image is lost.

    Args:
        vectors: rows and columns of one step, ``(objects, 2)``.
    """
    count = len(starts) - 1
    painted = np.empty((len(cells) * (last - first + 1), 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    for q in range(count):
        for k in range(last, first - 1, -1):
            if k > 1 and vectors[q, 0] == 0 and vectors[q, 1] == 0:
                continue
            for m in range(starts[q], starts[q + 1]):
                y = cells[m, 0] + k * vectors[q, 0]
                x = cells[m, 1] + k * vectors[q, 1]
                if 0 <= y < height and 0 <= x < width:
                    painted[n, 0] = y
                    painted[n, 1] = x
                    painted[n, 2] = cells[m, 2]
                    n += 1
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def replaced(
    cells: Cells, starts: Numbers, centers: Numbers, partners: Numbers, height: int, width: int
) -> tuple[Cells, Numbers]:
    """Paint in place of each object a copy of its partner (none if negative), middle over middle.

    Args:
        centers: twice the row and column of the middle of each box, ``(objects, 2)``.
    """
    count = len(starts) - 1
    total = 0
    for q in range(count):
        if partners[q] >= 0:
            total += starts[partners[q] + 1] - starts[partners[q]]
    painted = np.empty((total, 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    for q in range(count):
        partner = partners[q]
        if partner >= 0:
            for m in range(starts[partner], starts[partner + 1]):
                y = cells[m, 0] + (centers[q, 0] - centers[partner, 0]) // 2
                x = cells[m, 1] + (centers[q, 1] - centers[partner, 1]) // 2
                if 0 <= y < height and 0 <= x < width:
                    painted[n, 0] = y
                    painted[n, 1] = x
                    painted[n, 2] = cells[m, 2]
                    n += 1
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def mirrored(
    cells: Cells, starts: Numbers, table: Numbers, direction: int, gap: int, height: int, width: int
) -> tuple[Cells, Numbers]:
    """Paint each object and its mirror image on one side of its box (up, down, left or right), ``gap`` cells away."""
    count = len(starts) - 1
    painted = np.empty((2 * len(cells), 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    for q in range(count):
        for m in range(starts[q], starts[q + 1]):
            n = copy_cells(cells, m, m + 1, painted, n)
            y = cells[m, 0]
            x = cells[m, 1]
            if direction == 0:
                y = 2 * table[q, TOP] - 1 - gap - y
            elif direction == 1:
                y = 2 * table[q, BOTTOM] + 1 + gap - y
            elif direction == 2:
                x = 2 * table[q, LEFT] - 1 - gap - x
            else:
                x = 2 * table[q, RIGHT] + 1 + gap - x
            if 0 <= y < height and 0 <= x < width:
                painted[n, 0] = y
                painted[n, 1] = x
                painted[n, 2] = cells[m, 2]
                n += 1
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def rays(
    grid: Grid8,
    labels: Labels,
    cells: Cells,
    starts: Numbers,
    table: Numbers,
    background: int,
    directions: Numbers,
    source: Numbers,
    stop: int,
    color: int,
) -> tuple[Cells, Numbers]:
    """Paint each object and rays over the background from some of its cells.

    Args:
        directions: bits of the directions, for each object.
        source: for each object the color of the cells that send rays; 10 for all cells, 11 for those on the middle
            lines of its box.
        stop: ``BLOCKED`` ends at the first other cell that is not background, ``THROUGH`` passes behind such cells,
            ``TO_OBJECT`` paints only rays that meet one, ``TO_SAME_COLOR`` only rays that meet their own color.
        color: 10 for the color of the cell that a ray starts from.
    """
    height, width = grid.shape
    count = len(starts) - 1
    owner = np.full((height, width), -1, np.int32)
    capacity = len(cells)
    for q in range(count):
        capacity += min(height * width, 8 * 30 * (starts[q + 1] - starts[q]))
    painted = np.empty((capacity, 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    for q in range(count):
        n = copy_cells(cells, starts[q], starts[q + 1], painted, n)
        for m in range(starts[q], starts[q + 1]):
            if source[q] < NO_COLOR and cells[m, 2] != source[q]:
                continue
            if source[q] > NO_COLOR and not (
                2 * cells[m, 0] == table[q, TOP] + table[q, BOTTOM]
                or 2 * cells[m, 1] == table[q, LEFT] + table[q, RIGHT]
            ):
                continue
            for d in range(8):
                if not (directions[q] >> d) & 1:
                    continue
                if source[q] > NO_COLOR:
                    on_column = 2 * cells[m, 1] == table[q, LEFT] + table[q, RIGHT]
                    on_row = 2 * cells[m, 0] == table[q, TOP] + table[q, BOTTOM]
                    if (COLUMN_STEPS[d] == 0 and not on_column) or (ROW_STEPS[d] == 0 and not on_row):
                        continue
                length = _ray_length(grid, labels, q, cells[m], d, stop, background)
                for k in range(1, length + 1):
                    y = cells[m, 0] + ROW_STEPS[d] * k
                    x = cells[m, 1] + COLUMN_STEPS[d] * k
                    if labels[y, x] == q or owner[y, x] == q or grid[y, x] != background:
                        continue
                    owner[y, x] = q
                    painted[n, 0] = y
                    painted[n, 1] = x
                    painted[n, 2] = cells[m, 2] if color == NO_COLOR else color
                    n += 1
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def _ray_length(grid: Grid8, labels: Labels, q: int, cell: Cells, direction: int, stop: int, background: int) -> int:
    height, width = grid.shape
    length = 0
    while True:
        y = cell[0] + ROW_STEPS[direction] * (length + 1)
        x = cell[1] + COLUMN_STEPS[direction] * (length + 1)
        if y < 0 or x < 0 or y >= height or x >= width:
            return length if stop <= THROUGH else 0
        if labels[y, x] != q and grid[y, x] != background and stop != THROUGH:
            return 0 if stop == TO_SAME_COLOR and grid[y, x] != cell[2] else length
        length += 1


@njit(cache=True)
def turned(cells: Cells, starts: Numbers, table: Numbers, turns: int, keep: bool) -> tuple[Cells, Numbers]:
    """Turn or mirror each object within its box.

    Args:
        turns: bits of left-right, up-down, half turn, transposed, turned left, turned right, anti-transposed.
        keep: paint the object too, over its images.

    An object that is not square has none of the last four: it then paints nothing and is marked by ``ends`` only.
    """
    count = len(starts) - 1
    painted = np.empty((len(cells) * 8, 3), np.int16)
    ends = np.zeros(count + 1, np.int64)
    n = 0
    for q in range(count):
        top, left = table[q, TOP], table[q, LEFT]
        last_row, last_column = table[q, HEIGHT] - 1, table[q, WIDTH] - 1
        if turns < 8 or table[q, SQUARE]:
            for t in range(7):
                if not (turns >> t) & 1:
                    continue
                for m in range(starts[q], starts[q + 1]):
                    i = cells[m, 0] - top
                    j = cells[m, 1] - left
                    if t == 0 or t == 2:
                        j = last_column - j
                    if t == 1 or t == 2:
                        i = last_row - i
                    if t == 3:
                        i, j = j, i
                    elif t == 4:
                        i, j = last_column - j, i
                    elif t == 5:
                        i, j = j, last_row - i
                    elif t == 6:
                        i, j = last_column - j, last_row - i
                    painted[n, 0] = top + i
                    painted[n, 1] = left + j
                    painted[n, 2] = cells[m, 2]
                    n += 1
            if keep:
                n = copy_cells(cells, starts[q], starts[q + 1], painted, n)
        ends[q + 1] = n
    return painted[:n].copy(), ends


@njit(cache=True)
def count_moves(
    grid: Grid8, output: Grid8, labels: Labels, cells: Cells, starts: Numbers, reach: int, counts: Numbers
) -> None:
    """Add to ``counts[reach + rows, reach + columns]`` the objects that the output shows moved by that vector.

    A move counts if all cells of the object are found there and at least one of them was not there before.
    """
    height, width = grid.shape
    for q in range(len(starts) - 1):
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                found = True
                fresh = False
                for n in range(starts[q], starts[q + 1]):
                    y = cells[n, 0] + dy
                    x = cells[n, 1] + dx
                    if y < 0 or x < 0 or y >= height or x >= width or output[y, x] != cells[n, 2]:
                        found = False
                        break
                    fresh = fresh or grid[y, x] != output[y, x]
                if found and fresh:
                    counts[reach + dy, reach + dx] += 1
