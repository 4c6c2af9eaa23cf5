"""Ship a pre-trained network: bfloat16 weights, configuration and a model card written from the run itself."""

import hashlib
import json
import platform
from pathlib import Path

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined
from safetensors.torch import save

from ensemble.checkpoint import weights_of
from ensemble.errors import ModelError
from ensemble.features import FEATURES, NUM_VALUES
from ensemble.pretrain import HeldOut, Trainer, open_run

_DECAYED = 0.1
"""Share of the peak learning rate below which a run counts as decayed."""

_ORIGINS = {
    "re-arc": "RE-ARC (Hodel 2024, arXiv 2404.07353), MIT licence; generated pairs of the 318 fit tasks only.",
    "composed": "programs composed of this project's primitives on random grids.",
    "arc-agi-1": "ARC-AGI-1 training (Chollet 2019, arXiv 1911.01547), Apache-2.0; the 318 fit tasks only.",
    "arc-agi-2": "ARC-AGI-2 training (Chollet et al. 2025, arXiv 2505.11831), Apache-2.0; only the 233 of its 1000 "
    "tasks that are in neither set of ARC-AGI-1.",
}
"""Where each corpus comes from."""


def export(work: Path, folder: Path) -> None:
    """Measure the run of a work folder and write ``model.safetensors``, ``config.json`` and ``MODEL_CARD.md``.

    Raises:
        ModelError: the work folder has no checkpoint.
    """
    trainer = open_run(work)
    if trainer.progress.step == 0:
        raise ModelError(f"{work} has no checkpoint to export; train first")
    folder.mkdir(parents=True, exist_ok=True)
    text = card(trainer, trainer.measure())
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in weights_of(trainer.model).items()}
    (folder / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
    settings = trainer.model.config
    settings.architectures, settings.dtype = ["GridLM"], torch.bfloat16
    settings.save_pretrained(folder)
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def card(trainer: Trainer, held_out: dict[str, HeldOut]) -> str:
    """Return the model card of a run as Markdown."""
    config = trainer.config
    environment = Environment(
        loader=PackageLoader("ensemble", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template("model_card.md.j2").render(
        config=config,
        parameters=f"{sum(parameter.numel() for parameter in trainer.model.parameters()):,}",
        num_features=len(FEATURES),
        num_values=NUM_VALUES - 1,
        progress=trainer.progress,
        decayed=trainer.progress.lr_scale < _DECAYED,
        hardware=hardware_kind(trainer.device),
        side=trainer.stream.max_side(trainer.curriculum_point()),
        held_out=held_out,
        origins=_ORIGINS,
        corpora=[(corpus, weight, _digest(corpus.task_ids)) for corpus, weight in trainer.sources.training],
        settings=json.dumps(config.model_dump(mode="json")),
    )


def _digest(task_ids: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(task_ids).encode()).hexdigest()[:16]


def hardware_kind(device: torch.device) -> str:
    """Return the kind of processor that a device is."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {torch.get_num_threads()} thread(s)"
