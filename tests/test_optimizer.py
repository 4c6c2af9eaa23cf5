"""Muon's updates are orthogonal, AdamW's equal PyTorch's, and the state survives a round trip by name."""

import pytest
import torch
from torch import nn

from ensemble.errors import ModelError
from ensemble.optimizer import MuonAdamW, build_optimizer, orthogonalize, split_parameters


class TinyModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.embedding = nn.Embedding(5, 8)
        self.up = nn.Linear(8, 12)
        self.down = nn.Linear(12, 8, bias=False)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.down(self.up(self.embedding(tokens)).relu())
        return out


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, first: int = 0) -> None:
    for step in range(first, first + steps):
        tokens = torch.randint(0, 5, (16,), generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (model(tokens) - 1).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 6, 20), (2, 20, 6), (2, 4, 40), (2, 40, 4)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonalize(matrices))
    assert values.min() > 0.5
    assert values.max() < 1.3


@pytest.mark.parametrize("shape", [(2, 4, 40), (2, 40, 4)])
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_flat_matrices_take_the_same_steps(shape: tuple[int, int, int], steps: int) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(4)) * 0.01
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ensemble.optimizer.FLAT", 100)
        expected = orthogonalize(matrices, steps)
    torch.testing.assert_close(orthogonalize(matrices, steps), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(orthogonalize(torch.zeros(shape), steps), torch.zeros(shape))


def test_orthogonalizing_keeps_the_singular_directions() -> None:
    matrix = torch.randn((1, 6, 10), generator=torch.Generator().manual_seed(2))
    left, _, right = torch.linalg.svd(matrix[0], full_matrices=False)
    rotated = left.T @ orthogonalize(matrix)[0] @ right.T
    assert (rotated - torch.diag(rotated.diagonal())).abs().max() < 1e-3


def test_embeddings_and_vectors_are_left_to_adamw() -> None:
    matrices, others = split_parameters(TinyModel())
    assert sorted(matrices) == ["down.weight", "up.weight"]
    assert sorted(others) == ["embedding.weight", "up.bias"]


def test_adamw_rule_equals_pytorch() -> None:
    ours, theirs = TinyModel(), TinyModel()
    parameters = dict(ours.named_parameters())
    train(ours, MuonAdamW({}, parameters, lr=0.0, adamw_lr=0.01), 20)
    train(theirs, torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=0.0), 20)
    for name, value in theirs.named_parameters():
        torch.testing.assert_close(parameters[name].data, value.data)


def test_a_muon_step_has_the_promised_size() -> None:
    model = TinyModel()
    before = model.up.weight.detach().clone()
    train(model, build_optimizer(model, lr=0.01, adamw_lr=0.0, weight_decay=0.0), 1)
    spread = (model.up.weight - before).square().mean().sqrt().item()
    assert 0.2 * 0.01 * 0.5 < spread < 0.2 * 0.01 * 1.3


def test_matrices_in_one_parameter_are_updated_each_by_itself() -> None:
    generator = torch.Generator().manual_seed(3)
    values, gradients = (torch.randn((2, 3, 6, 10), generator=generator) for _ in range(2))
    together = nn.Parameter(values.clone())
    apart = {f"{i}{j}": nn.Parameter(values[i, j].clone()) for i in range(2) for j in range(3)}
    together.grad = gradients
    for (i, j), parameter in zip([(i, j) for i in range(2) for j in range(3)], apart.values(), strict=True):
        parameter.grad = gradients[i, j] * 7.0  # the size of a gradient does not count
    for matrices in ({"all": together}, apart):
        MuonAdamW(matrices, {}, lr=0.1, adamw_lr=0.0).step()
    torch.testing.assert_close(together[1, 2], apart["12"], rtol=1e-2, atol=1e-3)
    assert (together - values).abs().min() > 0


def test_weight_decay_shrinks_matrices_only() -> None:
    decayed, plain = TinyModel(), TinyModel()
    train(decayed, build_optimizer(decayed, lr=0.01, adamw_lr=0.01, weight_decay=0.5), 1)
    train(plain, build_optimizer(plain, lr=0.01, adamw_lr=0.01, weight_decay=0.0), 1)
    torch.testing.assert_close(decayed.up.weight, plain.up.weight - 0.005 * TinyModel().up.weight)
    torch.testing.assert_close(decayed.embedding.weight, plain.embedding.weight)


def test_training_goes_on_identically_from_the_named_state() -> None:
    straight = TinyModel()
    train(straight, build_optimizer(straight, lr=0.01, adamw_lr=0.01, weight_decay=0.1), 6)
    first, second = TinyModel(), TinyModel()
    optimizer = build_optimizer(first, lr=0.01, adamw_lr=0.01, weight_decay=0.1)
    train(first, optimizer, 3)
    second.load_state_dict(first.state_dict())
    resumed = build_optimizer(second, lr=0.01, adamw_lr=0.01, weight_decay=0.1)
    resumed.load_named_state(optimizer.named_state())
    train(second, resumed, 3, first=3)
    for name, value in straight.named_parameters():
        assert torch.equal(value, dict(second.named_parameters())[name]), name


def test_a_state_of_another_model_is_refused() -> None:
    model = TinyModel()
    optimizer = build_optimizer(model, lr=0.01, adamw_lr=0.01, weight_decay=0.1)
    train(model, optimizer, 1)
    state = optimizer.named_state()
    del state["up.weight/momentum"]
    with pytest.raises(ModelError, match=r"up\.weight/momentum"):
        optimizer.load_named_state(state)
