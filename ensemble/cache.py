"""Prompts in a preallocated key-value cache: run once, continued and scored many times.

The layers are those of the model, whether ``GridLM`` or an adopted one; only attention is written out, on static
buffers and as plain matrix products.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from transformers import PreTrainedModel
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb

from dsl.grid import MAX_SIDE
from ensemble.attention import additive_mask, cache_mask
from ensemble.encode import MAX_GRID_TOKENS, NUM_CELL_TOKENS, Batch, EncodedSequence, collate
from ensemble.model import GridLM, rotary_positions
from ensemble.optimizer import has_bfloat16_units
from ensemble.processor.reading import Reader
from ensemble.processor.stacked import can_write_out


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
        under: ``(B, S, S, E)``: what a token of the output at each row and column sees of the query; None for a network
            that sees nothing of it.
        reader: runs the model where its layers are written out; None where they are called.
    """

    keys: Tensor
    values: Tensor
    visible: Tensor
    filled: int
    out_positions: Tensor
    log_probs: Tensor
    under: Tensor | None = None
    reader: Reader | None = None

    def __len__(self) -> int:
        return self.visible.shape[0]

    def grow(self, room: int) -> None:
        """Make room for more tokens if there is too little, and then for some beyond."""
        capacity = self.filled + room
        if capacity > self.keys.shape[3]:
            more = max(capacity - self.keys.shape[3], self.keys.shape[3] // 8)
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
            None if self.under is None else self.under[rows],
            self.reader,
        )


@torch.inference_mode()
def prefill(model: PreTrainedModel, prompts: Sequence[EncodedSequence], room: int = MAX_GRID_TOKENS) -> Prefilled:
    """Run prompts of any lengths through the model, with room for more tokens (it grows when that is too little)."""
    batch = collate(prompts).to(model.device)
    num_prompts, length = batch.tokens.shape
    layers = model.model.layers
    head_size = layers[0].self_attn.head_dim
    shape = (len(layers), num_prompts, model.config.num_key_value_heads, length + room, head_size)
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=model.device)
    rows = torch.arange(num_prompts, device=model.device)
    reader = _reader_of(model)
    dtype = model.dtype if reader is None else reader.dtype
    hidden, under = read(model, batch, prompts)
    cache = Prefilled(
        keys=torch.empty(shape, dtype=dtype, device=model.device),
        values=torch.empty(shape, dtype=dtype, device=model.device),
        visible=torch.zeros(shape[1], shape[3], dtype=torch.bool, device=model.device),
        filled=0,
        out_positions=batch.positions[:, rows, ends],
        log_probs=torch.empty(0),
        under=under,
        reader=reader,
    )
    if reader is None:
        last = _run(model, cache, hidden, batch.positions, None)[rows, ends]
    else:
        last = reader.run(hidden, batch.positions, cache.keys, cache.values, cache.visible, 0, ends)[:, 0]
    cache.visible[:, :length] = torch.arange(length, device=model.device) <= ends[:, None]
    cache.filled = length
    cache.log_probs = log_probs_of(model, last)
    return cache


def read(model: PreTrainedModel, batch: Batch, prompts: Sequence[EncodedSequence]) -> tuple[Tensor, Tensor | None]:
    """Return what the first layer reads of prompts, and ``Prefilled.under``."""
    if not isinstance(model, GridLM):
        return model.model.embed_tokens(batch.tokens), None
    hidden = model.embed(batch.tokens, batch.features, batch.under)
    if batch.under is None or not model.config.num_feature_values:
        return hidden, None
    # Inputs stand before what sees them: what was added to outputs does not matter here.
    cells = hidden.new_zeros(len(prompts), MAX_SIDE + 2, MAX_SIDE + 2, hidden.shape[2])
    for row, prompt in enumerate(prompts):
        query = int(prompt.positions[0, -1]) - 1
        (there,) = np.nonzero((prompt.positions[0] == query) & (prompt.tokens < NUM_CELL_TOKENS))
        _, down, right = torch.from_numpy(prompt.positions[:, there]).long()
        cells[row, down, right] = hidden[row, torch.from_numpy(there)]
    return hidden, cells[:, :-1, :-1] @ model.under.T + cells[:, :-1, 1:] @ model.ahead.T


def _reader_of(model: PreTrainedModel) -> Reader | None:
    if not can_write_out(model):
        return None
    return Reader(model, torch.bfloat16 if has_bfloat16_units(model.device) else torch.float32)


