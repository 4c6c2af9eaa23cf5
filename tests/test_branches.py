import itertools
import math
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from dsl.grid import Grid, GridKey, as_grid, grid_from_text, grid_key
from dsl.task import Example
from ensemble.branches import decode_above
from ensemble.cache import Prefilled, prefill, run_branches
from ensemble.decode import Decoded, Sampling, decode_greedy, score_grids
from ensemble.encode import END, END_OF_ROW
from ensemble.formats import format_of
from ensemble.model import build_model, load_model
from tests.test_adopt import save_model

TRAIN = (
    Example(grid_from_text("120/304"), grid_from_text("02/40")),
    Example(grid_from_text("55/60/77"), grid_from_text("5/6")),
)
QUERIES = (grid_from_text("1234/5678"), grid_from_text("00/00/00"), grid_from_text("9"))


@pytest.fixture(scope="module", params=["embedded", "written out", "plain", "marc"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PreTrainedModel:
    kind = request.param
    if kind in ("embedded", "written out"):
        model = build_model("tiny", seed=2).eval().requires_grad_(False)
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.data *= 3.0
        model.model.embed_tokens.weight.data[[END_OF_ROW, END]] *= 2.0
    else:
        folder = tmp_path_factory.mktemp("model")
        save_model("llama", folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ensemble.adopt.AutoTokenizer", PreTrainedTokenizerFast)
            model = load_model(folder, task_format=kind)
        for parameter in model.parameters():
            parameter.data *= 0.3 if parameter.ndim == 2 else 1.0
    return model


@pytest.fixture(autouse=True)
def full_precision(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr("ensemble.cache.has_bfloat16_units", lambda _: False)
    if "embedded" in request.node.name:
        monkeypatch.setattr("ensemble.cache.can_write_out", lambda _: False)


@pytest.fixture
def cache(model: PreTrainedModel) -> Prefilled:
    task_format = format_of(model)
    return prefill(model, [task_format.encode_pairs(TRAIN, query=query) for query in QUERIES])


def small_grids() -> list[Grid]:
    shapes = [(1, 1), (1, 2), (2, 1)]
    return [
        as_grid([[*cells[r * w : (r + 1) * w]] for r in range(h)])
        for h, w in shapes
        for cells in itertools.product(range(10), repeat=h * w)
    ]


def test_it_finds_exactly_the_outputs_that_are_likely_enough(model: PreTrainedModel, cache: Prefilled) -> None:
    task_format, grids = format_of(model), small_grids()
    longest = max(len(task_format.grid_tokens(grid)) for grid in grids)
    scores = [score_grids(model, cache, [grid] * len(QUERIES)) for grid in grids]
    least = sorted((max(row) for row in scores), reverse=True)[12] - 1e-4
    found = decode_above(model, cache, math.exp(least), max_new_tokens=longest)
    for row, outputs in enumerate(found):
        expected = {
            grid_key(grid): score[row] for grid, score in zip(grids, scores, strict=True) if score[row] >= least
        }
        mine = {grid_key(output.grid): output.log_likelihood for output in outputs if output.grid is not None}
        assert {
            key: score for key, score in mine.items() if key in {grid_key(grid) for grid in grids}
        } == pytest.approx(expected, abs=1e-3)
        assert all(output.log_likelihood >= least for output in outputs)
        assert len(mine) == len(outputs)
        ranked = [output.log_likelihood for output in outputs]
        assert ranked == sorted(ranked, reverse=True)


def test_larger_outputs_have_their_own_log_likelihood(model: PreTrainedModel, cache: Prefilled) -> None:
    least = max(max(score_grids(model, cache, [grid] * len(QUERIES))) for grid in small_grids()[:10]) - 1.0
    found = decode_above(model, cache, math.exp(least), max_new_tokens=24)
    assert sum(map(len, found))
    for row, outputs in enumerate(found):
        for output in outputs:
            assert output.grid is not None
            score = score_grids(model, cache, [output.grid] * len(QUERIES))[row]
            assert output.log_likelihood == pytest.approx(score, abs=1e-3)
            assert score >= least - 1e-3


def test_the_likeliest_output_is_that_of_greedy_decoding(model: PreTrainedModel, cache: Prefilled) -> None:
    greedy = decode_greedy(model, cache, max_new_tokens=30)
    found = decode_above(model, cache, 0.999999, keep_likeliest=True, max_new_tokens=31)
    for one, outputs in zip(greedy, found, strict=True):
        if one.grid is not None:
            assert [grid_key(output.grid) for output in outputs if output.grid is not None] == [grid_key(one.grid)]
            assert outputs[0].log_likelihood == pytest.approx(one.log_likelihood, abs=1e-3)
    again = decode_greedy(model, cache, max_new_tokens=30)
    assert [one.log_likelihood for one in again] == pytest.approx([one.log_likelihood for one in greedy], abs=1e-4)


def test_where_time_runs_short_only_the_likeliest_output_goes_on(
    model: PreTrainedModel, cache: Prefilled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes on by a second at each look at it."""

    most = 0

    def counted(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal most
        most = max(most, len(arguments[2]))
        return run_branches(*arguments)

    def grids(outputs: list[list[Decoded]]) -> list[set[GridKey]]:
        return [{grid_key(one.grid) for one in mine if one.grid is not None} for mine in outputs]

    def found(deadline: float) -> list[set[GridKey]]:
        nonlocal most
        looks, most = itertools.count(), 0
        monkeypatch.setattr("ensemble.branches.time.monotonic", lambda: float(next(looks)))
        outputs = decode_above(
            model, cache, 1e-3, keep_likeliest=True, max_new_tokens=24, expected_tokens=24, deadline=deadline
        )
        return grids(outputs)

    monkeypatch.setattr("ensemble.branches.run_branches", counted)
    expected = grids(decode_above(model, cache, 0.999999, keep_likeliest=True, max_new_tokens=24))
    assert all(map(set.issuperset, found(1e6), expected))
    assert most > len(QUERIES)
    assert all(map(set.issuperset, found(26.0), expected))
    assert most == len(QUERIES)
    assert not any(found(1.0))


def test_draws_repeat_with_their_seed_and_follow_the_temperature(model: PreTrainedModel, cache: Prefilled) -> None:
    def draw(seed: int, temperature: float) -> list[float]:
        sampling = Sampling(temperature, torch.Generator().manual_seed(seed))
        return [one.log_likelihood for one in decode_greedy(model, cache, max_new_tokens=12, sampling=sampling)]

    greedy = [one.log_likelihood for one in decode_greedy(model, cache, max_new_tokens=12)]
    assert draw(0, 1.0) == draw(0, 1.0)
    assert draw(0, 1.0) != draw(1, 1.0)
    assert draw(0, 1e-4) == pytest.approx(greedy, abs=1e-3)


def test_outputs_bound_to_a_shape_are_all_of_it_and_share_out_its_probability(
    model: PreTrainedModel, cache: Prefilled
) -> None:
    shapes = [(1, 2), (2, 1), (1, 1)]
    if not format_of(model).takes_shapes:
        with pytest.raises(ValueError, match="cannot be bound"):
            decode_above(model, cache, 0.1, shapes=shapes)
        return
    found = decode_above(model, cache, 1e-30, max_new_tokens=6, shapes=shapes)
    for row, ((height, width), outputs) in enumerate(zip(shapes, found, strict=True)):
        assert len({grid_key(output.grid) for output in outputs if output.grid is not None}) == 10 ** (height * width)
        assert {output.grid.shape for output in outputs if output.grid is not None} == {(height, width)}
        assert sum(math.exp(output.log_likelihood) for output in outputs) == pytest.approx(1.0, abs=1e-4)
        if height * width == 1:
            # One cell: only the tokens that end the grid are left out of the comparison.
            given = score_cells(model, cache, row)
            shown = {int(output.grid[0, 0]): output.log_likelihood for output in outputs if output.grid is not None}
            assert [shown[color] for color in range(10)] == pytest.approx(given, abs=1e-3)
    likeliest = decode_above(model, cache, 0.999999, keep_likeliest=True, max_new_tokens=6, shapes=shapes)
    assert [len(outputs) for outputs in likeliest] == [1, 1, 1]


def score_cells(model: PreTrainedModel, cache: Prefilled, row: int) -> list[float]:
    """Return the log-probability of each color as the first cell, among colors."""
    return cache.log_probs[row, :10].double().log_softmax(0).tolist()
