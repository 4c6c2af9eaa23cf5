"""The written-out training step computes what autograd computes."""

import numba
import numpy as np
import pytest
import torch

from ensemble.encode import IGNORE, Batch
from ensemble.features import NUM_VALUES
from ensemble.model import GridLM, build_model, model_config
from ensemble.processor.adapters import StackedLora
from ensemble.processor.stacked import can_write_out, fold, stack
from ensemble.processor.written import WrittenStep


@pytest.fixture
def model() -> GridLM:
    model = build_model(model_config(128, 3, 2, 96)).double()
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.mul_(1 + 0.3 * torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
            else:
                parameter.mul_(4)
    return model


def random_batch(num_rows: int, length: int) -> Batch:
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.integers(0, 15, (num_rows, length)))
    labels = torch.where(torch.from_numpy(rng.random((num_rows, length)) < 0.4), tokens, IGNORE)
    positions = torch.from_numpy(rng.integers(0, 12, (3, num_rows, length)))
    features = torch.from_numpy(rng.integers(0, NUM_VALUES, (num_rows, length, 5)))
    features[:, ::3] = 0
    under = torch.from_numpy(rng.integers(0, length // 3, (2, num_rows, length)) * 3 + 1)
    under[:, :, 1::3] = -1  # these are inputs
    under[0, :, ::2] = -1
    return Batch(tokens, positions, labels, features, under)


@pytest.mark.parametrize(("num_rows", "length"), [(1, 150), (3, 40), (2, 300)])
def test_loss_and_gradients_are_those_of_autograd(model: GridLM, num_rows: int, length: int) -> None:
    batch = random_batch(num_rows, length)
    loss = model(**batch.inputs(), labels=batch.labels).loss
    loss.backward()
    found, gradients = WrittenStep(model, torch.float64)(stack(model), batch)
    assert found == pytest.approx(loss.item(), rel=1e-5)  # the model's own loss is in float32
    by_name = gradients.by_name()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(by_name[name], parameter.grad, rtol=1e-4, atol=1e-7, msg=name)


def test_gradients_of_matrices_alone_are_the_same(model: GridLM) -> None:
    step, weights, batch = WrittenStep(model, torch.float64), stack(model), random_batch(2, 30)
    (loss, every), (same_loss, matrices) = (
        step(weights, batch),
        step.of_matrices(weights, fold(weights, step.dtype), batch),
    )
    assert same_loss == loss
    norms = {"attention": weights.norms[0:-1:2], "gate_up": weights.norms[1:-1:2]}
    for name in ("attention", "mixed", "gate_up", "down"):
        folded = getattr(matrices, name)
        assert torch.equal(folded * norms[name][:, None, None] if name in norms else folded, getattr(every, name))
    assert not matrices.norms.any()
    assert not matrices.embedding.any()


def test_an_adapter_gets_the_gradients_of_its_sum(model: GridLM) -> None:
    step, base, batch = WrittenStep(model, torch.float64), stack(model), random_batch(1, 30)
    adapter = StackedLora(base, 4, 8.0, seed=0)
    for factor in adapter.parameters():
        factor.data = torch.randn(factor.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    adapter.folded(step.dtype)
    merged = adapter.merged()
    loss, gradients = step.of_matrices(base, adapter.folded(step.dtype), batch)
    adapter.take_gradients(gradients)
    expected_loss, every = step(merged, batch)
    assert loss == pytest.approx(expected_loss)
    for name, (inner, outer) in adapter.pairs.items():
        of_sum = getattr(every, name).flatten(0, -3)
        torch.testing.assert_close(outer.grad, 4.0 * of_sum @ inner.mT)
        torch.testing.assert_close(inner.grad, 4.0 * outer.mT @ of_sum)


def test_stacking_keeps_every_weight(model: GridLM) -> None:
    by_name = stack(model).by_name()
    assert by_name.keys() == dict(model.named_parameters()).keys()
    assert all(torch.equal(by_name[name], parameter) for name, parameter in model.named_parameters())


def test_grouped_keys_and_uncompiled_kernels_are_left_to_autograd() -> None:
    assert can_write_out(build_model("tiny")) is not bool(numba.config.DISABLE_JIT)
    assert not can_write_out(GridLM(model_config(128, 1, 2, 96, num_key_value_heads=1)))
