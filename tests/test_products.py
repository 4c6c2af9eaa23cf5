import pytest
import torch
from torch import nn

from ensemble.adaptation.products import MAX_ROWS, FewRows, speed_up_few_rows


@pytest.mark.parametrize("count", [1, 3, 8, 9, MAX_ROWS, MAX_ROWS + 1])
@pytest.mark.parametrize("bias", [False, True])
def test_products_are_those_of_the_stock_layer(count: int, bias: bool) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(37, 21, bias), torch.randn(count, 1, 37)
    with torch.no_grad():
        expected = layer(x)
        speed_up_few_rows(nn.ModuleList([layer]))
        assert type(layer) is FewRows
        torch.testing.assert_close(layer(x), expected)


def test_gradients_go_the_usual_way() -> None:
    layer = nn.Linear(5, 3)
    speed_up_few_rows(nn.ModuleList([layer]))
    layer(torch.ones(2, 5)).sum().backward()
    assert layer.weight.grad is not None
    with torch.no_grad():
        assert layer.double()(torch.ones(2, 5, dtype=torch.float64)).dtype is torch.float64
