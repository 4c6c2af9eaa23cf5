import numpy as np
import pytest

from dsl.grid import as_grid
from dsl.task import Example, Task
from ensemble.data import DataSet, hash_of_tasks, load_tasks
from ensemble.overlap import pair_key, shared_pairs
from tests.tasks import small_set


def random_pair(seed, shape=(4, 3)):
    rng = np.random.default_rng(seed)
    return as_grid(rng.integers(0, 4, shape)), as_grid(rng.integers(0, 4, (shape[0] + 1, 2)))


def transformed(grid, turns, flip, names):
    turned = np.rot90(grid, turns)
    return as_grid(names[turned.T if flip else turned])


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("flip", [False, True])
def test_key_is_the_same_under_symmetries_and_colors(turns, flip):
    source, target = random_pair(turns)
    names = np.random.default_rng(7).permutation(10)
    assert pair_key(*(transformed(grid, turns, flip, names) for grid in (source, target))) == pair_key(source, target)


def test_key_tells_pairs_apart():
    keys = {pair_key(*random_pair(seed)) for seed in range(50)}
    assert len(keys) == 50


def test_key_tells_shapes_with_the_same_cells_apart():
    flat, square = as_grid([[1, 2, 3, 4]]), as_grid([[1, 2], [3, 4]])
    assert pair_key(flat, flat) != pair_key(square, square)


def test_key_tells_input_from_output():
    source, target = random_pair(1)
    assert pair_key(source, target) != pair_key(target, source)


def test_a_renaming_must_be_the_same_in_input_and_output():
    one, two = as_grid([[1, 2]]), as_grid([[2, 1]])
    assert pair_key(one, as_grid([[1], [1], [1]])) != pair_key(two, as_grid([[3], [3], [3]]))


def data_set(name, tasks, answers):
    return DataSet(name, name, None, tasks, answers, hash_of_tasks(tasks))


def test_shared_pairs_names_tasks_and_places():
    (s0, t0), (s1, t1), (s2, t2) = (random_pair(seed) for seed in range(3))
    first = data_set("first", (Task("a", (Example(s0, t0),), (s1,)),), {"a": (t1,)})
    turned = Example(as_grid(np.rot90(s1)), as_grid(np.rot90(t1)))
    second = data_set("second", (Task("b", (Example(s2, t2), turned), (s0,)),), {"b": (t0,)})
    found = {(m.first.task_id, m.first.place, m.second.task_id, m.second.place) for m in shared_pairs(first, second)}
    assert found == {("a", "train[0]", "b", "test[0]"), ("a", "test[0]", "b", "train[1]")}


def test_test_pairs_without_answers_are_not_compared():
    source, target = random_pair(1)
    first = data_set("first", (Task("a", (random_example(2),), (source,)),), {})
    second = data_set("second", (Task("b", (Example(source, target),), (source,)),), {})
    assert shared_pairs(first, second) == []


def random_example(seed):
    return Example(*random_pair(seed))


def test_a_task_is_not_compared_with_itself():
    dataset = small_set(["a"])
    assert shared_pairs(dataset, dataset) == []


def test_tasks_of_one_set_that_repeat_each_other_are_found():
    dataset = small_set(["a", "b"])
    assert {(m.first.task_id, m.second.task_id) for m in shared_pairs(dataset, dataset)} == {("a", "b"), ("b", "a")}


def test_held_out_tasks_share_nothing_with_the_others():
    assert shared_pairs(load_tasks("arc-agi-1/fit"), load_tasks("arc-agi-1/dev")) == []
