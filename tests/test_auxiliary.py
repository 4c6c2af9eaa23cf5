"""Auxiliary tasks are other rules on all inputs of a task, and take their share of test-time training."""

from pathlib import Path

import numpy as np
import pytest

from dsl.grid import as_grid, grid_from_text, grid_key, same_grid
from dsl.task import Example, Task
from ensemble.adaptation.auxiliary import auxiliary_tasks
from ensemble.adaptation.engine import Feed
from ensemble.config import AdaptationConfig, NeuralConfig
from ensemble.model import build_model
from ensemble.solvers.neural import NeuralSolver

PAIRS = (("120/000/003", "021/000/300"), ("400/050/000", "004/050/000"), ("006/070/800", "600/070/008"))
TASK = Task(
    "flip",
    tuple(Example(grid_from_text(source), grid_from_text(target)) for source, target in PAIRS),
    (grid_from_text("090/100/002"),),
)


@pytest.fixture(scope="module")
def tasks() -> tuple[tuple[Example, ...], ...]:
    return auxiliary_tasks(TASK, operations=2_000)


def test_each_rule_is_shown_on_all_inputs(tasks: tuple[tuple[Example, ...], ...]) -> None:
    inputs = [grid_key(example.input) for example in TASK.train] + [grid_key(grid) for grid in TASK.test_inputs]
    assert len(tasks) > 20
    assert all([grid_key(pair.input) for pair in pairs] == inputs for pairs in tasks)
    assert len({tuple(grid_key(pair.output) for pair in pairs) for pairs in tasks}) == len(tasks)


def test_no_rule_is_the_tasks_own_or_none(tasks: tuple[tuple[Example, ...], ...]) -> None:
    for pairs in tasks:
        assert not all(same_grid(a.output, b.output) for a, b in zip(pairs, TASK.train, strict=False))
        assert sum(same_grid(pair.input, pair.output) for pair in pairs) <= len(pairs) / 2
        assert len({grid_key(pair.output) for pair in pairs}) > 1


def test_some_rules_keep_what_the_picture_leaves_free(tasks: tuple[tuple[Example, ...], ...]) -> None:
    flipped = [np.where(pair.output > 0, pair.output, pair.input) for pair in map(_upside_down, TASK.train)]
    assert any(
        all(np.array_equal(pair.output, grid) for pair, grid in zip(pairs, flipped, strict=False)) for pairs in tasks
    )


def _upside_down(example: Example) -> Example:
    return Example(example.input, as_grid(example.input[::-1]))


def test_they_are_the_same_every_time(tasks: tuple[tuple[Example, ...], ...]) -> None:
    again = auxiliary_tasks(TASK, operations=2_000)
    assert [[grid_key(pair.output) for pair in pairs] for pairs in again] == [
        [grid_key(pair.output) for pair in pairs] for pairs in tasks
    ]


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_they_take_their_share_and_leave_the_other_sequences_alone(share: float) -> None:
    config = AdaptationConfig(auxiliary_share=share)
    wide = tuple(Example(as_grid(np.full((2, 9), k)), as_grid(np.full((2, 9), k + 1))) for k in (1, 2, 3))
    plain = Feed([TASK.train], config, 4096, 0)
    mixed = Feed([TASK.train], config, 4096, 0, auxiliary=[wide])
    drawn = [mixed.draw()[0] for _ in range(400)]
    own = [sequence for sequence in drawn if len(sequence) == len(plain.draw()[0])]
    assert len(own) / len(drawn) == pytest.approx(1 - share, abs=0.08)
    again = Feed([TASK.train], config, 4096, 0)
    assert all((sequence.tokens == again.draw()[0].tokens).all() for sequence in own)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [({}, True), ({"auxiliary_share": 0.0}, False), ({"recipe": "paper"}, False), ({"method": "none"}, False)],
)
def test_the_solver_draws_them_for_packed_sequences(settings: dict[str, object], wanted: bool, tmp_path: Path) -> None:
    build_model("tiny", seed=0).save_pretrained(tmp_path)
    adaptation = AdaptationConfig.model_validate(settings)
    solver = NeuralSolver(NeuralConfig(model=str(tmp_path), device="cpu", adaptation=adaptation))
    assert bool(solver.auxiliary(solver.load(), TASK)) == wanted
