import time
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from dsl.grid import as_grid, grid_from_text
from dsl.task import Example
from ensemble import ttt
from ensemble.adaptation.training_sets import training_sequences
from ensemble.config import AdaptationConfig
from ensemble.encode import IGNORE, OUT, collate, encoded_length
from ensemble.model import GridLM, build_model
from ensemble.ttt import Bound, adapted

TRAIN = tuple(Example(grid_from_text(f"{k}0/00"), grid_from_text("00/00")) for k in (1, 2, 3))


@pytest.fixture(params=["written out", "by autograd"])
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> GridLM:
    if request.param == "by autograd":
        monkeypatch.setattr("ensemble.ttt.can_write_out", lambda _: False)
    model = build_model("tiny", seed=0).eval().requires_grad_(False)
    model.model.embed_tokens.weight.data *= 8.0  # as large as after pre-training, so that an adapter reaches the output
    return model


def adapt(model: GridLM, steps: int = 4, seed: int = 0, **settings: object) -> list[float]:
    config = AdaptationConfig.model_validate({"learning_rate": 0.01, **settings})
    with adapted(model, TRAIN, config, max_tokens=512, seed=seed, bound=Bound(steps)) as report:
        return report.losses


@pytest.mark.parametrize("method", ["lora", "full"])
def test_loss_falls(model: GridLM, method: str) -> None:
    losses = adapt(model, steps=60, method=method, batch_size=2, learning_rate=0.01, direct_share=0.0)
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:3])


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("fail", [False, True])
def test_base_weights_are_the_same_bits_afterwards(model: GridLM, method: str, fail: bool) -> None:
    weights = [parameter.clone() for parameter in model.parameters()]
    modules = [(name, type(module)) for name, module in model.named_modules()]
    attributes = set(vars(model))
    config = AdaptationConfig.model_validate({"method": method})
    try:
        with adapted(model, TRAIN, config, max_tokens=512, seed=0, bound=Bound(2)):
            if fail:
                raise RuntimeError("inside the block")
    except RuntimeError:
        assert fail
    for before, after in zip(weights, model.parameters(), strict=True):
        assert torch.equal(before, after)
        assert not after.requires_grad
        assert after.grad is None
    assert [(name, type(module)) for name, module in model.named_modules()] == modules
    assert set(vars(model)) == attributes


