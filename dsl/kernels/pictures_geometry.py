"""Operations on pictures that move cells as wholes: symmetries, windows, places, scales."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels import picture_codes as codes
from dsl.kernels.cache import njit
from dsl.kernels.directions import COLUMN_STEPS, ROW_STEPS

Cells = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Result = tuple[int, int, int, int]


@njit(cache=True)
def copy(a: Cells, y: int, x: int, out: Cells) -> Result:
    """Copy the picture to another place."""
    h, w = a.shape
    for r in range(h):
        for c in range(w):
            out[r * w + c] = a[r, c]
    return h, w, y, x


@njit(cache=True)
def window(a: Cells, y: int, x: int, top: int, left: int, height: int, width: int, out: Cells) -> Result:
    """Cut a window out of the picture; its cells stay where they are."""
    if height < 1 or width < 1:
        return 0, 0, 0, 0
    for r in range(height):
        # Slices, not sums of indices: these keep the loop out of vector registers.
        row, line = a[top + r, left : left + width], out[r * width : (r + 1) * width]
        for c in range(width):
            line[c] = row[c]
    return height, width, y + top, x + left


@njit(cache=True)
def draw_turned(a: Cells, symmetry: int, top: int, left: int, width: int, out: Cells) -> None:
    """Draw the picture, turned or mirrored, with its corner at a cell of a result of some width.

    Args:
        a: cells ``(h, w)``.
        symmetry: 0 none, 1 left-right, 2 upside down, 3 half turn, 4 transposed, 5 quarter turn clockwise, 6 quarter
            turn counterclockwise, 7 transposed along the other diagonal.
        top: row of the corner.
        left: column of the corner.
        width: width of the result.
        out: receives the cells.
    """
    h, w = a.shape
    across, down = (width, 1) if symmetry >= 4 else (1, width)
    up = symmetry == 2 or symmetry == 3 or symmetry == 5 or symmetry == 7
    back = symmetry == 1 or symmetry == 3 or symmetry == 6 or symmetry == 7
    place = top * width + left + ((w - 1) * across if back else 0)
    # Unsigned, since numba checks a signed index for a negative one at every cell; loops of one step each are faster.
    one, line = np.uint64(1), np.uint64(width)
    for r in range(h):
        here = np.uint64(place + (h - 1 - r if up else r) * down)
        if symmetry >= 4:
            for c in range(w):
                out[here] = a[r, c]
                here = here - line if back else here + line
        elif back:
            for c in range(w):
                out[here] = a[r, c]
                here -= one
        else:
            for c in range(w):
                out[here] = a[r, c]
                here += one


@njit(cache=True)
def crop(a: Cells, y: int, x: int, out: Cells) -> Result:
    """Cut to the bounding box of the nonzero cells."""
    h, w = a.shape
    top, left, bottom, right = h, w, -1, -1
    for r in range(h):
        for c in range(w):
            if a[r, c] != 0:
                top, bottom = min(top, r), r
                left, right = min(left, c), max(right, c)
    return window(a, y, x, top, left, bottom - top + 1, right - left + 1, out)


@njit(cache=True)
def squeeze(a: Cells, y: int, x: int, blank: bool, out: Cells, scratch: Numbers) -> Result:
    """Delete the rows and columns that are all black, or those equal to the one before."""
    h, w = a.shape
    for i in range(h + w):
        scratch[i] = 1 if not blank and (i == 0 or i == h) else 0
    for r in range(h):
        for c in range(w):
            if blank:
                if a[r, c] != 0:
                    scratch[r] = 1
                    scratch[h + c] = 1
            else:
                if r > 0 and a[r, c] != a[r - 1, c]:
                    scratch[r] = 1
                if c > 0 and a[r, c] != a[r, c - 1]:
                    scratch[h + c] = 1
    height = 0
    width = 0
    for i in range(h):
        height += scratch[i]
    for i in range(w):
        width += scratch[h + i]
    if height == 0:
        return 0, 0, 0, 0
    place = 0
    for r in range(h):
        for c in range(w):
            if scratch[r] == 1 and scratch[h + c] == 1:
                out[place] = a[r, c]
                place += 1
    return height, width, y, x


@njit(cache=True)
def upscale(a: Cells, y: int, x: int, factor: int, out: Cells) -> Result:
    """Make each cell a square block."""
    h, w = a.shape
    if h * factor > 30 or w * factor > 30:
        return 0, 0, 0, 0
    place = 0
    for r in range(h):
        for _ in range(factor):
            for c in range(w):
                for _ in range(factor):
                    out[place] = a[r, c]
                    place += 1
    return h * factor, w * factor, y, x


@njit(cache=True)
def downscale(a: Cells, y: int, x: int, factor: int, loose: bool, out: Cells) -> Result:
    """Make each square block of one color a cell; no result if a block has two colors.

    Loosely, zero cells of a block do not count, and of several colors the first in reading order stays.
    """
    height, width = a.shape[0] // factor, a.shape[1] // factor
    if height * factor != a.shape[0] or width * factor != a.shape[1]:
        return 0, 0, 0, 0
    for r in range(height):
        for c in range(width):
            color = a[r * factor, c * factor]
            for i in range(factor):
                for j in range(factor):
                    cell = a[r * factor + i, c * factor + j]
                    if cell != color and not loose:
                        return 0, 0, 0, 0
                    if color == 0:
                        color = cell
            out[r * width + c] = color
    return height, width, y, x


@njit(cache=True)
def double(a: Cells, y: int, x: int, kind: int, out: Cells) -> Result:
    """Put the picture and a copy or mirror image side by side.

    Args:
        a: cells ``(h, w)``.
        y: row of the picture.
        x: column of the picture.
        kind: 0 copy to the right, 1 copy below, 2 mirror image to the right, 3 below, 4 both, 5 to the left, 6 above.
        out: receives the cells.
    """
    h, w = a.shape
    height = 2 * h if kind == 1 or kind == 3 or kind == 4 or kind == 6 else h
    width = 2 * w if kind == 0 or kind == 2 or kind == 4 or kind == 5 else w
    if height > 30 or width > 30:
        return 0, 0, 0, 0
    for i in range(height // h):
        for j in range(width // w):
            turn_rows = kind > 1 and (i == 1) != (kind == 6)
            turn_columns = kind > 1 and (j == 1) != (kind == 5)
            symmetry = (2 if turn_rows else 0) + (1 if turn_columns else 0)
            draw_turned(a, symmetry, i * h, j * w, width, out)
    return height, width, y, x


@njit(cache=True)
def symmetrize(a: Cells, y: int, x: int, kind: int, out: Cells) -> Result:
    """Give black cells the first nonzero color among their mirror images.

    Args:
        a: cells ``(h, w)``.
        y: row of the picture.
        x: column of the picture.
        kind: 0 left-right, 1 upside down, 2 half turn, 3 transposed, 4 the first three in this order, 5 all seven:
            these four, transposed along the other diagonal, quarter turn clockwise, quarter turn counterclockwise.
        out: receives the cells.
    """
    h, w = a.shape
    if (kind == 3 or kind == 5) and h != w:
        return 0, 0, 0, 0
    first = kind if kind < 4 else 0
    last = kind if kind < 4 else 2 if kind == 4 else 6
    for r in range(h):
        for c in range(w):
            color = a[r, c]
            k = first
            while color == 0 and k <= last:
                if k == 0:
                    color = a[r, w - 1 - c]
                elif k == 1:
                    color = a[h - 1 - r, c]
                elif k == 2:
                    color = a[h - 1 - r, w - 1 - c]
                elif k == 3:
                    color = a[c, r]
                elif k == 4:
                    color = a[w - 1 - c, h - 1 - r]
                elif k == 5:
                    color = a[w - 1 - c, r]
                else:
                    color = a[c, h - 1 - r]
                k += 1
            out[r * w + c] = color
    return h, w, y, x


@njit(cache=True)
def complete(a: Cells, y: int, x: int, rows: bool, out: Cells) -> Result:
    """Give black cells the color of their mirror image at the best axis, left-right or upside down.

    The best axis has most cells of the color of their image, less those of another color than theirs; of equal ones it
    is the first.
    """
    h, w = a.shape
    length = h if rows else w
    most, best = 0, -1
    for axis in range(2 * length - 1):
        score = 0
        for r in range(h):
            for c in range(w):
                row, column = (axis - r, c) if rows else (r, axis - c)
                if a[r, c] != 0 and 0 <= row < h and 0 <= column < w and a[row, column] != 0:
                    score += 1 if a[row, column] == a[r, c] else -1
        if score > most:
            most, best = score, axis
    for r in range(h):
        for c in range(w):
            row, column = (best - r, c) if rows else (r, best - c)
            inside = 0 <= row < h and 0 <= column < w
            out[r * w + c] = a[row, column] if a[r, c] == 0 and inside else a[r, c]
    return h, w, y, x


@njit(cache=True)
def roll(a: Cells, y: int, x: int, direction: int, out: Cells) -> Result:
    """Move all cells one step up, right, down or left; what leaves comes back at the other side."""
    h, w = a.shape
    down = h - 1 if direction == 0 else 1 if direction == 2 else 0
    right = w - 1 if direction == 3 else 1 if direction == 1 else 0
    for r in range(h):
        row = r + down if r + down < h else r + down - h
        for c in range(w):
            column = c + right if c + right < w else c + right - w
            out[row * w + column] = a[r, c]
    return h, w, y, x


@njit(cache=True)
def fractal(a: Cells, y: int, x: int, kind: int, out: Cells) -> Result:
    """Put a copy of the picture in place of each nonzero cell (0) or of each zero cell (1); the rest is black."""
    h, w = a.shape
    if h * h > 30 or w * w > 30:
        return 0, 0, 0, 0
    width = w * w
    for r in range(h):
        for c in range(w):
            drawn = (a[r, c] == 0) == (kind == 1)
            for i in range(h):
                for j in range(w):
                    out[(r * h + i) * width + c * w + j] = a[i, j] if drawn else 0
    return h * h, width, y, x


@njit(cache=True)
def slant(a: Cells, y: int, x: int, forward: bool, out: Cells) -> Result:
    """Move each row one cell further right than the one below it, or above it."""
    h, w = a.shape
    width = w + h - 1
    if width > 30:
        return 0, 0, 0, 0
    for i in range(h * width):
        out[i] = 0
    for r in range(h):
        shift = h - 1 - r if forward else r
        for c in range(w):
            out[r * width + shift + c] = a[r, c]
    return h, width, y, x


@njit(cache=True)
def cut_window(code: int, arg: int, a: Cells, y: int, x: int, out: Cells) -> Result:
    """Cut a half, the inside of the ring of side cells, the middle, or one of the four side lines."""
    h, w = a.shape
    top, left, height, width = 0, 0, h, w
    if code == codes.TRIM:
        top, left, height, width = 1, 1, h - 2, w - 2
    elif code == codes.CENTER:
        top, left = (h - 1) // 2, (w - 1) // 2
        height, width = h // 2 - top + 1, w // 2 - left + 1
    else:
        half = code == codes.HALF
        vertical = (arg < 2) != half
        first = arg == 0 or arg == 2
        if vertical:
            height = h // 2 if half else 1
            top = 0 if first else h - height
        else:
            width = w // 2 if half else 1
            left = 0 if first else w - width
    return window(a, y, x, top, left, height, width, out)


@njit(cache=True)
def apply_geometry(code: int, arg: int, a: Cells, y: int, x: int, out: Cells, scratch: Numbers) -> Result:
    """Apply an operation from ``DIHEDRAL`` to ``SLANT``."""
    h, w = a.shape
    if code <= codes.SQUEEZE_EQUAL:
        if code == codes.DIHEDRAL:
            height, width = (w, h) if arg >= 4 else (h, w)
            draw_turned(a, arg, 0, 0, width, out)
            return height, width, y, x
        if code == codes.HALF:
            return cut_window(code, arg, a, y, x, out)
        if code == codes.CROP:
            return crop(a, y, x, out)
        return squeeze(a, y, x, code == codes.SQUEEZE_BLANK, out, scratch)
    if code <= codes.MOVE_OWN:
        if code == codes.TO_ORIGIN:
            return copy(a, 0, 0, out)
        if code <= codes.CENTER:
            return cut_window(code, arg, a, y, x, out)
        rows, columns = (1, 1) if code == codes.MOVE else (h, w)
        return copy(a, y + rows * ROW_STEPS[arg], x + columns * COLUMN_STEPS[arg], out)
    if code == codes.UPSCALE:
        return upscale(a, y, x, arg, out)
    if code == codes.DOWNSCALE:
        return downscale(a, y, x, arg if arg < 4 else arg - 2, arg >= 4, out)
    if code == codes.DOUBLE:
        return double(a, y, x, arg, out)
    if code == codes.SYMMETRIZE:
        if arg >= 6:
            return complete(a, y, x, arg == 7, out)
        return symmetrize(a, y, x, arg, out)
    if code == codes.ROLL:
        return roll(a, y, x, arg, out)
    if code == codes.SLANT:
        return slant(a, y, x, arg == 0, out)
    return fractal(a, y, x, arg, out)
