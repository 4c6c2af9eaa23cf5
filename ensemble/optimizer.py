"""Muon for weight matrices, AdamW for everything else: one optimizer with state that is addressed by name.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces a matrix's momentum by its nearest
orthogonal matrix, found with five Newton-Schulz steps; the update is scaled as in Liu et al. 2025 (arXiv 2502.16982,
section 2.2), so that one learning rate serves matrices of every shape. AdamW is Loshchilov and Hutter 2019.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ensemble.errors import ModelError

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the odd quintic: steepest at 0, singular values end in about 0.7..1.2."""

FLAT = 4
"""From this ratio of its sides on, a matrix is orthogonalized by its Gram matrix."""

_STATE_OF_RULE = {"muon": ("momentum",), "adamw": ("mean", "square")}


@lru_cache
def has_bfloat16_units(device: torch.device) -> bool:
    """Tell whether a device multiplies bfloat16 matrices faster than float32 ones; processors without emulate it."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return device.type == "cuda"


def orthogonalize(matrices: Tensor, steps: int = 5, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the nearly orthogonal factors of ``(N, rows, columns)`` matrices.

    Computes in ``dtype``, where one side is ``FLAT`` times the other in float32.
    """
    tall = matrices.size(-2) > matrices.size(-1)
    wide = matrices.mT if tall else matrices
    is_flat = wide.size(-1) >= FLAT * wide.size(-2)
    found = _by_gram_matrices(wide.float(), steps) if is_flat else _step_by_step(wide.to(dtype), steps)
    return (found.mT if tall else found).to(matrices.dtype)


def _step_by_step(x: Tensor, steps: int) -> Tensor:
    a, b, c = NEWTON_SCHULZ
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _by_gram_matrices(x: Tensor, steps: int) -> Tensor:
    """Return the same as ``_step_by_step``, faster for flat matrices.

    Every step multiplies by a polynomial of the Gram matrix, and these commute: the steps are taken on square matrices
    of the short side, and what they make together is multiplied once.
    """
    a, b, c = NEWTON_SCHULZ
    gram = x @ x.mT
    size = gram.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None].sqrt() + 1e-7
    gram /= size.square()
    identity = torch.eye(gram.size(-1), device=gram.device)
    product = identity / size
    for step in range(steps):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c).add_(identity, alpha=a)
        product = factor @ product
        if step + 1 < steps:
            gram = factor @ gram @ factor
    return product @ x


def split_parameters(model: nn.Module) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """Return the parameters for Muon (two-dimensional, not an embedding or head) and the others, by name."""
    not_matrices: set[int] = set()
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            not_matrices.add(id(module.weight))
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is not None:
        not_matrices.add(id(head.weight))
    matrices: dict[str, nn.Parameter] = {}
    others: dict[str, nn.Parameter] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            target = matrices if parameter.ndim == 2 and id(parameter) not in not_matrices else others
            target[name] = parameter
    return matrices, others


