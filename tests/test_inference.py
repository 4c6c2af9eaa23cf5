from collections.abc import Callable
from typing import Any

import pytest
import torch

from dsl.grid import Grid, as_grid, grid_from_text, grid_key, same_grid
from dsl.task import Example, Task
from ensemble import inference
from ensemble.augment import inference_views
from ensemble.config import NeuralConfig
from ensemble.encode import encode_pairs
from ensemble.inference import Views, verify_drafts
from ensemble.memory import is_out_of_memory
from ensemble.model import GridLM, load_model
from ensemble.solvers.neural import NeuralSolver
from ensemble.types import Budget, Candidate

TRAIN = tuple(Example(grid_from_text(f"{k}0/00"), grid_from_text(f"0{k}/00")) for k in (1, 2, 3))
TASK = Task("t", TRAIN, (grid_from_text("40/00"), grid_from_text("000/050")))


@pytest.fixture(scope="module")
def model() -> GridLM:
    """Return the embedded network: one that has learned to write grids, so that drafts can be what it would write."""
    return load_model()


@pytest.fixture(autouse=True)
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.cache.has_bfloat16_units", lambda _: False)


def views_of(model: GridLM, count: int = 8) -> Views:
    views = inference_views(count, len(TRAIN), seed=1)
    prompts = [encode_pairs(view.examples(TRAIN), query=view.grid(TASK.test_inputs[0])) for view in views]
    return Views(model, views, prompts, 60, 20)


def solver_of(model: GridLM, **settings: Any) -> NeuralSolver:
    values = {
        "device": "cpu",
        "adaptation": {"method": "none"},
        "inference": {"views": 4, "judge_from_steps": 0, "min_probability": 0.0} | settings,
    }
    solver = NeuralSolver(NeuralConfig.model_validate(values))
    solver._model = model
    return solver


def described(candidates: list[Candidate]) -> list[tuple[object, ...]]:
    return [(c.test_index, grid_key(c.grid), pytest.approx(c.log_score, abs=1e-3), c.provenance) for c in candidates]


def test_a_verified_draft_is_what_greedy_decoding_gives(model: GridLM) -> None:
    views = views_of(model)
    greedy = views.decode(range(8), None)
    outputs = [view.undo(one.grid) for view, one in zip(views.views, greedy, strict=True) if one.grid is not None]
    drafts = [grid_from_text("98/76"), *outputs]
    accepted, scores = verify_drafts(views_of(model), drafts, None)
    assert accepted
    for row, decoded in accepted.items():
        assert decoded.grid is not None
        assert greedy[row].grid is not None
        assert same_grid(decoded.grid, greedy[row].grid)  # type: ignore[arg-type]
        assert decoded.log_likelihood == pytest.approx(greedy[row].log_likelihood, abs=1e-3)
    assert scores.keys() <= {grid_key(grid) for grid in drafts}
    forced = views.force(drafts[0])
    assert scores[grid_key(drafts[0])] == pytest.approx(inference.mean_score(forced))
    assert not any(right.all() for _, right in forced)


def test_drafts_change_nothing_but_the_work(model: GridLM, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(60, seed=1, steps=1)
    alone = solver_of(model).solve(TASK, budget)
    drafts = tuple(
        tuple({grid_key(c.grid): c.grid for c in alone if c.test_index == index}.values()) for index in range(2)
    )
    decoded: list[int] = []
    plain = Views.decode
    monkeypatch.setattr(
        Views, "decode", lambda self, rows, *rest: decoded.append(len(rows)) or plain(self, rows, *rest)
    )
    with_drafts = solver_of(model).solve_after(TASK, budget, drafts)
    assert described(with_drafts) == described(alone)
    assert sum(decoded) < 8


def failing(real: Callable[..., Any], most: int, error: RuntimeError) -> Callable[..., Any]:
    """Return a prefill that has memory for so many tokens only."""

    def prefill(model: GridLM, prompts: list[Any], *rest: Any) -> Any:
        if sum(map(len, prompts)) > most:
            raise error
        return real(model, prompts, *rest)

    return prefill


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("error", ERRORS)
def test_fewer_views_run_together_where_memory_ends(
    model: GridLM, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    budget = Budget(60, seed=1, steps=1)
    expected = solver_of(model).solve(TASK, budget)
    length = len(views_of(model)._prompts[0])
    monkeypatch.setattr(inference, "prefill", failing(inference.prefill, 2 * length + 8, error))
    assert described(solver_of(model).solve(TASK, budget)) == described(expected)
    views = views_of(model)
    views.decode(range(8), None)
    assert views.together == 2


def test_a_shorter_context_is_tried_before_the_task_fails(model: GridLM, monkeypatch: pytest.MonkeyPatch) -> None:
    big = tuple(Example(as_grid([[k] * 12] * 12), as_grid([[k]])) for k in range(5))
    task, budget = Task("big", big, (as_grid([[7] * 12] * 12),)), Budget(60, steps=1)
    memory = inference.prefill
    monkeypatch.setattr(inference, "prefill", failing(memory, 500, ERRORS[0]))
    solver = solver_of(model)
    solver.solve(task, budget)
    assert len(solver.prompt(task, 0, inference_views(1, 5, 0)[0])) <= 500
    monkeypatch.setattr(inference, "prefill", failing(memory, 100, ERRORS[0]))
    with pytest.raises(torch.OutOfMemoryError):
        solver.solve(task, budget)


def test_other_errors_are_not_taken_for_missing_memory() -> None:
    assert not is_out_of_memory(RuntimeError("shapes differ"))
    assert all(is_out_of_memory(error) for error in ERRORS)


@pytest.mark.parametrize(("settings", "engine"), [({"min_probability": 1e-4}, "branch"), ({"samples": 3}, "sample")])
def test_further_outputs_are_candidates_beside_the_likeliest(
    model: GridLM, settings: dict[str, Any], engine: str
) -> None:
    budget = Budget(60, seed=1, steps=1)
    alone, more = solver_of(model).solve(TASK, budget), solver_of(model, **settings).solve(TASK, budget)
    likeliest = [candidate for candidate in more if candidate.provenance.engine == "decode"]
    assert {c.provenance.engine for c in more} == {"decode", engine}
    assert described(more) == described(solver_of(model, **settings).solve(TASK, budget))
    kept: list[tuple[int, Grid]] = [(c.test_index, c.grid) for c in alone]
    found = {(c.test_index, grid_key(c.grid)) for c in more}
    assert all((index, grid_key(grid)) in found for index, grid in kept)
    assert len(likeliest) >= len(alone)


def test_scores_of_a_grid_do_not_depend_on_what_runs_together(model: GridLM) -> None:
    views, grid = views_of(model), grid_from_text("12/34")
    whole = views.force(grid)
    views.together, views._kept = 3, None
    parts = views.force(grid)
    assert [float(gained.sum()) for gained, _ in parts] == pytest.approx(
        [float(gained.sum()) for gained, _ in whole], abs=1e-3
    )
