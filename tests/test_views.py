import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dsl.errors import PrimitiveError
from dsl.grid import as_grid, same_grid
from dsl.program import parse, run
from dsl.search.views import SYMMETRIES, view_of, viewed
from dsl.symmetry import TRANSFORMS, inverse_name, transform
from dsl.task import Example, Task

grids = arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 9)).map(as_grid)


@pytest.mark.parametrize("name", TRANSFORMS)
@given(grid=grids)
def test_a_transform_is_undone_by_its_inverse(name, grid):
    assert same_grid(transform(transform(grid, name), inverse_name(name)), grid)


@given(grid=grids)
def test_rotations_are_clockwise(grid):
    assert np.array_equal(transform(grid, "rotate_90"), np.rot90(grid, -1))
    assert np.array_equal(transform(grid, "rotate_270"), np.rot90(grid, 1))


def test_the_symmetries_differ_from_each_other_and_from_the_identity():
    grid = as_grid([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert len({transform(grid, name).tobytes() for name in SYMMETRIES} | {grid.tobytes()}) == 8


@pytest.mark.parametrize("name", SYMMETRIES)
def test_a_program_of_a_view_predicts_on_the_raw_task_what_it_predicts_there(name):
    first, second = as_grid([[1, 2, 0], [0, 0, 3]]), as_grid([[0, 5], [6, 0], [0, 0]])
    inner = parse("left_half(input)")
    task = Task("t", (Example(first, first),), (second,))
    seen = view_of(task, name)
    program = parse(str(viewed(name, inner)))
    for raw, turned in ((first, seen.train[0].input), (second, seen.test_inputs[0])):
        assert same_grid(transform(run(program, raw), name), run(inner, turned))


def test_an_unknown_view_is_refused():
    with pytest.raises(PrimitiveError, match="viewed takes one of identity"):
        run(parse('viewed("sideways", input)'), as_grid([[1]]))