def test_a_failing_step_leaves_nothing_behind(model: GridLM, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = [type(module) for module in model.modules()]

    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        adapt(model)
    assert [type(module) for module in model.modules()] == modules


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_model_is_plain_and_changed_inside(model: GridLM, method: str) -> None:
    modules = [type(module) for module in model.modules()]
    before = model.model.layers[0].mlp.up_proj.weight.clone()
    config = AdaptationConfig.model_validate({"method": method, "learning_rate": 0.01})
    with adapted(model, TRAIN, config, max_tokens=512, seed=0, bound=Bound(2)):
        assert [type(module) for module in model.modules()] == modules
        assert not torch.equal(model.model.layers[0].mlp.up_proj.weight, before)


@pytest.mark.parametrize("model", ["by autograd"], indirect=True)
def test_merged_adapter_computes_what_was_trained(model: GridLM) -> None:
    sequence = next(training_sequences(TRAIN, AdaptationConfig(), 512, np.random.default_rng(0)))
    batch = collate([sequence])
    inputs = batch.inputs()
    seen: list[torch.Tensor] = []
    optimize = ttt.optimize

    def record() -> None:
        with torch.no_grad():
            seen.append(model(**inputs).logits)

    def optimize_and_record(*arguments: Any) -> None:
        optimize(*arguments)
        record()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ensemble.ttt.optimize", optimize_and_record)
        config = AdaptationConfig(learning_rate=0.01)
        with adapted(model, TRAIN, config, max_tokens=512, seed=0, bound=Bound(3)):
            record()
    torch.testing.assert_close(seen[0], seen[1], atol=1e-4, rtol=1e-4)


def test_none_adapts_nothing(model: GridLM) -> None:
    assert adapt(model, method="none") == []


def test_steps_decide_alone_and_the_seed_repeats(model: GridLM) -> None:
    torch.manual_seed(1)
    first = adapt(model, steps=3, seed=7)
    torch.manual_seed(2)
    assert adapt(model, steps=3, seed=7) == first
    assert len(first) == 3
    assert adapt(model, steps=3, seed=8) != first


def test_training_leaves_the_global_generator_alone(model: GridLM) -> None:
    before = torch.random.get_rng_state()
    adapt(model)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_clock_ends_training(model: GridLM) -> None:
    started = time.monotonic()
    bound = Bound(steps=10**6, deadline=started + 0.5)
    with adapted(model, TRAIN, AdaptationConfig(), max_tokens=512, seed=0, bound=bound) as report:
        assert 1 <= report.steps < 10**6
    assert time.monotonic() - started < 2.0


def test_every_demonstration_is_last_in_turn() -> None:
    config = AdaptationConfig(formats=("leave_one_out",))
    train = tuple(Example(as_grid(np.full((1, k), 0)), as_grid(np.full((1, k), 0))) for k in (1, 2, 3))
    drawn = list(islice(training_sequences(train, config, 512, np.random.default_rng(0)), 6))
    last_outputs = [sequence.labels[np.flatnonzero(sequence.tokens == OUT)[-1] + 1 :] for sequence in drawn]
    areas = [int((output < 10).sum()) for output in last_outputs]
    assert sorted(areas[:3]) == sorted(areas[3:]) == [1, 2, 3]


def test_direct_sequences_show_one_pair_and_train_it() -> None:
    config = AdaptationConfig(formats=("direct",))
    for sequence in islice(training_sequences(TRAIN, config, 512, np.random.default_rng(0)), 5):
        assert (sequence.tokens == OUT).sum() == 1
        assert (sequence.labels != IGNORE).sum() == 6


def test_both_formats_are_mixed_as_configured() -> None:
    config = AdaptationConfig(direct_share=0.25)
    drawn = islice(training_sequences(TRAIN, config, 512, np.random.default_rng(0)), 400)
    direct = sum(int((sequence.tokens == OUT).sum() == 1) for sequence in drawn)
    assert 70 < direct < 130


def test_long_sequences_lose_demonstrations_but_keep_a_loss() -> None:
    two_pairs = encoded_length(TRAIN[:2])
    config = AdaptationConfig(formats=("leave_one_out",))
    for limit, pairs in ((two_pairs, 2), (two_pairs - 1, 1)):
        for sequence in islice(training_sequences(TRAIN, config, limit, np.random.default_rng(0)), 5):
            assert (sequence.tokens == OUT).sum() == pairs
            assert (sequence.labels != IGNORE).any()


def test_a_single_demonstration_is_trained_directly(model: GridLM) -> None:
    config = AdaptationConfig(formats=("leave_one_out",))
    with adapted(model, TRAIN[:1], config, max_tokens=512, seed=0, bound=Bound(2)) as report:
        assert np.isfinite(report.losses).all()


@pytest.mark.parametrize("method", ["lora", "full"])
def test_written_steps_train_what_autograd_trains(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr("ensemble.ttt.has_bfloat16_units", lambda _: False)
    plain = build_model("tiny", seed=0).eval().requires_grad_(False)
    plain.model.embed_tokens.weight.data *= 8.0
    config = AdaptationConfig.model_validate({"method": method, "learning_rate": 1e-3, "batch_size": 2})
    results = []
    for written in (True, False):
        monkeypatch.setattr("ensemble.ttt.can_write_out", lambda _, written=written: written)
        with adapted(plain, TRAIN, config, max_tokens=512, seed=3, bound=Bound(6)) as report:
            results.append((report.losses, {name: p.clone() for name, p in plain.named_parameters()}))
    (losses, weights), (expected_losses, expected) = results
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=2e-4, msg=name)