class MuonAdamW(torch.optim.Optimizer):
    """Update matrices by Muon and the rest by AdamW; parameters stay float32 and are their own master copy.

    Args:
        matrices: parameters ``(..., rows, columns)`` by name, updated by Muon, each matrix by itself.
        others: the remaining parameters by name, updated by AdamW without weight decay.
        lr: learning rate of Muon; an update's root mean square is 0.2 x lr.
        adamw_lr: learning rate of AdamW.
        weight_decay: decoupled decay of the matrices, multiplied by the learning rate.
        momentum: decay of Muon's momentum (Nesterov form).
        newton_schulz_steps: of Muon; fewer leave more of the gradient's own singular values.
        betas: decays of AdamW's mean and mean square.
        eps: added to AdamW's denominator.
    """

    def __init__(
        self,
        matrices: Mapping[str, nn.Parameter],
        others: Mapping[str, nn.Parameter],
        *,
        lr: float,
        adamw_lr: float,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        newton_schulz_steps: int = 5,
        betas: tuple[float, float] = (0.9, 0.98),
        eps: float = 1e-8,
    ) -> None:
        groups: list[dict[str, Any]] = []
        for rows_columns in sorted({tuple(p.shape) for p in matrices.values()}):
            same = [p for p in matrices.values() if tuple(p.shape) == rows_columns]
            groups.append({"params": same, "rule": "muon", "peak_lr": lr, "weight_decay": weight_decay})
        if others:
            groups.append({"params": list(others.values()), "rule": "adamw", "peak_lr": adamw_lr, "weight_decay": 0.0})
        super().__init__(groups, {"lr": 0.0, "momentum": momentum, "betas": betas, "eps": eps, "step": 0})
        self._newton_schulz_steps = newton_schulz_steps
        self._names = {parameter: name for name, parameter in (*matrices.items(), *others.items())}
        self.set_lr_scale(1.0)

    def set_lr_scale(self, scale: float) -> None:
        """Set every learning rate to a share of its peak."""
        for group in self.param_groups:
            group["lr"] = group["peak_lr"] * scale

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter that has a gradient; ``closure`` is evaluated first if given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            group["step"] += 1
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            if group["rule"] == "muon":
                self._muon(parameters, group)
            else:
                self._adamw(parameters, group)
        return loss

    def _muon(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        momentum = group["momentum"]
        directions = []
        for parameter in parameters:
            assert parameter.grad is not None
            buffer, gradient = self._buffer(parameter, "momentum"), parameter.grad.float()
            buffer.lerp_(gradient, 1 - momentum)
            directions.append(gradient.lerp_(buffer, momentum))  # the gradient is not needed any more
        shape = parameters[0].shape
        scale = 0.2 * max(shape[-2:]) ** 0.5
        dtype = torch.bfloat16 if has_bfloat16_units(parameters[0].device) else torch.float32
        stacked = torch.stack(directions) if len(directions) > 1 else directions[0][None]
        matrices = stacked.flatten(0, -3)
        updates = orthogonalize(matrices, self._newton_schulz_steps, dtype).view(-1, *shape)
        for parameter, update in zip(parameters, updates, strict=True):
            if group["weight_decay"]:
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update, alpha=-group["lr"] * scale)

    def _adamw(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        beta_mean, beta_square = group["betas"]
        mean_left = 1 - beta_mean ** group["step"]
        square_left = 1 - beta_square ** group["step"]
        for parameter in parameters:
            assert parameter.grad is not None
            mean, square = self._buffer(parameter, "mean"), self._buffer(parameter, "square")
            mean.lerp_(parameter.grad, 1 - beta_mean)
            square.mul_(beta_square).addcmul_(parameter.grad, parameter.grad, value=1 - beta_square)
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            denominator = (square / square_left).sqrt_().add_(group["eps"])
            parameter.addcdiv_(mean, denominator, value=-group["lr"] / mean_left)

    def _buffer(self, parameter: nn.Parameter, key: str) -> Tensor:
        state = self.state[parameter]
        if key not in state:
            state[key] = torch.zeros_like(parameter, dtype=torch.float32)
        buffer: Tensor = state[key]
        return buffer

    def named_state(self) -> dict[str, Tensor]:
        """Return every buffer under ``parameter name/buffer name``, and the step count under ``step``."""
        tensors = {"step": torch.tensor(self.param_groups[0]["step"])}
        for parameter, name in self._names.items():
            tensors.update({f"{name}/{key}": buffer for key, buffer in self.state[parameter].items()})
        return tensors

    def load_named_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what :meth:`named_state` returned.

        Raises:
            ModelError: a buffer is missing or belongs to no parameter.
        """
        expected = {f"{self._names[p]}/{key}" for p, key in self._keys()} | {"step"}
        if int(tensors["step"]) > 0 and set(tensors) != expected:
            wrong = min(set(tensors) ^ expected)
            raise ModelError(f"optimizer state does not fit the model at {wrong!r}; start a new work folder")
        for parameter, key in self._keys():
            buffer = tensors.get(f"{self._names[parameter]}/{key}")
            if buffer is not None:
                self.state[parameter][key] = buffer.to(device=parameter.device, dtype=torch.float32, copy=True)
        for group in self.param_groups:
            group["step"] = int(tensors["step"])

    def _keys(self) -> Iterable[tuple[nn.Parameter, str]]:
        for group in self.param_groups:
            for parameter in group["params"]:
                for key in _STATE_OF_RULE[group["rule"]]:
                    yield parameter, key


def build_optimizer(model: nn.Module, *, lr: float, adamw_lr: float, weight_decay: float) -> MuonAdamW:
    """Return the optimizer of a model's trainable parameters."""
    matrices, others = split_parameters(model)
    return MuonAdamW(matrices, others, lr=lr, adamw_lr=adamw_lr, weight_decay=weight_decay)
