"""The loop of test-time training: batches, learning rate, bounds, and what to do when memory runs out.

A step that does not fit is taken again in smaller batches, whose gradients add up to the same; then with shorter
sequences. Only when one short sequence does not fit is it an error, which the pipeline counts as a failure of the task.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from dsl.task import Example
from ensemble.adaptation.training_sets import paper_tasks, training_sequences
from ensemble.config import AdaptationConfig
from ensemble.encode import IGNORE, Batch, EncodedSequence, collate
from ensemble.errors import ModelError
from ensemble.formats import EMBEDDED, TaskFormat
from ensemble.memory import is_out_of_memory, release_memory
from ensemble.optimizer import MuonAdamW

GRADIENT_NORM = 1.0
MIN_TOKENS = 512
"""Sequences are not made shorter than this when memory runs out."""

ADAMW_RATE = 1e-3
MUON_RATE = 2e-3
"""Peak learning rates where the settings name none. What is Muon's, here and below, was chosen on ``dev``
(``benchmarks/LOG.md``)."""
MUON_STEPS = 25
"""Steps that the peak rate of Muon is for. Its updates have one size whatever the gradient, so that more steps lead
further away: the rate falls with the root of their number."""
MUON_MOMENTUM = 0.8
MUON_NEWTON_SCHULZ_STEPS = 3

_MEMORY = 0.9
"""Share of earlier steps in the running loss."""

MakeTasks = Callable[[], Sequence[Sequence[Example]]]
"""Returns pairs of tasks to train on."""
Compute = Callable[[Batch], float]
"""Returns the mean loss of a batch and leaves its gradients in the parameters."""


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
        spare_seconds: time after the deadline that it may have as well, as long as ...
        spare_below: ... fewer steps than this are done.
    """

    steps: int
    deadline: float | None = None
    spare_seconds: float = 0.0
    spare_below: int = 0

    def seconds_left(self, step: int) -> float | None:
        """Return the time that is left when so many steps are done; None where time is no bound."""
        if self.deadline is None:
            return None
        return self.deadline - time.monotonic() + (self.spare_seconds if step < self.spare_below else 0.0)


class Source(ABC):
    """Where the loop takes its sequences from, for as much memory as there is.

    Args:
        batch_size: sequences in a batch.
        max_tokens: longest sequence.
        bucket_lengths: whether sequences of like lengths share a batch.

    Attributes:
        steps: how many there are; None for no end.
        min_tokens: sequences are not made shorter than this when memory runs out.
    """

    steps: int | None = None
    min_tokens = MIN_TOKENS

    def __init__(self, batch_size: int, max_tokens: int, *, bucket_lengths: bool) -> None:
        self.batch_size, self.max_tokens, self._bucket_lengths = batch_size, max_tokens, bucket_lengths

    @abstractmethod
    def draw(self) -> list[EncodedSequence]:
        """Return the sequences of the next step."""

    @abstractmethod
    def observe(self, loss: float) -> None:
        """Take note of the loss of the last step drawn."""

    def batches(self, sequences: Sequence[EncodedSequence]) -> list[Batch]:
        """Return sequences in batches that fit, as far as is known."""
        ordered = sorted(sequences, key=len) if self._bucket_lengths else sequences
        return [collate(ordered[first : first + self.batch_size]) for first in range(0, len(ordered), self.batch_size)]

    def shrink(self) -> bool:
        """Take smaller batches, or if they are single sequences, shorter ones; tell whether there is such."""
        if self.batch_size > 1:
            self.batch_size //= 2
            return True
        if self.max_tokens // 2 < self.min_tokens:
            return False
        self.max_tokens //= 2
        return True


