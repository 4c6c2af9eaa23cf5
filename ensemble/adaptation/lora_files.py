"""LoRA adapters of peft: their configuration, their files, and their sums with the weights they stand on.

A saved adapter is a folder that ``peft.PeftModel.from_pretrained`` reads: ``adapter_config.json`` and
``adapter_model.safetensors``.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import LoraConfig, LoraModel
from peft.tuners.lora import LoraLayer
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from ensemble.config import AdaptationConfig
from ensemble.errors import ModelError

WEIGHTS_FILE = "adapter_model.safetensors"
_NAME = "default"
_LOSSES = "losses"


def lora_config(config: AdaptationConfig) -> LoraConfig:
    """Return peft's configuration of an adapter."""
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        use_rslora=config.rank_stabilized,
        target_modules=config.targets if isinstance(config.targets, str) else list(config.targets),
        init_lora_weights=True,
        task_type="CAUSAL_LM",
    )


def save_adapter(wrapped: LoraModel, config: LoraConfig, folder: Path, losses: Sequence[float] = ()) -> None:
    """Write an adapter to a folder, made if needed, with the losses of the steps that trained it."""
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(str(folder))
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in factors_of(wrapped).items()}
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt", _LOSSES: json.dumps(list(losses))})


def losses_of(folder: Path) -> list[float]:
    """Return the losses of the steps that trained a saved adapter; none if it was not saved here."""
    with safe_open(folder / WEIGHTS_FILE, "pt") as file:
        losses: list[float] = json.loads((file.metadata() or {}).get(_LOSSES, "[]"))
        return losses


def load_factors(model: PreTrainedModel, folder: Path) -> LoraModel:
    """Put a saved adapter into a model; the caller takes it out with ``unload``.

    Raises:
        ModelError: there is no adapter, or it is another model's.
    """
    try:
        config, tensors = LoraConfig.from_pretrained(str(folder)), load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot load the adapter {str(folder)!r}: {str(error).splitlines()[0]}") from error
    with torch.random.fork_rng(devices=[]):
        wrapped = LoraModel(model, config, _NAME)
    factors = factors_of(wrapped)
    wrong = sorted(set(factors) ^ set(tensors)) or [
        name for name, tensor in factors.items() if tensor.shape != tensors[name].shape
    ]
    if wrong:
        wrapped.unload()
        raise ModelError(f"the adapter {str(folder)!r} does not fit the model at {wrong[0]!r}")
    for name, parameter in factors.items():
        parameter.data = tensors[name].to(device=parameter.device, dtype=parameter.dtype)
    return wrapped


@torch.no_grad()
def add_updates(wrapped: LoraModel) -> list[tuple[nn.Parameter, Tensor]]:
    """Return each weight that has an adapter with its sum, computed in float32 and in the weight's dtype."""
    return [
        (weight, (weight.data.float() + module.get_delta_weight(_NAME).float()).to(weight.dtype))
        for module in wrapped.modules()
        if isinstance(module, LoraLayer)
        for weight in (module.get_base_layer().weight,)
    ]


def factors_of(wrapped: LoraModel) -> dict[str, nn.Parameter]:
    """Return the factors under the names that peft gives them in files."""
    marker = f".{_NAME}."
    return {
        f"base_model.{name.replace(marker, '.')}": parameter
        for name, parameter in wrapped.named_parameters()
        if marker in name
    }
