"""LoRA on the weights of ``ensemble.processor.stacked``: merged before each step, so that a step costs what it did.

Hu et al. 2021 (arXiv 2106.09685), with the rank-stabilized scale of Kalajdzievski 2023 (arXiv 2312.03732), on every
matrix of every layer. Adapters begin as peft's do under the same seed, and compute the same to rounding.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from ensemble.processor import fused
from ensemble.processor.stacked import MATRICES, Folded, Stacked, array, fold


class StackedLora:
    """A fresh adapter of a network.

    Args:
        base: its weights; they stay as they are.
        rank: of each matrix's update.
        alpha: scale of the updates times the root of the rank.
        seed: of the random half; the global generator is left alone.

    Attributes:
        pairs: for each of ``MATRICES`` the factors ``(G, rank, in)``, random, and ``(G, out, rank)``, zero at
            first; ``G`` matrices of the kind in all layers.
    """

    def __init__(self, base: Stacked, rank: int, alpha: float, seed: int) -> None:
        self._base, self._scale = base, alpha / rank**0.5
        self._norms = {
            "attention": base.norms[0:-1:2].repeat_interleave(3, 0),
            "mixed": torch.ones_like(base.mixed[:, 0]),
            "gate_up": base.norms[1:-1:2].repeat_interleave(2, 0),
            "down": torch.ones_like(base.down[:, 0]),
        }
        self._folded: Folded | None = None
        self.pairs: dict[str, tuple[nn.Parameter, nn.Parameter]] = {}
        for name in MATRICES:
            matrices = getattr(base, name).flatten(0, -3)
            number, outputs, inputs = matrices.shape
            factors = torch.empty(number, rank, inputs), torch.zeros(number, outputs, rank)
            self.pairs[name] = (nn.Parameter(factors[0]), nn.Parameter(factors[1]))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            for layer in range(len(base.down)):
                for name in MATRICES:
                    self._draw(name, layer, len(self.pairs[name][0]) // len(base.down))

    def _draw(self, name: str, layer: int, each: int) -> None:
        inner, outer = self.pairs[name]
        for k in range(layer * each, (layer + 1) * each):
            # peft builds two linear layers, which draw weights of their own, before it draws the one that counts.
            for factor in (inner[k], torch.empty_like(outer[k]), inner[k]):
                nn.init.kaiming_uniform_(factor, a=5**0.5)

    def parameters(self) -> list[nn.Parameter]:
        """Return what is trained."""
        return [factor for pair in self.pairs.values() for factor in pair]

    @torch.no_grad()
    def merged(self) -> Stacked:
        """Return the adapted network."""
        adapted: dict[str, Tensor] = {}
        for name, (inner, outer) in self.pairs.items():
            base = getattr(self._base, name)
            adapted[name] = torch.baddbmm(base.flatten(0, -3), outer, inner, alpha=self._scale).view_as(base)
        return replace(self._base, **adapted)

    @torch.no_grad()
    def folded(self, dtype: torch.dtype) -> Folded:
        """Return the adapted network's matrices as a step multiplies with them."""
        if self._folded is None or self._folded.mixed.dtype != dtype:
            own = fold(self._base, dtype)  # some of its matrices may be those of the base
            self._folded = replace(own, **{name: torch.empty_like(getattr(own, name)) for name in MATRICES})
        for name, (inner, outer) in self.pairs.items():
            base = getattr(self._base, name).flatten(0, -3)
            update = torch.bmm(outer.to(dtype), inner.to(dtype))
            into = getattr(self._folded, name).view(base.shape)
            fused.add_update(array(base), array(update), self._scale, array(self._norms[name]), array(into))
        return self._folded

    @torch.no_grad()
    def take_gradients(self, gradients: Stacked) -> None:
        """Set the factors' gradients from those of the folded matrices (``WrittenStep.of_matrices``)."""
        for name, (inner, outer) in self.pairs.items():
            of_matrices, norms = getattr(gradients, name).flatten(0, -3), self._norms[name][:, None]
            dtype = of_matrices.dtype
            scaled = (inner * norms).mul_(self._scale).to(dtype)
            outer.grad = torch.bmm(of_matrices, scaled.mT).to(outer.dtype)
            of_inner = torch.bmm(outer.mT.to(dtype), of_matrices)
            inner.grad = of_inner.to(inner.dtype).mul_(norms).mul_(self._scale)
