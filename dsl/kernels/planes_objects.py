"""Loops over connected components: labels, a table of properties, and planes painted box by box."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit

Cells = NDArray[np.uint8]
Labels = NDArray[np.int32]
Table = NDArray[np.int64]

(
    SIZE,
    TOP,
    BOTTOM,
    LEFT,
    RIGHT,
    HEIGHT,
    WIDTH,
    AT_EDGE,
    COLORS,
    HOLES,
    FULL_BOX,
    SQUARE,
    MIRROR_LR,
    MIRROR_UD,
    MIRROR_DIAGONAL,
    COLOR,
    RAREST,
    AROUND,
    SHAPE_HASH,
    LARGEST,
    SMALLEST,
    RANK,
    RANK_UP,
    SAME_SIZE,
    SAME_SHAPE,
    SAME_COLOR,
    AREA,
    ODD,
) = range(28)
PROPERTIES = 28


@njit(cache=True)
def label(grid: Cells, skip_background: bool, one_color: bool, diagonal: bool, background: int) -> tuple[Labels, int]:
    """Number connected components in raster order; -1 where there is none.

    Args:
        skip_background: leave background cells out.
        one_color: a component holds one color only.
        diagonal: connect over corners too.
    """
    height, width = grid.shape
    labels = np.full((height, width), -1, np.int32)
    stack = np.empty((height * width, 2), np.int32)
    count = 0
    for a in range(height):
        for b in range(width):
            if labels[a, b] >= 0 or (skip_background and grid[a, b] == background):
                continue
            labels[a, b] = count
            stack[0, 0] = a
            stack[0, 1] = b
            top = 1
            while top > 0:
                top -= 1
                r = stack[top, 0]
                c = stack[top, 1]
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        y = r + dy
                        x = c + dx
                        if (not diagonal and dy != 0 and dx != 0) or y < 0 or x < 0 or y >= height or x >= width:
                            continue
                        if labels[y, x] >= 0 or (skip_background and grid[y, x] == background):
                            continue
                        if one_color and grid[y, x] != grid[a, b]:
                            continue
                        labels[y, x] = count
                        stack[top, 0] = y
                        stack[top, 1] = x
                        top += 1
            count += 1
    return labels, count


@njit(cache=True)
def contacts(grid: Cells, labels: Labels, count: int) -> tuple[Table, Table]:
    """Count per component and color: ``(count, 10)`` cells of it inside, and edges shared with it outside."""
    height, width = grid.shape
    inside = np.zeros((count, 10), np.int64)
    outside = np.zeros((count, 10), np.int64)
    for r in range(height):
        for c in range(width):
            k = labels[r, c]
            if k < 0:
                continue
            inside[k, grid[r, c]] += 1
            if r > 0 and labels[r - 1, c] != k:
                outside[k, grid[r - 1, c]] += 1
            if r < height - 1 and labels[r + 1, c] != k:
                outside[k, grid[r + 1, c]] += 1
            if c > 0 and labels[r, c - 1] != k:
                outside[k, grid[r, c - 1]] += 1
            if c < width - 1 and labels[r, c + 1] != k:
                outside[k, grid[r, c + 1]] += 1
    return inside, outside


@njit(cache=True)
def properties(grid: Cells, labels: Labels, inside: Table, outside: Table, background: int) -> Table:
    """Return the property table ``(count, PROPERTIES)`` of labelled components; the columns are this module's names."""
    height, width = grid.shape
    count = len(inside)
    table = np.zeros((count, PROPERTIES), np.int64)
    table[:, TOP] = height
    table[:, LEFT] = width
    table[:, BOTTOM] = -1
    table[:, RIGHT] = -1
    for r in range(height):
        for c in range(width):
            k = labels[r, c]
            if k < 0:
                continue
            table[k, SIZE] += 1
            table[k, TOP] = min(table[k, TOP], r)
            table[k, BOTTOM] = max(table[k, BOTTOM], r)
            table[k, LEFT] = min(table[k, LEFT], c)
            table[k, RIGHT] = max(table[k, RIGHT], c)
            if r == 0 or c == 0 or r == height - 1 or c == width - 1:
                table[k, AT_EDGE] = 1
    visited = np.zeros((height + 2, width + 2), np.bool_)
    stack = np.empty(((height + 2) * (width + 2), 2), np.int32)
    for k in range(count):
        box = table[k]
        box[HEIGHT] = box[BOTTOM] - box[TOP] + 1
        box[WIDTH] = box[RIGHT] - box[LEFT] + 1
        box[AREA] = box[HEIGHT] * box[WIDTH]
        box[FULL_BOX] = box[AREA] == box[SIZE]
        box[SQUARE] = box[HEIGHT] == box[WIDTH]
        box[ODD] = box[SIZE] % 2
        _color_properties(box, inside[k], outside[k], background)
        _shape_properties(box, grid, labels, k)
        box[HOLES] = _holes(box, labels, k, visited, stack)
    _rank_properties(table, background)
    return table


