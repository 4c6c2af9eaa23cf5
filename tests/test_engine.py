from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from dsl.grid import as_grid
from dsl.task import Example
from ensemble.adaptation.engine import (
    ADAMW_RATE,
    MIN_TOKENS,
    MUON_RATE,
    Adaptation,
    Bound,
    Compute,
    Feed,
    optimize,
    optimizer_of,
)
from ensemble.config import AdaptationConfig, build_section
from ensemble.encode import IGNORE, Batch
from ensemble.errors import ConfigError, ModelError
from ensemble.memory import is_out_of_memory
from ensemble.optimizer import MuonAdamW

TRAIN = tuple(Example(as_grid(np.full((9, 9), k)), as_grid(np.full((9, 2 + k), k))) for k in range(4))


def settings(**values: object) -> AdaptationConfig:
    return build_section(AdaptationConfig, {"learning_rate": 0.1, **values})


def adder(
    seen: list[tuple[int, int]], refuse: Callable[[Batch], bool] = lambda _: False
) -> tuple[nn.Parameter, Compute]:
    """Return a number and a loss whose gradient is the mean of the trained tokens; big batches can be refused."""
    number = nn.Parameter(torch.zeros(()))

    def compute(batch: Batch) -> float:
        seen.append((batch.tokens.shape[0], batch.tokens.shape[1]))
        if refuse(batch):
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        trained = batch.labels[:, 1:][batch.labels[:, 1:] != IGNORE].float()
        loss = (number * trained).mean()
        loss.backward()
        return float(trained.mean())

    return number, compute


def train(config: AdaptationConfig, refuse: Callable[[Batch], bool] = lambda _: False, max_tokens: int = 4096) -> tuple:
    seen: list[tuple[int, int]] = []
    number, compute = adder(seen, refuse)
    report, feed = Adaptation(), Feed([TRAIN], config, max_tokens, 0)
    optimize(optimizer_of([number], config, is_embedded=False), compute, feed, config, Bound(3), report)
    return number.item(), report, seen, feed


def test_accumulation_equals_one_large_batch() -> None:
    value, report, seen, _ = train(settings(batch_size=4))
    parts = train(settings(batch_size=2, gradient_accumulation=2))
    assert [rows for rows, _ in seen] == [4] * 3
    assert [rows for rows, _ in parts[2]] == [2] * 6
    assert parts[0] == pytest.approx(value)
    np.testing.assert_allclose(parts[1].losses, report.losses, rtol=1e-6)


def test_a_batch_that_does_not_fit_is_halved_with_the_same_result() -> None:
    value, report, _, _ = train(settings(batch_size=4))
    halved = train(settings(batch_size=4), lambda batch: batch.tokens.shape[0] > 1)
    assert [rows for rows, _ in halved[2]] == [4, 2] + [1] * 12
    assert halved[0] == pytest.approx(value)
    np.testing.assert_allclose(halved[1].losses, report.losses, rtol=1e-6)


def test_then_sequences_get_shorter() -> None:
    _, report, seen, feed = train(settings(), lambda batch: batch.tokens.shape[1] > 520, max_tokens=1024)
    assert feed.max_tokens == 512
    assert report.steps == 3
    assert seen[0][1] > 520
    assert max(length for _, length in seen[1:]) <= 512


def test_at_last_it_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"out of memory with one sequence of .* tokens: take a smaller model"):
        train(settings(batch_size=2), lambda _: True, max_tokens=MIN_TOKENS)


def test_other_errors_pass() -> None:
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())


