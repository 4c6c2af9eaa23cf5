"""Matrix products with a few rows on a processor, for decoding.

A step of decoding multiplies the new token of each view by every matrix of the network. The libraries behind
``torch`` are made for many rows and read float32 weights several times slower than memory gives them; the kernel of
``processor.one_token`` reads each weight once for up to eight rows.
"""

import torch
from torch import Tensor, nn

from ensemble.processor.one_token import ROWS, multiply

MAX_ROWS = 2 * ROWS
"""Rows up to which two passes are faster than the library."""


class FewRows(nn.Linear):
    """A frozen linear layer that multiplies few rows by :func:`ensemble.processor.one_token.multiply`."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the product, as ``nn.Linear`` does to rounding."""
        count, weight = input.numel() // self.in_features, self.weight
        known = weight.dtype == input.dtype == torch.float32 and weight.device.type == "cpu" and weight.is_contiguous()
        if count > MAX_ROWS or torch.is_grad_enabled() or not known:
            return super().forward(input)
        rows = input.new_zeros(-(-count // ROWS) * ROWS, self.in_features)
        rows[:count] = input.reshape(count, -1)
        result = torch.empty(len(rows), self.out_features)
        multiply(rows.numpy(), self.weight.detach().numpy(), result.numpy())
        result = result[:count].view(*input.shape[:-1], self.out_features)
        return result if self.bias is None else result + self.bias


def speed_up_few_rows(model: nn.Module) -> None:
    """Let the linear layers of a model on a processor multiply few rows fast; changes their class in place."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = FewRows
