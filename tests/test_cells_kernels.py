"""Every kernel behind cell rules gives the result of its slow twin, or keeps a stated law."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.grid import seal
from dsl.kernels import bitsets, planes, planes_completion, planes_objects, planes_writing
from dsl.search.cells import warm_up
from tests import naive_cells as naive


def random_grids() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    grids = []
    for height, width in ((1, 1), (1, 7), (6, 1), (4, 5), (8, 8), (30, 30)):
        for filled in (0.2, 0.9):
            cells = np.where(rng.random((height, width)) < filled, rng.integers(1, 5, (height, width)), 0)
            grids.append(seal(cells.astype(np.uint8)))
    return grids


GRIDS = random_grids()
SMALL = [grid for grid in GRIDS if grid.size < 900]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: str(grid.shape))
def test_rays_find_what_a_walk_finds(grid: NDArray[np.uint8]) -> None:
    for found, expected in zip(planes.rays(grid, 0), naive.rays(grid, 0), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("grid", SMALL, ids=lambda grid: str(grid.shape))
def test_nearest_finds_what_comparing_all_cells_finds(grid: NDArray[np.uint8]) -> None:
    for found, expected in zip(planes.nearest(grid, 0), naive.nearest(grid, 0), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("grid", SMALL, ids=lambda grid: str(grid.shape))
def test_counts_are_those_of_plain_lists(grid: NDArray[np.uint8]) -> None:
    colors = planes.rays(grid, 0)[0]
    np.testing.assert_array_equal(planes.color_counts(grid, colors), naive.color_counts(grid, colors))
    np.testing.assert_array_equal(planes.neighbor_summary(grid, 0), naive.neighbor_summary(grid, 0))


@pytest.mark.parametrize("direction", range(4))
def test_falling_keeps_the_order_of_each_line(direction: int) -> None:
    for grid in GRIDS:
        np.testing.assert_array_equal(planes.fall(grid, 0, direction), naive.fall(grid, 0, direction))


@pytest.mark.parametrize(("directions", "through"), [(0b1, False), (0b1100, True), (0b11111111, False)])
def test_extending_paints_until_something_stands_in_the_way(directions: int, through: bool) -> None:
    for grid in SMALL:
        expected = naive.extend(grid, 0, directions, through)
        np.testing.assert_array_equal(planes.extend(grid, 0, directions, through), expected)


@pytest.mark.parametrize("options", [(False, True, False), (True, True, True), (True, False, True)])
def test_labels_number_components_in_raster_order(options: tuple[bool, bool, bool]) -> None:
    for grid in GRIDS:
        labels, count = planes_objects.label(grid, *options, 0)
        expected, expected_count = naive.label(grid, *options, 0)
        np.testing.assert_array_equal(labels, expected)
        assert count == expected_count


def component_table(text: list[str], diagonal: bool = True) -> NDArray[np.int64]:
    grid = seal(np.array([[int(cell) for cell in row] for row in text], np.uint8))
    labels, count = planes_objects.label(grid, True, False, diagonal, 0)
    inside, outside = planes_objects.contacts(grid, labels, count)
    return planes_objects.properties(grid, labels, inside, outside, 0)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (planes_objects.SIZE, [8, 1, 3]),
        (planes_objects.HOLES, [1, 0, 0]),
        (planes_objects.HEIGHT, [3, 1, 2]),
        (planes_objects.AT_EDGE, [1, 1, 1]),
        (planes_objects.COLOR, [1, 2, 3]),
        (planes_objects.RANK, [0, 2, 1]),
        (planes_objects.LARGEST, [1, 0, 0]),
        (planes_objects.MIRROR_LR, [1, 1, 0]),
        (planes_objects.SQUARE, [1, 1, 1]),
    ],
)
def test_properties_describe_each_component(column: int, expected: list[int]) -> None:
    table = component_table(["111002", "101000", "111030", "000033"])
    assert table[:, column].tolist() == expected


def test_equal_shapes_are_counted_whatever_their_color() -> None:
    table = component_table(["1100220", "0000000", "3000333"])
    assert table[:, planes_objects.SAME_SHAPE].tolist() == [2, 2, 1, 1]


def random_bits(rng: np.random.Generator, rows: int, size: int, share: float) -> NDArray[np.bool_]:
    return rng.random((rows, size)) < share


@pytest.mark.parametrize("size", [1, 63, 64, 65, 300])
def test_scan_agrees_with_counting_cell_by_cell(size: int) -> None:
    rng = np.random.default_rng(size)
    predicates, wrong = random_bits(rng, 40, size, 0.5), random_bits(rng, 12, size, 2.0 / size)
    active = random_bits(rng, 1, size, 0.7)
    found = bitsets.scan(naive.pack(predicates), naive.pack(wrong), naive.pack(active)[0])
    np.testing.assert_array_equal(found, naive.scan(predicates, wrong, active[0]))


def test_predicates_are_packed_complemented_so_that_the_first_cell_is_never_set() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (3, 150)).astype(np.uint8)
    rows = np.array([[0, bitsets.EQUAL, 2, -1], [1, bitsets.AT_MOST, 1, -1], [0, bitsets.SAME, 0, 2]])
    truth = np.stack([values[0] == 2, values[1] <= 1, values[0] == values[2]])
    train, test, counts = bitsets.pack_predicates(values, rows, 100)
    flipped = truth ^ truth[:, :1]
    np.testing.assert_array_equal(naive.bits(train, 100), flipped[:, :100])
    np.testing.assert_array_equal(naive.bits(test, 50), flipped[:, 100:])
    assert (np.abs(counts) == flipped[:, :100].sum(axis=1)).all()


def test_enumerated_predicates_speak_of_values_that_demonstrations_show() -> None:
    values = np.array([[0, 3, 3, 7], [1, 2, bitsets.NONE, 9]], np.uint8)
    kinds = np.array([bitsets.COLOR_PLANE, bitsets.NUMBER_PLANE])
    rows, _ = bitsets.enumerate_predicates(values, kinds, np.array([1.0, 1.0]), 3)
    assert rows[rows[:, 0] == 0, 2].tolist() == [0, 3]
    assert set(map(tuple, rows[rows[:, 0] == 1, 1:3].tolist())) == {
        (bitsets.EQUAL, bitsets.NONE),
        (bitsets.EQUAL, 1),
        (bitsets.EQUAL, 2),
        (bitsets.AT_MOST, 1),
        (bitsets.AT_LEAST, 2),
    }


def test_pure_expressions_are_those_without_an_error_on_the_side() -> None:
    wrong = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]], bool)
    side = naive.pack(np.array([[1, 1, 0]], bool))[0]
    assert bitsets.pure_expressions(naive.pack(wrong), side, 5).tolist() == [1, 2]
    assert bitsets.pure_expressions(naive.pack(wrong), side, 1).tolist() == [1]


def test_the_first_rule_that_holds_paints_the_cell() -> None:
    predicates = naive.pack(np.array([[1, 1, 0, 0], [1, 0, 1, 0]], bool))
    expressions = np.array([[1] * 4, [2] * 4, [3] * 4], np.uint8)
    lists = np.array([[[0, 1, 0], [1, 0, 1], [-1, 1, 2]], [[-1, 1, 2], [-2, 0, 0], [-2, 0, 0]]])
    assert bitsets.apply_rules(lists, predicates, expressions, 0).tolist() == [[1, 1, 3, 2], [3, 3, 3, 3]]


def test_rules_apply_to_a_range_of_cells_as_to_all() -> None:
    rng = np.random.default_rng(8)
    predicates = naive.pack(rng.integers(0, 2, (5, 150)) == 1)
    expressions = rng.integers(0, 10, (4, 150)).astype(np.uint8)
    lists = np.array([[[p, p % 2, p % 4], [p + 1, 1, 2], [-1, 1, 3]] for p in range(4)])
    whole = bitsets.apply_rules(lists, predicates, expressions, 0)
    part = bitsets.apply_rules(lists, predicates, np.ascontiguousarray(expressions[:, 60:140]), 60)
    np.testing.assert_array_equal(part, whole[:, 60:140])


def test_hidden_cells_of_a_mirrored_image_come_back() -> None:
    rng = np.random.default_rng(5)
    quarter = rng.integers(1, 9, (5, 6))
    half = np.concatenate([quarter, quarter[::-1]])
    whole = np.concatenate([half, half[:, ::-1]], axis=1).astype(np.uint8)
    hidden = whole.copy()
    hidden[1:4, 2:5] = 0
    axes = planes_completion.best_axes(hidden, 0)
    found, filled = planes_completion.fill_symmetric(hidden, 0, axes, 0b0011, 3)
    assert filled
    np.testing.assert_array_equal(found, whole)


def test_hidden_cells_of_a_repeating_image_come_back() -> None:
    whole = np.tile(np.array([[1, 2, 3], [4, 5, 6]], np.uint8), (4, 4))
    hidden = whole.copy()
    hidden[2:5, 3:8] = 0
    shifts = planes_completion.valid_shifts(hidden, 0)
    assert [0, 3] in shifts[:, :2].tolist()
    found, filled = planes_completion.fill_shifted(hidden, 0, shifts)
    assert filled
    np.testing.assert_array_equal(found, whole)


def test_writing_reads_what_it_wrote_before() -> None:
    start = np.array([[[3, 0, 0, 5, 0]], [[1, 0, 0, 1, 0]]], np.uint8)
    rules = np.array(
        [
            [planes_writing.FIXED, 1, 0, 1, planes_writing.COPY_FIXED, 0],
            [planes_writing.WRITTEN_IS, 0, 5, 0, planes_writing.COPY_WRITTEN, 0],
        ]
    )
    out = planes_writing.write_in_order(rules, start, np.array([[0, -1]]))
    assert out.tolist() == [[3, 3, 3, 5, naive.NO_COLOR]]


def test_warming_up_reaches_every_kernel() -> None:
    warm_up()
    modules = (bitsets, planes, planes_completion, planes_objects, planes_writing)
    kernels = [value for module in modules for name, value in vars(module).items() if hasattr(value, "signatures")]
    called = [kernel for kernel in kernels if kernel.__name__[0] != "_" and kernel is not bitsets.holds]
    assert not [kernel.__name__ for kernel in called if not kernel.signatures]
