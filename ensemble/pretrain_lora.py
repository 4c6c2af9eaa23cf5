"""Tune another language model on generated and training tasks with LoRA: the first stage of the paper for any base.

Akyürek et al. 2024 (arXiv 2411.07279), section 4: test-time training needs a base that knows such tasks. The data are
those of ``ensemble.pretrain`` (RE-ARC, composed tasks, training tasks, with rule-based changes of inputs or outputs);
an adapter is trained, not all weights. A work folder holds ``tune.json``, ``corpora/``, ``checkpoint/`` and
``log.jsonl``; the same command goes on where it stopped.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from peft import LoraModel
from pydantic import Field
from torch import Tensor, nn

from ensemble.adaptation.lora_files import add_updates, factors_of, lora_config
from ensemble.checkpoint import load_checkpoint, save_checkpoint, with_prefix, without_prefix
from ensemble.config import AdaptationConfig, build_section, keep_settings, kept_settings, with_overrides
from ensemble.encode import Batch, EncodedSequence, collate
from ensemble.errors import ModelError
from ensemble.formats import format_of
from ensemble.memory import keep_freed_memory
from ensemble.model import load_model, resolve_device
from ensemble.pretrain import Progress
from ensemble.pretrain_config import Chunk, PretrainConfig
from ensemble.stream import TaskStream
from ensemble.training_data import prepare
from ensemble.ttt import gradients_of

_STATE = {"mean": "exp_avg", "square": "exp_avg_sq"}


class TuneConfig(PretrainConfig):
    """What decides the result; of the network's own settings only the data's count."""

    base: str
    """Hub id or folder of the model."""
    rank: int = Field(128, ge=1)
    """LoRA rank."""
    alpha: float = Field(16.0, gt=0)
    """LoRA scale numerator; the scale is rank-stabilized."""
    batch_size: int = Field(8, ge=1)
    """Sequences in a step."""
    max_tokens: int = Field(4096, ge=64)
    """Longest sequence."""
    curriculum: tuple[tuple[int | float, int], ...] = ((0, 30),)
    """Longest grid side from each step on."""
    adamw_lr: float = Field(1e-4, gt=0)
    """Peak learning rate."""
    weight_decay: float = Field(0.01, ge=0)
    """Decoupled decay of the adapter."""

    def adaptation(self) -> AdaptationConfig:
        """Return the adapter's settings."""
        return AdaptationConfig(rank=self.rank, alpha=self.alpha)


def tune_config_of(work: Path, base: str, values: Mapping[str, Any]) -> TuneConfig:
    """Return the settings of a work folder, those of its run overlaid with ``values``, or defaults if it is new.

    Raises:
        ConfigError: a setting is unknown, not allowed, or another than the run's.
    """
    path = work / "tune.json"
    config = build_section(TuneConfig, with_overrides({**(kept_settings(path) or {}), "base": base}, values))
    keep_settings(config, path)
    return config


class Tuner:
    """One run in a work folder: a base with an adapter, optimizer, stream and progress."""

    def __init__(
        self, config: TuneConfig, work: Path, chunk: Chunk, re_arc: Path | None = None, rules: Path | None = None
    ) -> None:
        torch.set_num_threads(chunk.threads)
        keep_freed_memory()
        self.config, self.work, self.chunk = config, work, chunk
        self.stream = TaskStream(prepare(config, work, re_arc, rules).training, config.stream_options())
        self.model = load_model(config.base, resolve_device(chunk.device))
        self.format = format_of(self.model)
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            self.wrapped = LoraModel(self.model, lora_config(config.adaptation()), "default")
        self.factors: dict[str, nn.Parameter] = factors_of(self.wrapped)
        for factor in self.factors.values():  # peft gives them the base's dtype, too coarse for small steps
            factor.data = factor.data.float()
        self.optimizer = torch.optim.AdamW(self.factors.values(), config.adamw_lr, weight_decay=config.weight_decay)
        self.progress = Progress()
        self._compute: Callable[[Batch], float] = gradients_of(self.model, config.adaptation())
        self._restore()

    def _restore(self) -> None:
        found = load_checkpoint(self.work / "checkpoint")
        if found is None:
            return
        tensors, head = found
        factors = without_prefix("factor", tensors)
        if set(factors) != set(self.factors):
            raise ModelError(f"the checkpoint in {self.work} is another model's; give a new work folder")
        for name, parameter in self.factors.items():
            parameter.data.copy_(factors[name])
            state: dict[str, Tensor] = {"step": torch.tensor(float(head["step"]))}
            for kind, key in _STATE.items():
                state[key] = without_prefix(kind, tensors)[name].to(parameter.device)
            self.optimizer.state[parameter] = state
        self.progress = Progress(**head["progress"])

    def save(self) -> None:
        """Replace the checkpoint."""
        tensors = with_prefix("factor", {name: factor.detach() for name, factor in self.factors.items()})
        for kind, key in _STATE.items():
            moments = {name: self.optimizer.state[factor][key] for name, factor in self.factors.items()}
            tensors |= with_prefix(kind, moments)
        head = {"step": self.progress.step, "progress": asdict(self.progress)}
        save_checkpoint(self.work / "checkpoint", tensors, head)

    def sequences(self, step: int) -> list[EncodedSequence]:
        """Return the sequences of a step."""
        size, side = self.config.batch_size, self.stream.max_side(step)
        drawn = (self.stream.task(step * size + i, side)[1] for i in range(size))
        # The stream counts a token for each cell; a text may spend more.
        return [self.format.encode_pairs(self.format.keep_within(pairs, self.config.max_tokens)) for pairs in drawn]

    def train_step(self, lr_scale: float) -> float:
        """Train on the next batch, one sequence at a time; return its mean loss in nats per output token."""
        progress, sequences = self.progress, self.sequences(self.progress.step)
        warm = min(1.0, (progress.step + 1) / self.config.warmup_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.adamw_lr * lr_scale * warm
        mean = 0.0
        for sequence in sequences:
            mean += self._compute(collate([sequence])) / len(sequences)
            progress.tokens += len(sequence)
        for factor in self.factors.values():
            if factor.grad is not None:
                factor.grad /= len(sequences)
        nn.utils.clip_grad_norm_(self.factors.values(), self.config.max_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        progress.step, progress.lr_scale = progress.step + 1, lr_scale
        return mean

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> list[float]:
        """Train this sitting's steps or minutes, and leave a checkpoint; return the losses."""
        begun, first, seconds_before = time.monotonic(), self.progress.step, self.progress.seconds
        saved, losses = begun, list[float]()
        while not should_stop():
            now = time.monotonic()
            done = self.chunk.share_done(self.progress.step - first, now - begun)
            if done >= 1:
                break
            losses.append(self.train_step(1 - done if self.chunk.decay else 1.0))
            self.progress.seconds = seconds_before + time.monotonic() - begun
            with (self.work / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({**asdict(self.progress), "loss": losses[-1]}) + "\n")
            if now - saved > self.chunk.save_minutes * 60:
                saved = now
                self.save()
        if losses:
            self.save()
        return losses

    def export(self, folder: Path) -> None:
        """Write the base with the adapter's sum to a folder that ``--model`` loads; ends the run in this process.

        Raises:
            ModelError: nothing was trained yet.
        """
        if self.progress.step == 0:
            raise ModelError(f"{self.work} has no trained adapter to export; train first, with --minutes or --steps")
        updates = add_updates(self.wrapped)
        self.wrapped.unload()
        for weight, data in updates:
            weight.data = data
        self.model.save_pretrained(folder)
