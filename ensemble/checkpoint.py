"""Training checkpoints: safetensors in parts of at most 15 MiB and a head that is replaced atomically.

A tensor that is larger has a part of its own.

The parts of a new checkpoint are written beside the old ones; renaming the head over the old head makes the switch, so
that an interrupted write leaves the old checkpoint whole. Small parts travel through stores that limit a file's size.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ensemble.errors import ModelError
from ensemble.files import PART, replace_file

MAX_PART_BYTES = 15 * 2**20
HEAD = "checkpoint.json"


def save_checkpoint(
    folder: Path, tensors: Mapping[str, Tensor], head: Mapping[str, Any], max_part_bytes: int = MAX_PART_BYTES
) -> None:
    """Write tensors and a JSON head that has ``step``; earlier parts are deleted after the switch."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = _split(tensors, max_part_bytes)
    names = [f"step-{int(head['step']):08d}-part-{i + 1}-of-{len(parts)}.safetensors" for i in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        temporary = folder / f"{name}{PART}"
        save_file({key: value.detach().cpu().contiguous() for key, value in part.items()}, temporary)
        os.replace(temporary, folder / name)
    replace_file(folder / HEAD, json.dumps({**head, "parts": names}, indent=1))
    for old in sorted(folder.glob("step-*")):
        if old.name not in names:
            old.unlink()


def _split(tensors: Mapping[str, Tensor], max_bytes: int) -> list[dict[str, Tensor]]:
    parts: list[dict[str, Tensor]] = [{}]
    used = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if used and used + size > max_bytes:
            parts.append({})
            used = 0
        parts[-1][name] = tensor
        used += size
    return parts


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return tensors (on the CPU) and head of the checkpoint in a folder, None if there is none.

    Raises:
        ModelError: the head or a part is not readable.
    """
    if not (folder / HEAD).is_file():
        return None
    try:
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        tensors: dict[str, Tensor] = {}
        for name in head["parts"]:
            tensors.update(load_file(folder / name))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the checkpoint in {folder} is not readable ({error}); delete it to start anew") from None
    return tensors, head


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under ``prefix`` and a colon."""
    return {f"{prefix}:{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that stand under ``prefix``, without it."""
    start = f"{prefix}:"
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def weights_of(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return the parameters by name, tied ones once."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@torch.no_grad()
def load_weights(model: torch.nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy parameters into a model.

    Raises:
        ModelError: names or shapes differ.
    """
    parameters = dict(model.named_parameters())
    if set(parameters) != set(tensors):
        raise ModelError(f"the checkpoint does not fit the model at {min(set(parameters) ^ set(tensors))!r}")
    for name, parameter in parameters.items():
        if parameter.shape != tensors[name].shape:
            raise ModelError(
                f"the checkpoint does not fit the model: {name!r} has shape {tuple(tensors[name].shape)}, "
                f"the model wants {tuple(parameter.shape)}"
            )
        parameter.copy_(tensors[name])