class Feed(Source):
    """The sequences of each step of test-time training on grids.

    Args:
        trains: demonstrations of the tasks to train on; the tasks take turns.
        config: recipe, formats and sizes.
        max_tokens: longest sequence.
        seed: of all draws.
        task_format: how the model reads tasks.
        auxiliary: returns pairs by other rules; called once, when the loss on the tasks is first low.
    """

    def __init__(
        self,
        trains: Sequence[Sequence[Example]],
        config: AdaptationConfig,
        max_tokens: int,
        seed: int,
        task_format: TaskFormat = EMBEDDED,
        auxiliary: MakeTasks | None = None,
    ) -> None:
        super().__init__(config.batch_size, max_tokens, bucket_lengths=config.bucket_lengths)
        self._trains, self._config, self._seed, self._format = trains, config, seed, task_format
        self._make_auxiliary, self._draws = auxiliary, np.random.default_rng((seed, 1))
        self._auxiliary: Sequence[Sequence[Example]] = ()
        self._is_own, self._loss = True, math.inf
        self._step_size = config.batch_size * config.gradient_accumulation
        self._sequences, self._auxiliary_sequences = self._start(), self._others()
        self.steps = None if config.epochs is None else self._steps_of(config.epochs)

    def _start(self) -> Iterator[EncodedSequence]:
        rng = np.random.default_rng(self._seed)
        settings = self._config, self.max_tokens, rng, self._format
        streams = [training_sequences(train, *settings) for train in self._trains]
        while True:
            turns = rng.permutation(len(streams)) if len(streams) > 1 else (0,)
            yield from (next(streams[int(turn)]) for turn in turns)

    def _others(self) -> Iterator[EncodedSequence]:
        """Yield sequences of auxiliary tasks drawn at random."""
        streams: dict[int, Iterator[EncodedSequence]] = {}
        while True:
            chosen = int(self._draws.integers(len(self._auxiliary)))
            if chosen not in streams:
                draws = np.random.default_rng((self._seed, 2, chosen))
                settings = self._config, self.max_tokens, draws, self._format
                streams[chosen] = training_sequences(self._auxiliary[chosen], *settings)
            yield next(streams[chosen])

    def _steps_of(self, epochs: int) -> int:
        sets = [
            paper_tasks(tuple(train), self._config, self.max_tokens, np.random.default_rng(self._seed), self._format)
            for train in self._trains
        ]
        return math.ceil(epochs * sum(map(len, sets)) / self._step_size)

    def draw(self) -> list[EncodedSequence]:
        """Return the sequences of the next step: of the tasks, or of auxiliary ones where those are learned."""
        learned = self._loss < self._config.auxiliary_below
        if learned and self._make_auxiliary is not None:
            self._auxiliary, self._make_auxiliary = self._make_auxiliary(), None
        mixed = learned and self._auxiliary
        self._is_own = not (mixed and self._draws.random() < self._config.auxiliary_share)
        source = self._sequences if self._is_own else self._auxiliary_sequences
        return [next(source) for _ in range(self._step_size)]

    def observe(self, loss: float) -> None:
        """Take note of the loss of the last step drawn."""
        if self._is_own:
            before = loss if self._loss == math.inf else self._loss
            self._loss = _MEMORY * before + (1 - _MEMORY) * loss

    def shrink(self) -> bool:
        """Take less memory from now on; shorter sequences are drawn anew."""
        before = self.max_tokens
        is_less = super().shrink()
        if self.max_tokens < before:
            self._sequences, self._auxiliary_sequences = self._start(), self._others()
        return is_less


def optimizer_of(
    trained: Sequence[nn.Parameter], config: AdaptationConfig, *, is_embedded: bool
) -> torch.optim.Optimizer:
    """Return the optimizer of an adapter, or of all weights, at its peak rate.

    Args:
        trained: what it trains.
        config: which one, its rate and its decay.
        is_embedded: whether the network is the embedded one or another of its kind, which decides where it is open.
    """
    own = config.optimizer == "auto" and is_embedded and config.method == "lora"
    if own or config.optimizer == "muon":
        return MuonAdamW(
            {str(k): parameter for k, parameter in enumerate(trained)},
            {},
            lr=config.learning_rate or MUON_RATE,
            adamw_lr=0.0,
            weight_decay=config.weight_decay,
            momentum=MUON_MOMENTUM,
            newton_schulz_steps=MUON_NEWTON_SCHULZ_STEPS,
        )
    rate = config.learning_rate or ADAMW_RATE
    return torch.optim.AdamW(trained, lr=rate, weight_decay=config.weight_decay, fused=True)