@pytest.mark.parametrize(
    ("values", "is_embedded", "expected"),
    [
        ({}, True, (MuonAdamW, MUON_RATE)),
        ({}, False, (torch.optim.AdamW, ADAMW_RATE)),
        ({"method": "full"}, True, (torch.optim.AdamW, ADAMW_RATE)),
        ({"optimizer": "adamw"}, True, (torch.optim.AdamW, ADAMW_RATE)),
        ({"optimizer": "muon", "learning_rate": 0.3}, False, (MuonAdamW, 0.3)),
        ({"learning_rate": 0.3}, False, (torch.optim.AdamW, 0.3)),
    ],
)
def test_the_optimizer_goes_by_the_network_unless_named(
    values: dict[str, object], is_embedded: bool, expected: tuple[type, float]
) -> None:
    config = build_section(AdaptationConfig, values)
    optimizer = optimizer_of([nn.Parameter(torch.zeros(2, 3))], config, is_embedded=is_embedded)
    assert (type(optimizer), optimizer.param_groups[0]["lr"]) == expected


def test_the_rate_warms_up_to_the_peak_and_falls() -> None:
    config, rates = settings(warmup_steps=2), []
    number, compute = adder([])
    optimizer = optimizer_of([number], config, is_embedded=False)

    def watch(batch: Batch) -> float:
        rates.append(optimizer.param_groups[0]["lr"])
        return compute(batch)

    optimize(optimizer, watch, Feed([TRAIN], config, 4096, 0), config, Bound(10), Adaptation())
    assert rates[0] == pytest.approx(0.1 / 3)
    assert max(rates) == rates[2] <= 0.1
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.01


@pytest.mark.parametrize(("steps", "share"), [(10, 1.0), (25, 1.0), (100, 0.5)])
def test_the_rate_of_muon_falls_with_the_root_of_many_steps(steps: int, share: float) -> None:
    config, rates = settings(optimizer="muon", warmup_steps=0), []
    matrix = nn.Parameter(torch.zeros(2, 3))
    optimizer = optimizer_of([matrix], config, is_embedded=True)

    def compute(_: Batch) -> float:
        rates.append(optimizer.param_groups[0]["lr"])
        matrix.grad = torch.ones_like(matrix)
        return 1.0

    optimize(optimizer, compute, Feed([TRAIN], config, 4096, 0), config, Bound(steps), Adaptation())
    assert rates[0] == max(rates) == pytest.approx(0.1 * share)
    assert len(rates) == steps


def test_spare_time_counts_until_enough_steps_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.adaptation.engine.time.monotonic", lambda: 8.0)
    bound = Bound(100, 10.0, spare_seconds=3.0, spare_below=50)
    assert [bound.seconds_left(step) for step in (0, 49, 50, 99)] == [5.0, 5.0, 2.0, 2.0]
    assert Bound(100).seconds_left(0) is None


def test_epochs_bound_the_steps() -> None:
    config = settings(recipe="paper", epochs=1, max_sequences=10, batch_size=4)
    seen: list[tuple[int, int]] = []
    number, compute = adder(seen)
    report = Adaptation()
    optimizer = optimizer_of([number], config, is_embedded=False)
    optimize(optimizer, compute, Feed([TRAIN], config, 4096, 0), config, Bound(100), report)
    assert report.steps == 3


def test_buckets_pad_less() -> None:
    sizes = [train(settings(recipe="paper", batch_size=2, gradient_accumulation=4, bucket_lengths=on)) for on in (0, 1)]
    assert sizes[1][1].tokens < sizes[0][1].tokens
    np.testing.assert_allclose(sizes[0][1].losses, sizes[1][1].losses, rtol=1e-5)


def test_tasks_take_turns() -> None:
    feed = Feed([TRAIN[:1], TRAIN[1:2], TRAIN[2:3]], settings(batch_size=3), 4096, 0)
    for _ in range(3):
        assert len({len(sequence) for sequence in feed.draw()}) == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 2}, "epochs needs the recipe paper"),
        ({"optimizer": "muon", "method": "full"}, "optimizer muon needs the method lora"),
        ({"adapter": "shared"}, "go together"),
        ({"adapter": "shared", "adapter_folder": "a", "method": "full"}, "adapter shared needs the method lora"),
        ({"targets": ()}, "name layers"),
        ({"method": "full", "four_bit": True}, "four_bit needs the method lora"),
    ],
)
def test_contradictions_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(**values)
