"""Operations on pictures whose result has the size of the input or of the predicted output, at place (0, 0)."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels import picture_codes as codes
from dsl.kernels.cache import njit

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]

COLUMNS = 32
FAR = 256
"""More lines than a place and a frame's side together."""


@njit(cache=True)
def fit(a: Cells, y: int, x: int, height: int, width: int, out: Cells) -> Result:
    """Draw the picture at its place into a black frame, cut at the sides."""
    h, w = a.shape
    for i in range(height * width):
        out[i] = 0
    first = max(0, -x)
    end = max(first, min(w, width - x))
    for r in range(max(0, -y), min(h, height - y)):
        # Slices, as in ``pictures_geometry.window``.
        start = (y + r) * width + x
        row, line = a[r, first:end], out[start + first : start + end]
        for c in range(end - first):
            line[c] = row[c]
    return height, width, 0, 0


@njit(cache=True)
def draw_mapped(a: Cells, height: int, width: int, out: Cells, scratch: Numbers) -> Result:
    """Draw each cell from the row and column that ``scratch`` names for it, -1 for none."""
    for r in range(height):
        row = scratch[r]
        for c in range(width):
            column = scratch[COLUMNS + c]
            out[r * width + c] = a[row, column] if row >= 0 and column >= 0 else 0
    return height, width, 0, 0


@njit(cache=True)
def map_side(kind: int, length: int, place: int, size: int, start: int, scratch: Numbers) -> None:
    """Write from ``scratch[start]`` on which of a picture's lines each line of the frame shows, -1 for none.

    Args:
        kind: 0 scaled, 1 repeated, 2 repeated with one black line between, 3 every other repeat mirrored, 4 the same
            with the edge line shared, 5 once, at its place.
        length: number of the picture's lines.
        place: where the picture lies.
        size: number of the frame's lines.
        start: where to write.
        scratch: receives the numbers.
    """
    period = length
    if kind == 2:
        period = length + 1
    elif kind == 3:
        period = 2 * length
    elif kind == 4:
        period = max(1, 2 * length - 2)
    elif kind == 5:
        period = FAR
    i = (-place) % period
    for line in range(size):
        if kind == 0:
            i = line * length // size
        if i < length:
            scratch[start + line] = i
        else:
            scratch[start + line] = -1 if kind == 2 or kind == 5 else period - i if kind == 4 else period - 1 - i
        i += 1
        if i >= period:
            i = 0


@njit(cache=True)
def reflow(a: Cells, height: int, width: int, out: Cells) -> Result:
    """Pour the cells in reading order into rows of another width."""
    place = 0
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            if place < height * width:
                out[place] = a[r, c]
                place += 1
    for i in range(place, height * width):
        out[i] = 0
    return height, width, 0, 0


@njit(cache=True)
def apply_sized(code: int, arg: int, a: Cells, y: int, x: int, frames: Numbers, out: Cells, scratch: Numbers) -> Result:
    """Apply an operation from ``FIT`` to ``CENTERED``."""
    variants = 4 if code == codes.TILE else 2 if code == codes.MIRROR_TILE else 1
    target, variant = arg // variants, arg % variants
    height, width = frames[2 * target], frames[2 * target + 1]
    if height < 1 or width < 1 or height > 30 or width > 30:
        return 0, 0, 0, 0
    h, w = a.shape
    if code == codes.FIT:
        return fit(a, y, x, height, width, out)
    if code == codes.CENTERED:
        return fit(a, (height - h) // 2, (width - w) // 2, height, width, out)
    if code == codes.REFLOW:
        return reflow(a, height, width, out)
    kind = 0 if code == codes.RESIZE else 1 + variant if code == codes.TILE else 3 + variant
    if code == codes.TILE and variant >= 2:
        kind = 1
    map_side(5 if code == codes.TILE and variant == 3 else kind, h, y, height, 0, scratch)
    map_side(5 if code == codes.TILE and variant == 2 else kind, w, x, width, COLUMNS, scratch)
    return draw_mapped(a, height, width, out, scratch)
