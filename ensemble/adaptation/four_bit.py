"""A base of four bits for test-time training (QLoRA: Dettmers et al. 2023, arXiv 2305.14314); needs bitsandbytes."""

import torch
from torch import nn
from transformers import PreTrainedModel

from ensemble.errors import ModelError


def hold_in_four_bits(model: PreTrainedModel) -> None:
    """Replace the linear layers but the head by ones of four bits, once; changes the model for good.

    Raises:
        ModelError: bitsandbytes is not installed, or the model is not on a CUDA device.
    """
    if is_quantized(model):
        return
    try:
        from bitsandbytes.nn import Linear4bit, Params4bit  # type: ignore[import-not-found]
    except ImportError:
        raise ModelError("four_bit needs bitsandbytes: pip install 'arc-ensemble[4bit]'") from None
    if model.device.type != "cuda":
        raise ModelError(f"four_bit needs a CUDA device, the model is on {model.device.type}")
    head = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and child is not head:
                layer = Linear4bit(
                    child.in_features,
                    child.out_features,
                    bias=child.bias is not None,
                    compute_dtype=torch.bfloat16,
                    quant_type="nf4",
                )
                layer.weight = Params4bit(child.weight.data.cpu(), requires_grad=False, quant_type="nf4")
                layer.bias = child.bias
                setattr(parent, name, layer.to(model.device))
    model.is_loaded_in_4bit = True


def is_quantized(model: PreTrainedModel) -> bool:
    """Tell whether a model's matrices are held in four bits, by this module or as they were stored."""
    return bool(getattr(model, "is_loaded_in_4bit", False))
