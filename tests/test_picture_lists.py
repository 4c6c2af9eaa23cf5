"""Every operation on lists of pictures gives the result of its slow twin, or keeps a stated law."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.kernels import picture_list_codes as codes
from dsl.kernels.picture_joins import join_pictures
from dsl.kernels.picture_lists import pick, sort_order
from dsl.kernels.picture_splits import split_picture
from dsl.kernels.picture_stats import picture_stats
from tests import naive_picture_joins as naive_joins
from tests import naive_picture_lists as naive

Cells = NDArray[np.uint8]
Picture = tuple[Cells, int, int]
SPLITS = {code: name for name, code in vars(codes).items() if name.startswith("SPLIT_")}
JOINS = {code: name for name, code in vars(codes).items() if name.startswith("JOIN_")}


def blobs(rng: np.random.Generator, shape: tuple[int, int], count: int, colors: int) -> Cells:
    """Return rectangles, some of them hollow, on black."""
    a = np.zeros(shape, np.uint8)
    for _ in range(count):
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        height, width = rng.integers(1, 6, 2)
        a[top : top + height, left : left + width] = rng.integers(1, colors + 1)
        if rng.random() < 0.5:
            a[top + 1 : top + height - 1, left + 1 : left + width - 1] = 0
    return a


def panels(rng: np.random.Generator, sides: tuple[list[int], list[int]], side_lines: bool) -> Cells:
    """Return noise cut by lines of color 8 at the given rows and columns."""
    a = rng.integers(0, 3, (11, 13)).astype(np.uint8)
    a[sides[0]] = 8
    a[:, sides[1]] = 8
    return np.pad(a, 1, constant_values=8) if side_lines else a


def random_pictures() -> list[Picture]:
    rng = np.random.default_rng(11)
    cells = [np.zeros((1, 1), np.uint8), np.zeros((5, 4), np.uint8), np.full((4, 6), 7, np.uint8)]
    for shape in ((1, 1), (1, 8), (6, 1), (3, 3), (4, 4), (4, 12), (9, 9), (10, 5), (13, 14), (30, 30)):
        for filled, colors in ((0.1, 9), (0.5, 2), (0.95, 3)):
            noise = np.where(rng.random(shape) < filled, rng.integers(1, colors + 1, shape), 0)
            cells.append(noise.astype(np.uint8))
        cells.append(blobs(rng, shape, 2 + shape[0] * shape[1] // 40, 3))
    for rows, columns in (([5], []), ([], [4, 8]), ([3, 7], [6]), ([2, 3], [6, 11])):
        cells.append(panels(rng, (rows, columns), False))
        cells.append(panels(rng, (rows, columns), True))
    half = blobs(rng, (8, 4), 4, 2)
    cells += [np.hstack([half, half[:, ::-1]]), np.vstack([half, half[::-1]]), np.maximum(cells[-1], 1)]
    square = blobs(rng, (7, 7), 4, 4)
    cells += [np.maximum(square, square.T), np.where(blobs(rng, (9, 9), 3, 3) == 0, 6, 2).astype(np.uint8)]
    return [(np.ascontiguousarray(a), int(rng.integers(-4, 9)), int(rng.integers(-4, 9))) for a in cells]


PICTURES = random_pictures()
GUARD = 64
"""Cells behind a buffer that nothing may write to."""
SCRATCH = np.full(codes.SCRATCH + GUARD, 77, np.int64)


def split(code: int, picture: Picture, room: int = codes.MAX_LIST_CELLS) -> list[Picture]:
    guarded, rows = np.full(room + GUARD, 99, np.uint8), np.full((codes.MAX_LIST + GUARD, codes.NUM_BOX), -99, np.int64)
    cells, boxes, scratch = guarded[:room], rows[: codes.MAX_LIST], SCRATCH[: codes.SCRATCH]
    n = split_picture(code, *picture, cells, boxes, scratch)
    assert (guarded[room:] == 99).all()
    assert (rows[codes.MAX_LIST :] == -99).all()
    assert (SCRATCH[codes.SCRATCH :] == 77).all()
    parts = []
    for offset, h, w, y, x in boxes[:n].tolist():
        parts.append((cells[offset : offset + h * w].reshape(h, w), y, x))
    return parts


def join(code: int, pictures: list[Picture]) -> Picture | None:
    cells, boxes = np.full(codes.MAX_LIST_CELLS, 99, np.uint8), np.zeros((codes.MAX_LIST, codes.NUM_BOX), np.int64)
    end = 0
    for k, (a, y, x) in enumerate(pictures):
        cells[end : end + a.size] = a.ravel()
        boxes[k] = end, *a.shape, y, x
        end += a.size
    guarded = np.full(codes.MAX_CELLS + GUARD, 99, np.uint8)
    out, scratch = guarded[: codes.MAX_CELLS], SCRATCH[: codes.SCRATCH]
    h, w, y, x = join_pictures(code, cells, boxes, len(pictures), out, scratch)
    assert (guarded[codes.MAX_CELLS :] == 99).all()
    assert (SCRATCH[codes.SCRATCH :] == 77).all()
    return (out[: h * w].reshape(h, w), int(y), int(x)) if h > 0 else None


def measure(pictures: list[Picture]) -> NDArray[np.int64]:
    table = np.full((len(pictures), codes.NUM_STATS), -99, np.int64)
    for row, picture in zip(table, pictures, strict=True):
        picture_stats(*picture, row)
    return table


def assert_same(found: Picture | None, expected: Picture | None) -> None:
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        np.testing.assert_array_equal(found[0], expected[0])
        assert found[1:] == expected[1:]


def random_lists() -> list[list[Picture]]:
    """Return lists of one picture, of unlike pictures, of panels, of repeated pictures, and of many."""
    rng = np.random.default_rng(17)
    lists = [[picture] for picture in PICTURES[:12]]
    for _ in range(20):
        lists.append([PICTURES[k] for k in rng.choice(len(PICTURES), rng.integers(2, 6))])
    for code in range(codes.NUM_SPLITS):
        parts = [naive.split(code, picture) for picture in PICTURES]
        lists += [pictures for pictures in parts if pictures][:: 2 if code > codes.SPLIT_GAPS else 6]
    for rows, columns in ((1, 3), (2, 2), (3, 3), (2, 5), (8, 8)):
        a = rng.integers(0, 3, (rows * 3, columns * 3)).astype(np.uint8)
        pictures = [
            (a[r * 3 : r * 3 + 3, c * 3 : c * 3 + 3], r * 4 - 2, c * 4) for r in range(rows) for c in range(columns)
        ]
        lists += [pictures, [pictures[k] for k in rng.permutation(len(pictures))], pictures[1:]]
        lists.append([(a, 0, 0) for a, _, _ in pictures])
    for shapes in ([(3, 3), (5, 4), (2, 3)], [(3, 3), (5, 5)], [(4, 3), (2, 7), (6, 1)]):
        marked = [np.where(rng.random(shape) < 0.7, rng.integers(0, 5, shape), 0).astype(np.uint8) for shape in shapes]
        for a in marked:
            a.ravel()[rng.integers(a.size)] = 9
        lists.append([(a, int(rng.integers(9)), int(rng.integers(9))) for a in marked])
    for h, w, scale in ((2, 3, 1), (3, 2, 2), (2, 2, 4)):
        small = np.pad(rng.integers(0, 3, (h - 1, w)), ((1, 0), (0, 0)), constant_values=4).astype(np.uint8)
        small[-1] = 4
        frame = np.full((h * scale + 2, w * scale + 2), 7, np.uint8)
        frame[1:-1, 1:-1] = rng.integers(0, 2, (h * scale, w * scale))
        lists += [[(small, 3, 4), (frame, 0, 9)], [(frame, 0, 9), (np.pad(small, 1), 3, 4)]]
    same, other, third = (rng.integers(0, 3, (3, 4)).astype(np.uint8) for _ in range(3))
    for order in ([0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 1, 2], [0, 0, 0, 1, 1, 2], [0, 1, 2], [0, 0]):
        lists.append([((same, other, third)[k], 2 * i, i) for i, k in enumerate(order)])
    return [pictures for pictures in lists if sum(p[0].size for p in pictures) <= codes.MAX_LIST_CELLS]


LISTS = random_lists()


@pytest.mark.parametrize("code", range(codes.NUM_SPLITS), ids=SPLITS.get)
def test_splits_find_what_plain_sets_find(code: int) -> None:
    some = 0
    for picture in PICTURES:
        found, expected = split(code, picture), naive.split(code, picture)
        assert len(found) == len(expected)
        some += len(found) > 0
        for part, expected_part in zip(found, expected, strict=True):
            assert_same(part, expected_part)
    assert some >= 4


@pytest.mark.parametrize("code", range(codes.NUM_SPLITS), ids=SPLITS.get)
def test_a_split_that_does_not_fit_is_no_result(code: int) -> None:
    for picture in PICTURES:
        expected = naive.split(code, picture)
        size = sum(part[0].size for part in expected)
        assert len(split(code, picture, size)) == len(expected)
        if expected:
            assert split(code, picture, size - 1) == []


def test_statistics_are_those_of_plain_counts() -> None:
    for picture, row in zip(PICTURES, measure(PICTURES).tolist(), strict=True):
        for column, value in naive.stats(picture).items():
            assert row[column] == value, column


def test_hashes_are_equal_exactly_for_equal_content() -> None:
    pictures = [p for pictures in LISTS for p in pictures]
    pictures += [(np.pad(a, ((1, 2), (0, 1))), y, x) for a, y, x in pictures[:100] if max(a.shape) < 28]
    shapes, contents = set(), set()
    pairs = set()
    for (a, _, _), row in zip(pictures, measure(pictures).tolist(), strict=True):
        cropped = naive.content(a)
        shape, colors = (cropped.shape, (cropped != 0).tobytes()), (cropped.shape, cropped.tobytes())
        shapes.add((shape, row[codes.STAT_SHAPE_HASH]))
        contents.add((colors, row[codes.STAT_CONTENT_HASH]))
        pairs.add((shape, colors))
    for table in (shapes, contents):
        assert len({key for key, _ in table}) == len({number for _, number in table}) == len(table)
    assert len(pairs) == len(contents) > len(shapes)


@pytest.mark.parametrize("criterion", range(codes.NUM_PICKS))
def test_picks_mark_the_members_that_meet_the_criterion(criterion: int) -> None:
    for pictures in LISTS:
        table = measure(pictures)
        chosen = np.full(codes.MAX_LIST, 9, np.uint8)
        count = pick(table, criterion, chosen)
        expected = naive.pick(table.tolist(), criterion)
        assert count == len(expected)
        if count > 0:
            assert np.flatnonzero(chosen[: len(pictures)]).tolist() == expected


@pytest.mark.parametrize("key", range(codes.NUM_SORTS))
def test_sorting_is_stable(key: int) -> None:
    for pictures in LISTS:
        table = measure(pictures)
        order = np.full(codes.MAX_LIST, 99, np.int64)
        sort_order(table, len(pictures), key, order)
        values = table[:, codes.SORT_COLUMNS[key // 2]].tolist()
        expected = sorted(range(len(pictures)), key=lambda k: -values[k] if key % 2 else values[k])
        assert order[: len(pictures)].tolist() == expected


@pytest.mark.parametrize("code", range(codes.NUM_JOINS), ids=JOINS.get)
def test_joins_paint_what_plain_loops_paint(code: int) -> None:
    some = 0
    for pictures in LISTS:
        found = join(code, pictures)
        assert_same(found, naive_joins.join(code, pictures))
        some += found is not None
    assert some >= 3
