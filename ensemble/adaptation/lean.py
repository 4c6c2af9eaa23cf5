"""Gradients of a LoRA adapter on llama-like networks on a processor, without what is not needed for them.

The adapter's layers are those that peft put into the network; only the way through them is written out. Against the
stock modules and autograd: a product and its update are one pass each (``LoraProduct``), weights are cast once for a
task where the processor has bfloat16 units, attention there runs in blocks (``ensemble.attention``), and from the last
layer's queries on only the tokens go on that predict a trained one.
"""

from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb

from ensemble.adaptation.products import FewRows
from ensemble.adopt import ARCHITECTURES
from ensemble.attention import BlockedCausalAttention
from ensemble.encode import IGNORE, Batch
from ensemble.model import rotary_positions


class LoraProduct(torch.autograd.Function):
    """Multiply by a frozen matrix and add a low-rank update: ``x W' + b + s (x A') B'``."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, inner: Tensor, outer: Tensor, scale: float
    ) -> Tensor:
        """Return ``(N, out)`` for ``x (N, in)``, ``inner (rank, in)`` and ``outer (out, rank)``, all of one dtype."""
        narrow = x @ inner.T
        result = x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)
        result.addmm_(narrow, outer.T, alpha=scale)
        ctx.save_for_backward(x, weight, inner, outer, narrow)
        ctx.scale = scale
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of ``x`` (where it is wanted), ``inner`` and ``outer``."""
        x, weight, inner, outer, narrow = ctx.saved_tensors
        gradient = gradients[0]
        of_narrow = (gradient @ outer).mul_(ctx.scale)
        of_outer = (gradient.T @ narrow).mul_(ctx.scale)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient @ weight).addmm_(of_narrow, inner)
        return of_x, None, None, of_narrow.T @ x, of_outer, None


def can_run_lean(model: PreTrainedModel) -> bool:
    """Tell whether :class:`LeanStep` knows a model, adapter or none in it: llama-like, without dropout."""
    config = model.config
    return bool(
        config.model_type in ARCHITECTURES
        and model.device.type == "cpu"
        and not getattr(config, "use_sliding_window", False)
        and getattr(config, "sliding_window", None) is None
        and config.attention_dropout == 0
        and all(_is_plain(module) for module in model.modules() if isinstance(module, LoraLayer))
    )


def _is_plain(layer: LoraLayer) -> bool:
    drops = any(not isinstance(dropout, nn.Identity) for dropout in layer.lora_dropout.values())
    return type(layer.get_base_layer()) in (nn.Linear, FewRows) and not drops and not any(layer.use_dora.values())


class LeanStep:
    """Leave the gradients of batches in an adapter's parameters.

    Args:
        model: a network for which ``can_run_lean`` holds; its layers are read at every call.
        dtype: of matrix products.
        recompute: keep only the input of each layer for the backward pass, and run the layer again there.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype, *, recompute: bool = False) -> None:
        self._model, self._dtype, self._recompute = model, dtype, recompute
        self._cast: dict[nn.Module, tuple[Tensor, Tensor | None]] = {}

    def __call__(self, batch: Batch) -> float:
        """Return the mean loss in nats per label, and add its gradients."""
        with torch.enable_grad():
            loss = self.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss in nats per label of sequences padded on the right."""
        text = self._model.model
        wanted = F.pad(batch.labels[:, 1:], (0, 1), value=IGNORE).flatten()
        trained = torch.nonzero(wanted != IGNORE)[:, 0]
        hidden = text.embed_tokens(batch.tokens).float()
        rotary = text.rotary_emb(hidden, rotary_positions(self._model, batch.positions))
        turns = (rotary[0].to(self._dtype), rotary[1].to(self._dtype))
        size, hidden = batch.tokens.shape, hidden.flatten(0, 1)
        for number, layer in enumerate(text.layers):
            rows = trained if number + 1 == len(text.layers) else None
            if self._recompute:
                hidden = checkpoint(self._layer, layer, hidden, turns, size, rows, use_reentrant=False)
            else:
                hidden = self._layer(layer, hidden, turns, size, rows)
        head = self._model.lm_head
        logits = head(text.norm(hidden).to(head.weight.dtype))
        return F.cross_entropy(logits.float(), wanted[trained])

    def _layer(
        self, layer: Any, hidden: Tensor, turns: tuple[Tensor, Tensor], size: torch.Size, rows: Tensor | None
    ) -> Tensor:
        """Return the hidden states ``(N, E)`` behind a layer; with ``rows`` those of these tokens only."""
        mixed = self._attend(layer.self_attn, layer.input_layernorm(hidden).to(self._dtype), turns, size)
        if rows is not None:
            mixed, hidden = mixed[rows], hidden[rows]
        hidden = hidden + self._project(layer.self_attn.o_proj, mixed)
        normed = layer.post_attention_layernorm(hidden).to(self._dtype)
        inner = layer.mlp.act_fn(self._project(layer.mlp.gate_proj, normed))
        inner = inner * self._project(layer.mlp.up_proj, normed)
        return hidden + self._project(layer.mlp.down_proj, inner)

    def _attend(self, attention: Any, normed: Tensor, turns: tuple[Tensor, Tensor], size: torch.Size) -> Tensor:
        split = (*size, -1, attention.head_dim)
        query = self._project(attention.q_proj, normed).view(split)
        key = self._project(attention.k_proj, normed).view(split)
        value = self._project(attention.v_proj, normed).view(split).transpose(1, 2)
        if hasattr(attention, "q_norm"):
            query, key = attention.q_norm(query).to(self._dtype), attention.k_norm(key).to(self._dtype)
        query, key = apply_rotary_pos_emb(query.transpose(1, 2), key.transpose(1, 2), *turns)
        shared = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
        if self._dtype is torch.float32:
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            flat = [part.flatten(0, 1).contiguous() for part in (query * attention.scaling, key, value)]
            mixed = BlockedCausalAttention.apply(*flat).view(query.shape)  # type: ignore[no-untyped-call]
        return mixed.transpose(1, 2).reshape(size.numel(), -1)

    def _project(self, module: Any, x: Tensor) -> Tensor:
        weight, bias = self._weights(module)
        if not isinstance(module, LoraLayer):
            return F.linear(x, weight, bias)
        inner, outer = module.lora_A["default"].weight, module.lora_B["default"].weight
        product: Tensor = LoraProduct.apply(  # type: ignore[no-untyped-call]
            x, weight, bias, inner.to(self._dtype), outer.to(self._dtype), module.scaling["default"]
        )
        return product

    def _weights(self, module: Any) -> tuple[Tensor, Tensor | None]:
        """Return the frozen weights of a linear layer in the dtype of products, cast once."""
        if module not in self._cast:
            linear = module.get_base_layer() if isinstance(module, LoraLayer) else module
            bias = None if linear.bias is None else linear.bias.detach().to(self._dtype)
            self._cast[module] = (linear.weight.detach().to(self._dtype), bias)
        return self._cast[module]
