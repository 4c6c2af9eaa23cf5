import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.grid import as_grid
from dsl.task import Example, Task
from ensemble.allotment import LARGE_SHARE, LEAST_DOUBT, MANY_CELLS, MOST_TIMES, Allotment, weight_of
from ensemble.config import MergeConfig
from ensemble.merge import cells_of, probability_right
from ensemble.types import Candidate, Provenance
from tests.tasks import small_task

WEIGHTS = st.dictionaries(st.text(max_size=4), st.floats(0.01, 1.0), min_size=1, max_size=30)


def allot(weights, total):
    allotment = Allotment(weights, total)
    return {name: allotment.take(name) for name in allotment.order()}


def program(task, probability, grid=None):
    """A candidate of a program that is right with a probability."""
    import math

    where = Provenance("symbolic", "symbolic", "image", program="p", cost=-math.log2(probability), fits=len(task.train))
    return Candidate(task.task_id, 0, task.test_inputs[0] if grid is None else grid, -1.0, where)


@given(WEIGHTS, st.floats(1.0, 1e5))
def test_all_of_the_time_is_given_and_no_task_has_too_much(weights, total):
    seconds = allot(weights, total)
    assert seconds.keys() == weights.keys()
    assert sum(seconds.values()) == pytest.approx(total)
    assert max(seconds.values()) <= MOST_TIMES * total / len(weights) * (1 + 1e-9)


@given(WEIGHTS)
def test_more_doubt_has_no_less_time(weights):
    seconds = allot(weights, 100.0)
    ranked = sorted(weights, key=lambda name: weights[name])
    assert all(seconds[a] <= seconds[b] * (1 + 1e-9) for a, b in itertools.pairwise(ranked))


def test_what_is_left_over_comes_to_the_tasks_of_most_weight():
    allotment = Allotment({"doubtful": 8.0, "sure": 1.0, "likely": 1.0}, 100.0)
    assert allotment.order() == ["sure", "likely", "doubtful"]
    for name in allotment.order()[:2]:
        assert allotment.take(name) == pytest.approx(10.0)
        allotment.give_back(10.0 if name == "likely" else 0.0)
    assert allotment.take("doubtful") == pytest.approx(90.0)


def test_no_tasks_need_no_time():
    assert allot({}, 10.0) == {}


@given(WEIGHTS, st.floats(0.0, 1.0))
def test_what_tasks_leave_over_goes_to_those_after_them(weights, used):
    allotment, fixed = Allotment(weights, 100.0), allot(weights, 100.0)
    spent = 0.0
    for name in allotment.order():
        seconds = allotment.take(name)
        assert seconds >= fixed[name] * (1 - 1e-9)
        allotment.give_back(seconds * (1 - used))
        spent += seconds * used
    assert spent <= 100.0 * (1 + 1e-9)


def test_what_one_takes_beyond_its_time_is_missing_to_the_others_which_keep_half():
    allotment = Allotment({"a": 1.0, "b": 1.0, "c": 1.0}, 30.0)
    assert allotment.take("a") == pytest.approx(10.0)
    allotment.give_back(-4.0)
    assert allotment.take("b") == pytest.approx(8.0)
    allotment.give_back(-100.0)
    assert allotment.take("c") == pytest.approx(5.0)


def test_a_task_without_candidates_weighs_most():
    task, config = small_task("a"), MergeConfig(invariants=False)
    cells = cells_of(task)
    nothing = weight_of(task, [], config)
    likely = weight_of(task, [program(task, 0.9)], config)
    certain = weight_of(task, [program(task, 1.0)], config)
    assert nothing == cells
    assert likely == pytest.approx(0.1 * cells)
    assert certain == pytest.approx(LEAST_DOUBT * cells)


def test_grids_that_programs_find_as_likely_exclude_each_other():
    task, config = small_task("a"), MergeConfig(invariants=False)
    three = [program(task, 0.9, as_grid([[1] * (1 + k)])) for k in range(3)]
    assert probability_right(task, three, config) == pytest.approx(2 * 9 / (1 + 3 * 9))
    assert probability_right(task, [], config) == 0.0


def test_larger_tasks_have_more_time_up_to_a_size():
    def weight(side):
        grid = np.zeros((side, side), np.uint8)
        return weight_of(Task("a", (Example(grid, grid),), (grid,)), [], MergeConfig())

    assert weight(10) == 3 * 100
    assert weight(20) == 3 * 400
    assert weight(25) == LARGE_SHARE * MANY_CELLS
