"""Known models with the settings they were published with: ``--preset NAME`` of ``solve`` and ``doctor``.

Hub ids and licences are those on the hub's pages; scores are pass@2 on the 400 tasks of ARC-AGI-1 evaluation as
published, with the publisher's own code, hardware and time. Nothing but ``embedded`` was run to such a score here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PAPER = "Akyürek et al. 2024, arXiv 2411.07279"
_EXPERTS = "Franzen et al. 2025, arXiv 2505.07859"
_QUERIES_AND_FEED_FORWARD = ("q_proj", "v_proj", "gate_proj", "up_proj", "down_proj")


def _paper_adaptation(learning_rate: float, *more_targets: str) -> dict[str, Any]:
    """Return the paper's settings of test-time training: two passes over at most 250 sequences, two a step."""
    return {
        "recipe": "paper",
        "max_sequences": 250,
        "epochs": 2,
        "max_steps": 250,
        "batch_size": 2,
        "warmup_steps": 25,
        "formats": ("leave_one_out",),
        "rank": 128,
        "alpha": 16.0,
        "rank_stabilized": False,
        "targets": (*_QUERIES_AND_FEED_FORWARD, *more_targets),
        "learning_rate": learning_rate,
        "weight_decay": 0.01,
    }


def _paper_settings(learning_rate: float, *more_targets: str) -> dict[str, Any]:
    """Return the paper's settings of the network: its adaptation, its views, the likeliest output of each alone."""
    adaptation = _paper_adaptation(learning_rate, *more_targets)
    inference = {"view_set": "paper", "min_probability": 0.0}
    return {"max_tokens": 8192, "adaptation": adaptation, "inference": inference}


_EXPERTS_ADAPTATION: Mapping[str, Any] = {
    "max_steps": 64,
    "warmup_steps": 32,
    "rank": 32,
    "alpha": 16.0,
    "learning_rate": 1e-4,
    "formats": ("leave_one_out",),
}
"""64 packed sequences, one a step; the published runs train embedding and head too, at a tenth of the rate."""


_EXPERTS_INFERENCE: Mapping[str, Any] = {"views": 16, "min_probability": 0.09}
"""All outputs of at least 9 %, as published."""


@dataclass(frozen=True, slots=True)
class ModelPreset:
    """A model and how to use it.

    Attributes:
        model: ``embedded`` or hub id.
        licence: of the weights.
        format: how tasks are written, as ``neural.format`` names it.
        memory_gb: device memory for adaptation, estimated.
        score: published percentage of tasks; None if there is none for these weights and settings.
        source: of the score.
        is_tuned: whether the weights were trained on tasks like those of ARC-AGI.
        settings: nested configuration besides model and format.
    """

    model: str
    licence: str
    format: str
    memory_gb: float
    score: float | None
    source: str
    is_tuned: bool
    settings: Mapping[str, Any] = field(default_factory=dict)


MODEL_PRESETS: Mapping[str, ModelPreset] = {
    "embedded": ModelPreset("embedded", "Apache-2.0", "auto", 1, 17.5, "README, measured here", True),
    "qwen2.5-0.5b": ModelPreset(
        "Qwen/Qwen2.5-0.5B-Instruct",
        "Apache-2.0",
        "plain",
        6,
        None,
        "no published score of these weights",
        False,
        {
            "seconds": 81.0,
            "memory_gb": 6.0,
            "neural": {
                "max_tokens": 2048,
                "adaptation": {"max_steps": 8, "warmup_steps": 1, "learning_rate": 2e-4, "rank": 32},
                "inference": {"views": 2, "max_drafts": 4, "min_probability": 0.0},
            },
        },
    ),
    "llama-3.2-1b": ModelPreset(
        "meta-llama/Llama-3.2-1B-Instruct",
        "Llama 3.2 Community License",
        "marc",
        8,
        None,
        f"{_PAPER}, solves 29 of 80 tasks with a base fine-tuned by its authors",
        False,
        {"seconds": 300.0, "memory_gb": 8.0, "neural": _paper_settings(5e-5)},
    ),
    "llama-3.2-3b": ModelPreset(
        "meta-llama/Llama-3.2-3B-Instruct",
        "Llama 3.2 Community License",
        "marc",
        16,
        None,
        f"{_PAPER}, as the 1B model with a base fine-tuned by its authors",
        False,
        {"seconds": 300.0, "memory_gb": 16.0, "neural": _paper_settings(5e-5)},
    ),
    "marc-8b": ModelPreset(
        "ekinakyurek/marc-8B-finetuned-llama3",
        "Apache-2.0 on its page; built on Llama 3",
        "marc",
        40,
        47.125,
        _PAPER,
        True,
        {"seconds": 450.0, "memory_gb": 40.0, "neural": _paper_settings(1e-4, "lm_head")},
    ),
    "barc-8b": ModelPreset(
        "barc0/Llama-3.1-ARC-Potpourri-Transduction-8B",
        "Llama 3.1 Community License",
        "barc",
        40,
        53.0,
        _PAPER,
        True,
        {"seconds": 450.0, "memory_gb": 40.0, "neural": _paper_settings(1e-4, "lm_head")},
    ),
    "architects-llama-3b": ModelPreset(
        "da-fr/Llama-3.2-3B-ARChitects-ReArc-bnb-4bit",
        "Llama 3.2 Community License",
        "architects",
        12,
        61.4,
        _EXPERTS,
        True,
        {
            "seconds": 120.0,
            "memory_gb": 12.0,
            "neural": {"max_tokens": 8192, "adaptation": _EXPERTS_ADAPTATION, "inference": _EXPERTS_INFERENCE},
        },
    ),
    "architects-nemo-8b": ModelPreset(
        "da-fr/Mistral-NeMO-Minitron-8B-ARChitects-ReArc1200-bnb-4bit",
        "not verified: see the model's page; its base is under the NVIDIA Open Model License",
        "architects",
        24,
        71.6,
        _EXPERTS,
        True,
        {
            "seconds": 190.0,
            "memory_gb": 24.0,
            "neural": {"max_tokens": 8192, "adaptation": _EXPERTS_ADAPTATION, "inference": _EXPERTS_INFERENCE},
        },
    ),
}

_BASES = ("Qwen/", "meta-llama/", "mistralai/", "nvidia/", "google/", "HuggingFaceTB/")
"""Owners whose models on the hub are general ones."""


def settings_of_preset(preset: ModelPreset) -> dict[str, Any]:
    """Return a preset as nested configuration."""
    neural = {**preset.settings.get("neural", {}), "model": preset.model, "format": preset.format}
    return {**preset.settings, "neural": neural}


def warning_about(model: str) -> str | None:
    """Return a line about a model that was never tuned on tasks like these, None about any other."""
    if not model.startswith(_BASES):
        return None
    return (
        f"{model} was never tuned on ARC-AGI tasks: the paper's method solves 4.75 % with such a base and 47 % with a "
        "tuned one; make one with: arc-ensemble pretrain WORK --model ... --lora"
    )
