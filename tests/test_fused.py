"""Fused kernels against plain torch, in float32 and with bfloat16 arrays."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ensemble.processor import fused
from ensemble.processor.stacked import array

DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Allow for the rounding of the narrower dtype."""
    tolerance = 1e-5 if found.dtype == torch.float32 else 0.01
    torch.testing.assert_close(found.float(), expected.float(), rtol=tolerance, atol=tolerance)


def test_numbers_are_rounded_to_bfloat16_as_torch_rounds() -> None:
    hidden, normed, scales = random(50, 64), torch.empty(50, 64, dtype=torch.bfloat16), torch.empty(50)
    fused.norm(array(hidden), 1e-6, array(normed), array(scales))
    assert torch.equal(normed, (hidden * scales[:, None]).bfloat16())


@DTYPES
def test_norm_forward_and_backward(dtype: torch.dtype) -> None:
    hidden, added, gradient = random(7, 64), random(7, 64, dtype=dtype, seed=1), random(7, 64, dtype=dtype, seed=2)
    total = (hidden + added.float()).requires_grad_()
    expected = functional.rms_norm(total, (64,), eps=1e-6)
    normed, scales = torch.empty(7, 64, dtype=dtype), torch.empty(7)
    fused.add_and_norm(array(hidden), array(added), 1e-6, array(normed), array(scales))
    assert torch.equal(hidden, total.detach())
    assert_near(normed, expected.detach())
    of_hidden, narrow = torch.ones(7, 64), torch.empty(7, 64, dtype=dtype)
    fused.norm_backward(array(gradient), array(normed), array(scales), array(of_hidden), array(narrow))
    (of_total,) = torch.autograd.grad(expected, total, gradient.float())
    torch.testing.assert_close(of_hidden, 1 + of_total, rtol=0.02, atol=0.02 if dtype == torch.bfloat16 else 1e-5)
    assert torch.equal(narrow, of_hidden.to(dtype))


@DTYPES
def test_gate_forward_and_backward(dtype: torch.dtype) -> None:
    gate_up, gradient = 4 * random(5, 96, dtype=dtype), random(5, 48, dtype=dtype, seed=1)
    gate_up[0, :4] = torch.tensor([200.0, -200.0, 1e-20, 0.0])
    leaf = gate_up.float().clone().requires_grad_()
    expected = functional.silu(leaf[:, :48]) * leaf[:, 48:]
    inner, of_gate_up = torch.empty(5, 48, dtype=dtype), torch.empty(5, 96, dtype=dtype)
    fused.gate(array(gate_up), array(inner))
    fused.gate_backward(array(gradient), array(gate_up), array(of_gate_up))
    assert_near(inner, expected.detach())
    assert_near(of_gate_up, torch.autograd.grad(expected, leaf, gradient.float())[0])


@DTYPES
def test_new_tokens_attend_to_their_own_visible_entries_and_themselves(dtype: torch.dtype) -> None:
    query = random(3, 3, 16, dtype=dtype)
    keys, values = random(2, 3, 9, 16, dtype=dtype), random(2, 3, 9, 16, dtype=dtype)
    visible = torch.zeros(3, 9, dtype=torch.bool)
    visible[0, :6] = visible[1, 0] = visible[1, 3:5] = visible[2, 2:4] = True
    sequence, place = torch.tensor([0, 1, 1]), torch.tensor([6, 6, 7])
    keys[:, :, 8] = float("nan")  # beyond the new tokens
    mixed = torch.empty(3, 3, 16, dtype=dtype)
    fused.attend_one(
        array(query),
        array(keys),
        array(values),
        array(visible),
        6,
        array(sequence),
        array(place),
        array(torch.empty(7)),
        array(mixed),
    )
    seen = visible[:, :8].clone()
    seen[torch.arange(3), place] = True
    expected = functional.scaled_dot_product_attention(
        query.float()[:, :, None],
        keys[sequence, :, :8].float(),
        values[sequence, :, :8].float(),
        seen[:, None, None],
        scale=1.0,
    )
    assert_near(mixed, expected[:, :, 0])
