"""Connected components: labels, bounding boxes, cut-outs, holes."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.directions import COLUMN_STEPS, ROW_STEPS


@njit(cache=True)
def label_components(
    grid: NDArray[np.uint8], colors: int, diagonal: bool, by_color: bool
) -> tuple[NDArray[np.int64], int]:
    """Number the connected components from 1, in reading order of their first cells.

    Args:
        grid: cells ``(H, W)``.
        colors: bit ``k`` set if cells of color ``k`` belong to components; other cells get label 0.
        diagonal: whether cells that share only a corner connect (8 neighbors instead of 4).
        by_color: whether only cells of equal color connect.

    Returns:
        Labels ``(H, W)`` and the number of components.
    """
    height, width = grid.shape
    labels = np.zeros((height, width), np.int64)
    stack = np.empty(height * width, np.int64)
    count = 0
    step = 1 if diagonal else 2
    for row in range(height):
        for column in range(width):
            if labels[row, column] != 0 or (colors >> int(grid[row, column])) & 1 == 0:
                continue
            count += 1
            labels[row, column] = count
            stack[0] = row * width + column
            depth = 1
            while depth > 0:
                depth -= 1
                r, c = stack[depth] // width, stack[depth] % width
                for k in range(0, 8, step):
                    next_r, next_c = r + ROW_STEPS[k], c + COLUMN_STEPS[k]
                    if next_r < 0 or next_r >= height or next_c < 0 or next_c >= width:
                        continue
                    if labels[next_r, next_c] != 0 or (colors >> int(grid[next_r, next_c])) & 1 == 0:
                        continue
                    if by_color and grid[next_r, next_c] != grid[r, c]:
                        continue
                    labels[next_r, next_c] = count
                    stack[depth] = next_r * width + next_c
                    depth += 1
    return labels, count


@njit(cache=True)
def component_boxes(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Measure labelled components.

    Args:
        labels: ``(H, W)``, 0 where there is none.
        count: number of labels; label ``k`` is row ``k - 1`` of the result.

    Returns:
        ``(count, 5)``: top, left, height and width of the bounding box, number of cells.
    """
    height, width = labels.shape
    boxes = np.zeros((count, 5), np.int64)
    for k in range(count):
        boxes[k, 0] = height
        boxes[k, 1] = width
    for r in range(height):
        for c in range(width):
            k = labels[r, c] - 1
            if k < 0:
                continue
            boxes[k, 0] = min(boxes[k, 0], r)
            boxes[k, 1] = min(boxes[k, 1], c)
            boxes[k, 2] = max(boxes[k, 2], r + 1)
            boxes[k, 3] = max(boxes[k, 3], c + 1)
            boxes[k, 4] += 1
    for k in range(count):
        boxes[k, 2] -= boxes[k, 0]
        boxes[k, 3] -= boxes[k, 1]
    return boxes


@njit(cache=True)
def cut_components(
    grid: NDArray[np.uint8], labels: NDArray[np.int64], boxes: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Copy every component's bounding box, one after the other.

    Returns:
        Cells (0 outside the component) and masks, both flat: box ``k`` takes ``height * width`` entries in row order.
    """
    total = 0
    for k in range(boxes.shape[0]):
        total += boxes[k, 2] * boxes[k, 3]
    cells = np.zeros(total, np.uint8)
    masks = np.zeros(total, np.bool_)
    start = 0
    for k in range(boxes.shape[0]):
        top, left, height, width = boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3]
        for r in range(height):
            for c in range(width):
                if labels[top + r, left + c] == k + 1:
                    cells[start + r * width + c] = grid[top + r, left + c]
                    masks[start + r * width + c] = True
        start += height * width
    return cells, masks


@njit(cache=True)
def find_components(
    grid: NDArray[np.uint8], colors: int, diagonal: bool, by_color: bool
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]:
    """Label, measure and cut out in one call; arguments of :func:`label_components`.

    Returns:
        Boxes, flat cells and flat masks of :func:`component_boxes` and :func:`cut_components`.
    """
    labels, count = label_components(grid, colors, diagonal, by_color)
    boxes = component_boxes(labels, count)
    cells, masks = cut_components(grid, labels, boxes)
    return boxes, cells, masks