def run(model: PreTrainedModel, cache: Prefilled, tokens: Tensor, positions: Tensor) -> Tensor:
    """Return hidden states ``(B, n, E)`` of new tokens, whose keys and values go to the cache after ``filled``.

    Each of them attends to all visible ones and to those before it.

    Args:
        model: the network.
        cache: what has run before.
        tokens: ``(B, n)``.
        positions: ``(3, B, n)``.
    """
    prompt = torch.arange(len(tokens), device=tokens.device)[:, None]
    hidden = _read(model, cache, tokens, positions, prompt)
    if cache.reader is not None:
        return cache.reader.run(hidden, positions, cache.keys, cache.values, cache.visible, cache.filled)
    return _run(model, cache, hidden, positions, None)


def run_branches(
    model: PreTrainedModel, cache: Prefilled, tokens: Tensor, positions: Tensor, prompt: Tensor, seen: Tensor
) -> tuple[Tensor, Tensor]:
    """Return hidden states ``(R, E)`` of one more token of each branch, and the place of each, ``(R,)``.

    A prompt's tokens, none of which sees another, go to its cache behind ``filled`` in their order.

    Args:
        model: the network.
        cache: what has run before.
        tokens: ``(R,)``.
        positions: ``(3, R)``.
        prompt: ``(R,)``: the prompt of each branch, those of a prompt next to each other.
        seen: ``(R, filled)`` bool: what each token attends to beside itself.
    """
    start, num_prompts = cache.filled, len(cache)
    counts = torch.bincount(prompt, minlength=num_prompts)
    place = torch.arange(len(prompt), device=prompt.device) - (counts.cumsum(0) - counts)[prompt]
    widest = int(counts.max())
    cache.grow(widest)
    hidden = _read(model, cache, tokens, positions, prompt)
    if cache.reader is not None:
        return cache.reader.run_each(
            hidden, positions, prompt, start + place, cache.keys, cache.values, seen, start
        ), place
    where = prompt, place
    together = hidden.new_zeros(num_prompts, widest, hidden.shape[1])
    together[where] = hidden
    at = positions.new_zeros(3, num_prompts, widest)
    at[:, *where] = positions
    attended = torch.zeros(num_prompts, widest, start + widest, dtype=torch.bool, device=prompt.device)
    attended[*where, :start] = seen
    attended[:, :, start:] = torch.eye(widest, dtype=torch.bool, device=prompt.device)
    return _run(model, cache, together, at, attended)[where], place


def _read(model: PreTrainedModel, cache: Prefilled, tokens: Tensor, positions: Tensor, prompt: Tensor) -> Tensor:
    """Return what the first layer reads of new tokens, which are of these prompts."""
    hidden: Tensor = model.model.embed_tokens(tokens)
    return hidden if cache.under is None else hidden + seen_at(cache.under, positions, prompt)


def seen_at(under: Tensor, positions: Tensor, prompt: Tensor) -> Tensor:
    """Return what tokens at ``positions (3, ...)`` see of the query, from ``Prefilled.under``: ``(..., E)``."""
    row, column = positions[1:].clamp(max=MAX_SIDE)  # outputs that are over may go on
    return under[prompt, row, column]


def _run(model: PreTrainedModel, cache: Prefilled, hidden: Tensor, positions: Tensor, seen: Tensor | None) -> Tensor:
    """Return hidden states of new tokens by the model's own layers, given what the first of them reads."""
    text = model.model
    if seen is None:
        before = cache.visible[:, : cache.filled].sum(1, keepdim=True)
    else:
        before = seen.sum(2) - 1 - torch.arange(hidden.shape[1], device=seen.device)
    rotary = text.rotary_emb(hidden, rotary_positions(model, positions, before))
    mask = None
    if seen is not None:
        mask = additive_mask(seen, hidden.dtype)
    elif cache.filled:
        mask = cache_mask(cache.visible, cache.filled, hidden.shape[1], cache.keys.dtype)
    for index, layer in enumerate(text.layers):
        hidden = hidden + _attend(layer, layer.input_layernorm(hidden), rotary, mask, cache, index)
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    normed: Tensor = text.norm(hidden)
    return normed


def _attend(
    layer: Any,
    hidden: Tensor,
    rotary: tuple[Tensor, Tensor],
    mask: Tensor | None,
    cache: Prefilled,
    index: int,
) -> Tensor:
    attention, (num_rows, new, _) = layer.self_attn, hidden.shape
    split = (num_rows, new, -1, attention.head_dim)
    query, key = attention.q_proj(hidden).view(split), attention.k_proj(hidden).view(split)
    if hasattr(attention, "q_norm"):
        query, key = attention.q_norm(query), attention.k_norm(key)
    query, key = query.transpose(1, 2), key.transpose(1, 2)
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


def log_probs_of(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Return natural logs of next-token probabilities ``(..., V)`` float32 at hidden states ``(..., E)``."""
    logits: Tensor = model.lm_head(hidden)
    return logits.float().log_softmax(-1)