@njit(cache=True)
def _color_properties(box: Table, inside: Table, outside: Table, background: int) -> None:
    most = -1
    least = -1
    around = -1
    for color in range(10):
        if inside[color] > 0:
            box[COLORS] += 1
            if most < 0 or inside[color] > inside[most]:
                most = color
            if least < 0 or inside[color] <= inside[least]:
                least = color
        if outside[color] == 0 or (color == background and around >= 0):
            continue
        if around < 0 or around == background or outside[color] > outside[around]:
            around = color
    box[COLOR] = most
    box[RAREST] = least
    box[AROUND] = around if around >= 0 else 10


@njit(cache=True)
def _shape_properties(box: Table, grid: Cells, labels: Labels, k: int) -> None:
    top, left, height, width = box[TOP], box[LEFT], box[HEIGHT], box[WIDTH]
    lr = True
    ud = True
    diagonal = height == width
    digest = np.uint64(1469598103)
    for i in range(height):
        for j in range(width):
            here = labels[top + i, left + j] == k
            digest = (digest * np.uint64(1000003)) ^ np.uint64(here + 7 + (77 if j == width - 1 else 0))
            value = grid[top + i, left + j]
            if lr:
                other = labels[top + i, left + width - 1 - j] == k
                lr = other == here and (not here or grid[top + i, left + width - 1 - j] == value)
            if ud:
                other = labels[top + height - 1 - i, left + j] == k
                ud = other == here and (not here or grid[top + height - 1 - i, left + j] == value)
            if diagonal:
                other = labels[top + j, left + i] == k
                diagonal = other == here and (not here or grid[top + j, left + i] == value)
    box[MIRROR_LR] = lr
    box[MIRROR_UD] = ud
    box[MIRROR_DIAGONAL] = diagonal
    box[SHAPE_HASH] = np.int64(digest >> np.uint64(2))


@njit(cache=True)
def _holes(box: Table, labels: Labels, k: int, visited: NDArray[np.bool_], stack: Labels) -> int:
    """Count 4-connected regions of the padded box that are not the component, less the one outside."""
    top, left, height, width = box[TOP], box[LEFT], box[HEIGHT], box[WIDTH]
    if height < 3 or width < 3:
        return 0
    visited[: height + 2, : width + 2] = False
    regions = 0
    for a in range(height + 2):
        for b in range(width + 2):
            inner = 0 < a <= height and 0 < b <= width
            if visited[a, b] or (inner and labels[top + a - 1, left + b - 1] == k):
                continue
            regions += 1
            visited[a, b] = True
            stack[0, 0] = a
            stack[0, 1] = b
            size = 1
            while size > 0:
                size -= 1
                r = stack[size, 0]
                c = stack[size, 1]
                for d in range(4):
                    y = r + (d == 0) - (d == 1)
                    x = c + (d == 2) - (d == 3)
                    if y < 0 or x < 0 or y >= height + 2 or x >= width + 2 or visited[y, x]:
                        continue
                    if 0 < y <= height and 0 < x <= width and labels[top + y - 1, left + x - 1] == k:
                        continue
                    visited[y, x] = True
                    stack[size, 0] = y
                    stack[size, 1] = x
                    size += 1
    return regions - 1


