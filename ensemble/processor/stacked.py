"""Weights of ``GridLM`` with all layers stacked, for steps that are written out on a processor."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch
from numba import config as numba_config
from numpy.typing import NDArray
from torch import Tensor

from ensemble.model import GridLM


@dataclass(slots=True, eq=False)
class Stacked:
    """Weights of a ``GridLM`` or their gradients, the same kind of all layers in one tensor.

    ``L`` layers, width ``E``, heads times their size ``A``, feed-forward width ``I``. Within each head the rows of
    queries and keys, and their norms, stand so that the two numbers that are turned together are neighbors.

    Attributes:
        embedding: ``(V, E)``, also the output head.
        features: ``(F, E)``: vectors of the values of input features; no row for a network that reads none.
        seen: ``(2, E, E)``: of the input cells at a token's place and at the next one; likewise.
        attention: ``(L, 3, A, E)``: queries, keys, values.
        mixed: ``(L, E, A)``: from the heads back to the width.
        gate_up: ``(L, 2, I, E)``.
        down: ``(L, E, I)``.
        head_norms: ``(L, 2, D)``: of queries and keys.
        norms: ``(2 * L + 1, E)``: before attention and before the feed-forward layer, in turn; the last one.
    """

    embedding: Tensor
    features: Tensor
    seen: Tensor
    attention: Tensor
    mixed: Tensor
    gate_up: Tensor
    down: Tensor
    head_norms: Tensor
    norms: Tensor

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors by name."""
        for field in fields(self):
            yield field.name, getattr(self, field.name)

    def to(self, dtype: torch.dtype) -> "Stacked":
        """Return the weights in a dtype."""
        return Stacked(**{name: tensor.to(dtype) for name, tensor in self.tensors()})

    def by_name(self) -> dict[str, Tensor]:
        """Return views and copies of the tensors under the names that the model's parameters have."""
        tensors = {"model.embed_tokens.weight": self.embedding, "model.norm.weight": self.norms[-1]}
        if len(self.features):
            tensors["feature_vectors.weight"] = self.features
            tensors |= {"under": self.seen[0], "ahead": self.seen[1]}
        size = self.head_norms.shape[-1]
        for k in range(len(self.attention)):
            layer = f"model.layers.{k}."
            query, key, value = self.attention[k]
            tensors |= {
                f"{layer}self_attn.q_proj.weight": _halves(query, size),
                f"{layer}self_attn.k_proj.weight": _halves(key, size),
                f"{layer}self_attn.v_proj.weight": value,
                f"{layer}self_attn.o_proj.weight": self.mixed[k],
                f"{layer}self_attn.q_norm.weight": _halves(self.head_norms[k, 0], size),
                f"{layer}self_attn.k_norm.weight": _halves(self.head_norms[k, 1], size),
                f"{layer}mlp.gate_proj.weight": self.gate_up[k, 0],
                f"{layer}mlp.up_proj.weight": self.gate_up[k, 1],
                f"{layer}mlp.down_proj.weight": self.down[k],
                f"{layer}input_layernorm.weight": self.norms[2 * k],
                f"{layer}post_attention_layernorm.weight": self.norms[2 * k + 1],
            }
        return tensors


MATRICES = ("attention", "mixed", "gate_up", "down")
"""Names of the matrices in ``Stacked``, in the order in which a layer uses them."""


