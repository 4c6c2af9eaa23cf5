"""New tokens, one of each sequence or branch of one, through all layers of ``GridLM`` in a single compiled call.

A step of decoding is a few hundred thousand multiplications for each row, and takes less time than calling PyTorch for
each of its products would. Activations are float32; weights, keys and values are narrow or wide, as in
``processor.fused``, whose letters for sizes hold here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.processor.fused import _ANY_ORDER, Narrow, Wide, _narrow, _widen, attend_one, gate, njit, norm, turn_heads

ROWS = 8
"""Rows of one pass over the weights."""

_ZERO = np.float32(0)


@njit(cache=True, fastmath=_ANY_ORDER)
def multiply_rows(rows: Wide, weight: Narrow, result: Wide) -> None:
    """Write ``rows (8, I) @ weight (O, I).T`` to ``result (8, O)``, float32."""
    r0, r1, r2, r3, r4, r5, r6, r7 = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7]
    for o in range(weight.shape[0]):
        line = weight[o]
        s0, s1, s2, s3, s4, s5, s6, s7 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
        for i in range(len(line)):
            w = _widen(line[i])
            s0 += w * r0[i]
            s1 += w * r1[i]
            s2 += w * r2[i]
            s3 += w * r3[i]
            s4 += w * r4[i]
            s5 += w * r5[i]
            s6 += w * r6[i]
            s7 += w * r7[i]
        result[0, o], result[1, o], result[2, o], result[3, o] = s0, s1, s2, s3
        result[4, o], result[5, o], result[6, o], result[7, o] = s4, s5, s6, s7


@njit(cache=True)
def multiply(rows: Wide, weight: Narrow, result: Wide) -> None:
    """Write ``rows (N, I) @ weight (O, I).T`` to ``result (N, O)``; ``N`` is a multiple of 8."""
    for first in range(0, len(rows), ROWS):
        multiply_rows(rows[first : first + ROWS], weight, result[first : first + ROWS])


@njit(cache=True)
def _store(part: Wide, entries: Narrow, sequence: NDArray[np.int64], place: NDArray[np.int64]) -> None:
    """Write each row of ``part (R, H, 1, D)`` to ``entries (B, H, C, D)`` at its sequence and place."""
    num_rows, num_heads, _, size = part.shape
    for r in range(num_rows):
        for h in range(num_heads):
            for d in range(size):
                entries[sequence[r], h, place[r], d] = _narrow(part[r, h, 0, d], entries)


@njit(cache=True)
def run_layers(
    hidden: Wide,
    cos: Wide,
    sin: Wide,
    attention: Narrow,
    mixed: Narrow,
    gate_up: Narrow,
    down: Narrow,
    head_norms: Wide,
    eps: Any,
    keys: Narrow,
    values: Narrow,
    visible: NDArray[np.bool_],
    filled: int,
    sequence: NDArray[np.int64],
    place: NDArray[np.int64],
) -> None:
    """Add to ``hidden`` what all layers add to it, and write keys and values at each token's place.

    Args:
        hidden: ``(N, E)`` float32, embeddings of the new tokens; rows from ``R`` on make ``N`` a multiple of 8.
        cos: ``(R, 1, D // 2)``.
        sin: likewise.
        attention: ``(L, 3 * A, E)``; these four as in ``processor.stacked.Folded``.
        mixed: ``(L, E, A)``.
        gate_up: ``(L, 2 * I, E)``.
        down: ``(L, E, I)``.
        head_norms: ``(L, 2, D)``.
        eps: added to mean squares.
        keys: ``(L, B, H, C, D)``.
        values: likewise.
        visible: ``(R, C)``: which of the first ``filled`` entries each token attends to.
        filled: entries before the new tokens.
        sequence: ``(R,)``: the sequence of each token, below ``B``.
        place: ``(R,)``: its own entry, from ``filled`` on.
    """
    count, num_rows = len(hidden), len(sequence)
    num_heads, size = keys.shape[2], keys.shape[4]
    normed, added = np.empty_like(hidden), np.empty_like(hidden)
    scales, head_scales = np.empty(count, np.float32), np.empty((num_rows, 1, 2, num_heads), np.float32)
    projected = np.empty((count, attention.shape[1]), np.float32)
    heads = np.empty((3, num_rows, num_heads, 1, size), np.float32)
    scores = np.empty(filled + 1, np.float32)
    seen = np.zeros((count, mixed.shape[2]), np.float32)
    both, inner = np.empty((count, gate_up.shape[1]), np.float32), np.empty((count, down.shape[2]), np.float32)
    split = projected[:num_rows].reshape(num_rows, 1, 3, num_heads, size)
    mixed_heads = seen[:num_rows].reshape(num_rows, num_heads, size)
    for k in range(len(attention)):
        norm(hidden, eps, normed, scales)
        multiply(normed, attention[k], projected)
        turn_heads(split, head_norms[k], cos, sin, eps, head_scales, heads)
        _store(heads[1], keys[k], sequence, place)
        _store(heads[2], values[k], sequence, place)
        attend_one(heads[0, :, :, 0], keys[k], values[k], visible, filled, sequence, place, scores, mixed_heads)
        multiply(seen, mixed[k], added)
        hidden += added
        norm(hidden, eps, normed, scales)
        multiply(normed, gate_up[k], both)
        gate(both, inner)
        multiply(inner, down[k], added)
        hidden += added
