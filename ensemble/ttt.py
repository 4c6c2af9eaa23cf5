"""Test-time training: adapt the model to the demonstrations of one task, and take it back afterwards.

Akyürek et al. 2024 (arXiv 2411.07279), section 3: a fresh LoRA adapter for each task, trained on augmented
leave-one-out tasks. Here every demonstration is packed into one sequence with a loss on each output that has a
demonstration before it, which is leave-one-out at every position at once (as Franzen et al. 2025, arXiv 2505.07859);
the paper's second format, direct input to output, shows each pair alone.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, LoraModel
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel

from dsl.task import Example
from ensemble.adapters import StackedLora
from ensemble.attention import mixed_precision
from ensemble.augment import DIHEDRAL, draw_view
from ensemble.config import AdaptationConfig
from ensemble.encode import Batch, EncodedSequence, collate
from ensemble.formats import EMBEDDED, TaskFormat, format_of
from ensemble.model import GridLM, next_token_loss, rotary_positions
from ensemble.optimizer import has_bfloat16_units
from ensemble.stacked import Stacked, can_write_out, stack
from ensemble.written import WrittenStep

GRADIENT_NORM = 1.0
KEEP_ZERO_SHARE = 0.7
"""Share of training views that leave color 0 in place."""


@dataclass(slots=True)
class Adaptation:
    """What test-time training did.

    Attributes:
        losses: mean loss in nats per trained token, one for each optimizer step.
        tokens: tokens trained on, context and padding included.
        seconds: wall time of the training.
    """

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Return the number of optimizer steps."""
        return len(self.losses)


@dataclass(frozen=True, slots=True)
class Bound:
    """End of test-time training.

    Attributes:
        steps: optimizer steps at most.
        deadline: ``time.monotonic()`` at which it must be over; None for exactly ``steps``, whatever the time.
    """

    steps: int
    deadline: float | None = None


def training_sequences(
    train: Sequence[Example],
    config: AdaptationConfig,
    max_tokens: int,
    rng: np.random.Generator,
    task_format: TaskFormat = EMBEDDED,
) -> Iterator[EncodedSequence]:
    """Draw augmented training sequences without end.

    Each packed sequence shows all demonstrations in random order and colors; every demonstration is the last one once
    before any is again, and the 8 dihedral transforms take turns likewise. Sequences above ``max_tokens`` lose
    demonstrations from the front.
    """
    lasts, transforms = _turns(len(train), rng), _turns(len(DIHEDRAL), rng)
    packed, direct = "leave_one_out" in config.formats and len(train) > 1, "direct" in config.formats
    direct_share = config.direct_share if packed and direct else float(not packed)
    while True:
        view = draw_view(
            rng, len(train), dihedral=DIHEDRAL[next(transforms)], keep_zero=bool(rng.random() < KEEP_ZERO_SHARE)
        )
        last = next(lasts)
        if rng.random() < direct_share:
            yield task_format.encode_pairs([view.example(train[last])], loss="direct")
            continue
        order = [k for k in view.order or () if k != last]
        shown = task_format.keep_within([view.example(train[k]) for k in (*order, last)], max_tokens)
        yield task_format.encode_pairs(shown, loss="in_context" if len(shown) > 1 else "direct")


