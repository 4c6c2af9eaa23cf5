"""Read outputs from the model: decoding of many views at once, and the log-likelihood of any given grid.

The prompts of all views have run once into a cache, which serves both. Tokens that cannot continue a
well-formed grid are never chosen: rows get equal width, no side exceeds 30, a grid ends only at a row end.
Log-likelihoods are natural logs under the whole vocabulary, whether a grid was decoded or given.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from dsl.grid import Grid
from ensemble.cache import Prefilled, log_probs_of, run
from ensemble.encode import MAX_GRID_TOKENS, collate
from ensemble.formats import format_of
from ensemble.formats.grammar import GridState

_SCORE_ENTRIES = 2**25
"""Attention entries of one head in one scoring pass at most; more are split over views."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded output in the frame of its view.

    Attributes:
        grid: the output; None if decoding was cut off.
        log_likelihood: natural log of the probability of the tokens decoded.
    """

    grid: Grid | None
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """Draw tokens at random in place of the likeliest.

    Attributes:
        temperature: of the probabilities that tokens are drawn by.
        generator: source of the draws, on the model's device.
    """

    temperature: float
    generator: torch.Generator

    def draw(self, log_probs: Tensor) -> Tensor:
        """Return a token for each row of ``(B, V)``."""
        weights = (log_probs / self.temperature).softmax(-1)
        return torch.multinomial(weights, 1, generator=self.generator)[:, 0]


@torch.inference_mode()
def decode_greedy(
    model: PreTrainedModel,
    prefilled: Prefilled,
    *,
    max_new_tokens: int = MAX_GRID_TOKENS,
    deadline: float | None = None,
    sampling: Sampling | None = None,
) -> list[Decoded]:
    """Decode the most likely next token, or one drawn at random, step by step, for all prompts together.

    Tokens that the format forces run together with the choice before them. Leaves ``prefilled`` ready for more.
    Prompts that are not over after ``max_new_tokens`` or at the deadline (``time.monotonic()``) have no grid.
    """
    prefilled.grow(max_new_tokens)
    task_format = format_of(model)
    state = task_format.begin(len(prefilled), prefilled.keys.device)
    outputs = active = [_Output() for _ in range(len(prefilled))]
    cache, filled, log_probs, longest = prefilled, prefilled.filled, prefilled.log_probs, 0
    try:
        while True:
            likely = log_probs.masked_fill(~state.allowed(), float("-inf"))
            tokens = likely.argmax(-1) if sampling is None else sampling.draw(likely)
            gained = log_probs.gather(1, tokens[:, None])
            state.advance(tokens)
            forced = state.force()
            done = state.done.tolist()
            # What ends by forced tokens is over only when these have run.
            ended = done if forced is None else [False] * len(done)
            _record(active, tokens[:, None], gained, ended, None)
            longest += 1 if forced is None else 1 + forced[0].shape[1]
            over = longest >= max_new_tokens or (deadline is not None and time.monotonic() >= deadline)
            if forced is None and (over or all(done)):
                break
            if forced is None and 2 * sum(done) >= len(active):
                rows = torch.tensor([row for row, over_now in enumerate(done) if not over_now], device=tokens.device)
                active = [active[row] for row in rows.tolist()]
                cache, state, tokens = cache.select(rows), state.select(rows), tokens[rows]
            log_probs = _continue(model, cache, state, tokens, forced, active)
            if over:
                break
    finally:
        prefilled.filled = filled
    return [Decoded(task_format.decode_grid(output.tokens), output.total) for output in outputs]


@dataclass(slots=True)
class _Output:
    """Tokens of one output so far, and the natural log of their probability."""

    tokens: list[int] = field(default_factory=list)
    total: float = 0.0
    done: bool = False


def _record(outputs: list[_Output], tokens: Tensor, gained: Tensor, done: list[bool], counts: Tensor | None) -> None:
    """Add tokens ``(B, n)``, of each output the first of them where ``counts (B,)`` are given, with their logs."""
    taken = [tokens.shape[1]] * len(outputs) if counts is None else counts.tolist()
    for output, new, gains, count, ended in zip(outputs, tokens.tolist(), gained.tolist(), taken, done, strict=True):
        if not output.done:
            output.tokens += new[:count]
            output.total += sum(gains[:count])
            output.done = ended


def _continue(
    model: PreTrainedModel,
    cache: Prefilled,
    state: GridState,
    tokens: Tensor,
    forced: tuple[Tensor, Tensor] | None,
    outputs: list[_Output],
) -> Tensor:
    """Run the chosen tokens ``(B,)`` and those forced behind them; return the logs ``(B, V)`` for the next ones."""
    group = tokens[:, None] if forced is None else torch.cat([tokens[:, None], forced[0]], dim=1)
    start, new = cache.filled, group.shape[1]
    cache.grow(new)
    positions = state.positions(cache.out_positions)[:, :, None].expand(-1, -1, new)
    hidden = run(model, cache, group, positions)
    cache.filled += new
    if forced is None:
        cache.visible[:, start] = True
        return log_probs_of(model, hidden[:, 0])
    follow, counts = forced
    cache.visible[:, start : cache.filled] = torch.arange(new, device=counts.device) <= counts[:, None]
    log_probs = log_probs_of(model, hidden)
    gained = log_probs[:, :-1].gather(2, follow[:, :, None])[:, :, 0]
    _record(outputs, follow, gained, state.done.tolist(), counts)
    return log_probs[torch.arange(len(counts), device=counts.device), counts]


def score_grids(model: PreTrainedModel, prefilled: Prefilled, grids: Sequence[Grid]) -> list[float]:
    """Return the log-likelihood of one grid for each prompt, each in the frame of its view.

    Leaves ``prefilled`` ready for more.
    """
    return [float(gained.sum()) for gained, _ in teacher_force(model, prefilled, grids)]


@torch.inference_mode()
def teacher_force(
    model: PreTrainedModel, prefilled: Prefilled, grids: Sequence[Grid]
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Show the model one grid for each prompt, and compare with what it predicts at every token.

    Returns for each prompt, over the tokens of its grid: the natural logs of their probabilities, and whether each
    token is the most likely one. Leaves ``prefilled`` ready for more.
    """
    if len(grids) != len(prefilled):
        raise ValueError(f"need one grid for each of {len(prefilled)} prompts, got {len(grids)}")
    answers = [format_of(model).answer(grid) for grid in grids]
    lengths = [len(answer) for answer in answers]
    longest = max(lengths)
    per_pass = max(1, _SCORE_ENTRIES // (longest * (prefilled.filled + longest)))
    if per_pass < len(grids):
        results = []
        for first in range(0, len(grids), per_pass):
            rows = torch.arange(first, min(first + per_pass, len(grids)), device=prefilled.keys.device)
            results += teacher_force(model, prefilled.select(rows), grids[first : first + per_pass])
        return results
    batch = collate(answers).to(model.device)
    positions = batch.positions.clone()
    positions[0] = prefilled.out_positions[0][:, None]
    log_probs = prefilled.log_probs[:, None]
    if longest > 1:
        prefilled.grow(longest)
        hidden = run(model, prefilled, batch.tokens[:, :-1], positions[:, :, :-1])
        log_probs = torch.cat([log_probs, log_probs_of(model, hidden)], dim=1)
    gained = log_probs.gather(2, batch.tokens[:, :, None])[:, :, 0].double().cpu().numpy()
    right = (log_probs.argmax(-1) == batch.tokens).cpu().numpy()
    return [(gained[k, :length], right[k, :length]) for k, length in enumerate(lengths)]


def score_candidates(
    model: PreTrainedModel, prefilled: Prefilled, candidates: Sequence[Sequence[Grid]]
) -> NDArray[np.float64]:
    """Return log-likelihoods ``(candidates, prompts)`` float64; each candidate is one grid for each prompt's view."""
    return np.array([score_grids(model, prefilled, grids) for grids in candidates], np.float64)
