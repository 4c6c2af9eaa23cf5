"""A training step of ``GridLM`` on a processor, forward and backward written out with stacked layers.

At the width of the embedded network most of a step by autograd is not matrix products but what surrounds them: casts,
norms, rotary turns, bookkeeping. Here each of these is one pass over memory (``processor.fused``), the norms' weights
are folded into the matrices behind them, and from the last layer's queries on little more than the tokens that are
trained go on.
Loss and gradients are those of the model to rounding; ``tests/test_written.py`` compares them in float64.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from ensemble.attention import alignment, attend_backward, attend_forward
from ensemble.encode import IGNORE, Batch, round_up
from ensemble.model import GridLM, sum_of_vectors
from ensemble.processor import fused
from ensemble.processor.stacked import MATRICES, Folded, Stacked, Turns, array, fold


@dataclass(slots=True, eq=False)
class _Layer:
    """What the backward pass of a layer needs; scales are the factors of norms."""

    first: Tensor
    first_scales: Tensor
    projected: Tensor
    head_scales: Tensor
    heads: Tensor
    blocks: list[list[Tensor]]
    mixed: Tensor
    second: Tensor
    second_scales: Tensor
    gate_up: Tensor
    inner: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """What all layers of a step need.

    Attributes:
        folded: the matrices.
        cos: of the rotary turns.
        sin: likewise.
        places: for each sequence the tokens that go on from the last layer's queries.
        going_on: the same among the tokens of all sequences.
    """

    folded: Folded
    cos: Tensor
    sin: Tensor
    places: list[Tensor]
    going_on: Tensor


class _Read:
    """What the first layer reads of a batch, ``hidden (N, E)``, as ``GridLM.embed`` has it."""

    def __init__(self, weights: Stacked, batch: Batch) -> None:
        self._tokens, self._features = batch.tokens.flatten(), None
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []
        self._matrices = weights.seen
        self.hidden = weights.embedding[self._tokens]
        if batch.features is None or batch.under is None or not len(weights.features):
            return
        self._features = batch.features.flatten(0, 1)
        self.hidden += sum_of_vectors(self._features, weights.features)
        starts = torch.arange(len(batch.tokens))[:, None] * batch.tokens.shape[1]
        for places in batch.under:
            tokens = (places >= 0).flatten().nonzero()[:, 0]
            inputs = (places + starts).flatten()[tokens]
            self._seen.append((tokens, inputs, self.hidden[inputs]))
        for (tokens, _, rows), matrix in zip(self._seen, weights.seen, strict=True):
            self.hidden.index_add_(0, tokens, rows @ matrix.T)

    def backward(self, of_hidden: Tensor, gradients: Stacked) -> None:
        """Add the gradients of what was read to those of the weights."""
        for (tokens, inputs, rows), matrix, into in zip(self._seen, self._matrices, gradients.seen, strict=False):
            of_rows = of_hidden[tokens]
            into += of_rows.T @ rows
            of_hidden.index_add_(0, inputs, of_rows @ matrix)
        gradients.embedding.index_add_(0, self._tokens, of_hidden)
        if self._features is not None:
            for values in self._features.T:  # one after the other: all together would take F times the memory
                gradients.features.index_add_(0, values, of_hidden)
            gradients.features[0] = 0


class WrittenStep:
    """Compute loss and gradients of batches for a network's shape.

    Args:
        model: gives shape and rotary frequencies; its weights are not read.
        dtype: of matrix products and what is kept of them.
    """

    def __init__(self, model: GridLM, dtype: torch.dtype) -> None:
        config = model.config
        self.dtype = dtype
        self.num_heads, self.head_size = config.num_attention_heads, model.model.layers[0].self_attn.head_dim
        self.eps: float = config.rms_norm_eps
        self._turns = Turns(model)

    @torch.no_grad()
    def __call__(self, weights: Stacked, batch: Batch) -> tuple[float, Stacked]:
        """Return the mean loss in nats per label, and the gradients.

        Args:
            weights: the network.
            batch: sequences padded on the right.
        """
        loss, gradients = self._run(weights, fold(weights, self.dtype), batch, matrices_only=False)
        gradients.attention *= weights.norms[0:-1:2, None, None]
        gradients.gate_up *= weights.norms[1:-1:2, None, None]
        return loss, gradients

    @torch.no_grad()
    def of_matrices(self, weights: Stacked, folded: Folded, batch: Batch) -> tuple[float, Stacked]:
        """Return the mean loss, and the gradients of the folded matrices in the step's dtype; those of others are 0.

        Args:
            weights: the network, of which matrices are not read.
            folded: its matrices.
            batch: sequences padded on the right.
        """
        return self._run(weights, folded, batch, matrices_only=True)

    def _run(self, weights: Stacked, folded: Folded, batch: Batch, *, matrices_only: bool) -> tuple[float, Stacked]:
        batch = batch.padded(alignment(batch.tokens.shape[1]))
        wanted = F.pad(batch.labels[:, 1:], (0, 1), value=IGNORE).flatten()
        places = _going_on((wanted != IGNORE).view(batch.tokens.shape))
        going_on = torch.cat([row + b * batch.tokens.shape[1] for b, row in enumerate(places)])
        read = _Read(weights, batch)
        hidden = read.hidden
        cos, sin = (part.to(hidden.dtype) for part in self._turns(batch.positions))
        shared = _Shared(folded, cos, sin, places, going_on)
        layers: list[_Layer] = []
        normed, scales = self._empty(hidden), hidden.new_empty(len(hidden))
        fused.norm(array(hidden), self.eps, array(normed), array(scales))
        for k in range(len(weights.down)):
            is_last = k + 1 == len(weights.down)
            layer, hidden, normed, scales = self._forward(
                hidden, normed, scales, shared, k, batch.tokens.shape, is_last
            )
            layers.append(layer)

        log_probs = (normed @ shared.folded.head.T).to(hidden.dtype).log_softmax(-1)
        targets = wanted[going_on, None]
        is_trained = targets != IGNORE
        num_trained, targets = int(is_trained.sum()), targets.clamp(min=0)
        loss = -float(log_probs.gather(1, targets)[is_trained].mean())

        gradients = Stacked(
            **{name: self._empty(tensor) for name, tensor in weights.tensors() if name in MATRICES},
            **{name: torch.zeros_like(tensor) for name, tensor in weights.tensors() if name not in MATRICES},
        )
        of_logits = log_probs.exp_()
        of_logits.scatter_add_(1, targets, torch.full_like(targets, -1, dtype=of_logits.dtype))
        low = of_logits.mul_(is_trained).div_(num_trained).to(self.dtype)
        of_hidden = torch.zeros_like(hidden)
        narrow = self._norm_backward(low @ shared.folded.head, normed, scales, of_hidden)
        if not matrices_only:
            of_head = (low.T @ normed).to(hidden.dtype)
            gradients.embedding += of_head * weights.norms[-1]
            gradients.norms[-1] = (of_head * weights.embedding).sum(0)
        for k in reversed(range(len(weights.down))):
            of_hidden, narrow = self._backward(
                of_hidden, narrow, layers.pop(), shared, gradients, k, stop=matrices_only and k == 0
            )
        if not matrices_only:
            gradients = gradients.to(hidden.dtype)
            read.backward(of_hidden, gradients)
            gradients.norms[0:-1:2] = (gradients.attention.flatten(1, 2) * weights.attention.flatten(1, 2)).sum(1)
            gradients.norms[1:-1:2] = (gradients.gate_up.flatten(1, 2) * weights.gate_up.flatten(1, 2)).sum(1)
            gradients.head_norms[:, 0] *= self.head_size**-0.5
        return loss, gradients

    def _empty(self, like: Tensor) -> Tensor:
        return torch.empty_like(like, dtype=self.dtype)

    def _add_and_norm(self, hidden: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
        normed, scales = self._empty(hidden), hidden.new_empty(len(hidden))
        fused.add_and_norm(array(hidden), array(added), self.eps, array(normed), array(scales))
        return normed, scales

    def _norm_backward(self, gradient: Tensor, normed: Tensor, scales: Tensor, of_hidden: Tensor) -> Tensor:
        """Add the gradient through a norm to ``of_hidden``; return the sum in the dtype of products."""
        narrow = self._empty(of_hidden)
        fused.norm_backward(array(gradient), array(normed), array(scales), array(of_hidden), array(narrow))
        return narrow

    def _forward(
        self,
        hidden: Tensor,
        first: Tensor,
        first_scales: Tensor,
        shared: _Shared,
        k: int,
        shape: torch.Size,
        is_last: bool,
    ) -> tuple[_Layer, Tensor, Tensor, Tensor]:
        """Run a layer on a normed input; return what to keep, and what the next one gets: hidden, normed, scales.

        From its queries on the last layer goes on with few tokens (``shared.places``).
        """
        num_rows, length = shape
        projected = (first @ shared.folded.attention[k].T).view(num_rows, length, 3, self.num_heads, self.head_size)
        head_scales = hidden.new_empty(num_rows, length, 2, self.num_heads)
        heads = torch.empty(3, num_rows, self.num_heads, length, self.head_size, dtype=self.dtype)
        norms, cos, sin = array(shared.folded.head_norms[k]), array(shared.cos), array(shared.sin)
        fused.turn_heads(array(projected), norms, cos, sin, self.eps, array(head_scales), array(heads))
        if is_last:
            hidden, parts = hidden[shared.going_on], _some_queries(heads, shared.places)
            attended = [attend_forward(*part, row) for part, row in zip(parts, shared.places, strict=True)]
            mixed = torch.cat([part.transpose(0, 1).flatten(1) for part, _ in attended])
        else:
            attended = [attend_forward(*heads.flatten(1, 2))]
            mixed = attended[0][0].view(heads.shape[1:]).transpose(1, 2).reshape(num_rows * length, -1)
        blocks = [kept for _, kept in attended]
        second, second_scales = self._add_and_norm(hidden, mixed @ shared.folded.mixed[k].T)
        gate_up = second @ shared.folded.gate_up[k].T
        inner = gate_up.new_empty(len(gate_up), gate_up.shape[1] // 2)
        fused.gate(array(gate_up), array(inner))
        normed, scales = self._add_and_norm(hidden, inner @ shared.folded.down[k].T)
        layer = _Layer(
            first, first_scales, projected, head_scales, heads, blocks, mixed, second, second_scales, gate_up, inner
        )
        return layer, hidden, normed, scales

    def _backward(
        self,
        of_hidden: Tensor,
        narrow: Tensor,
        layer: _Layer,
        shared: _Shared,
        gradients: Stacked,
        k: int,
        *,
        stop: bool,
    ) -> tuple[Tensor, Tensor]:
        """Return the gradient of a layer's input, wide and narrow, and write those of its weights.

        With ``stop`` the gradient of the input is left out.
        """
        of_inner, of_gate_up = narrow @ shared.folded.down[k], torch.empty_like(layer.gate_up)
        torch.mm(narrow.T, layer.inner, out=gradients.down[k])
        fused.gate_backward(array(of_inner), array(layer.gate_up), array(of_gate_up))
        torch.mm(of_gate_up.T, layer.second, out=gradients.gate_up[k].flatten(0, 1))
        of_second = of_gate_up @ shared.folded.gate_up[k]
        narrow = self._norm_backward(of_second, layer.second, layer.second_scales, of_hidden)
        of_mixed = narrow @ shared.folded.mixed[k]
        torch.mm(narrow.T, layer.mixed, out=gradients.mixed[k])
        num_rows, num_heads, length, size = layer.heads.shape[1:]
        if k + 1 == len(shared.folded.down):
            of_hidden = _spread(of_hidden, shared.going_on, num_rows * length)
            of_heads = self._last_attention_backward(of_mixed, layer, shared.places)
        else:
            of_mixed = of_mixed.view(num_rows, length, num_heads, size).transpose(1, 2).reshape(-1, length, size)
            query, key, value = layer.heads.flatten(1, 2)
            of_heads = torch.stack(attend_backward(of_mixed, query, key, value, layer.blocks[0]))
        of_projected = torch.empty_like(layer.projected)
        fused.turn_heads_backward(
            array(of_heads.view(layer.heads.shape)),
            array(layer.projected),
            array(shared.folded.head_norms[k]),
            array(shared.cos),
            array(shared.sin),
            array(layer.head_scales),
            array(of_projected),
            array(gradients.head_norms[k]),
        )
        low = of_projected.view(num_rows * length, -1)
        torch.mm(low.T, layer.first, out=gradients.attention[k].flatten(0, 1))
        if not stop:
            narrow = self._norm_backward(low @ shared.folded.attention[k], layer.first, layer.first_scales, of_hidden)
        return of_hidden, narrow

    def _last_attention_backward(self, of_mixed: Tensor, layer: _Layer, places: list[Tensor]) -> Tensor:
        """Return the gradient of the last layer's heads from that of what the trained tokens mixed."""
        of_heads = torch.zeros_like(layer.heads)
        num_heads, size = layer.heads.shape[2], layer.heads.shape[4]
        of_rows = torch.split(of_mixed, [len(row) for row in places])
        parts = zip(of_rows, _some_queries(layer.heads, places), layer.blocks, places, strict=True)
        for b, (of_row, heads, blocks, row) in enumerate(parts):
            gradient = of_row.view(-1, num_heads, size).transpose(0, 1).contiguous()
            of_query, of_heads[1, b], of_heads[2, b] = attend_backward(gradient, *heads, blocks)
            of_heads[0, b].index_copy_(1, row, of_query)
        return of_heads


def _going_on(is_trained: Tensor) -> list[Tensor]:
    """Return for each sequence the places of trained tokens, and of as many of the last others as make round numbers.

    Args:
        is_trained: ``(B, T)``.
    """
    size, length = is_trained.shape
    multiple = alignment(length)
    counts = [round_up(count, multiple) for count in is_trained.sum(1).tolist()]
    missing = -sum(counts) % (size * multiple)
    for b, count in enumerate(counts):
        more = min(missing, length - count)
        counts[b], missing = count + more, missing - more
    order = is_trained * length + torch.arange(length)
    return [row.topk(count).indices.sort().values for row, count in zip(order, counts, strict=True)]


def _some_queries(heads: Tensor, places: list[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return queries of some tokens, keys and values of each sequence, ``(H, R, D)`` and ``(H, T, D)`` twice."""
    return [(heads[0, b][:, row], heads[1, b], heads[2, b]) for b, row in enumerate(places)]


def _spread(rows: Tensor, places: Tensor, count: int) -> Tensor:
    """Return ``count`` rows, those at ``places`` as given and the others 0."""
    return rows.new_zeros(count, rows.shape[1]).index_copy_(0, places, rows)
