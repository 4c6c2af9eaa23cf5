"""Pre-train the embedded network from random weights, in chunks that resume exactly.

A chunk trains for some minutes or steps in a work folder and leaves a checkpoint there; the next one goes on from it.
The learning rate warms up and stays constant over all chunks; only a chunk that asks for it decays the rate to its end
(warm-up, stable, decay: Hu et al. 2024, arXiv 2404.06395, section 4). On one machine, a run that was stopped
and resumed ends with the same weights as one that went straight through, unless its curriculum goes by the clock.

A work folder holds ``config.json``, ``corpora/`` (packed once), ``checkpoint/`` and ``log.jsonl``.
"""

import contextlib
import json
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ensemble.attention import mixed_precision
from ensemble.checkpoint import load_checkpoint, load_weights, save_checkpoint, weights_of, with_prefix, without_prefix
from ensemble.config import keep_settings
from ensemble.encode import IGNORE, OUT, Batch, EncodedSequence, collate
from ensemble.errors import ConfigError, ModelError
from ensemble.memory import keep_freed_memory
from ensemble.model import GridLM, build_model, load_model, model_config, resolve_device
from ensemble.optimizer import MuonAdamW, build_optimizer, has_bfloat16_units
from ensemble.pretrain_config import Chunk, PretrainConfig, config_of_run
from ensemble.processor.stacked import can_write_out, stack
from ensemble.processor.written import WrittenStep
from ensemble.stream import TaskStream
from ensemble.training_data import Sources, prepare

_LOG = logging.getLogger(__name__)

_END_OF_DECAY = 0.02
"""Share of the peak learning rate at the end of a decay."""

_PADDED_MULTIPLE = 64
"""Sequences are padded to multiples of this length where that makes the shapes of products few."""

_WRITES_THE_STREAM = (
    "embed_tokens.weight",
    "feature_vectors.weight",
    "under",
    "ahead",
    "o_proj.weight",
    "down_proj.weight",
)
"""Ends of the names of tensors that write what runs from layer to layer; in them a grown network starts from zeros."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Teacher-forced scores on sequences of tasks that training never reads.

    Attributes:
        loss: mean cross-entropy in nats per output token.
        accuracy: share of output tokens predicted right.
        exact: sequences whose last output is predicted right in every token.
        of: sequences.
    """

    loss: float
    accuracy: float
    exact: int
    of: int


@dataclass(slots=True)
class Progress:
    """What a run has done so far, over all its chunks.

    Attributes:
        step: optimizer steps.
        tokens: tokens read, padding included.
        seconds: wall time.
        cpu_seconds: processor time.
        lr_scale: share of the peak learning rate in the last step, without warm-up.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    lr_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class PretrainSummary:
    """What a chunk did: the run so far, held-out scores at its end, and whether it was stopped before its end."""

    progress: Progress
    held_out: dict[str, HeldOut]
    interrupted: bool


@torch.no_grad()
def measure(model: GridLM, sequences: Sequence[EncodedSequence], device: torch.device, batch_size: int = 16) -> HeldOut:
    """Return teacher-forced scores of a model on sequences."""
    loss, right, labels, exact = 0.0, 0, 0, 0
    by_length = sorted(sequences, key=len)
    model.eval()
    for first in range(0, len(by_length), batch_size):
        part = by_length[first : first + batch_size]
        batch = collate(part).padded(_PADDED_MULTIPLE).to(device)
        logits = model(**batch.inputs()).logits[:, :-1].float()
        wanted = batch.labels[:, 1:]
        scored = wanted != IGNORE
        hit = (logits.argmax(-1) == wanted) & scored
        loss += nn.functional.cross_entropy(logits[scored], wanted[scored], reduction="sum").item()
        right, labels = right + int(hit.sum()), labels + int(scored.sum())
        for b, sequence in enumerate(part):
            start = int((sequence.tokens == OUT).nonzero()[0][-1])
            exact += int(hit[b, start : len(sequence) - 1].all())
    model.train()
    return HeldOut(loss / max(1, labels), right / max(1, labels), exact, len(by_length))


@torch.no_grad()
def grow(smaller: PreTrainedModel, model: GridLM) -> None:
    """Give a model the weights of a narrower or shallower one, so that it computes the same at first.

    The layers that the smaller one lacks are put in the middle and add nothing to their input until they are trained.
    A wider network keeps the smaller one's weights as the first rows and columns of its own; what it has more of is 0
    in the stream between layers and read by random weights, so that gradients reach it. The norms, whose means now go
    over zeros too, are scaled down by as much as that raises their outputs.

    Raises:
        ModelError: the smaller model is larger in something.
    """
    few, many = smaller.config.num_hidden_layers, model.config.num_hidden_layers
    first, added = few // 2, many - few
    if added < 0:
        raise ModelError(f"the weights to start from have {few} layers, more than the {many} of the network")
    tensors = weights_of(model)
    for name, tensor in tensors.items():
        if name.endswith(_WRITES_THE_STREAM):
            tensors[name] = torch.zeros_like(tensor)
    for name, tensor in weights_of(smaller).items():
        head, found, tail = name.partition(".layers.")
        if found:
            number, _, rest = tail.partition(".")
            layer = int(number) + (added if int(number) >= first else 0)
            name = f"{head}.layers.{layer}.{rest}"
        tensors[name] = _widened(name, tensor.float(), tensors[name])
    load_weights(model, tensors)


def _widened(name: str, tensor: Tensor, like: Tensor) -> Tensor:
    """Return a tensor of a smaller network in the shape of the larger one's."""
    if tensor.shape == like.shape:
        return tensor
    if any(few > many for few, many in zip(tensor.shape, like.shape, strict=True)):
        raise ModelError(
            f"the weights to start from are wider than the network: {name} is {tuple(tensor.shape)}, "
            f"that of the network {tuple(like.shape)}"
        )
    if tensor.dim() == 1:
        scale = math.sqrt(len(tensor) / len(like))
        wide = torch.full_like(like, scale * float(tensor.mean()))
        wide[: len(tensor)] = scale * tensor
        return wide
    wide = like.clone()
    wide[: len(tensor), : tensor.shape[1]] = tensor
    return wide


