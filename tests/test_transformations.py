import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dsl.grid import as_grid, grid_from_text
from dsl.task import Example
from ensemble.adaptation.transformations import MAX_SHIFT, paper_transformations, transform_examples

GRIDS = st.tuples(st.integers(1, 15), st.integers(1, 15)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 9))
)
NAMES = [change.name for change in paper_transformations(np.random.default_rng(0))]


def test_there_are_23_and_one_is_drawn() -> None:
    assert len(set(NAMES)) == 23
    drawn = {change.name for seed in range(60) for change in paper_transformations(np.random.default_rng(seed))}
    assert len(drawn) == 22 + MAX_SHIFT**2


@pytest.mark.parametrize("number", range(23), ids=NAMES)
@settings(max_examples=25, deadline=None)
@given(grid=GRIDS, seed=st.integers(0, 99))
def test_each_is_undone(number: int, grid: np.ndarray, seed: int) -> None:
    change = paper_transformations(np.random.default_rng(seed))[number]
    before = as_grid(grid)
    np.testing.assert_array_equal(change.undo(change.apply(before)), before)


CASES = {
    "reflect before axis 0": "34/12/12/34",
    "reflect after axis 0": "12/34/34/12",
    "reflect before axis 1": "2112/4334",
    "reflect after axis 1": "1221/3443",
    "enlarge 2x2": "1122/1122/3344/3344",
    "enlarge 2x1": "12/12/34/34",
    "enlarge 1x2": "1122/3344",
    "repeat 2x1": "12/34/12/34",
    "repeat 1x2": "1212/3434",
    "repeat 2x2": "1212/3434/1212/3434",
    "rotate_90, enlarge 2x2": "3311/3311/4422/4422",
    "transpose": "13/24",
}


@pytest.mark.parametrize("name", CASES)
def test_what_each_does(name: str) -> None:
    change = next(change for change in paper_transformations(np.random.default_rng(0)) if change.name == name)
    np.testing.assert_array_equal(change.apply(grid_from_text("12/34")), grid_from_text(CASES[name]))


def test_tasks_that_grow_above_30_are_dropped() -> None:
    pairs = (Example(as_grid(np.ones((16, 3), int)), as_grid(np.ones((1, 1), int))),)
    left = {c.name for c in paper_transformations(np.random.default_rng(0)) if transform_examples(pairs, c) is not None}
    assert {"enlarge 1x2", "repeat 1x2", "reflect after axis 1", "rotate_90"} <= left
    assert not left & {"enlarge 2x2", "enlarge 2x1", "repeat 2x1", "repeat 2x2", "reflect after axis 0"}
