import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from dsl.grid import as_grid, grid_from_text, grid_key, same_grid
from dsl.task import Example, Task
from ensemble.augment import DIHEDRAL, inference_views
from ensemble.cache import Prefilled, prefill
from ensemble.config import AdaptationConfig, InferenceConfig, NeuralConfig
from ensemble.decode import decode_greedy, score_grids
from ensemble.encode import END, END_OF_ROW, encode_pairs, grid_tokens
from ensemble.errors import ModelError
from ensemble.model import build_model, load_model
from ensemble.solvers import neural
from ensemble.solvers.neural import NeuralSolver
from ensemble.types import Budget, Candidate, Solver

TRAIN = tuple(Example(grid_from_text(f"{k}0/00"), grid_from_text(f"0{k}/00")) for k in (1, 2, 3))
TASK = Task("t", TRAIN, (grid_from_text("40/00"), grid_from_text("000/050")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint with random weights that end rows and grids soon."""
    model = build_model("tiny", seed=0)
    model.model.embed_tokens.weight.data *= 3.0
    model.model.embed_tokens.weight.data[[END_OF_ROW, END]] *= 4.0
    path = tmp_path_factory.mktemp("model")
    model.save_pretrained(path)
    return path


def config(folder: Path, *, views: int = 8, max_tokens: int = 512, **adaptation: object) -> NeuralConfig:
    return NeuralConfig(
        model=str(folder),
        device="cpu",
        max_tokens=max_tokens,
        adaptation=AdaptationConfig.model_validate(adaptation),
        inference=InferenceConfig(views=views, judge_from_steps=0, min_probability=0.0),
    )


def described(candidates: list[Candidate]) -> list[tuple[object, ...]]:
    return [(c.test_index, grid_key(c.grid), c.log_score, c.provenance) for c in candidates]


def test_it_is_a_solver(folder: Path) -> None:
    assert isinstance(NeuralSolver(config(folder)), Solver)


def test_steps_make_the_result_repeat(folder: Path) -> None:
    budget = Budget(seconds=0.001, seed=3, steps=2)
    torch.manual_seed(1)
    first = NeuralSolver(config(folder)).solve(TASK, budget)
    torch.manual_seed(2)
    solver = NeuralSolver(config(folder))
    assert described(solver.solve(TASK, budget)) == described(first)
    assert described(solver.solve(TASK, budget)) == described(first)
    assert first


def test_every_test_input_gets_a_candidate_from_each_view(folder: Path) -> None:
    candidates = NeuralSolver(config(folder, method="none")).solve(TASK, Budget(seconds=60, steps=1))
    for index in range(2):
        mine = [candidate for candidate in candidates if candidate.test_index == index]
        assert sorted(c.provenance.view or "" for c in mine) == sorted(DIHEDRAL)
        assert all(c.log_score <= 0 for c in mine)
        assert [c.log_score for c in mine] == sorted((c.log_score for c in mine), reverse=True)
        assert all(c.task_id == "t" and same_grid(c.grid, as_grid(c.grid)) for c in mine)
        assert all(c.provenance.family == c.provenance.solver == "neural" for c in mine)


def test_grids_are_turned_back_and_scored_under_all_views(folder: Path) -> None:
    views = inference_views(4, len(TRAIN), seed=5)
    model = load_model(folder)
    prompts = [encode_pairs(view.examples(TRAIN), query=view.grid(TASK.test_inputs[0])) for view in views]
    cache = prefill(model, prompts)
    decoded = decode_greedy(model, cache, max_new_tokens=42)
    expected = {}
    for view, result in zip(views, decoded, strict=True):
        if result.grid is not None:
            grid = view.undo(result.grid)
            scores = score_grids(model, cache, [other.grid(grid) for other in views])
            expected[view.name] = (grid_key(grid), pytest.approx(sum(scores) / len(scores), abs=1e-3))
    task = Task("t", TRAIN, TASK.test_inputs[:1])
    candidates = NeuralSolver(config(folder, views=4, method="none")).solve(task, Budget(60, seed=5, steps=1))
    assert {c.provenance.view: (grid_key(c.grid), c.log_score) for c in candidates} == expected
    assert expected


def test_a_network_that_was_hardly_adapted_judges_nothing(folder: Path) -> None:
    inference = InferenceConfig(views=2, judge_from_steps=2)
    settings = config(folder).model_copy(update={"inference": inference})
    drafts = ((grid_from_text("98/76"),), ())
    for steps in (1, 2):
        found = NeuralSolver(settings).solve_after(TASK, Budget(60, steps=steps), drafts)
        assert any(c.provenance.draws == 0 for c in found) == (steps == 2)


def test_drafts_are_judged_under_all_views_without_a_draw(folder: Path) -> None:
    solver, budget = NeuralSolver(config(folder, views=4, method="none")), Budget(60, steps=1)
    alone = solver.solve(TASK, budget)
    proposed, fresh = alone[0].grid, grid_from_text("98/76")
    drafts = ((proposed, fresh), ()) if alone[0].test_index == 0 else ((), (proposed, fresh))
    found = solver.solve_after(TASK, budget, drafts)
    judged = [c for c in found if c.provenance.draws == 0]
    assert [same_grid(c.grid, fresh) for c in judged] == [True]
    assert judged[0].provenance.engine == "judge"
    assert judged[0].test_index == alone[0].test_index
    assert described([c for c in found if c.provenance.draws]) == described(alone)
    views = inference_views(4, len(TRAIN), seed=0)
    cache = prefill(solver.load(), [solver.prompt(TASK, judged[0].test_index, view) for view in views])
    scores = score_grids(solver.load(), cache, [view.grid(fresh) for view in views])
    assert judged[0].log_score == pytest.approx(sum(scores) / 4, abs=1e-3)


@pytest.mark.parametrize(("method", "adapted"), [("lora", True), ("full", True), ("none", False)])
def test_provenance_says_whether_the_model_was_adapted(folder: Path, method: str, adapted: bool) -> None:
    candidates = NeuralSolver(config(folder, views=2, method=method)).solve(TASK, Budget(60, steps=1))
    assert {candidate.provenance.adapted for candidate in candidates} == {adapted}


def test_one_task_leaves_nothing_behind_for_the_next(folder: Path) -> None:
    solver, budget = NeuralSolver(config(folder, views=2, learning_rate=0.1)), Budget(60, steps=2)
    other = Task("u", TRAIN[:2], TASK.test_inputs[:1])
    alone = described(NeuralSolver(config(folder, views=2, learning_rate=0.1)).solve(other, budget))
    solver.solve(TASK, budget)
    assert described(solver.solve(other, budget)) == alone


def test_the_clock_ends_training_without_end(folder: Path) -> None:
    started = time.monotonic()
    NeuralSolver(config(folder, max_steps=10**9)).solve(TASK, Budget(seconds=2.0))
    assert time.monotonic() - started < 60.0  # far above the budget: a busy machine must not fail this


@dataclass(frozen=True)
class Slow:
    prefill_seconds_per_token: float

    def step_seconds(self, views: int) -> float:
        return 0.1 * views


def test_less_time_means_fewer_views_and_time_kept_for_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "_Speed", lambda *_: Slow(1e-2))
    solver = NeuralSolver(config(folder))
    model = solver.load()
    plans = [solver.plan(model, TASK, 0, time.monotonic() + seconds) for seconds in (1.0, 60.0, 6000.0)]
    counts = [len(plan.views) for plan in plans]
    assert counts[0] == 1
    assert counts == sorted(counts)
    assert counts[-1] == 8
    assert plans[1].inference_seconds <= 30.0 < plans[2].inference_seconds
    assert len(solver.plan(model, TASK, 0, None).views) == 8


@pytest.mark.parametrize(("more", "times"), [({"samples": 3}, 1.5), ({"min_probability": 0.1}, 1.1)])
def test_time_is_kept_for_more_outputs_of_each_view(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, float], times: float
) -> None:
    monkeypatch.setattr(neural, "_Speed", lambda *_: Slow(1e-4))
    plans = []
    for inference in ({"min_probability": 0.0}, {"min_probability": 0.0, **more}):
        settings = NeuralConfig.model_validate({"model": str(folder), "inference": inference})
        solver = NeuralSolver(settings)
        plans.append(solver.plan(solver.load(), TASK, 0, time.monotonic() + 6000.0))
    assert len(plans[0].views) == len(plans[1].views) == 8
    assert plans[1].inference_seconds > times * plans[0].inference_seconds


@pytest.mark.parametrize("fits", [2, 0])
def test_a_step_of_views_that_do_not_fit_together_takes_the_time_of_their_parts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fits: int
) -> None:
    model, counts = NeuralSolver(config(folder)).load(), []

    def decode(_: object, prefilled: Prefilled, *, max_new_tokens: int) -> None:
        counts.append(len(prefilled))
        time.sleep(0.01 * max_new_tokens)
        if len(prefilled) > fits:
            raise RuntimeError("CUDA out of memory")

    speed = neural._Speed(model, encode_pairs(TASK.train, query=TASK.test_inputs[0]))
    monkeypatch.setattr("ensemble.decode.decode_greedy", decode)
    if fits:
        assert speed.step_seconds(8) >= 4 * 0.01
        assert counts == [8, 4, 2]
    else:
        with pytest.raises(RuntimeError, match="out of memory"):
            speed.step_seconds(2)
        assert counts == [2, 1]


def test_drafts_take_no_more_than_their_share_of_the_time_and_outputs_are_as_long_as_is_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neural, "_Speed", lambda *_: Slow(1e-4))
    solver = NeuralSolver(config(folder, views=1))
    plans = [solver.plan(solver.load(), TASK, 0, time.monotonic() + 1000.0, number) for number in (0, 1, 10**7)]
    without, few, many = (plan.inference_seconds for plan in plans)
    assert without < few < many <= without + 0.1 * 1000.0
    assert [plan.drafts_seconds for plan in plans] == pytest.approx([0.0, few - without, many - without], rel=1e-3)
    pairs = tuple(Example(as_grid([[k, 0], [0, k]] * 5), as_grid([[k]])) for k in range(1, 4))
    plan = solver.plan(solver.load(), Task("t", pairs, (pairs[0].input, pairs[1].input)), 0, None)
    assert plan.expected_tokens == (len(grid_tokens(pairs[0].output)),) * 2


def test_long_tasks_drop_demonstrations(folder: Path) -> None:
    big = tuple(Example(as_grid([[k] * 12] * 12), as_grid([[k]])) for k in range(5))
    task = Task("big", big, (as_grid([[7] * 12] * 12),))
    solver = NeuralSolver(config(folder, views=1, max_tokens=350))
    assert len(solver.prompt(task, 0, inference_views(1, 5, 0)[0])) <= 350
    solver.solve(task, Budget(60, steps=1))


def test_a_missing_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load the model"):
        NeuralSolver(config(tmp_path / "nothing")).solve(TASK, Budget(60, steps=1))


def test_the_module_needs_no_torch_until_a_task_comes() -> None:
    code = "import sys, ensemble.solvers.neural as n; n.NeuralSolver(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_views_with_another_shape_than_is_known_are_decoded_again_bound_to_it(folder: Path) -> None:
    """Outputs have the shapes of their inputs; the random network ends its grids anywhere."""

    def solved(known_shapes: bool) -> list[Candidate]:
        settings = config(folder, method="none")
        inference = InferenceConfig(views=4, judge_from_steps=0, known_shapes=known_shapes)
        solver = NeuralSolver(settings.model_copy(update={"inference": inference}))
        return solver.solve(SHAPED, Budget(seconds=60, steps=1))

    with_bound, without = solved(True), solved(False)
    bound = [candidate for candidate in with_bound if candidate.provenance.engine == "bound"]
    others = [candidate for candidate in with_bound if candidate.provenance.engine != "bound"]
    assert described(sorted(others, key=str)) == described(sorted(without, key=str))
    assert {candidate.test_index for candidate in bound} == {0, 1}
    for index, shape in enumerate([(1, 3), (3, 1)]):
        free = {c.provenance.view for c in without if c.test_index == index and c.grid.shape == shape}
        again = {c.provenance.view for c in bound if c.test_index == index}
        assert {c.grid.shape for c in bound if c.test_index == index} == {shape}
        assert again | free == {c.provenance.view for c in without}


SHAPED = Task(
    "t",
    tuple(Example(grid_from_text(text), grid_from_text(text)) for text in ("123", "1/2", "12/34")),
    (grid_from_text("506"), grid_from_text("7/8/9")),
)
