"""Slow, obvious twins of the joins of lists of pictures; None is no result."""

from collections import Counter

import numpy as np

from dsl.kernels import picture_list_codes as codes
from tests.naive_picture_lists import Cells, Picture, main_color


def paint(pictures: list[Picture], origin: tuple[int, int] | None = None) -> Picture:
    """Paint pictures on an empty one that just holds them, the last on top."""
    y, x = min(p[1] for p in pictures), min(p[2] for p in pictures)
    bottom = max(p[1] + p[0].shape[0] for p in pictures)
    right = max(p[2] + p[0].shape[1] for p in pictures)
    out = np.zeros((bottom - y, right - x), np.uint8)
    for a, top, left in pictures:
        for r, c in np.argwhere(a):
            out[top - y + r, left - x + c] = a[r, c]
    return (out, y, x) if origin is None else (out, *origin)


def overlay(code: int, pictures: list[Picture]) -> Picture:
    if code == codes.JOIN_OVERLAY:
        return paint(pictures[::-1])
    if code == codes.JOIN_OVERLAY_UNDER:
        return paint(pictures)
    return paint(sorted(pictures, key=lambda p: np.count_nonzero(p[0]))[::-1])


def trimmed(picture: Picture) -> Picture:
    rows, columns = np.nonzero(picture[0])
    return picture[0][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], 0, 0


