import numpy as np
import pytest

from dsl.errors import PrimitiveError
from dsl.grid import Grid, as_grid, grid_from_text, seal
from dsl.program import evaluate, parse
from dsl.registry import _describe, get_primitive
from dsl.search.bank import Bank
from dsl.search.budget import Budget, Meter
from dsl.search.enumerate import Enumeration, EnumerationConfig
from dsl.search.filters import GridFilter
from dsl.search.grammar import productions
from dsl.search.rows import MISSING, Rows
from dsl.types import Kind, value_key

NAMES = ("flip_left_right", "transpose", "keep_color", "crop_to_content", "components", "largest", "overlay")
IMAGES = [as_grid([[1, 0, 2], [0, 2, 0]]), as_grid([[0, 2], [1, 1]]), as_grid([[2, 1, 0], [0, 0, 1], [2, 2, 1]])]


def language(names=NAMES):
    return productions((0, 1, 2), [get_primitive(name) for name in names])


def enumerate_all(nodes=1500, names=NAMES, demonstrations=2, **config):
    enumeration = Enumeration(IMAGES, demonstrations, language(names), EnumerationConfig(**config))
    meter = Meter(Budget(1, nodes=nodes))
    while enumeration.advance(meter):
        pass
    return enumeration


@pytest.fixture(scope="module")
def found():
    return enumerate_all()


def test_every_row_holds_what_its_program_gives_on_every_image(found):
    for row in range(0, found.rows.count, 7):
        program = parse(str(found.program(row)))
        for image, number in zip(IMAGES, found.rows.ids[row].tolist(), strict=True):
            if number == MISSING:
                with pytest.raises(PrimitiveError):
                    evaluate(program, image)
            else:
                assert value_key(evaluate(program, image)) == value_key(found.bank.value(number))


def test_no_two_rows_behave_alike(found):
    assert len({tuple(row) for row in found.rows.ids.tolist()}) == found.rows.count
    assert found.rows.duplicates > 0


def test_cost_is_the_sum_over_the_program(found):
    by_text = {str(found.program(row)): float(found.rows.costs[row]) for row in range(found.rows.count)}
    flip, turn = get_primitive("flip_left_right").cost, get_primitive("transpose").cost
    assert by_text["flip_left_right(input)"] == pytest.approx(1 + flip)
    assert by_text["transpose(flip_left_right(input))"] == pytest.approx(1 + flip + turn)


def test_pruning_keeps_a_cheapest_program_for_each_behavior():
    small = enumerate_all(nodes=4000, names=("flip_left_right", "transpose", "rotate_90", "rotate_180"))
    costs = {str(small.program(row)): float(small.rows.costs[row]) for row in range(small.rows.count)}
    assert small.rows.count == 8
    assert max(costs.values()) == pytest.approx(1 + 2 * get_primitive("transpose").cost)


def test_rows_are_found_in_order_of_cost_up_to_half_a_bit_and_two_slot_partners():
    single = enumerate_all(names=("flip_left_right", "keep_color", "transpose", "crop_to_content"))
    costs = single.rows.costs
    assert (np.maximum.accumulate(costs) - costs).max() <= 1.0


def test_same_nodes_give_the_same_rows():
    first, second = enumerate_all(nodes=700), enumerate_all(nodes=700)
    assert first.rows.ids.tolist() == second.rows.ids.tolist()
    assert [str(first.program(row)) for row in range(50)] == [str(second.program(row)) for row in range(50)]


def test_a_missing_result_on_a_demonstration_drops_the_row_but_on_a_test_input_it_stays():
    def fail_on_three_rows(grid: Grid) -> Grid:
        """Return the grid turned over, if it has two rows."""
        if grid.shape[0] == 3:
            raise PrimitiveError("three rows")
        return seal(grid[::-1].copy())

    entry = _describe(fail_on_three_rows, "fail_on_three_rows", 2.0, {})
    for demonstrations, expected in ((2, 2), (3, 1)):
        enumeration = Enumeration(IMAGES, demonstrations, productions((), [entry]))
        enumeration.advance(Meter(Budget(1, nodes=10)))
        assert enumeration.rows.count == expected


def test_a_bound_on_rows_ends_the_search():
    assert enumerate_all(nodes=10**6, max_rows=300).rows.count < 3000


def test_bank_keeps_grids_and_masks_of_equal_bytes_apart():
    bank = Bank()
    grid = bank.intern(Kind.GRID, as_grid([[1, 0]]))
    mask = bank.intern(Kind.MASK, np.array([[True, False]]))
    assert grid != mask
    assert bank.intern(Kind.GRID, as_grid([[1, 0]])) == grid
    assert bank.value(mask).dtype == np.bool_
    assert not bank.value(grid).flags.writeable
    assert bank.shape(grid) == (1, 2)


def test_bank_tells_true_from_one():
    bank = Bank()
    assert bank.intern(Kind.BOOL, True) != bank.intern(Kind.INT, 1)


def test_a_cheaper_program_replaces_a_known_one():
    rows = Rows(2)
    ids = np.array([[4, 5]], np.int32)
    rows.add(Kind.GRID, ids, np.array([9.0], np.float32), np.array([[7, 0, -1]]))
    rows.add(Kind.GRID, ids, np.array([5.0], np.float32), np.array([[3, 0, -1]]))
    rows.add(Kind.GRID, ids, np.array([6.0], np.float32), np.array([[2, 0, -1]]))
    assert rows.count == 1
    assert rows.origin(0) == (3, 0, -1)
    assert rows.costs.tolist() == [5.0]


def test_a_mirrored_grid_is_expanded_once_and_a_grid_of_one_color_never():
    bank, rows = Bank(), Rows(2)
    texts = (("12/34", "1/2"), ("43/21", "2/1"), ("21/43", "2/1"), ("11/11", "5"))
    for cost, pair in enumerate(texts):
        numbers = [bank.intern(Kind.GRID, grid_from_text(text)) for text in pair]
        rows.add(Kind.GRID, np.array([numbers], np.int32), np.array([10.0 + cost], np.float32), np.array([[0, 0, -1]]))
    assert GridFilter(bank, rows).keep(np.arange(4)).tolist() == [0, 2]


def test_cheap_grids_are_always_expanded():
    bank, rows = Bank(), Rows(1)
    for cost, text in ((1.0, "12"), (4.0, "21"), (5.0, "33")):
        numbers = np.array([[bank.intern(Kind.GRID, grid_from_text(text))]], np.int32)
        rows.add(Kind.GRID, numbers, np.array([cost], np.float32), np.array([[0, 0, -1]]))
    assert GridFilter(bank, rows).keep(np.arange(3)).tolist() == [0, 1, 2]
