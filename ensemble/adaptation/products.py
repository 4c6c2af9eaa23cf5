"""Matrix products with a few rows on a processor, for decoding.

A step of decoding multiplies the new token of each view by every matrix of the network. The libraries behind
``torch`` are made for many rows and read the weights several times slower than memory gives them; the kernel here reads
each weight once for up to eight rows.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ensemble.processor.fused import njit

ROWS = 8
"""Rows of one pass over the weights."""
MAX_ROWS = 2 * ROWS
"""Rows up to which two passes are faster than the library."""


_ZERO = np.float32(0)


@njit(cache=True, fastmath={"reassoc", "contract"})
def multiply_rows(rows: NDArray[np.float32], weight: NDArray[np.float32], result: NDArray[np.float32]) -> None:
    """Write ``rows (8, I) @ weight (O, I).T`` to ``result (8, O)``."""
    r0, r1, r2, r3, r4, r5, r6, r7 = rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7]
    for o in range(weight.shape[0]):
        line = weight[o]
        s0, s1, s2, s3, s4, s5, s6, s7 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
        for i in range(len(line)):
            w = line[i]
            s0 += w * r0[i]
            s1 += w * r1[i]
            s2 += w * r2[i]
            s3 += w * r3[i]
            s4 += w * r4[i]
            s5 += w * r5[i]
            s6 += w * r6[i]
            s7 += w * r7[i]
        result[0, o], result[1, o], result[2, o], result[3, o] = s0, s1, s2, s3
        result[4, o], result[5, o], result[6, o], result[7, o] = s4, s5, s6, s7


class FewRows(nn.Linear):
    """A frozen linear layer that multiplies few rows by :func:`multiply_rows`."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the product, as ``nn.Linear`` does to rounding."""
        count, weight = input.numel() // self.in_features, self.weight
        known = weight.dtype == input.dtype == torch.float32 and weight.device.type == "cpu" and weight.is_contiguous()
        if count > MAX_ROWS or torch.is_grad_enabled() or not known:
            return super().forward(input)
        rows = input.new_zeros(-(-count // ROWS) * ROWS, self.in_features)
        rows[:count] = input.reshape(count, -1)
        result = torch.empty(len(rows), self.out_features)
        for first in range(0, count, ROWS):
            part = slice(first, first + ROWS)
            multiply_rows(rows[part].numpy(), self.weight.detach().numpy(), result[part].numpy())
        result = result[:count].view(*input.shape[:-1], self.out_features)
        return result if self.bias is None else result + self.bias


def speed_up_few_rows(model: nn.Module) -> None:
    """Let the linear layers of a model on a processor multiply few rows fast; changes their class in place."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = FewRows
