import time

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from dsl.grid import Grid, as_grid, grid_from_text, same_grid
from dsl.task import Example
from ensemble.augment import inference_views
from ensemble.cache import prefill
from ensemble.decode import Decoded, decode_greedy, score_candidates, score_grids, teacher_force
from ensemble.encode import (
    END,
    END_OF_ROW,
    EncodedSequence,
    collate,
    decode_grid,
    encode_pairs,
    grid_positions,
    grid_tokens,
)
from ensemble.model import GridLM, build_model, model_config

TRAIN = (
    Example(grid_from_text("120/304"), grid_from_text("021/403")),
    Example(grid_from_text("55/60/77"), grid_from_text("55/06/77")),
)
QUERY = grid_from_text("1234/5678")


def opinionated_model(num_heads: int = 1, num_key_value_heads: int = 1, seed: int = 0) -> GridLM:
    """Return a random model whose weights are large enough for clear and varied choices."""
    config = model_config(64, 2, num_heads, 96, num_key_value_heads=num_key_value_heads)
    model = build_model(config, seed=seed).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.data *= 4.0
    return model


@pytest.fixture(autouse=True)
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.cache.has_bfloat16_units", lambda _: False)


@pytest.fixture(scope="module", params=[(1, 1), (4, 2)], ids=["heads", "grouped heads"])
def model(request: pytest.FixtureRequest) -> GridLM:
    return opinionated_model(*request.param)


@pytest.fixture(scope="module")
def prompts() -> list[EncodedSequence]:
    views = inference_views(8, len(TRAIN), seed=1)
    return [encode_pairs(view.examples(TRAIN), query=view.grid(QUERY)) for view in views]


def continue_without_cache(model: GridLM, prompt: EncodedSequence, max_new_tokens: int) -> tuple[list[int], float]:
    """Choose the best token that some grid can continue with, running the whole sequence anew for every token."""
    tokens, total = [], 0.0
    batch = collate([prompt])
    ids, positions, features, under = batch.tokens, batch.positions, batch.features, batch.under
    assert features is not None
    assert under is not None
    query = input_cells(prompt)
    row = column = 0
    while len(tokens) < max_new_tokens and (not tokens or tokens[-1] != END):
        with torch.no_grad():
            logits = model(input_ids=ids, position_ids=positions, features=features, under=under).logits
            log_probs = logits[0, -1].log_softmax(-1)
        allowed = [token for token in range(16) if continues(tokens, token)]
        best = max(allowed, key=lambda token: float(log_probs[token]))
        tokens.append(best)
        total += float(log_probs[best])
        row, column = (row, column + 1) if best < 10 else (row + 1, 0)
        new = torch.tensor([int(prompt.positions[0, -1]), row, column]).view(3, 1, 1)
        ids = torch.cat([ids, torch.tensor([[best]])], dim=1)
        positions = torch.cat([positions, new], dim=2)
        features = pad(features, (0, 0, 0, 1))
        seen = [query.get((row, column), -1), query.get((row, column + 1), -1)]
        under = torch.cat([under, torch.tensor(seen).view(2, 1, 1)], dim=2)
    return tokens, total


def input_cells(prompt: EncodedSequence) -> dict[tuple[int, int], int]:
    """Return where the cells of the query stand in a prompt, by row and column, columns from 1."""
    query = prompt.positions[0, -1] - 1
    is_cell = (prompt.positions[0] == query) & (prompt.tokens < 10)
    return {(int(prompt.positions[1, k]), int(prompt.positions[2, k])): int(k) for k in is_cell.nonzero()[0]}


def continues(tokens: list[int], token: int) -> bool:
    """Tell whether some well-formed grid starts with these tokens."""
    rows: list[list[int]] = [[]]
    for one in tokens:
        if one == END_OF_ROW:
            rows.append([])
        else:
            rows[-1].append(one)
    width = len(rows[0]) if len(rows) > 1 else None
    if token < 10:
        return len(rows[-1]) < (width or 30)
    full = len(rows[-1]) == width if width else len(rows[-1]) > 0
    return full and (token == END or (token == END_OF_ROW and len(rows) < 30))


def test_cached_decoding_equals_uncached_argmax(model: GridLM, prompts: list[EncodedSequence]) -> None:
    decoded = decode_greedy(model, prefill(model, prompts, 40), max_new_tokens=40)
    for prompt, result in zip(prompts, decoded, strict=True):
        tokens, total = continue_without_cache(model, prompt, 40)
        expected = decode_grid(tokens)
        assert (result.grid is None) == (expected is None)
        if result.grid is not None and expected is not None:
            assert same_grid(result.grid, expected)
        assert result.log_likelihood == pytest.approx(total, abs=1e-3, rel=1e-4)


