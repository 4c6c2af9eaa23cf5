"""Fused element-wise parts of a training step on a processor: each pass over memory does all there is to do.

Arrays of bfloat16 come as ``uint16``, which numpy has: the upper half of a float32. Every kernel works in the dtype of
its wide arrays, float32 or float64; narrow arrays are ``uint16`` for bfloat16, or wide. ``N`` tokens, width ``E``,
``H`` heads of size ``D``, feed-forward width ``I``. Unlike in ``dsl``, sums may be reordered: in their given order they
run number by number, several times slower, and the rounding of a training step is nobody's contract.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numba
import numpy as np
from numba import config, types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from dsl.kernels.cache import apart_by_sources

Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:

    def njit(
        *, cache: bool, inline: str = "never", fastmath: set[str] | None = None, error_model: str = "python"
    ) -> Callable[[Function], Function]:
        """Compile a loop with numba; this view of ``numba.njit`` keeps the function's own type."""
else:

    def njit(**options):
        """Compile with numba; the code is used again as long as no file of this folder has changed."""

        def compiled(function):
            with apart_by_sources(Path(__file__).resolve().parent):
                return numba.njit(**options)(function)

        return compiled


Wide = NDArray[Any]
Narrow = NDArray[Any]

_ANY_ORDER = {"reassoc", "contract"}
_ONE = np.float32(1)
_LARGEST_POWER = np.float32(126)
_ROUNDING = np.float32(1.5 * 2**23)
_LOG2_E = np.float32(1.4426950408889634)
_EXP2_SERIES = tuple(np.float32(np.log(2.0) ** k / f) for k, f in enumerate((1, 1, 2, 6, 24, 120, 720)))

if config.DISABLE_JIT:

    def _bits(value: Any) -> Any:
        return value.view(np.uint32 if value.dtype == np.float32 else np.float32)

    def _widen(value: Any) -> Any:
        return _bits(np.uint32(value) << np.uint32(16)) if value.dtype == np.uint16 else value

    def _narrow(value: Any, like: Any) -> Any:
        return _to_nearest_even(value) if like.dtype == np.uint16 else value

    def _exp(value: Any) -> Any:
        return np.exp(value)

else:

    @intrinsic  # type: ignore[untyped-decorator]
    def _bits(typing_context: Any, value: Any) -> Any:
        """Read a float32's bits as uint32, or the reverse."""
        result = types.uint32 if value == types.float32 else types.float32

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

        return result(value), build

    def _widen(value: Any) -> Any:
        """Return a number of a narrow array as a wide one."""

    def _narrow(value: Any, like: Any) -> Any:
        """Return a wide number as one for the narrow array ``like``."""

    def _exp(value: Any) -> Any:
        """Return the exponential of a wide number."""

    @overload(_widen, inline="always", strict=False)  # type: ignore[untyped-decorator]
    def _typed_widen(value: Any) -> Callable[..., Any]:
        if value == types.uint16:
            return lambda value: _bits(np.uint32(np.uint32(value) << np.uint32(16)))
        return lambda value: value

    @overload(_narrow, inline="always", strict=False)  # type: ignore[untyped-decorator]
    def _typed_narrow(value: Any, like: Any) -> Callable[..., Any]:
        if like.dtype == types.uint16:
            return lambda value, like: _to_nearest_even(value)
        return lambda value, like: value

    @overload(_exp, inline="always", strict=False)  # type: ignore[untyped-decorator]
    def _typed_exp(value: Any) -> Callable[..., Any]:
        if value == types.float32:
            return lambda value: _fast_exp(value)
        return lambda value: np.exp(value)


@njit(cache=True, inline="always")
def _to_nearest_even(value: Any) -> Any:
    """Return the bfloat16 next to a float32."""
    bits = _bits(np.float32(value))
    odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(np.uint32(bits + np.uint32(0x7FFF)) + odd) >> np.uint32(16))


@njit(cache=True, inline="always")
def _fast_exp(value: Any) -> Any:
    """Return the exponential of a float32 without a call, so that a loop over it runs in vector registers.

    Adding 1.5 * 2**23 rounds to a whole number and leaves it in the lowest bits; that does not bear reordered sums.
    """
    power = _LOG2_E * value
    power = _LARGEST_POWER if power > _LARGEST_POWER else power
    power = -_LARGEST_POWER if power < -_LARGEST_POWER else power
    shifted = power + _ROUNDING
    part = power - (shifted - _ROUNDING)
    series = _EXP2_SERIES[6]
    series = series * part + _EXP2_SERIES[5]
    series = series * part + _EXP2_SERIES[4]
    series = series * part + _EXP2_SERIES[3]
    series = series * part + _EXP2_SERIES[2]
    series = series * part + _EXP2_SERIES[1]
    series = series * part + _EXP2_SERIES[0]
    scale = _bits(np.uint32(np.uint32(_bits(shifted) << np.uint32(23)) + np.uint32(0x3F800000)))
    return series * scale