class Trainer:
    """One run in a work folder: model, optimizer, stream and progress, saved and restored together."""

    def __init__(
        self,
        config: PretrainConfig,
        work: Path,
        sources: Sources,
        device: torch.device,
        *,
        mixed: bool | None = None,
        compiled: bool | None = None,
    ) -> None:
        self.config, self.work, self.sources, self.device = config, work, sources, device
        self.mixed = has_bfloat16_units(device) if mixed is None else mixed
        shape = model_config(config.hidden_size, config.num_layers, config.num_heads, config.intermediate_size)
        # Runs from one start are one network at first, whatever their seeds, so that their mean is one too.
        seed_of_weights = config.seed if config.start is None else 0
        self.model = build_model(shape, seed_of_weights).to(device).train()
        self.optimizer: MuonAdamW = build_optimizer(
            self.model, lr=config.lr, adamw_lr=config.adamw_lr, weight_decay=config.weight_decay
        )
        self.stream = TaskStream(sources.training, config.stream_options())
        self.progress = Progress()
        self._forward: Callable[..., Any] = self.model
        self._written: WrittenStep | None = None
        if device.type == "cuda" if compiled is None else compiled:
            self._forward = torch.compile(self.model, dynamic=True)
        elif can_write_out(self.model):
            self._written = WrittenStep(self.model, torch.bfloat16 if self.mixed else torch.float32)
        self._restore()

    def _restore(self) -> None:
        found = load_checkpoint(self.work / "checkpoint")
        if found is None:
            if self.config.start is not None:
                grow(load_model(self.config.start), self.model)
            return
        tensors, head = found
        if head["corpora"] != self.sources.digests:
            raise ConfigError(f"{self.work} was trained on other data; give a new work folder")
        load_weights(self.model, without_prefix("model", tensors))
        self.optimizer.load_named_state(without_prefix("optimizer", tensors))
        self.progress = Progress(**head["progress"])

    def save(self) -> None:
        """Replace the checkpoint."""
        tensors = with_prefix("model", weights_of(self.model))
        tensors |= with_prefix("optimizer", self.optimizer.named_state())
        head = {"step": self.progress.step, "progress": asdict(self.progress), "corpora": self.sources.digests}
        save_checkpoint(self.work / "checkpoint", tensors, head)

    def train_step(self, sequences: Sequence[EncodedSequence], lr_scale: float) -> float:
        """Train on a batch at a share of the peak learning rate; return its loss in nats per output token."""
        batch = collate(sequences)
        if self.device.type == "cuda":  # a step on a processor pads by itself
            batch = batch.padded(_PADDED_MULTIPLE)
        batch = batch.to(self.device)
        warm = min(1.0, (self.progress.step + 1) / self.config.warmup_steps)
        self.optimizer.set_lr_scale(lr_scale * warm)
        loss = self._gradients(batch)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_norm)
        self.optimizer.step()
        self.progress.step += 1
        self.progress.tokens += batch.tokens.numel()
        self.progress.lr_scale = lr_scale
        return loss

    def _gradients(self, batch: Batch) -> float:
        """Leave the gradients of a batch in the parameters and return its loss."""
        if self._written is not None:
            loss, gradients = self._written(stack(self.model), batch)
            by_name = gradients.by_name()
            for name, parameter in self.model.named_parameters():
                parameter.grad = by_name[name]
            return loss
        with self._precision():
            output = self._forward(**batch.inputs(), labels=batch.labels)
        self.optimizer.zero_grad(set_to_none=True)
        output.loss.backward()
        return float(output.loss.detach())

    def curriculum_point(self) -> float:
        """Return where the curriculum stands after the last step: the share of the planned time, or that step."""
        if self.config.planned_minutes is None:
            return max(0, self.progress.step - 1)
        return self.progress.seconds / (60 * self.config.planned_minutes)

    def measure(self) -> dict[str, HeldOut]:
        """Return scores on the held-out tasks, by source."""
        with self._precision():
            return {
                name: measure(self.model, sequences, self.device) for name, sequences in self.sources.held_out.items()
            }

    def _precision(self) -> contextlib.AbstractContextManager[None]:
        return mixed_precision(self.model) if self.mixed else contextlib.nullcontext()