def teacher_forced(model: GridLM, prompt: EncodedSequence, grid: Grid) -> float:
    body = grid_tokens(grid)
    positions = grid_positions(grid.shape, int(prompt.positions[0, -1]))[:, 1:]
    tokens = torch.from_numpy(np.concatenate([prompt.tokens, body]))[None]
    where = torch.from_numpy(np.concatenate([prompt.positions, positions], axis=1).astype(np.int64))[:, None]
    batch, query = collate([prompt]), input_cells(prompt)
    assert batch.features is not None
    assert batch.under is not None
    features = pad(batch.features, (0, 0, 0, len(body)))
    places = [(int(row), int(column)) for _, row, column in positions.T]
    seen = [[query.get((row, column + k), -1) for row, column in places] for k in range(2)]
    under = torch.cat([batch.under, torch.tensor(seen)[:, None]], dim=2)
    with torch.no_grad():
        logits = model(input_ids=tokens, position_ids=where, features=features, under=under).logits
    log_probs = logits[0].log_softmax(-1)
    start = len(prompt) - 1
    return float(log_probs[start : start + len(body)].gather(1, torch.from_numpy(body)[:, None]).sum())


@pytest.mark.parametrize("text", ["7", "12/34", "111111/222222/333333"])
def test_scores_equal_teacher_forcing(model: GridLM, prompts: list[EncodedSequence], text: str) -> None:
    views = inference_views(8, len(TRAIN), seed=1)
    grids = [view.grid(grid_from_text(text)) for view in views]
    scores = score_grids(model, prefill(model, prompts, room=1), grids)
    expected = [teacher_forced(model, prompt, grid) for prompt, grid in zip(prompts, grids, strict=True)]
    assert scores == pytest.approx(expected, abs=1e-3)


def test_teacher_forcing_says_which_tokens_are_the_most_likely() -> None:
    model = opinionated_model(seed=1)
    cache = prefill(model, [encode_pairs(TRAIN, query=QUERY)])
    body = grid_tokens(grid_from_text("12/34"))
    ((gained, right),) = teacher_force(model, cache, [grid_from_text("12/34")])
    assert len(gained) == len(right) == len(body)
    first = cache.log_probs[0]
    assert right[0] == (int(first.argmax()) == body[0])
    assert gained[0] == pytest.approx(float(first[body[0]]), abs=1e-4)


def test_score_of_a_decoded_grid_is_its_log_likelihood() -> None:
    model = opinionated_model(seed=1)
    prompts = [encode_pairs(TRAIN, query=QUERY)]
    cache = prefill(model, prompts)
    (decoded,) = decode_greedy(model, cache)
    assert decoded.grid is not None
    assert score_grids(model, cache, [decoded.grid])[0] == pytest.approx(decoded.log_likelihood, abs=1e-3)


def test_prefilled_prompts_serve_again(model: GridLM, prompts: list[EncodedSequence]) -> None:
    cache = prefill(model, prompts, 60)
    first = decode_greedy(model, cache, max_new_tokens=30)
    grids = [grid_from_text("12/34")] * len(prompts)
    scores = score_candidates(model, cache, [grids, grids])
    again = decode_greedy(model, cache, max_new_tokens=30)
    assert [result.log_likelihood for result in first] == pytest.approx([r.log_likelihood for r in again], abs=1e-4)
    assert scores.shape == (2, len(prompts))
    assert scores[0] == pytest.approx(scores[1])


def test_splitting_a_large_scoring_pass_changes_nothing(
    model: GridLM, prompts: list[EncodedSequence], monkeypatch: pytest.MonkeyPatch
) -> None:
    grids = [grid_from_text("123/456")] * len(prompts)
    whole = score_grids(model, prefill(model, prompts), grids)
    monkeypatch.setattr("ensemble.decode._SCORE_ENTRIES", 1)
    assert score_grids(model, prefill(model, prompts), grids) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_any_model_writes_grids_of_legal_size(seed: int) -> None:
    model = opinionated_model(seed=seed)
    for result in decode_greedy(model, prefill(model, [encode_pairs(TRAIN, query=QUERY)])):
        assert result.grid is not None
        assert same_grid(result.grid, as_grid(result.grid))


def test_decoding_stops_at_the_deadline() -> None:
    model = opinionated_model()
    decoded = decode_greedy(model, prefill(model, [encode_pairs(TRAIN, query=QUERY)]), deadline=time.monotonic() - 1)
    assert [isinstance(result, Decoded) and result.grid is None for result in decoded] == [True]


def test_a_grid_is_needed_for_each_prompt(model: GridLM, prompts: list[EncodedSequence]) -> None:
    with pytest.raises(ValueError, match="one grid for each of 8 prompts, got 1"):
        score_grids(model, prefill(model, prompts), [QUERY])