@njit(cache=True, fastmath=_ANY_ORDER)
def norm(hidden: Wide, eps: float, normed: Narrow, scales: Wide) -> None:
    """Divide each row of ``hidden (N, E)`` by its root mean square, into ``normed``; the factors go to ``scales``."""
    count, width = hidden.shape
    one = hidden.dtype.type(1)
    for i in range(count):
        squares = hidden.dtype.type(0)
        for j in range(width):
            squares += hidden[i, j] * hidden[i, j]
        scale = one / np.sqrt(squares / hidden.dtype.type(width) + hidden.dtype.type(eps))
        scales[i] = scale
        for j in range(width):
            normed[i, j] = _narrow(hidden[i, j] * scale, normed)


@njit(cache=True, fastmath=_ANY_ORDER)
def add_and_norm(hidden: Wide, added: Narrow, eps: float, normed: Narrow, scales: Wide) -> None:
    """Add ``added (N, E)`` to ``hidden`` in place, then :func:`norm` it."""
    count, width = hidden.shape
    one = hidden.dtype.type(1)
    for i in range(count):
        squares = hidden.dtype.type(0)
        for j in range(width):
            number = hidden[i, j] + _widen(added[i, j])
            hidden[i, j] = number
            squares += number * number
        scale = one / np.sqrt(squares / hidden.dtype.type(width) + hidden.dtype.type(eps))
        scales[i] = scale
        for j in range(width):
            normed[i, j] = _narrow(hidden[i, j] * scale, normed)


@njit(cache=True, fastmath=_ANY_ORDER)
def norm_backward(of_normed: Narrow, normed: Narrow, scales: Wide, of_hidden: Wide, narrow: Narrow) -> None:
    """Add the gradient through :func:`norm` to ``of_hidden (N, E)`` in place, and copy the sum to ``narrow``."""
    count, width = of_hidden.shape
    for i in range(count):
        along = of_hidden.dtype.type(0)
        for j in range(width):
            along += _widen(of_normed[i, j]) * _widen(normed[i, j])
        along /= of_hidden.dtype.type(width)
        for j in range(width):
            change = (_widen(of_normed[i, j]) - _widen(normed[i, j]) * along) * scales[i]
            of_hidden[i, j] += change
            narrow[i, j] = _narrow(of_hidden[i, j], narrow)


@njit(cache=True)
def add_update(base: Wide, update: Narrow, scale: Any, norms: Wide, folded: Narrow) -> None:
    """Write ``(base + scale * update) * norms`` to ``folded``.

    Args:
        base: ``(G, O, I)``, ``G`` matrices.
        update: likewise.
        scale: of the updates.
        norms: ``(G, I)``: weights of the norm before each matrix.
        folded: ``(G, O, I)``, written.
    """
    number, outputs, inputs = base.shape
    factor = base.dtype.type(scale)
    for g in range(number):
        for o in range(outputs):
            kept, change, out, weights = base[g, o], update[g, o], folded[g, o], norms[g]
            for i in range(inputs):
                out[i] = _narrow((kept[i] + factor * _widen(change[i])) * weights[i], out)