def optimize(
    optimizer: torch.optim.Optimizer,
    compute: Compute,
    feed: Source,
    config: AdaptationConfig,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Train with linear warm-up to the optimizer's rates and a cosine over the share of steps or time that is used up.

    Raises:
        ModelError: one short sequence does not fit into memory.
    """
    peaks = [group["lr"] for group in optimizer.param_groups]
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    steps = bound.steps if feed.steps is None else min(bound.steps, feed.steps)
    started = time.monotonic()
    for step in range(steps):
        report.seconds = time.monotonic() - started
        progress = step / steps
        left = bound.seconds_left(step)
        if left is not None:
            next_step_seconds = report.seconds / step if step else 0.0
            if left <= next_step_seconds:
                break
            progress = max(progress, report.seconds / (report.seconds + left))
        rate = schedule(step, config.warmup_steps, progress)
        if isinstance(optimizer, MuonAdamW):
            expected = step / progress if step else steps
            rate *= min(1.0, MUON_STEPS / expected) ** 0.5
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * rate
        loss, tokens = _gradients(trained, compute, feed)
        nn.utils.clip_grad_norm_(trained, GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        report.losses.append(loss)
        feed.observe(loss)
        report.tokens += tokens
    report.seconds = time.monotonic() - started


def schedule(step: int, warmup_steps: int, progress: float) -> float:
    """Return the share of the peak learning rate; ``progress`` 0..1 is what is used up of steps or time."""
    return min(1.0, (step + 1) / (warmup_steps + 1)) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


def _gradients(trained: list[nn.Parameter], compute: Compute, feed: Source) -> tuple[float, int]:
    """Leave the gradients of the next step in the parameters; return its loss and its tokens."""
    sequences, max_tokens = feed.draw(), feed.max_tokens
    while True:
        try:
            return _accumulate(trained, compute, feed.batches(sequences))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            _release(trained)
            if not feed.shrink():
                longest = max(map(len, sequences))
                raise ModelError(
                    f"out of memory with one sequence of {longest} tokens: take a smaller model, a lower "
                    "neural.max_tokens or neural.adaptation.rank, or neural.adaptation.gradient_checkpointing"
                ) from error
        if feed.max_tokens < max_tokens:
            sequences, max_tokens = feed.draw(), feed.max_tokens


def _accumulate(trained: list[nn.Parameter], compute: Compute, batches: Sequence[Batch]) -> tuple[float, int]:
    """Leave the gradients of the mean loss over all labels of the batches in the parameters."""
    tokens = sum(batch.tokens.numel() for batch in batches)
    if len(batches) == 1:
        return compute(batches[0]), tokens
    labels = [int((batch.labels[:, 1:] != IGNORE).sum()) for batch in batches]
    sums: list[Tensor | None] = [None] * len(trained)
    mean = 0.0
    for batch, count in zip(batches, labels, strict=True):
        share = count / sum(labels)
        mean += share * compute(batch)
        for k, parameter in enumerate(trained):
            if parameter.grad is not None:
                gradient, sofar = parameter.grad.mul_(share), sums[k]
                sums[k] = gradient if sofar is None else sofar.add_(gradient)
                parameter.grad = None
    for parameter, gradient_sum in zip(trained, sums, strict=True):
        parameter.grad = gradient_sum
    return mean, tokens


def _release(trained: list[nn.Parameter]) -> None:
    for parameter in trained:
        parameter.grad = None
    release_memory()