def aligned(code: int, pictures: list[Picture]) -> Picture | None:
    if not all(p[0].any() for p in pictures):
        return None
    pictures = [trimmed(p) for p in pictures]
    if code == codes.JOIN_CENTERED:
        if len({(p[0].shape[0] % 2, p[0].shape[1] % 2) for p in pictures}) > 1:
            return None
        anchors = [(p[0].shape[0] // 2, p[0].shape[1] // 2) for p in pictures]
    else:
        shared = [color for color in range(1, 10) if all(np.count_nonzero(p[0] == color) == 1 for p in pictures)]
        if not shared:
            return None
        anchors = [np.argwhere(p[0] == shared[0])[0] for p in pictures]
    moved = [(p[0], -int(r), -int(c)) for p, (r, c) in zip(pictures, anchors, strict=True)]
    return overlay(codes.JOIN_OVERLAY_GROWING, moved)[0], 0, 0


def stack(code: int, pictures: list[Picture]) -> Picture:
    right = code == codes.JOIN_STACK_RIGHT
    if code == codes.JOIN_STACK_LINE:
        right = bool(np.ptp([p[2] for p in pictures]) > np.ptp([p[1] for p in pictures]))
        pictures = sorted(pictures, key=lambda p: (p[2], p[1]) if right else (p[1], p[2]))
    placed, at = [], 0
    for a, _, _ in pictures:
        placed.append((a, 0, at) if right else (a, at, 0))
        at += a.shape[1] if right else a.shape[0]
    return paint(placed, (0, 0))


def ranks(values: list[int]) -> list[int]:
    return [sorted(set(values)).index(value) for value in values]


def stack_square(pictures: list[Picture]) -> Picture | None:
    n = len(pictures)
    if len({p[0].shape for p in pictures}) != 1:
        return None
    rows, columns = ranks([p[1] for p in pictures]), ranks([p[2] for p in pictures])
    if (max(rows) + 1) * (max(columns) + 1) != n or len(set(zip(rows, columns, strict=True))) != n:
        side = round(n**0.5)
        if side * side != n:
            return None
        rows, columns = [k // side for k in range(n)], [k % side for k in range(n)]
    h, w = pictures[0][0].shape
    return paint([(p[0], r * h, c * w) for p, r, c in zip(pictures, rows, columns, strict=True)], (0, 0))


def combine_cell(code: int, values: list[int], paint_color: int) -> int:
    filled = [value for value in values if value]
    if code == codes.JOIN_NOR:
        return 0 if filled else paint_color
    if code == codes.JOIN_MAJORITY:
        return max(values, key=values.count)
    keep = {
        codes.JOIN_AND: len(filled) == len(values),
        codes.JOIN_OR: True,
        codes.JOIN_XOR: len(filled) == 1,
        codes.JOIN_FIRST_ONLY: values[0] != 0 and not any(values[1:]),
        codes.JOIN_LAST_ONLY: values[-1] != 0 and not any(values[:-1]),
        codes.JOIN_COMMON: len(set(values)) == 1,
    }[code]
    return filled[0] if keep and filled else 0


def combine(code: int, pictures: list[Picture]) -> Picture | None:
    if len(pictures) < 2 or len({p[0].shape for p in pictures}) != 1:
        return None
    out = np.zeros_like(pictures[0][0])
    for cell in np.ndindex(out.shape):
        values = [int(p[0][cell]) for p in pictures]
        out[cell] = combine_cell(code, values, main_color(pictures[0][0]) or 1)
    return out, pictures[0][1], pictures[0][2]


def odd_one(pictures: list[Picture]) -> Picture | None:
    keys = [(p[0].shape, p[0].tobytes()) for p in pictures]
    counts = Counter(keys)
    odd = [k for k, key in enumerate(keys) if counts[key] == 1]
    if len(odd) != 1 or max(counts.values()) < 2 or 2 * max(counts.values()) <= len(keys) - 1:
        return None
    return pictures[odd[0]]


def stamp_cells(pictures: list[Picture]) -> Picture | None:
    if len(pictures) != 2:
        return None
    first, second = (p[0] for p in pictures)
    if len(set(second.ravel().tolist()) - {0}) > len(set(first.ravel().tolist()) - {0}):
        first, second = second, first
    return np.kron(first, second > 0).astype(np.uint8), 0, 0


def into_frame(pictures: list[Picture]) -> Picture | None:
    if len(pictures) != 2 or not all(p[0].any() for p in pictures):
        return None
    small, large = sorted((trimmed(p)[0] for p in pictures), key=lambda a: a.size)
    inner = large[1:-1, 1:-1]
    scale = inner.shape[0] // small.shape[0]
    if scale == 0 or inner.shape != (small.shape[0] * scale, small.shape[1] * scale):
        return None
    drawn = np.kron(small, np.ones((scale, scale), np.uint8))
    return paint([(large, 0, 0), (drawn, 1, 1)], (0, 0))


def arrange(pictures: list[Picture]) -> Picture | None:
    if len(pictures) < 2 or len({p[0].shape for p in pictures}) != 1:
        return None
    h, w = pictures[0][0].shape
    common = np.bincount(np.concatenate([p[0].ravel() for p in pictures])).argmax()
    rows, columns = [], []
    for a, _, _ in pictures:
        own = np.argwhere(a != common)
        rows.append(int(np.sign((2 * own[:, 0] - (h - 1)).sum())))
        columns.append(int(np.sign((2 * own[:, 1] - (w - 1)).sum())))
    rows, columns = ranks(rows), ranks(columns)
    if len(set(zip(rows, columns, strict=True))) < len(pictures):
        return None
    placed = [(p[0], r * h, c * w) for p, r, c in zip(pictures, rows, columns, strict=True)]
    empty = np.zeros(((max(rows) + 1) * h, (max(columns) + 1) * w), np.uint8)
    return paint([(empty, 0, 0), *placed], (0, 0))


def chart(code: int, pictures: list[Picture]) -> Picture | None:
    n = len(pictures)
    colors = [main_color(p[0]) for p in pictures]
    if code in (codes.JOIN_COUNT_ROW, codes.JOIN_COUNT_COLUMN):
        colors = [colors[0] or 1] * n
    out: Cells = np.array([colors], np.uint8)
    if code in (codes.JOIN_COUNT_COLUMN, codes.JOIN_COLOR_COLUMN):
        out = out.T
    if code == codes.JOIN_COLOR_MAP:
        rows, columns = ranks([p[1] for p in pictures]), ranks([p[2] for p in pictures])
        out = np.zeros((max(rows) + 1, max(columns) + 1), np.uint8)
        for r, c, color in zip(rows, columns, colors, strict=True):
            out[r, c] = out[r, c] or color
    if code == codes.JOIN_SIZE_BARS:
        sizes = [np.count_nonzero(p[0]) for p in pictures]
        order = sorted(range(n), key=lambda k: -sizes[k])
        out = np.zeros((n, max(sizes)), np.uint8)
        for row, k in enumerate(order):
            out[row, : sizes[k]] = colors[k]
    return out, 0, 0


def join(code: int, pictures: list[Picture]) -> Picture | None:
    result: Picture | None
    if code <= codes.JOIN_OVERLAY_GROWING:
        result = overlay(code, pictures)
    elif code <= codes.JOIN_STACK_LINE:
        result = stack(code, pictures)
    elif code == codes.JOIN_STACK_SQUARE:
        result = stack_square(pictures)
    elif code <= codes.JOIN_MAJORITY:
        result = combine(code, pictures)
    elif code == codes.JOIN_ODD_ONE:
        result = odd_one(pictures)
    elif code == codes.JOIN_STAMP_CELLS:
        result = stamp_cells(pictures)
    elif code == codes.JOIN_INTO_FRAME:
        result = into_frame(pictures)
    elif code == codes.JOIN_ARRANGE:
        result = arrange(pictures)
    elif code in (codes.JOIN_CENTERED, codes.JOIN_SHARED_COLOR):
        result = aligned(code, pictures)
    else:
        result = chart(code, pictures)
    if result is None or 0 in result[0].shape or max(result[0].shape) > 30:
        return None
    return result