@njit(cache=True)
def _rank_properties(table: Table, background: int) -> None:
    """Compare each component with those that share its being background or not."""
    count = len(table)
    sizes = np.zeros((2, 902), np.int64)
    for k in range(count):
        sizes[int(table[k, COLOR] == background), table[k, SIZE]] += 1
    smaller = np.zeros((2, 902), np.int64)
    for group in range(2):
        for size in range(1, 902):
            smaller[group, size] = smaller[group, size - 1] + sizes[group, size - 1]
    for k in range(count):
        group = int(table[k, COLOR] == background)
        size = table[k, SIZE]
        total = smaller[group, 901] + sizes[group, 901]
        table[k, RANK_UP] = smaller[group, size]
        table[k, SAME_SIZE] = sizes[group, size]
        table[k, RANK] = total - smaller[group, size] - sizes[group, size]
        table[k, LARGEST] = table[k, RANK] == 0
        table[k, SMALLEST] = table[k, RANK_UP] == 0
        for other in range(count):
            if (table[other, COLOR] == background) != (table[k, COLOR] == background):
                continue
            table[k, SAME_SHAPE] += table[other, SHAPE_HASH] == table[k, SHAPE_HASH]
            table[k, SAME_COLOR] += table[other, COLOR] == table[k, COLOR]


@njit(cache=True)
def box_positions(labels: Labels, table: Table) -> Cells:
    """Place each cell in its component's box.

    Returns ``(10, H, W)``: rows from the top, columns from the left, rows from the bottom, columns from the right,
    steps from the nearest side, parities of row + column, of those
    steps, of row and of column, and whether it is on a middle line.
    """
    height, width = labels.shape
    planes = np.full((10, height, width), 255, np.uint8)
    planes[9] = 0
    for r in range(height):
        for c in range(width):
            k = labels[r, c]
            if k < 0:
                continue
            top = r - table[k, TOP]
            left = c - table[k, LEFT]
            bottom = table[k, BOTTOM] - r
            right = table[k, RIGHT] - c
            ring = min(min(top, bottom), min(left, right))
            planes[0, r, c] = top
            planes[1, r, c] = left
            planes[2, r, c] = bottom
            planes[3, r, c] = right
            planes[4, r, c] = ring
            planes[5, r, c] = (top + left) % 2
            planes[6, r, c] = ring % 2
            planes[7, r, c] = top % 2
            planes[8, r, c] = left % 2
            planes[9, r, c] = top == bottom or left == right
    return planes


@njit(cache=True)
def paint_boxes(shape: tuple[int, int], table: Table, order: Table) -> Cells:
    """Paint boxes of components in order with their colors; 10 outside all boxes."""
    out = np.full(shape, 10, np.uint8)
    for k in order:
        for r in range(table[k, TOP], table[k, BOTTOM] + 1):
            for c in range(table[k, LEFT], table[k, RIGHT] + 1):
                out[r, c] = table[k, COLOR]
    return out


@njit(cache=True)
def paint_symmetric(grid: Cells, table: Table, order: Table, template: int) -> Cells:
    """Show at each cell of a component's box what stands at another place of a box; 10 outside all boxes.

    Returns ``(6, H, W)``: mirrored left-right, up-down, turned by 180 degrees, transposed and turned by 90 degrees
    within the same box (square boxes only), and the same place in the box of component ``template``.
    """
    height, width = grid.shape
    out = np.full((6, height, width), 10, np.uint8)
    for k in order:
        top, left, bottom, right = table[k, TOP], table[k, LEFT], table[k, BOTTOM], table[k, RIGHT]
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                out[0, r, c] = grid[r, left + right - c]
                out[1, r, c] = grid[top + bottom - r, c]
                out[2, r, c] = grid[top + bottom - r, left + right - c]
                if table[k, SQUARE]:
                    out[3, r, c] = grid[top + c - left, left + r - top]
                    out[4, r, c] = grid[top + c - left, right - (r - top)]
                if r - top < table[template, HEIGHT] and c - left < table[template, WIDTH]:
                    out[5, r, c] = grid[table[template, TOP] + r - top, table[template, LEFT] + c - left]
    return out
