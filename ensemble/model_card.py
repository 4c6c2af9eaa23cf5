"""Ship a pre-trained network: bfloat16 weights, configuration and a model card written from the run itself."""

import hashlib
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined
from safetensors.torch import save

from ensemble.checkpoint import load_weights, weights_of
from ensemble.corpus import Corpus
from ensemble.errors import ConfigError, ModelError
from ensemble.features import FEATURES, NUM_VALUES
from ensemble.pretrain import HeldOut, Trainer, open_run

_DECAYED = 0.1
"""Share of the peak learning rate below which a run counts as decayed."""

_ORIGINS = {
    "re-arc": "RE-ARC (Hodel 2024, arXiv 2404.07353), MIT licence; generated pairs of the 318 fit tasks only.",
    "composed": "programs composed of this project's primitives on random grids.",
    "found": "programs that this project's search found for the 318 fit tasks and for tasks drawn by their rules, "
    "right ones and wrong ones, on RE-ARC's inputs of these tasks (MIT licence).",
    "pictured": "pictures that this project's search draws of the inputs, or the outputs, of RE-ARC's 318 fit tasks "
    "(MIT licence) and of the ARC-AGI-2 tasks below.",
    "arc-agi-1": "ARC-AGI-1 training (Chollet 2019, arXiv 1911.01547), Apache-2.0; the 318 fit tasks only.",
    "arc-agi-2": "ARC-AGI-2 training (Chollet et al. 2025, arXiv 2505.11831), Apache-2.0; only the 233 of its 1000 "
    "tasks that are in neither set of ARC-AGI-1.",
}
"""Where each corpus comes from."""


def export(work: Path, folder: Path, others: Sequence[Path] = ()) -> None:
    """Measure the run of a work folder and write ``model.safetensors``, ``config.json`` and ``MODEL_CARD.md``.

    Args:
        work: the run's work folder.
        folder: where the files go; made if needed.
        others: work folders of runs whose weights are averaged with its own (Wortsman et al. 2022, arXiv 2203.05482).
            All must have started from the same network.

    Raises:
        ConfigError: a folder holds no run, or others were given that started from elsewhere.
        ModelError: a work folder has no checkpoint, or networks differ in shape.
    """
    trainers = [open_run(path) for path in (work, *others)]
    for path, trainer in zip((work, *others), trainers, strict=True):
        if trainer.progress.step == 0:
            raise ModelError(f"{path} has no checkpoint to export; train first")
        if others and (trainer.config.start is None or trainer.config.start != trainers[0].config.start):
            raise ConfigError(
                f"weights are averaged of runs from one start; {work} has {trainers[0].config.start}, "
                f"{path} {trainer.config.start}"
            )
    trainer = trainers[0]
    average(trainer, trainers[1:])
    folder.mkdir(parents=True, exist_ok=True)
    text = card(trainer, trainer.measure(), trainers[1:])
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in weights_of(trainer.model).items()}
    (folder / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
    settings = trainer.model.config
    settings.architectures, settings.dtype = ["GridLM"], torch.bfloat16
    settings.save_pretrained(folder)
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def average(trainer: Trainer, others: Sequence[Trainer]) -> None:
    """Replace a run's weights by the mean of its own and those of others.

    Raises:
        ModelError: the networks differ in shape.
    """
    total = {name: tensor.clone() for name, tensor in weights_of(trainer.model).items()}
    for other in others:
        load_weights(trainer.model, weights_of(other.model))
        for name, tensor in weights_of(other.model).items():
            total[name] += tensor
    load_weights(trainer.model, {name: tensor / (1 + len(others)) for name, tensor in total.items()})


def card(trainer: Trainer, held_out: dict[str, HeldOut], others: Sequence[Trainer] = ()) -> str:
    """Return the model card of a run, or of its mean with others, as Markdown."""
    config, runs = trainer.config, (trainer, *others)
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
        runs=[(run, run.stream.max_side(run.curriculum_point()), run.progress.lr_scale < _DECAYED) for run in runs],
        hardware=hardware_kind(trainer.device),
        held_out=held_out,
        origins=_ORIGINS,
        corpora=_corpora(runs),
        settings=[json.dumps(run.config.model_dump(mode="json")) for run in runs],
    )


def _corpora(runs: Sequence[Trainer]) -> list[tuple[Corpus, float, str]]:
    """Return the corpora that runs read, each once, with its weight and the digest of its task ids."""
    found: dict[tuple[str, float], tuple[Corpus, float, str]] = {}
    for run in runs:
        for corpus, weight in run.sources.training:
            found.setdefault((corpus.digest, weight), (corpus, weight, _digest(corpus.task_ids)))
    return list(found.values())


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