@njit(cache=True, fastmath=_ANY_ORDER)
def turn_heads(projected: Narrow, norms: Wide, cos: Wide, sin: Wide, eps: float, scales: Wide, heads: Narrow) -> None:
    """Norm and turn queries and keys, and lay out all heads for attention.

    Args:
        projected: ``(B, T, 3, H, D)``: queries, keys, values; in the first two, numbers 2d and 2d + 1 turn together.
        norms: ``(2, D)``: weights of the norms of queries and keys.
        cos: ``(B, T, D // 2)``.
        sin: likewise.
        eps: added to mean squares.
        scales: ``(B, T, 2, H)``: the norms' factors, written.
        heads: ``(3, B, H, T, D)``, written.
    """
    num_rows, length, _, num_heads, size = projected.shape
    one = scales.dtype.type(1)
    buffer = np.empty(size, scales.dtype)
    for b in range(num_rows):
        for t in range(length):
            for part in range(2):
                for h in range(num_heads):
                    squares = scales.dtype.type(0)
                    for d in range(size):
                        number = _widen(projected[b, t, part, h, d])
                        squares += number * number
                        buffer[d] = number * norms[part, d]
                    scale = one / np.sqrt(squares / scales.dtype.type(size) + scales.dtype.type(eps))
                    scales[b, t, part, h] = scale
                    for d in range(size // 2):
                        left, right = buffer[2 * d] * scale, buffer[2 * d + 1] * scale
                        heads[part, b, h, t, 2 * d] = _narrow(left * cos[b, t, d] - right * sin[b, t, d], heads)
                        heads[part, b, h, t, 2 * d + 1] = _narrow(right * cos[b, t, d] + left * sin[b, t, d], heads)
            for h in range(num_heads):
                for d in range(size):
                    heads[2, b, h, t, d] = projected[b, t, 2, h, d]


@njit(cache=True, fastmath=_ANY_ORDER)
def turn_heads_backward(
    of_heads: Narrow,
    projected: Narrow,
    norms: Wide,
    cos: Wide,
    sin: Wide,
    scales: Wide,
    of_projected: Narrow,
    of_norms: Wide,
) -> None:
    """Write the gradient through :func:`turn_heads` to ``of_projected``, and add that of its norms to ``of_norms``."""
    num_rows, length, _, num_heads, size = projected.shape
    buffer = np.empty(size, scales.dtype)
    for b in range(num_rows):
        for t in range(length):
            for part in range(2):
                for h in range(num_heads):
                    scale = scales[b, t, part, h]
                    for d in range(size // 2):
                        left = _widen(of_heads[part, b, h, t, 2 * d])
                        right = _widen(of_heads[part, b, h, t, 2 * d + 1])
                        buffer[2 * d] = left * cos[b, t, d] + right * sin[b, t, d]
                        buffer[2 * d + 1] = right * cos[b, t, d] - left * sin[b, t, d]
                    along = scales.dtype.type(0)
                    for d in range(size):
                        normed = _widen(projected[b, t, part, h, d]) * scale
                        of_norms[part, d] += buffer[d] * normed
                        buffer[d] *= norms[part, d]
                        along += buffer[d] * normed
                    along /= scales.dtype.type(size)
                    for d in range(size):
                        normed = _widen(projected[b, t, part, h, d]) * scale
                        of_projected[b, t, part, h, d] = _narrow((buffer[d] - normed * along) * scale, of_projected)
            for h in range(num_heads):
                for d in range(size):
                    of_projected[b, t, 2, h, d] = of_heads[2, b, h, t, d]


@njit(cache=True, error_model="numpy")
def gate(gate_up: Narrow, inner: Narrow) -> None:
    """Write ``silu(gate) * up`` of ``gate_up (N, 2 * I)`` to ``inner (N, I)``."""
    count, width = inner.shape
    for i in range(count):
        left, right, out = gate_up[i, :width], gate_up[i, width:], inner[i]
        for j in range(width):
            number = _widen(left[j])
            out[j] = _narrow(number / (_ONE + _exp(-number)) * _widen(right[j]), out)


@njit(cache=True, error_model="numpy")
def gate_backward(of_inner: Narrow, gate_up: Narrow, of_gate_up: Narrow) -> None:
    """Write the gradient through :func:`gate` to ``of_gate_up (N, 2 * I)``."""
    count, width = of_inner.shape
    for i in range(count):
        left, right, gradients = gate_up[i, :width], gate_up[i, width:], of_inner[i]
        of_left, of_right = of_gate_up[i, :width], of_gate_up[i, width:]
        for j in range(width):
            number, gradient = _widen(left[j]), _widen(gradients[j])
            share = _ONE / (_ONE + _exp(-number))
            active = number * share
            of_left[j] = _narrow(gradient * _widen(right[j]) * (share + active - active * share), of_left)
            of_right[j] = _narrow(gradient * active, of_right)


@njit(cache=True)
def _exponentials(numbers: Wide, largest: Any, count: int) -> None:
    """Replace the first numbers by the exponentials of what they are above ``largest``."""
    for c in range(count):
        numbers[c] = _exp(numbers[c] - largest)


@njit(cache=True, fastmath=_ANY_ORDER)
def attend_one(
    query: Narrow,
    keys: Narrow,
    values: Narrow,
    visible: NDArray[np.bool_],
    filled: int,
    sequence: NDArray[np.int64],
    place: NDArray[np.int64],
    scores: Wide,
    mixed: Narrow,
) -> None:
    """Attend from new tokens, each to itself and to those before it that its sequence or its branch of one has.

    Args:
        query: ``(R, H, D)``, scaled.
        keys: ``(B, H, C, D)``.
        values: likewise.
        visible: ``(R, C)``: which of the first ``filled`` entries each token attends to.
        filled: entries before the new tokens.
        sequence: ``(R,)``: the sequence of each token, below ``B``.
        place: ``(R,)``: its own entry, from ``filled`` on.
        scores: ``(filled + 1,)``, overwritten; its dtype is that of the sums.
        mixed: ``(R, H, D)``, written.
    """
    num_rows, num_heads, size = query.shape
    wanted, total = np.empty(size, scores.dtype), np.empty(size, scores.dtype)
    entries = np.empty(filled + 1, np.int64)
    for r in range(num_rows):
        b, count = sequence[r], 0
        for c in range(filled):
            if visible[r, c]:
                entries[count] = c
                count += 1
        entries[count] = place[r]
        count += 1
        for h in range(num_heads):
            for d in range(size):
                wanted[d] = _widen(query[r, h, d])
                total[d] = 0
            largest = scores.dtype.type(-np.inf)
            for k in range(count):
                line, score = keys[b, h, entries[k]], scores.dtype.type(0)
                for d in range(size):
                    score += wanted[d] * _widen(line[d])
                scores[k] = score
                largest = max(largest, score)
            _exponentials(scores, largest, count)
            weights = scores.dtype.type(0)
            for k in range(count):
                line, weight = values[b, h, entries[k]], scores[k]
                weights += weight
                for d in range(size):
                    total[d] += weight * _widen(line[d])
            for d in range(size):
                mixed[r, h, d] = _narrow(total[d] / weights, mixed)