def pretrain(
    config: PretrainConfig, work: Path, chunk: Chunk, re_arc: Path | None = None, rules: Path | None = None
) -> PretrainSummary:
    """Train one chunk in a work folder, from its checkpoint if it has one, and leave a checkpoint there.

    SIGINT and SIGTERM end it early, with everything saved.

    Args:
        config: settings of the run; a folder that was begun with others is refused.
        work: work folder; made if needed.
        chunk: how long and how.
        re_arc: RE-ARC's zip or folder; needed once, if its weight, that of found rules or that of pictures is above 0.
        rules: run folder whose programs are found rules; needed once, if their weight is above 0.

    Raises:
        ConfigError: the folder belongs to another configuration or other data, or data is wanted and not given.
        DataError: RE-ARC is not what it should be.
    """
    torch.set_num_threads(chunk.threads)
    keep_freed_memory()
    keep_settings(config, work / "config.json")
    sources, device = prepare(config, work, re_arc, rules), resolve_device(chunk.device)
    trainer = Trainer(config, work, sources, device, mixed=chunk.mixed, compiled=chunk.compile)
    clock = None if config.planned_minutes is None else trainer.curriculum_point
    batches = trainer.stream.batches(trainer.progress.step, chunk.loaders, clock)
    with stop_on_signals() as stop, contextlib.closing(batches):
        _run_chunk(trainer, chunk, batches, stop)
    held_out = trainer.measure()
    _write_log(trainer, None, held_out)
    return PretrainSummary(trainer.progress, held_out, stop.is_set())


def open_run(work: Path) -> Trainer:
    """Return the run of a work folder on the CPU, as its checkpoint left it.

    Raises:
        ConfigError: the folder holds no run.
    """
    if not (work / "config.json").is_file():
        raise ConfigError(f"{work} holds no pre-training run")
    config = config_of_run(work, {})
    return Trainer(config, work, prepare(config, work, None), torch.device("cpu"))


def _run_chunk(trainer: Trainer, chunk: Chunk, batches: Iterator[list[EncodedSequence]], stop: threading.Event) -> None:
    progress = trainer.progress
    first_step, begun, begun_cpu = progress.step, time.monotonic(), time.process_time()
    seconds_before, cpu_before = progress.seconds, progress.cpu_seconds
    saved = measured = begun
    losses: list[float] = []
    while not stop.is_set():
        now = time.monotonic()
        done = chunk.share_done(progress.step - first_step, now - begun)
        if done >= 1:
            break
        lr_scale = max(_END_OF_DECAY, 1 - done) if chunk.decay else 1.0
        losses.append(trainer.train_step(next(batches), lr_scale))
        progress.seconds = seconds_before + time.monotonic() - begun
        progress.cpu_seconds = cpu_before + time.process_time() - begun_cpu
        if now - measured > chunk.measure_minutes * 60:
            measured = now
            _write_log(trainer, sum(losses) / len(losses), trainer.measure())
            losses.clear()
        if now - saved > chunk.save_minutes * 60:
            saved = now
            trainer.save()
    trainer.save()


def _write_log(trainer: Trainer, loss: float | None, held_out: dict[str, HeldOut]) -> None:
    row = {**asdict(trainer.progress), "loss": loss, "held_out": {k: asdict(v) for k, v in held_out.items()}}
    with (trainer.work / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    scores = "; ".join(
        f"{k} loss {v.loss:.3f} tokens {v.accuracy:.3f} exact {v.exact}/{v.of}" for k, v in held_out.items()
    )
    _LOG.info(
        "step %d, %.2fM tokens, %.0f s: %s",
        trainer.progress.step,
        trainer.progress.tokens / 1e6,
        trainer.progress.seconds,
        scores,
    )


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set; outside the main thread it stays unset."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
