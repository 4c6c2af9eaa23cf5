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


def test_outputs_of_unknown_size_have_pictures_of_other_sizes_instead() -> None:
    sizes = ("1", "22/22", "333")
    pairs = tuple(Example(example.input, grid_from_text(text)) for example, text in zip(TASK.train, sizes, strict=True))
    tasks = auxiliary_tasks(Task("sizes", pairs, TASK.test_inputs), operations=5_000)
    shapes = [tuple(pair.output.shape for pair in pairs) for pairs in tasks]
    assert len(tasks) > 20
    assert len(set(shapes)) > 5


WIDE = tuple(Example(as_grid(np.full((2, 9), k)), as_grid(np.full((2, 9), k + 1))) for k in (1, 2, 3))


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_they_take_their_share_and_leave_the_other_sequences_alone(share: float) -> None:
    config = AdaptationConfig(auxiliary_share=share, auxiliary_below=0.1)
    plain, mixed = Feed([TASK.train], config, 4096, 0), Feed([TASK.train], config, 4096, 0, auxiliary=lambda: [WIDE])
    length = len(plain.draw()[0])
    drawn = [mixed.draw()[0]]
    for _ in range(400):
        mixed.observe(0.05)
        drawn.append(mixed.draw()[0])
    own = [sequence for sequence in drawn if len(sequence) == length]
    assert len(own) / len(drawn) == pytest.approx(1 - share, abs=0.08)
    again = Feed([TASK.train], config, 4096, 0)
    assert all((sequence.tokens == again.draw()[0].tokens).all() for sequence in own)


def test_they_wait_until_the_demonstrations_are_learned_and_go_when_those_are_forgotten() -> None:
    feed = Feed(
        [TASK.train], AdaptationConfig(auxiliary_share=0.9, auxiliary_below=0.1), 4096, 0, auxiliary=lambda: [WIDE]
    )
    length = len(Feed([TASK.train], AdaptationConfig(), 4096, 0).draw()[0])

    def shares_own(loss_of_own: float, steps: int) -> float:
        drawn = []
        for _ in range(steps):
            drawn.append(len(feed.draw()[0]) == length)
            feed.observe(loss_of_own if drawn[-1] else 9.0)  # the loss on auxiliary tasks says nothing
        return sum(drawn) / steps

    assert shares_own(0.5, 50) == 1.0
    shares_own(0.01, 100)
    assert shares_own(0.01, 100) < 0.3
    shares_own(0.5, 200)
    assert shares_own(0.5, 50) == 1.0


def test_they_are_made_once_and_only_when_they_are_needed() -> None:
    made: list[int] = []

    def make() -> list[tuple[Example, ...]]:
        made.append(1)
        return []

    feed = Feed([TASK.train], AdaptationConfig(auxiliary_share=0.9, auxiliary_below=0.1), 4096, 0, auxiliary=make)
    for loss, calls in ((0.5, 0), (0.01, 1)):
        for _ in range(50):
            feed.draw()
            feed.observe(loss)
        assert len(made) == calls


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [({}, True), ({"auxiliary_share": 0.0}, False), ({"recipe": "paper"}, False), ({"method": "none"}, False)],
)
def test_the_solver_draws_them_for_packed_sequences(settings: dict[str, object], wanted: bool, tmp_path: Path) -> None:
    build_model("tiny", seed=0).save_pretrained(tmp_path)
    adaptation = AdaptationConfig.model_validate(settings)
    solver = NeuralSolver(NeuralConfig(model=str(tmp_path), device="cpu", adaptation=adaptation))
    make_tasks = solver.auxiliary(solver.load(), TASK)
    assert (make_tasks is not None) == wanted
    assert make_tasks is None or make_tasks()


def test_warming_up_draws_some_so_that_no_task_pays_for_loading_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr("ensemble.adaptation.auxiliary.auxiliary_tasks", lambda task: drawn.append(task.task_id) or ())
    build_model("tiny", seed=0).save_pretrained(tmp_path)
    for share in (0.0, 0.5):
        adaptation = AdaptationConfig(auxiliary_share=share)
        NeuralSolver(NeuralConfig(model=str(tmp_path), device="cpu", adaptation=adaptation)).warm_up()
        assert drawn == ["warm-up"] * (share > 0)
