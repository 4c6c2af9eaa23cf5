"""Grids: what is one, what is not, and how the message says so."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from dsl.errors import DslError, GridError
from dsl.grid import MAX_SIDE, as_grid, grid_from_text, grid_key, grid_to_text, same_grid, seal

grids = npst.arrays(
    np.uint8,
    st.tuples(st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE)),
    elements=st.integers(0, 9),
).map(seal)


@given(grids)
def test_text_reads_back(grid: Any) -> None:
    assert same_grid(grid_from_text(grid_to_text(grid)), grid)


@given(grids)
def test_lists_and_arrays_of_any_integers_make_the_same_grid(grid: Any) -> None:
    for values in (grid.tolist(), grid.astype(np.int64), grid.astype(np.uint16), tuple(map(tuple, grid.tolist()))):
        assert grid_key(as_grid(values)) == grid_key(grid)


@given(grids, grids)
def test_keys_are_equal_exactly_for_equal_grids(left: Any, right: Any) -> None:
    equal = left.shape == right.shape and bool((left == right).all())
    assert (grid_key(left) == grid_key(right)) is equal
    assert same_grid(left, right) is equal


def test_shape_counts_in_keys() -> None:
    flat, tall = grid_from_text("12"), grid_from_text("1/2")
    assert grid_key(flat) != grid_key(tall)
    assert not same_grid(flat, tall)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "non-empty list of rows"),
        ("12", "non-empty list of rows"),
        (None, "non-empty list of rows, got 'None'"),
        ([[]], "sides must be 1..30, got 1x0"),
        ([[1]] * 31, "sides must be 1..30, got 31x1"),
        ([[1, 2], [3]], "row 0 has 2 cells and row 1 has 1"),
        ([1, 2], "grid row 0 must be a list of integers, got '1'"),
        ([["1"]], "integers 0..9, got '1' at row 0, column 0"),
        ([[1, True]], "integers 0..9, got 'True' at row 0, column 1"),
        ([[1.0]], "integers 0..9, got '1.0' at row 0, column 0"),
        ([[10]], "0..9, got 10 at row 0, column 0"),
        ([[1, 2], [3, -1]], "0..9, got -1 at row 1, column 1"),
        ([[2**70]], "a number beyond 64 bits"),
        (np.zeros((2, 2)), "integers 0..9, got float64"),
        (np.zeros(3, np.uint8), "2 dimensions, got 1"),
        (np.zeros((0, 3), np.uint8), "sides must be 1..30, got 0x3"),
    ],
)
def test_message_says_what_came_and_what_is_allowed(values: Any, message: str) -> None:
    with pytest.raises(GridError) as caught:
        as_grid(values)
    assert message in str(caught.value)
    assert isinstance(caught.value, DslError)


@pytest.mark.parametrize("text", ["", "1/", "12/3x", "²", "1 2"])
def test_text_that_is_no_grid_is_refused(text: str) -> None:
    with pytest.raises(GridError):
        grid_from_text(text)


def test_grids_cannot_be_written_to() -> None:
    grid = as_grid([[1, 2]])
    with pytest.raises(ValueError, match="read-only"):
        grid[0, 0] = 3


def test_as_grid_copies_so_that_the_source_stays_free() -> None:
    source = np.array([[1, 2]], np.uint8)
    grid = as_grid(source)
    source[0, 0] = 9
    assert grid[0, 0] == 1
    assert source.flags.writeable


def test_seal_copies_what_another_array_could_change() -> None:
    source = np.array([[1, 2], [3, 4]], np.uint8)
    row = seal(source[:1])
    source[0, 0] = 9
    assert row.tolist() == [[1, 2]]


def test_seal_copies_a_frozen_view_of_what_can_be_changed() -> None:
    source = np.array([[1, 2], [3, 4]], np.uint8)
    view = source[:1]
    view.setflags(write=False)
    row = seal(view)
    source[0, 0] = 9
    assert row.tolist() == [[1, 2]]


def test_seal_makes_views_contiguous() -> None:
    flipped = seal(np.array([[1, 2], [3, 4]], np.uint8)[:, ::-1])
    assert flipped.flags.c_contiguous
    assert not flipped.flags.writeable


def test_seal_shares_the_memory_of_frozen_views() -> None:
    grid = as_grid([[1, 2], [3, 4]])
    assert np.shares_memory(seal(grid[1:]), grid)
