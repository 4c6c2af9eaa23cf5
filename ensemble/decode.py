"""Read outputs from the model: greedy decoding of many views at once, and the log-likelihood of any given grid.

The prompts of all views are run once into a preallocated key-value cache, which serves both. Tokens that cannot
continue a well-formed grid are never chosen: rows get equal width, no side exceeds 30, a grid ends only at a row end.
Log-likelihoods are natural logs under the whole vocabulary, whether a grid was decoded or given.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextDecoderLayer, apply_rotary_pos_emb

from dsl.grid import MAX_SIDE, Grid
from ensemble.encode import (
    END,
    END_OF_ROW,
    IGNORE,
    MAX_GRID_TOKENS,
    NUM_CELL_TOKENS,
    VOCABULARY_SIZE,
    EncodedSequence,
    collate,
    decode_grid,
    grid_positions,
    grid_tokens,
)
from ensemble.model import GridLM

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
class Prefilled:
    """Prompts that have run through the model; every prompt ends with its ``out`` marker.

    Attributes:
        keys: ``(L, B, K, C, D)``: layers, prompts, key-value heads, capacity, head size.
        values: likewise.
        visible: ``(B, C)`` bool: entries that hold a token, false for padding.
        filled: entries in use, the same for all prompts.
        out_positions: ``(3, B)``: position of each ``out`` marker.
        log_probs: ``(B, V)`` float32: of the first output token.
    """

    keys: Tensor
    values: Tensor
    visible: Tensor
    filled: int
    out_positions: Tensor
    log_probs: Tensor

    def __len__(self) -> int:
        return self.visible.shape[0]

    def grow(self, room: int) -> None:
        """Make room for more tokens if there is too little."""
        capacity = self.filled + room
        if capacity > self.keys.shape[3]:
            more = capacity - self.keys.shape[3]
            self.keys = F.pad(self.keys, (0, 0, 0, more))
            self.values = F.pad(self.values, (0, 0, 0, more))
            self.visible = F.pad(self.visible, (0, more))

    def select(self, rows: Tensor) -> "Prefilled":
        """Return a copy of some prompts."""
        return Prefilled(
            self.keys[:, rows],
            self.values[:, rows],
            self.visible[rows],
            self.filled,
            self.out_positions[:, rows],
            self.log_probs[rows],
        )


@torch.inference_mode()
def prefill(model: GridLM, prompts: Sequence[EncodedSequence], room: int = MAX_GRID_TOKENS) -> Prefilled:
    """Run prompts of any lengths through the model, with room for more tokens (it grows when that is too little)."""
    batch = collate(prompts).to(model.device)
    num_prompts, length = batch.tokens.shape
    config = model.config
    shape = (
        config.num_hidden_layers,
        num_prompts,
        config.num_key_value_heads,
        length + room,
        config.head_dim,
    )
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=model.device)
    rows = torch.arange(num_prompts, device=model.device)
    cache = Prefilled(
        keys=torch.empty(shape, dtype=model.dtype, device=model.device),
        values=torch.empty(shape, dtype=model.dtype, device=model.device),
        visible=torch.zeros(shape[1], shape[3], dtype=torch.bool, device=model.device),
        filled=0,
        out_positions=batch.positions[:, rows, ends],
        log_probs=torch.empty(0),
    )
    hidden = _run(model, cache, batch.tokens, batch.positions)
    cache.visible[:, :length] = torch.arange(length, device=model.device) <= ends[:, None]
    cache.filled = length
    cache.log_probs = _log_probs(model, hidden[rows, ends])
    return cache


def _run(model: GridLM, cache: Prefilled, tokens: Tensor, positions: Tensor) -> Tensor:
    """Return hidden states ``(B, n, E)`` of new tokens, whose keys and values go to the cache after ``filled``."""
    text = model.model
    hidden = text.embed_tokens(tokens)
    rotary = text.rotary_emb(hidden, positions)
    mask = _mask(cache, tokens.shape[1]) if cache.filled else None
    for index, layer in enumerate(text.layers):
        hidden = hidden + _attend(layer, layer.input_layernorm(hidden), rotary, mask, cache, index)
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    normed: Tensor = text.norm(hidden)
    return normed


def _mask(cache: Prefilled, new: int) -> Tensor:
    """Return the additive mask ``(B, 1, new, filled + new)`` of new tokens over the cache and themselves."""
    filled = cache.filled
    seen = torch.ones(len(cache), 1, new, filled + new, dtype=torch.bool, device=cache.keys.device)
    seen[..., :filled] = cache.visible[:, None, None, :filled]
    seen[..., filled:] = torch.ones(new, new, dtype=torch.bool, device=seen.device).tril()
    return torch.zeros(seen.shape, dtype=cache.keys.dtype, device=seen.device).masked_fill(~seen, float("-inf"))


def _attend(
    layer: Qwen3VLTextDecoderLayer,
    hidden: Tensor,
    rotary: tuple[Tensor, Tensor],
    mask: Tensor | None,
    cache: Prefilled,
    index: int,
) -> Tensor:
    attention, (num_rows, new, _) = layer.self_attn, hidden.shape
    split = (num_rows, new, -1, attention.head_dim)
    query = attention.q_norm(attention.q_proj(hidden).view(split)).transpose(1, 2)
    key = attention.k_norm(attention.k_proj(hidden).view(split)).transpose(1, 2)
    value = attention.v_proj(hidden).view(split).transpose(1, 2)
    query, key = apply_rotary_pos_emb(query, key, *rotary)
    start, end = cache.filled, cache.filled + new
    cache.keys[index, :, :, start:end] = key
    cache.values[index, :, :, start:end] = value
    if mask is None:
        mixed = F.scaled_dot_product_attention(
            query, key, value, is_causal=True, enable_gqa=query.shape[1] != key.shape[1]
        )
    else:
        # Plain matrix products: for one new token the CPU kernel of SDPA is several times slower.
        grouped = query.reshape(num_rows, key.shape[1], -1, query.shape[-1])
        scores = (grouped @ cache.keys[index, :, :, :end].transpose(2, 3)) * attention.scaling
        scores = scores.view(num_rows, key.shape[1], -1, new, end) + mask[:, None]
        weights = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
        mixed = weights.view(num_rows, key.shape[1], -1, end) @ cache.values[index, :, :, :end]
        mixed = mixed.view(num_rows, -1, new, mixed.shape[-1])
    projected: Tensor = attention.o_proj(mixed.transpose(1, 2).reshape(num_rows, new, -1))
    return projected


def _log_probs(model: GridLM, hidden: Tensor) -> Tensor:
    logits: Tensor = model.lm_head(hidden)
    return logits.float().log_softmax(-1)


@dataclass(slots=True)
class _Shape:
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
    model: GridLM, prefilled: Prefilled, *, max_new_tokens: int = MAX_GRID_TOKENS, deadline: float | None = None
) -> list[Decoded]:
    """Decode the most likely next token, step by step, for all prompts together.

    Leaves ``prefilled`` ready for more. Prompts that are not over after ``max_new_tokens`` or at the deadline
    (``time.monotonic()``) have no grid.
    """
    prefilled.grow(max_new_tokens)
    num_prompts, device = len(prefilled), prefilled.keys.device
    start = torch.zeros(num_prompts, dtype=torch.int64, device=device)
    shape = _Shape(row=start, column=start, width=start)
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
            hidden = _run(model, cache, tokens[:, None], positions[:, :, None])
            cache.visible[:, cache.filled] = True
            cache.filled += 1
            log_probs = _log_probs(model, hidden[:, 0])
    finally:
        prefilled.filled = filled
    return [Decoded(decode_grid(tokens), total) for tokens, total in zip(chosen, totals, strict=True)]


@torch.inference_mode()
def score_grids(model: GridLM, prefilled: Prefilled, grids: Sequence[Grid]) -> list[float]:
    """Return the log-likelihood of one grid for each prompt, each in the frame of its view, in one pass.

    Leaves ``prefilled`` ready for more.
    """
    if len(grids) != len(prefilled):
        raise ValueError(f"need one grid for each of {len(prefilled)} prompts, got {len(grids)}")
    longest = max(len(grid_tokens(grid)) for grid in grids)
    per_pass = max(1, _SCORE_ENTRIES // (longest * (prefilled.filled + longest)))
    if per_pass < len(grids):
        scores: list[float] = []
        for first in range(0, len(grids), per_pass):
            rows = torch.arange(first, min(first + per_pass, len(grids)), device=prefilled.keys.device)
            scores += score_grids(model, prefilled.select(rows), grids[first : first + per_pass])
        return scores
    sequences = [_output_sequence(grid) for grid in grids]
    batch = collate(sequences).to(model.device)
    positions = batch.positions.clone()
    positions[0] = prefilled.out_positions[0][:, None]
    log_probs = prefilled.log_probs[:, None]
    if longest > 1:
        prefilled.grow(longest)
        hidden = _run(model, prefilled, batch.tokens[:, :-1], positions[:, :, :-1])
        log_probs = torch.cat([log_probs, _log_probs(model, hidden)], dim=1)
    gained = log_probs.gather(2, batch.tokens[:, :, None])[:, :, 0]
    totals: list[float] = gained.masked_fill(batch.labels == IGNORE, 0.0).double().sum(1).tolist()
    return totals


def _output_sequence(grid: Grid) -> EncodedSequence:
    tokens = grid_tokens(grid)
    return EncodedSequence(tokens, grid_positions(grid.shape, 0)[:, 1:], tokens)


def score_candidates(model: GridLM, prefilled: Prefilled, candidates: Sequence[Sequence[Grid]]) -> NDArray[np.float64]:
    """Return log-likelihoods ``(candidates, prompts)`` float64; each candidate is one grid for each prompt's view."""
    return np.array([score_grids(model, prefilled, grids) for grids in candidates], np.float64)
