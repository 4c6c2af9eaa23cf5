"""Operations on pictures for bottom-up search: small boxes of cells, 0 transparent, with a place in the input's frame.

The idea of a graph of pictures grown by cheap unary operations is that of Wind 2020 (first place of the Abstraction and
Reasoning Challenge). Every operation writes its cells into ``out``, which must not be the memory of ``a``, and
returns height, width, row and column of the result; height 0 means that there is no result. Nothing is allocated.
Where colors are equally common, the lower number counts as more common.

Beyond the plain operations: ``PALETTE`` orders colors by how common they are, ``STRIPES`` keeps every other row, column
or cell of a checkerboard, ``ROLL`` moves cells around, ``FRACTAL`` puts a picture into itself, ``SLANT`` pushes rows
apart, ``AT_SIDE`` tells things cut off by the side from whole ones, ``FILL_BOXES`` completes things to rectangles,
``STAMP`` moves a thing of several colors to where parts of it lie, ``RECTANGLES`` keeps large rectangles and squares of
one color. Each is a move that many tasks make as one step and that no short chain of
the others gives; all but ``STAMP`` take less than a few microseconds, or tens where an axis is looked for.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels import picture_codes as codes
from dsl.kernels.cache import njit
from dsl.kernels.pictures_geometry import apply_geometry
from dsl.kernels.pictures_lines import apply_line
from dsl.kernels.pictures_regions import COLORS, apply_region, main_color
from dsl.kernels.pictures_sized import apply_sized
from dsl.kernels.pictures_stamps import rectangles, stamp

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]

MAP = 32


@njit(cache=True)
def recolor(a: Cells, y: int, x: int, out: Cells, scratch: Numbers) -> Result:
    """Give each cell the color that ``scratch[MAP + color]`` names for it."""
    h, w = a.shape
    for r in range(h):
        for c in range(w):
            out[r * w + c] = scratch[MAP + np.int64(a[r, c])]
    return h, w, y, x


@njit(cache=True)
def color_of_rank(rank: int, scratch: Numbers) -> int:
    """Return the nonzero color of a rank by counts in ``scratch``: 0 the most common; 0 if there are fewer."""
    for color in range(1, 10):
        count = scratch[COLORS + color]
        if count == 0:
            continue
        before = 0
        for other in range(1, 10):
            more = scratch[COLORS + other]
            if more > count or (more == count and other < color):
                before += 1
        if before == rank:
            return color
    return 0


@njit(cache=True)
def count_kinds(scratch: Numbers) -> int:
    """Return the number of different nonzero colors counted in ``scratch``."""
    kinds = 0
    for color in range(1, 10):
        if scratch[COLORS + color] > 0:
            kinds += 1
    return kinds


@njit(cache=True)
def map_colors(code: int, arg: int, main: int, scratch: Numbers) -> bool:
    """Write a color for each color, from counts in ``scratch``; False if the operation has no result."""
    for color in range(10):
        scratch[MAP + color] = color
    if code == codes.SWAP:
        if count_kinds(scratch) != 2:
            return False
        other = color_of_rank(1, scratch)
        scratch[MAP + main] = other
        scratch[MAP + other] = main
        return True
    chosen = arg
    if code == codes.KEEP_RANK or code == codes.DROP_RANK:
        rank = count_kinds(scratch) - 1 if arg == 2 else arg
        chosen = color_of_rank(rank, scratch)
        if chosen == 0:
            return False
    for color in range(1, 10):
        if code == codes.KEEP or code == codes.KEEP_RANK:
            scratch[MAP + color] = color if color == chosen else 0
        elif code == codes.DROP or code == codes.DROP_RANK:
            scratch[MAP + color] = 0 if color == chosen else color
        elif code == codes.PAINT:
            scratch[MAP + color] = arg
        elif code == codes.PAINT_MAIN or code == codes.HULL:
            scratch[MAP + color] = main
        else:
            scratch[MAP + color] = 0
    if code == codes.INVERT or code == codes.HULL:
        scratch[MAP] = main
        return main > 0
    return True


@njit(cache=True)
def add_frame(a: Cells, y: int, x: int, kind: int, color: int, out: Cells) -> Result:
    """Grow the box by one ring: of a color, or (kind 2) of copies of the nearest cells."""
    h, w = a.shape
    if h > 28 or w > 28:
        return 0, 0, 0, 0
    for r in range(-1, h + 1):
        for c in range(-1, w + 1):
            inside = 0 <= r < h and 0 <= c < w
            cell = color
            if inside or kind == 2:
                cell = a[min(max(r, 0), h - 1), min(max(c, 0), w - 1)]
            out[(r + 1) * (w + 2) + c + 1] = cell
    return h + 2, w + 2, y - 1, x - 1


@njit(cache=True)
def palette(kind: int, out: Cells, scratch: Numbers) -> Result:
    """Line up the nonzero colors counted in ``scratch`` by how common they are.

    Args:
        kind: 0 a column, most common on top, 1 a row, most common left, 2 and 3 the same reversed, 4 one row per color
            of as many cells as it has, most common on top.
        out: receives the cells.
        scratch: work space.
    """
    kinds = count_kinds(scratch)
    if kinds == 0:
        return 0, 0, 0, 0
    if kind == 4:
        width = scratch[COLORS + color_of_rank(0, scratch)]
        if width > 30:
            return 0, 0, 0, 0
        for rank in range(kinds):
            color = color_of_rank(rank, scratch)
            for c in range(width):
                out[rank * width + c] = color if c < scratch[COLORS + color] else 0
        return kinds, width, 0, 0
    for rank in range(kinds):
        out[rank if kind < 2 else kinds - 1 - rank] = color_of_rank(rank, scratch)
    if kind % 2 == 0:
        return kinds, 1, 0, 0
    return 1, kinds, 0, 0


@njit(cache=True)
def stripes(a: Cells, y: int, x: int, kind: int, out: Cells) -> Result:
    """Keep every other row (0), column (1), or the cells of a checkerboard (2 with, 3 without the corner)."""
    h, w = a.shape
    for r in range(h):
        for c in range(w):
            odd = r & 1 if kind == 0 else c & 1 if kind == 1 else (r + c + kind) & 1
            out[r * w + c] = a[r, c] if odd == 0 else 0
    return h, w, y, x


@njit(cache=True)
def apply_color(code: int, arg: int, a: Cells, y: int, x: int, out: Cells, scratch: Numbers) -> Result:
    """Apply an operation from ``KEEP`` to ``STRIPES``."""
    if code == codes.STRIPES:
        return stripes(a, y, x, arg, out)
    main = 0
    if code > codes.PAINT and code != codes.BLANK:
        main = main_color(a, scratch)
    if code <= codes.BLANK:
        if not map_colors(code, arg, main, scratch):
            return 0, 0, 0, 0
        return recolor(a, y, x, out, scratch)
    if code == codes.PALETTE:
        return palette(arg, out, scratch)
    if arg == 0 and main == 0:
        return 0, 0, 0, 0
    return add_frame(a, y, x, arg, main if arg == 0 else 0, out)


@njit(cache=True, inline="always")
def apply_picture(
    code: int, arg: int, a: Cells, y: int, x: int, frames: Numbers, out: Cells, scratch: Numbers
) -> Result:
    """Apply an operation to a picture; return height, width, row and column of the result, height 0 for none.

    Written into its one compiled caller: each level of calls compiles all operations once more.

    Args:
        code: a number from ``picture_codes``.
        arg: one of the operation's ``picture_codes.ARGUMENTS``.
        a: cells ``(h, w)``, colors 0..9, sides 1..30, C-contiguous, writable (for one compiled type; never written).
        y: row of the picture in the input's frame.
        x: column of the picture in the input's frame.
        frames: ``(4,)``: height and width of the input, of the predicted output; 0 where unknown.
        out: ``(900,)``, receives the result row by row.
        scratch: ``(4096,)``, work space.
    """
    if code < codes.LINES:
        if code < codes.DIHEDRAL:
            return apply_color(code, arg, a, y, x, out, scratch)
        return apply_geometry(code, arg, a, y, x, out, scratch)
    if code < codes.FILL_HOLES:
        return apply_line(code, arg, a, y, x, out, scratch)
    if code < codes.STAMP:
        return apply_region(code, arg, a, y, x, out, scratch)
    if code == codes.STAMP:
        return stamp(a, y, x, arg, out, scratch)
    if code == codes.RECTANGLES:
        return rectangles(a, y, x, arg, out, scratch)
    return apply_sized(code, arg, a, y, x, frames, out, scratch)
