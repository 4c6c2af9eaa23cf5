"""Causal attention in blocks of rows, for training in bfloat16 on processors.

PyTorch's fused kernel takes most of a small network's step there. Here every product is a bfloat16 matrix product of
one block of queries with the keys before its end, which leaves out most of what causality hides. The probabilities are
kept for the backward pass: about ``H * T**2 / 2`` numbers for a sequence.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ensemble.encode import round_up
from ensemble.model import GridLM

NAME = "blocked_causal"
_ROWS = 192
"""Queries in a block."""
_ALIGNED = 64
"""Products whose sides are multiples of this are fast, and of few enough shapes to be compiled once: every new one
costs oneDNN milliseconds."""
_LEAST_ALIGNED = 256
"""Length of sequences from which on this saves more than padding costs."""


def attend_forward(
    query: Tensor, key: Tensor, value: Tensor, places: Tensor | None = None, *, keep: bool = True
) -> tuple[Tensor, list[Tensor]]:
    """Attend causally; all tensors are of one dtype.

    Args:
        query: ``(N, R, D)``, already scaled.
        key: ``(N, T, D)``.
        value: likewise.
        places: ``(R,)``, rising: which tokens the queries are of; all by default.
        keep: whether the backward pass follows.

    Returns:
        The mixed values ``(N, R, D)``, and what :func:`attend_backward` needs, if wanted: the probabilities of each
        block.
    """
    mixed, blocks = torch.empty_like(query), []
    for rows, end, future in _blocks(query, key.shape[1], places):
        scores = torch.bmm(query[:, rows], key[:, :end].mT)
        scores[:, :, end - future.shape[1] :] += future
        weights = scores.softmax(-1)
        mixed[:, rows] = torch.bmm(weights, value[:, :end])
        if keep:
            blocks.append(weights)
    return mixed, blocks


def attend_backward(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, blocks: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of queries, keys and values from the gradient ``(N, R, D)`` of the result."""
    of_query, of_key, of_value = torch.empty_like(query), torch.zeros_like(key), torch.zeros_like(value)
    for start, weights in zip(range(0, query.shape[1], _ROWS), blocks, strict=True):
        rows, end = slice(start, start + _ROWS), weights.shape[2]
        of_mixed = gradient[:, rows]
        of_weights = torch.bmm(of_mixed, value[:, :end].mT)
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query[:, rows] = torch.bmm(of_scores, key[:, :end])
        of_key[:, :end].baddbmm_(of_scores.mT, query[:, rows])
        of_value[:, :end].baddbmm_(weights.mT, of_mixed)
    return of_query, of_key, of_value


def alignment(length: int) -> int:
    """Return what the numbers of tokens of a training step should be multiples of, for sequences of a length."""
    return _ALIGNED if length >= _LEAST_ALIGNED else 1


def _blocks(query: Tensor, length: int, places: Tensor | None) -> Iterator[tuple[slice, int, Tensor]]:
    """Yield blocks of queries, how many keys to read for them, and what hides the last keys from those that are before.

    The last is added to the scores with the last keys, ``(rows, number of such keys)``.
    """
    hidden = torch.full((_ROWS, _ROWS), float("-inf"), dtype=query.dtype, device=query.device).triu(1)
    for start in range(0, query.shape[1], _ROWS):
        stop = min(start + _ROWS, query.shape[1])
        if places is None:
            yield slice(start, stop), stop, hidden[: stop - start, : stop - start]
            continue
        first, end = int(places[start]), min(round_up(int(places[stop - 1]) + 1, alignment(length)), length)
        later = torch.arange(first, end, device=query.device) > places[start:stop, None]
        yield slice(start, stop), end, torch.zeros_like(later, dtype=query.dtype).masked_fill_(later, float("-inf"))


class BlockedCausalAttention(torch.autograd.Function):
    """:func:`attend_forward` for autograd."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return the mixed values."""
        mixed, blocks = attend_forward(query, key, value)
        ctx.save_for_backward(query, key, value, *blocks)
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of queries, keys and values."""
        query, key, value, *blocks = ctx.saved_tensors
        return attend_backward(gradients[0].contiguous(), query, key, value, blocks)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers asks: ``(B, H, T, D)`` each, causal without another mask; returns ``(B, T, H, D)``."""
    size, heads, length, width = query.shape
    dtype = torch.get_autocast_dtype(query.device.type) if torch.is_autocast_enabled(query.device.type) else query.dtype
    flat = [part.to(dtype).reshape(size * heads, length, width) for part in (query * scaling, key, value)]
    mixed: Tensor = BlockedCausalAttention.apply(*flat)  # type: ignore[no-untyped-call]
    return mixed.view(size, heads, length, width).transpose(1, 2), None


ALL_ATTENTION_FUNCTIONS.register(NAME, attend)


@contextmanager
def blocked_attention(model: PreTrainedModel) -> Iterator[None]:
    """Let a model whose heads all have keys of their own attend in blocks; its sequences are padded on the right."""
    before = model.config._attn_implementation
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = before


@contextmanager
def mixed_precision(model: PreTrainedModel) -> Iterator[None]:
    """Let matrix products run in bfloat16, and on a processor let ``GridLM`` attend in blocks; weights stay float32."""
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(model.device.type, torch.bfloat16))
        if model.device.type == "cpu" and isinstance(model, GridLM):
            stack.enter_context(blocked_attention(model))
        yield


def cache_mask(visible: Tensor, filled: int, new: int, dtype: torch.dtype) -> Tensor:
    """Return the additive mask ``(B, 1, new, filled + new)`` of new tokens over a cache and themselves.

    Args:
        visible: ``(B, C)`` bool: entries of the cache that hold a token.
        filled: entries in use; the new tokens follow.
        new: new tokens of each sequence.
        dtype: of the mask.
    """
    seen = torch.ones(len(visible), new, filled + new, dtype=torch.bool, device=visible.device)
    seen[..., :filled] = visible[:, None, :filled]
    seen[..., filled:] = torch.ones(new, new, dtype=torch.bool, device=visible.device).tril()
    return additive_mask(seen, dtype)


def additive_mask(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the additive mask ``(B, 1, n, C)`` of what each token attends to ``(B, n, C)``."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, float("-inf"))[:, None]
