from itertools import islice

import numpy as np
import pytest

from dsl.grid import MAX_SIDE, as_grid, grid_key
from dsl.task import Example
from ensemble.adaptation.training_sets import paper_tasks, training_sequences
from ensemble.config import AdaptationConfig
from ensemble.encode import IGNORE, OUT, encoded_length

LEAVE_ONE_OUT = AdaptationConfig(recipe="paper", formats=("leave_one_out",))


def demonstrations(count: int, side: int = 3) -> tuple[Example, ...]:
    rng = np.random.default_rng(count)
    return tuple(Example(*(as_grid(rng.integers(10, size=(side, side))) for _ in range(2))) for _ in range(count))


def tasks_of(train: tuple[Example, ...], config: AdaptationConfig = LEAVE_ONE_OUT, limit: int = 8192) -> list:
    return paper_tasks(train, config, limit, np.random.default_rng(0))


@pytest.mark.parametrize("count", [3, 4])
def test_leave_one_out_tasks_come_first_and_leave_two_out_fills_up(count: int) -> None:
    train = demonstrations(count)
    lengths = [len(task) for task in tasks_of(train)]
    one_out = count * 24 * 2
    assert lengths[:one_out] == [count] * one_out
    assert set(lengths[one_out:]) == {count - 1}
    assert len(lengths) == min(250, one_out + count * (count - 1) * 24 * 2)


def test_the_cap_holds_and_cuts_leave_one_out_too() -> None:
    assert len(tasks_of(demonstrations(6))) == 250
    tasks = tasks_of(demonstrations(3), AdaptationConfig(recipe="paper", max_sequences=20))
    assert [len(task) for task in tasks] == [3] * 20


def test_every_demonstration_is_the_test_of_the_plain_tasks() -> None:
    train = demonstrations(3)
    tests = {grid_key(task[-1].output) for task in tasks_of(train)[:3]}
    assert tests == {grid_key(example.output) for example in train}


def test_two_demonstrations_are_filled_up_with_pairs_alone() -> None:
    lengths = [len(task) for task in tasks_of(demonstrations(2))]
    assert lengths == [2] * 96 + [1] * 96


def test_one_demonstration_is_shown_alone() -> None:
    assert {len(task) for task in tasks_of(demonstrations(1))} == {1}


def test_direct_pairs_fill_up_last() -> None:
    tasks = tasks_of(demonstrations(2), AdaptationConfig(recipe="paper", formats=("direct",)))
    assert [len(task) for task in tasks] == [1] * 96


def test_nothing_is_longer_than_allowed() -> None:
    train = demonstrations(3, side=10)
    limit = encoded_length(train)
    for task in tasks_of(train, limit=limit):
        assert encoded_length(task) <= limit
        assert all(max(*pair.input.shape, *pair.output.shape) <= MAX_SIDE for pair in task)
    assert tasks_of(train, limit=100) != []


def test_a_pass_shows_every_task_once() -> None:
    train = demonstrations(2)
    stream = training_sequences(train, LEAVE_ONE_OUT, 8192, np.random.default_rng(0))
    tasks = tasks_of(train)
    drawn = sorted(len(sequence) for sequence in islice(stream, len(tasks)))
    assert drawn == sorted(encoded_length(task) for task in tasks)


def test_outputs_behind_the_first_are_trained() -> None:
    stream = training_sequences(demonstrations(3), LEAVE_ONE_OUT, 8192, np.random.default_rng(0))
    for sequence in islice(stream, 20):
        outputs = np.flatnonzero(sequence.tokens == OUT)
        assert (sequence.labels[: outputs[1] + 1] == IGNORE).all()
        assert all(sequence.labels[start + 1] != IGNORE for start in outputs[1:])
