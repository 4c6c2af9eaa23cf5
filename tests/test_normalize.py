import numpy as np
import pytest

from dsl.errors import PrimitiveError
from dsl.grid import as_grid, grid_from_text, same_grid
from dsl.program import parse, run
from dsl.search.normalize import FEATURES, Roles, find_ground, find_roles, normalize, with_roles
from dsl.task import Example, Task


def pair(source, target):
    return Example(grid_from_text(source), grid_from_text(target))


TASK = Task("t", (pair("1120/0000", "0020/0000"), pair("3340/0000", "0040/0000")), (grid_from_text("6650/0000"),))


@pytest.mark.parametrize("feature", FEATURES)
def test_names_are_a_permutation_that_keeps_fixed_colors(feature):
    grid = as_grid(np.random.default_rng(0).integers(0, 10, (9, 9)))
    names = Roles(feature, (0, 4, 7)).names(grid)
    assert sorted(names.tolist()) == list(range(10))
    assert names[[0, 4, 7]].tolist() == [0, 4, 7]


def test_a_rule_over_the_rarer_color_becomes_one_over_a_fixed_color():
    roles = Roles("count", (0,))
    program = with_roles(roles, parse("keep_color(input, #2)"))
    assert all(same_grid(run(program, example.input), example.output) for example in TASK.train)
    assert same_grid(run(parse(str(program)), TASK.test_inputs[0]), grid_from_text("0050/0000"))


def test_normalized_pairs_share_their_colors():
    view = normalize(TASK, find_roles(TASK)[0])
    assert [sorted(set(example.input.ravel().tolist())) for example in view.train] == [[0, 1, 2], [0, 1, 2]]
    assert {frozenset(example.output.ravel().tolist()) for example in view.train} == {frozenset((0, 2))}


def test_no_roles_where_all_images_have_the_same_colors_in_the_same_order():
    task = Task("t", (pair("110", "011"), pair("100", "001")), (grid_from_text("111"),))
    assert find_roles(task) == []


def test_the_ground_becomes_black_and_black_takes_its_color():
    task = Task("t", (pair("8808/3880", "0888/8388"), pair("44/42", "44/24")), (grid_from_text("7771"),))
    ground = find_ground(task)
    assert ground is not None
    view = normalize(task, ground)
    assert same_grid(view.train[0].input, grid_from_text("0080/3008"))
    assert same_grid(view.train[0].output, grid_from_text("8000/0300"))
    program = with_roles(ground, parse("flip_left_right(input)"))
    assert str(program) == 'with_roles("ground", flip_left_right(input))'
    assert same_grid(run(program, task.test_inputs[0]), grid_from_text("1777"))


def test_no_ground_where_one_is_black_already():
    task = Task("t", (pair("008", "000"), pair("442", "444")), (grid_from_text("777"),))
    assert find_ground(task) is None


@pytest.mark.parametrize("text", ["size 0", "count x"])
def test_unknown_roles_have_no_result(text):
    with pytest.raises(PrimitiveError):
        run(parse(f'with_roles("{text}", input)'), as_grid([[1]]))
