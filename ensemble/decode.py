"""Read outputs from the model: greedy decoding of many views at once, and the log-likelihood of any given grid.

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

from dsl.grid import MAX_SIDE, Grid
from ensemble.cache import Prefilled, log_probs_of, run
from ensemble.encode import (
    END,
    END_OF_ROW,
    MAX_GRID_TOKENS,
    NUM_CELL_TOKENS,
    VOCABULARY_SIZE,
    EncodedSequence,
    collate,
    decode_grid,
    grid_positions,
    grid_tokens,
)

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


@dataclass(slots=True)
class GridShape:
    """Rows and columns of grids being decoded, ``(B,)`` int64 each.

    ``width`` is 0 until the first row has ended. ``column`` counts the cells of the current row.
    """

    row: Tensor
    column: Tensor
    width: Tensor
    done: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.done = torch.zeros_like(self.row, dtype=torch.bool)

    def allowed(self) -> Tensor:
        """Return which tokens may come next, ``(B, V)`` bool."""
        known = self.width > 0
        row_full = torch.where(known, self.column == self.width, self.column > 0)
        allowed = torch.zeros(len(self.row), VOCABULARY_SIZE, dtype=torch.bool, device=self.row.device)
        more_cells = torch.where(known, self.column < self.width, self.column < MAX_SIDE)
        allowed[:, :NUM_CELL_TOKENS] = more_cells[:, None]
        allowed[:, END_OF_ROW] = row_full & (self.row + 1 < MAX_SIDE)
        allowed[:, END] = row_full
        return allowed

    def advance(self, tokens: Tensor) -> None:
        """Take the chosen tokens ``(B,)`` into account."""
        row_ended = tokens >= NUM_CELL_TOKENS
        self.width = torch.where(row_ended & (self.width == 0), self.column, self.width)
        self.row = self.row + row_ended
        self.column = torch.where(row_ended, 0, self.column + 1)
        self.done = self.done | (tokens == END)

    def select(self, rows: Tensor) -> None:
        """Keep some rows of the batch."""
        for name in ("row", "column", "width", "done"):
            setattr(self, name, getattr(self, name)[rows])


@torch.inference_mode()
def decode_greedy(
    model: PreTrainedModel,
    prefilled: Prefilled,
    *,
    max_new_tokens: int = MAX_GRID_TOKENS,
    deadline: float | None = None,
) -> list[Decoded]:
    """Decode the most likely next token, step by step, for all prompts together.

    Leaves ``prefilled`` ready for more. Prompts that are not over after ``max_new_tokens`` or at the deadline
    (``time.monotonic()``) have no grid.
    """
    prefilled.grow(max_new_tokens)
    num_prompts, device = len(prefilled), prefilled.keys.device
    start = torch.zeros(num_prompts, dtype=torch.int64, device=device)
    shape = GridShape(row=start, column=start, width=start)
    chosen: list[list[int]] = [[] for _ in range(num_prompts)]
    totals = [0.0] * num_prompts
    active, cache, filled = list(range(num_prompts)), prefilled, prefilled.filled
    log_probs = prefilled.log_probs
    try:
        for step in range(max_new_tokens):
            tokens = log_probs.masked_fill(~shape.allowed(), float("-inf")).argmax(-1)
            gained = log_probs.gather(1, tokens[:, None])[:, 0]
            shape.advance(tokens)
            for row, (token, gain) in enumerate(zip(tokens.tolist(), gained.tolist(), strict=True)):
                if not chosen[active[row]] or chosen[active[row]][-1] != END:
                    chosen[active[row]].append(token)
                    totals[active[row]] += gain
            over = step + 1 == max_new_tokens or (deadline is not None and time.monotonic() >= deadline)
            if over or bool(shape.done.all()):
                break
            if 2 * int(shape.done.sum()) >= len(active):
                rows = torch.nonzero(~shape.done)[:, 0]
                active = [active[row] for row in rows.tolist()]
                cache, tokens = cache.select(rows), tokens[rows]
                shape.select(rows)
            positions = torch.stack([cache.out_positions[0], shape.row, shape.column])
            hidden = run(model, cache, tokens[:, None], positions[:, :, None])
            cache.visible[:, cache.filled] = True
            cache.filled += 1
            log_probs = log_probs_of(model, hidden[:, 0])
    finally:
        prefilled.filled = filled
    return [Decoded(decode_grid(tokens), total) for tokens, total in zip(chosen, totals, strict=True)]


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
    lengths = [len(grid_tokens(grid)) for grid in grids]
    longest = max(lengths)
    per_pass = max(1, _SCORE_ENTRIES // (longest * (prefilled.filled + longest)))
    if per_pass < len(grids):
        results = []
        for first in range(0, len(grids), per_pass):
            rows = torch.arange(first, min(first + per_pass, len(grids)), device=prefilled.keys.device)
            results += teacher_force(model, prefilled.select(rows), grids[first : first + per_pass])
        return results
    batch = collate([_output_sequence(grid) for grid in grids]).to(model.device)
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


def _output_sequence(grid: Grid) -> EncodedSequence:
    tokens = grid_tokens(grid)
    return EncodedSequence(tokens, grid_positions(grid.shape, 0)[:, 1:], tokens)


def score_candidates(
    model: PreTrainedModel, prefilled: Prefilled, candidates: Sequence[Sequence[Grid]]
) -> NDArray[np.float64]:
    """Return log-likelihoods ``(candidates, prompts)`` float64; each candidate is one grid for each prompt's view."""
    return np.array([score_grids(model, prefilled, grids) for grids in candidates], np.float64)