def _neighbors(rows: Tensor, size: int) -> Tensor:
    """Put the first and second half of each head's ``size`` rows in turn."""
    return rows.reshape(-1, 2, size // 2, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)


def _halves(rows: Tensor, size: int) -> Tensor:
    """Undo :func:`_neighbors`."""
    return rows.reshape(-1, size // 2, 2, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)


def can_write_out(model: object) -> bool:
    """Tell whether a model is one whose steps are written out here: a ``GridLM`` on a processor, as it is built."""
    if not isinstance(model, GridLM) or model.device.type != "cpu" or numba_config.DISABLE_JIT:
        return False
    config = model.config
    plain = config.num_key_value_heads == config.num_attention_heads and not config.attention_bias
    return bool(plain and config.hidden_act == "silu" and config.attention_dropout == 0)


@torch.no_grad()
def stack(model: GridLM) -> Stacked:
    """Return copies of a model's weights, layers stacked."""
    size = model.model.layers[0].self_attn.head_dim
    layers = [(layer.self_attn, layer.mlp, layer) for layer in model.model.layers]
    norms = [norm.weight for *_, layer in layers for norm in (layer.input_layernorm, layer.post_attention_layernorm)]
    embedding = model.model.embed_tokens.weight.detach().clone()
    has_features, width = bool(model.config.num_feature_values), embedding.shape[1]
    return Stacked(
        embedding=embedding,
        features=model.feature_vectors.weight.detach().clone() if has_features else embedding.new_empty(0, width),
        seen=torch.stack([model.under, model.ahead]) if has_features else embedding.new_empty(0, 0, 0),
        attention=torch.stack(
            [
                torch.stack([_neighbors(a.q_proj.weight, size), _neighbors(a.k_proj.weight, size), a.v_proj.weight])
                for a, _, _ in layers
            ]
        ),
        mixed=torch.stack([a.o_proj.weight for a, _, _ in layers]),
        gate_up=torch.stack([torch.stack([mlp.gate_proj.weight, mlp.up_proj.weight]) for _, mlp, _ in layers]),
        down=torch.stack([mlp.down_proj.weight for _, mlp, _ in layers]),
        head_norms=torch.stack(
            [torch.stack([_neighbors(a.q_norm.weight, size), _neighbors(a.k_norm.weight, size)]) for a, _, _ in layers]
        ),
        norms=torch.stack([*norms, model.model.norm.weight]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Matrices as they are multiplied with: norms' weights and the scale of attention are in what is behind them.

    Attributes:
        attention: ``(L, 3 * A, E)``.
        mixed: ``(L, E, A)``.
        gate_up: ``(L, 2 * I, E)``.
        down: ``(L, E, I)``.
        head: ``(V, E)``.
        head_norms: ``(L, 2, D)``, wide.
    """

    attention: Tensor
    mixed: Tensor
    gate_up: Tensor
    down: Tensor
    head: Tensor
    head_norms: Tensor


def fold(weights: Stacked, dtype: torch.dtype) -> Folded:
    """Return the matrices of a step in its dtype."""
    head_norms = weights.head_norms.clone()
    head_norms[:, 0] *= head_norms.shape[-1] ** -0.5
    return Folded(
        attention=(weights.attention * weights.norms[0:-1:2, None, None]).to(dtype).flatten(1, 2),
        mixed=weights.mixed.to(dtype),
        gate_up=(weights.gate_up * weights.norms[1:-1:2, None, None]).to(dtype).flatten(1, 2),
        down=weights.down.to(dtype),
        head=(weights.embedding * weights.norms[-1]).to(dtype),
        head_norms=head_norms,
    )


class Turns:
    """Cosines and sines of a model's rotary embedding, without what it computes twice and for other axes."""

    def __init__(self, model: GridLM) -> None:
        rotary = model.model.rotary_emb
        self._frequencies: Tensor = rotary.inv_freq
        self._axes = torch.zeros(len(self._frequencies), dtype=torch.long)
        for axis in (1, 2):  # interleaved, as far as the axis has frequencies
            self._axes[axis : 3 * rotary.mrope_section[axis] : 3] = axis

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``(B, T, D // 2)`` float32 cosines and sines for tokens at ``positions (3, B, T)``."""
        angles = positions.permute(1, 2, 0)[..., self._axes] * self._frequencies
        return angles.cos(), angles.sin()


def array(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor's memory as an array; bfloat16 as ``uint16``."""
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
