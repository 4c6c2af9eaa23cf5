"""Prompts in a preallocated key-value cache: run once, continued and scored many times.

The layers are those of the model, whether ``GridLM`` or an adopted one; only attention is written out, on static
buffers and as plain matrix products.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from transformers import PreTrainedModel
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb

from ensemble.attention import additive_mask, cache_mask
from ensemble.encode import MAX_GRID_TOKENS, EncodedSequence, collate
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
        reader: runs the model where its layers are written out; None where they are called.
    """

    keys: Tensor
    values: Tensor
    visible: Tensor
    filled: int
    out_positions: Tensor
    log_probs: Tensor
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
    cache = Prefilled(
        keys=torch.empty(shape, dtype=dtype, device=model.device),
        values=torch.empty(shape, dtype=dtype, device=model.device),
        visible=torch.zeros(shape[1], shape[3], dtype=torch.bool, device=model.device),
        filled=0,
        out_positions=batch.positions[:, rows, ends],
        log_probs=torch.empty(0),
        reader=reader,
    )
    if reader is None:
        last = run(model, cache, batch.tokens, batch.positions, features=batch.features)[rows, ends]
    else:
        buffers = cache.keys, cache.values, cache.visible, 0
        last = reader.run(batch.tokens, batch.positions, *buffers, ends, features=batch.features)[:, 0]
    cache.visible[:, :length] = torch.arange(length, device=model.device) <= ends[:, None]
    cache.filled = length
    cache.log_probs = log_probs_of(model, last)
    return cache


def _reader_of(model: PreTrainedModel) -> Reader | None:
    if not can_write_out(model):
        return None
    return Reader(model, torch.bfloat16 if has_bfloat16_units(model.device) else torch.float32)


def run(
    model: PreTrainedModel,
    cache: Prefilled,
    tokens: Tensor,
    positions: Tensor,
    seen: Tensor | None = None,
    features: Tensor | None = None,
) -> Tensor:
    """Return hidden states ``(B, n, E)`` of new tokens, whose keys and values go to the cache after ``filled``.

    Args:
        model: the network.
        cache: what has run before.
        tokens: ``(B, n)``.
        positions: ``(3, B, n)``.
        seen: ``(B, n, filled + n)`` bool: what each new token attends to; by default all visible ones and those before.
        features: ``(B, n, F)``: numbered features of input cells, for a network that reads them.
    """
    if cache.reader is not None:
        buffers = cache.keys, cache.values, cache.visible, cache.filled
        return cache.reader.run(tokens, positions, *buffers, seen=seen, features=features)
    text = model.model
    hidden = model.embed(tokens, features) if isinstance(model, GridLM) else text.embed_tokens(tokens)
    if seen is None:
        before = cache.visible[:, : cache.filled].sum(1, keepdim=True)
    else:
        before = seen.sum(2) - 1 - torch.arange(tokens.shape[1], device=seen.device)
    rotary = text.rotary_emb(hidden, rotary_positions(model, positions, before))
    mask = None
    if seen is not None:
        mask = additive_mask(seen, hidden.dtype)
    elif cache.filled:
        mask = cache_mask(cache.visible, cache.filled, tokens.shape[1], cache.keys.dtype)
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
