"""Attention in blocks computes what PyTorch's does, forward and backward."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from ensemble.attention import BlockedCausalAttention, attend_backward, attend_forward, blocked_attention
from ensemble.model import build_model


@pytest.mark.parametrize("length", [1, 191, 192, 193, 450])
def test_blocks_equal_causal_attention(length: int) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(3, length, 8, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(3)]
    weights = torch.randn(3, length, 8, generator=generator, dtype=torch.float64)
    expected = scaled_dot_product_attention(*parts, is_causal=True, scale=1.0)
    found = BlockedCausalAttention.apply(*parts)
    assert torch.allclose(found, expected)
    for left, right in zip(
        torch.autograd.grad(found, parts, weights), torch.autograd.grad(expected, parts, weights), strict=True
    ):
        assert torch.allclose(left, right)


@pytest.mark.parametrize("count", [0, 1, 192, 300])
def test_some_queries_attend_as_among_all(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 2, 450, 8, generator=generator, dtype=torch.float64)
    places = torch.randperm(450, generator=generator)[:count].sort().values
    gradient = torch.randn(2, count, 8, generator=generator, dtype=torch.float64)
    every, blocks = attend_forward(query, key, value)
    of_every = torch.zeros_like(every).index_copy(1, places, gradient)
    expected = attend_backward(of_every, query, key, value, blocks)
    some, blocks = attend_forward(query[:, places], key, value, places)
    of_query, of_key, of_value = attend_backward(gradient, query[:, places], key, value, blocks)
    assert torch.allclose(some, every[:, places])
    assert torch.allclose(of_query, expected[0][:, places])
    assert torch.allclose(of_key, expected[1])
    assert torch.allclose(of_value, expected[2])


def test_a_model_computes_the_same_with_blocks_and_attends_as_before_afterwards() -> None:
    model = build_model("tiny", seed=0).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 16, (2, 200), generator=generator)
    positions = torch.randint(0, 9, (3, 2, 200), generator=generator)
    expected = model(input_ids=tokens, position_ids=positions).logits
    with blocked_attention(model):
        found = model(input_ids=tokens, position_ids=positions).logits
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.equal(model(input_ids=tokens, position_ids=positions).logits, expected)
