"""``GridLM`` on a processor without gradients, written out: prompts into a key-value cache, and tokens after them.

The counterpart of ``processor.written`` for decoding and scoring; one new token of each sequence, or of each of its
branches, goes through all layers in one call (``processor.one_token``).
"""

import torch
from torch import Tensor

from ensemble.attention import attend_forward, cache_mask
from ensemble.model import GridLM
from ensemble.processor import fused
from ensemble.processor.one_token import ROWS, run_layers
from ensemble.processor.stacked import Turns, array, fold, stack


class Reader:
    """A network's weights at one moment, ready to run tokens.

    Args:
        model: a network that ``ensemble.processor.stacked.can_write_out``.
        dtype: of matrix products and of keys and values.
    """

    def __init__(self, model: GridLM, dtype: torch.dtype) -> None:
        weights = stack(model).to(torch.float32)
        self.dtype, self._turns, self._eps = dtype, Turns(model), float(model.config.rms_norm_eps)
        self._folded, self._last_norm = fold(weights, dtype), weights.norms[-1]
        self._num_heads, self._size = model.config.num_attention_heads, weights.head_norms.shape[-1]

    def run(
        self,
        read: Tensor,
        positions: Tensor,
        keys: Tensor,
        values: Tensor,
        visible: Tensor,
        filled: int,
        ends: Tensor | None = None,
    ) -> Tensor:
        """Return normed hidden states ``(B, n, E)`` float32 of new tokens, and write their keys and values.

        Args:
            read: ``(B, n, E)`` float32: what the first layer reads of the tokens.
            positions: ``(3, B, n)``.
            keys: ``(L, B, H, C, D)``, of the reader's dtype.
            values: likewise.
            visible: ``(B, C)`` bool: entries before ``filled`` that hold a token.
            filled: entries in use; the new tokens follow.
            ends: ``(B,)``: the only tokens of a first run whose hidden states are wanted, ``(B, 1, E)``.
        """
        num_rows, new, width = read.shape
        if new == 1 and filled:
            sequence = torch.arange(num_rows)
            each = read[:, 0], positions[:, :, 0], sequence, torch.full_like(sequence, filled)
            return self.run_each(*each, keys, values, visible, filled)[:, None]
        folded, eps, end = self._folded, self._eps, filled + new
        hidden = read.reshape(-1, width).clone()
        cos, sin = self._turns(positions)
        normed, scales = torch.empty_like(hidden, dtype=self.dtype), hidden.new_empty(len(hidden))
        heads = torch.empty(3, num_rows, self._num_heads, new, self._size, dtype=self.dtype)
        mask = cache_mask(visible, filled, new, self.dtype) if filled else None
        turns = array(cos), array(sin), eps, array(hidden.new_empty(num_rows, new, 2, self._num_heads)), array(heads)
        norms, into = array(folded.head_norms), (eps, array(normed), array(scales))
        wide = array(hidden)
        fused.norm(wide, *into)
        for k in range(len(keys)):
            projected = (normed @ folded.attention[k].T).view(num_rows, new, 3, self._num_heads, self._size)
            fused.turn_heads(array(projected), norms[k], *turns)
            keys[k, :, :, filled:end], values[k, :, :, filled:end] = heads[1], heads[2]
            if ends is not None and k + 1 == len(keys):
                rows = torch.arange(num_rows)
                mixed = _attend(heads[0, rows, :, ends, None], heads[1], heads[2], _until(ends, new, self.dtype))
                hidden, mixed = hidden.view(num_rows, new, -1)[rows, ends], mixed.transpose(1, 2)
                normed, scales, new = normed[:num_rows], scales[:num_rows], 1
                wide, into = array(hidden), (eps, array(normed), array(scales))
            elif filled == 0:
                mixed, _ = attend_forward(*heads.flatten(1, 2), keep=False)
                mixed = mixed.view(heads.shape[1:]).transpose(1, 2)
            else:
                mixed = _attend(heads[0], keys[k, :, :, :end], values[k, :, :, :end], mask).transpose(1, 2)
            fused.add_and_norm(wide, array(mixed.reshape(num_rows * new, -1) @ folded.mixed[k].T), *into)
            gate_up = normed @ folded.gate_up[k].T
            inner = gate_up.new_empty(len(gate_up), gate_up.shape[1] // 2)
            fused.gate(array(gate_up), array(inner))
            fused.add_and_norm(wide, array(inner @ folded.down[k].T), *into)
        return (hidden * scales[:, None] * self._last_norm).view(num_rows, new, -1)

    def run_each(
        self,
        read: Tensor,
        positions: Tensor,
        sequence: Tensor,
        place: Tensor,
        keys: Tensor,
        values: Tensor,
        visible: Tensor,
        filled: int,
    ) -> Tensor:
        """Return normed hidden states ``(R, E)`` float32 of new tokens that do not see each other.

        Args:
            read: ``(R, E)`` float32: what the first layer reads of the tokens.
            positions: ``(3, R)``.
            sequence: ``(R,)``: which sequence each of them goes on.
            place: ``(R,)``: where its key and value go, from ``filled`` on.
            keys: ``(L, B, H, C, D)``, of the reader's dtype.
            values: likewise.
            visible: ``(R, C)`` bool: which entries before ``filled`` each of them attends to.
            filled: entries in use.
        """
        num_rows, width = read.shape
        padded = read.new_zeros(-(-num_rows // ROWS) * ROWS, width)
        padded[:num_rows] = read
        cos, sin = self._turns(positions[:, :, None])
        folded = self._folded
        run_layers(
            array(padded),
            array(cos),
            array(sin),
            array(folded.attention),
            array(folded.mixed),
            array(folded.gate_up),
            array(folded.down),
            array(folded.head_norms),
            self._eps,
            array(keys),
            array(values),
            array(visible),
            filled,
            array(sequence),
            array(place),
        )
        hidden = padded[:num_rows]
        scales = (hidden.square().mean(1, keepdim=True) + self._eps).rsqrt()
        return hidden * scales * self._last_norm


def _until(ends: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    """Return the additive mask ``(B, 1, 1, length)`` of one token of each sequence over those up to itself."""
    later = torch.arange(length) > ends[:, None]
    return torch.zeros(later.shape, dtype=dtype).masked_fill_(later, float("-inf"))[:, None, None]


def _attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Attend under a mask: ``(B, H, n, D)`` queries to ``(B, H, C, D)`` keys and values."""
    scores = query @ keys.mT
    if mask is not None:
        scores += mask
    return scores.softmax(-1) @ values