def _turns(count: int, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from (int(k) for k in rng.permutation(count))


@contextmanager
def adapted(
    model: PreTrainedModel,
    train: Sequence[Example],
    config: AdaptationConfig,
    *,
    max_tokens: int,
    seed: int,
    bound: Bound,
) -> Iterator[Adaptation]:
    """Train the model on the demonstrations of a task, and give it back unchanged when the block ends.

    Inside the block the model is a plain one with the adapted weights. Afterwards its weights are the very tensors from
    before, bit for bit, and no adapter is left, whatever happened inside.
    """
    with ExitStack() as restore:
        restore.callback(_restorer(model))
        report = Adaptation()
        if config.method != "none" and train:
            rng = np.random.default_rng(seed)
            sequences = training_sequences(train, config, max_tokens, rng, format_of(model))
            batches = _batches(sequences, config.batch_size)
            if can_write_out(model):
                train_once = _train_written
            else:
                train_once = _train_lora if config.method == "lora" else _train_full
            train_once(model, batches, config, seed, bound, report)
        yield report


def _restorer(model: PreTrainedModel) -> Any:
    before = [(parameter, parameter.data, parameter.requires_grad) for parameter in model.parameters()]

    def restore() -> None:
        for parameter, data, requires_grad in before:
            parameter.data, parameter.grad = data, None
            parameter.requires_grad_(requires_grad)

    return restore


def _batches(sequences: Iterator[EncodedSequence], size: int) -> Iterator[list[EncodedSequence]]:
    while True:
        yield [next(sequences) for _ in range(size)]


def _train_written(
    model: GridLM,
    batches: Iterator[list[EncodedSequence]],
    config: AdaptationConfig,
    seed: int,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Train a fresh adapter or all weights with the steps of ``ensemble.written``, and leave the sum in the model."""
    step = WrittenStep(model, torch.bfloat16 if has_bfloat16_units(model.device) else torch.float32)
    base = stack(model).to(torch.float32)
    if config.method == "lora":
        adapter = StackedLora(base, config.rank, config.alpha, seed)

        def compute(batch: Batch) -> float:
            loss, gradients = step(adapter.merged(), batch, matrices_only=True)
            adapter.take_gradients(gradients)
            return loss

        _optimize(adapter.parameters(), compute, batches, config, bound, report)
        trained = adapter.merged()
    else:
        parameters = {name: nn.Parameter(tensor) for name, tensor in base.tensors()}
        trained = Stacked(**parameters)

        def compute(batch: Batch) -> float:
            loss, gradients = step(trained, batch)
            for name, gradient in gradients.tensors():
                parameters[name].grad = gradient
            return loss

        _optimize(list(parameters.values()), compute, batches, config, bound, report)
    tensors = trained.by_name()
    for name, parameter in model.named_parameters():
        parameter.data = tensors[name].detach().to(parameter.dtype)


def _train_lora(
    model: PreTrainedModel,
    batches: Iterator[list[EncodedSequence]],
    config: AdaptationConfig,
    seed: int,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Train a fresh adapter in float32, detach it, and leave its sum with the base weights in the plain model."""
    lora = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, use_rslora=True, target_modules="all-linear", init_lora_weights=True
    )
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        wrapped = LoraModel(model, lora, "default")
    deltas: list[tuple[nn.Parameter, Tensor]] = []
    try:
        trained = [parameter for parameter in wrapped.parameters() if parameter.requires_grad]
        _optimize(trained, _by_autograd(model), batches, config, bound, report)
        with torch.no_grad():
            for module in wrapped.modules():
                if isinstance(module, LoraLayer):
                    deltas.append((module.get_base_layer().weight, module.get_delta_weight("default")))
    finally:
        wrapped.unload()
    for weight, delta in deltas:
        weight.data = (weight.data.float() + delta.float()).to(weight.dtype)


def _train_full(
    model: PreTrainedModel,
    batches: Iterator[list[EncodedSequence]],
    config: AdaptationConfig,
    seed: int,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Train all weights as float32 copies, and leave them in the model in its own dtype."""
    dtype = model.dtype
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.float32, copy=True)
        parameter.requires_grad_(True)
    _optimize(list(model.parameters()), _by_autograd(model), batches, config, bound, report)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
        parameter.requires_grad_(False)
        parameter.grad = None


def _by_autograd(model: PreTrainedModel) -> Callable[[Batch], float]:
    mixed = has_bfloat16_units(model.device)

    def compute(batch: Batch) -> float:
        batch = batch.to(model.device)
        with torch.enable_grad(), mixed_precision(model) if mixed else nullcontext():
            logits = model(input_ids=batch.tokens, position_ids=rotary_positions(model, batch.positions)).logits
            loss = next_token_loss(logits, batch.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    return compute


def _optimize(
    trained: list[nn.Parameter],
    compute: Callable[[Batch], float],
    batches: Iterator[list[EncodedSequence]],
    config: AdaptationConfig,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Run AdamW with linear warm-up and a cosine over the share of steps or time that is used up.

    ``compute`` returns the loss of a batch and leaves its gradients in the parameters.
    """
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=0.0, fused=True)
    started = time.monotonic()
    for step in range(bound.steps):
        report.seconds = time.monotonic() - started
        progress = step / bound.steps
        if bound.deadline is not None:
            left = bound.deadline - time.monotonic()
            next_step_seconds = report.seconds / step if step else 0.0
            if left <= next_step_seconds:
                break
            progress = max(progress, report.seconds / (report.seconds + left))
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, config.warmup_steps, progress)
        batch = collate(next(batches))
        loss = compute(batch)
        nn.utils.clip_grad_norm_(trained, GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        report.losses.append(loss)
        report.tokens += batch.tokens.numel()
    report.seconds = time.monotonic() - started


def schedule(step: int, warmup_steps: int, progress: float) -> float:
    """Return the share of the peak learning rate; ``progress`` 0..1 is what is used up of steps or time."""
    return min(1.0, (step + 1) / (warmup_steps + 1)) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
