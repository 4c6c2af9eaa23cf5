"""Leave-one-out tells rules that generalize from rules that only fit."""

import numpy as np
import pytest

from dsl.grid import grid_from_text, seal
from dsl.search.budget import Budget, Meter
from dsl.search.cells import solve_cells
from dsl.search.cells.learner import Learner, Limits
from dsl.search.cells.support import LeaveOneOut
from dsl.search.objects import solve_objects
from dsl.task import Example, Task
from tests.test_cells_learner import free_meter, hidden_rule, make_items

SIZES = (30, 30, 30)


def support_of(target: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], seed: int) -> float | None:
    items = make_items(seed)
    learner = Learner(items, target, Limits(depth=5))
    meter = free_meter()
    lists = learner.search(meter)
    if not lists:
        return 0.0
    truth = [part.tobytes() for part in np.split(target, 3)]
    return LeaveOneOut(learner, SIZES, truth, meter, len(lists[0].rules) - 1).support


def test_a_hidden_rule_is_foretold_from_the_other_demonstrations() -> None:
    items = make_items(1)
    assert support_of(hidden_rule(items)[:90], 1) == 1.0


def test_noise_is_not_foretold() -> None:
    items = make_items(4)
    noisy = hidden_rule(items)[:90].copy()
    noisy[[5, 40, 75]] = 9
    assert support_of(noisy, 4) in (0.0, None)


def test_what_is_predicted_without_a_demonstration_is_compared_on_the_test_cells() -> None:
    items = make_items(1)
    target = hidden_rule(items)[:90]
    learner = Learner(items, target, Limits(depth=5))
    lists = learner.search(free_meter())
    folds = LeaveOneOut(learner, SIZES, [part.tobytes() for part in np.split(target, 3)], free_meter(), 4)
    predicted = learner.predict(lists[:1])[0]
    assert folds.stability(predicted) == 1.0
    assert folds.stability(predicted + 1) == 0.0


def test_one_demonstration_has_no_support() -> None:
    items = make_items(1)
    target = hidden_rule(items)[:90]
    learner = Learner(items, target, Limits(depth=4))
    folds = LeaveOneOut(learner, (90,), [target.tobytes()], free_meter(), 3)
    assert folds.support is None
    assert folds.stability(target) is None


def test_a_fold_cut_off_in_the_middle_is_no_evidence() -> None:
    items = make_items(1)
    target = hidden_rule(items)[:90]
    truth = [part.tobytes() for part in np.split(target, 3)]
    learner = Learner(items, target, Limits(depth=5))
    free = free_meter()
    whole = LeaveOneOut(learner, SIZES, truth, free, 2).support
    assert whole == 1.0
    assert free.nodes > len(SIZES)
    for nodes in range(1, free.nodes + 1):
        assert LeaveOneOut(learner, SIZES, truth, Meter(Budget(60.0, nodes=nodes)), 2).support is None
    assert LeaveOneOut(learner, SIZES, truth, Meter(Budget(60.0, nodes=free.nodes + 1)), 2).support == whole


def test_columns_left_out_need_not_be_explained() -> None:
    items = make_items(2)
    target = hidden_rule(items)[:90].copy()
    target[60:] = np.random.default_rng(0).integers(0, 8, 30)
    learner = Learner(items, target, Limits(depth=4))
    lists = learner.search(free_meter(), left_out=(60, 90))
    np.testing.assert_array_equal(learner.recall(lists[:1], (0, 60))[0], target[:60])


@pytest.mark.parametrize("solve", [solve_cells, solve_objects])
def test_solutions_of_a_plain_rule_are_supported(solve) -> None:  # type: ignore[no-untyped-def]
    grids = [grid_from_text(text) for text in ("1000/0020/0000/3303", "0100/0000/2200/0003", "0001/0300/0300/2000")]
    pairs = tuple(Example(grid, seal(np.where(grid == 3, 5, grid).astype(np.uint8))) for grid in grids[:3])
    task = Task("made", pairs, (grid_from_text("3010/0000/2003/0000"),))
    first = solve(task, Meter(Budget(60.0, nodes=20_000)))[0]
    assert first.support == 1.0
    assert first.stability == 1.0
