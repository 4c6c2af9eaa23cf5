"""Test-time training: adapt the model to the demonstrations of one task, and take it back afterwards.

Akyürek et al. 2024 (arXiv 2411.07279), section 3: a fresh LoRA adapter for each task, trained on what
``adaptation.training_sets`` makes of its demonstrations by the loop of ``adaptation.engine``. The embedded network
takes the steps of ``processor.written``, llama-like ones on a processor those of ``adaptation.lean``, others autograd.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import torch
from peft import LoraModel
from torch import nn
from transformers import PreTrainedModel

from dsl.task import Example
from ensemble.adaptation.engine import Adaptation, Bound, Feed, MakeTasks, Source, optimize, optimizer_of
from ensemble.adaptation.four_bit import hold_in_four_bits, is_quantized
from ensemble.adaptation.lean import LeanStep, can_run_lean
from ensemble.adaptation.lora_files import add_updates, load_factors, lora_config, losses_of, save_adapter
from ensemble.attention import mixed_precision
from ensemble.config import AdaptationConfig
from ensemble.encode import Batch
from ensemble.errors import ModelError
from ensemble.formats import format_of
from ensemble.model import GridLM, next_token_loss, rotary_positions
from ensemble.optimizer import has_bfloat16_units
from ensemble.processor.adapters import StackedLora
from ensemble.processor.stacked import Stacked, can_write_out, stack
from ensemble.processor.written import WrittenStep

__all__ = ["Adaptation", "Bound", "adapted", "gradients_of", "restorer", "train_lora"]


@contextmanager
def adapted(
    model: PreTrainedModel,
    train: Sequence[Example],
    config: AdaptationConfig,
    *,
    max_tokens: int,
    seed: int,
    bound: Bound,
    save_to: Path | None = None,
    auxiliary: MakeTasks | None = None,
) -> Iterator[Adaptation]:
    """Train the model on the demonstrations of a task, and give it back unchanged when the block ends.

    Inside the block the model is a plain one with the adapted weights (one of four bits has the adapter beside them).
    Afterwards its weights are the very tensors from before, bit for bit, and no adapter is left, whatever happened
    inside.

    Args:
        model: to adapt.
        train: the demonstrations.
        config: how.
        max_tokens: longest sequence.
        seed: of adapter and data.
        bound: when to end.
        save_to: folder for the adapter in peft's layout; needs the method ``lora`` and a model without written steps.
        auxiliary: returns pairs by other rules (``adaptation.auxiliary``) to train on beside the demonstrations; called
            once these are learned.
    """
    if config.four_bit:
        hold_in_four_bits(model)
    with ExitStack() as restore:
        restore.callback(restorer(model))
        report = Adaptation()
        if config.method == "lora" and config.adapter_folder is not None:
            _use_adapter(model, Path(config.adapter_folder), restore)
            report.losses += losses_of(Path(config.adapter_folder))
        elif config.method != "none" and train:
            feed = Feed([train], config, max_tokens, seed, format_of(model), auxiliary)
            if can_write_out(model) and _is_written(config) and save_to is None:
                _train_written(model, feed, config, seed, bound, report)
            elif config.method == "lora":
                train_lora(model, feed, config, seed, bound, report, restore, save_to)
            else:
                _train_full(model, feed, config, bound, report)
        yield report


def _is_written(config: AdaptationConfig) -> bool:
    """Tell whether written steps know these settings."""
    plain = config.targets == "all-linear" and config.adapter_dtype == "float32"
    return plain and config.dropout == 0 and not config.gradient_checkpointing


def restorer(model: PreTrainedModel) -> Callable[[], None]:
    """Return what gives a model its present tensors back."""
    before = [(parameter, parameter.data, parameter.requires_grad) for parameter in model.parameters()]

    def restore() -> None:
        for parameter, data, requires_grad in before:
            parameter.data, parameter.grad = data, None
            parameter.requires_grad_(requires_grad)

    return restore


def _train_written(
    model: GridLM,
    feed: Feed,
    config: AdaptationConfig,
    seed: int,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Train a fresh adapter or all weights with the steps of ``processor.written``, and leave the sum in the model."""
    step = WrittenStep(model, torch.bfloat16 if has_bfloat16_units(model.device) else torch.float32)
    base = stack(model).to(torch.float32)
    if config.method == "lora":
        # The scale of StackedLora is rank-stabilized.
        alpha = config.alpha if config.rank_stabilized else config.alpha / config.rank**0.5
        adapter = StackedLora(base, config.rank, alpha, seed)

        def compute(batch: Batch) -> float:
            loss, gradients = step.of_matrices(base, adapter.folded(step.dtype), batch)
            adapter.take_gradients(gradients)
            return loss

        optimizer = optimizer_of(adapter.parameters(), config, is_embedded=True)
        optimize(optimizer, compute, feed, config, bound, report)
        trained = adapter.merged()
    else:
        parameters = {name: nn.Parameter(tensor) for name, tensor in base.tensors()}
        trained = Stacked(**parameters)

        def compute(batch: Batch) -> float:
            loss, gradients = step(trained, batch)
            for name, gradient in gradients.tensors():
                parameters[name].grad = gradient
            return loss

        optimizer = optimizer_of(list(parameters.values()), config, is_embedded=True)
        optimize(optimizer, compute, feed, config, bound, report)
    tensors = trained.by_name()
    for name, parameter in model.named_parameters():
        parameter.data = tensors[name].detach().to(parameter.dtype)


def train_lora(
    model: PreTrainedModel,
    feed: Source,
    config: AdaptationConfig,
    seed: int,
    bound: Bound,
    report: Adaptation,
    restore: ExitStack,
    save_to: Path | None = None,
) -> None:
    """Train a fresh adapter, detach it, and leave its sum with the base weights in the plain model.

    Weights of four bits cannot hold the sum: there the adapter stays until ``restore`` ends.

    Raises:
        ModelError: an adapter of the head or the embedding is wanted where both are one matrix.
    """
    if {"lm_head", "embed_tokens"} & set(config.targets) and model.config.tie_word_embeddings:
        raise ModelError("targets lm_head and embed_tokens need a model whose head and embedding are not tied")
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        wrapped = LoraModel(model, lora_config(config), "default")
        detach = ExitStack()
        detach.callback(wrapped.unload)
        try:
            trained = [parameter for parameter in wrapped.parameters() if parameter.requires_grad]
            for parameter in trained:
                parameter.data = parameter.data.to(getattr(torch, config.adapter_dtype))
            with _training_mode(model, config):
                optimizer = optimizer_of(trained, config, is_embedded=isinstance(model, GridLM))
                optimize(optimizer, gradients_of(model, config), feed, config, bound, report)
            if save_to is not None:
                save_adapter(wrapped, lora_config(config), save_to, report.losses)
            _leave(model, wrapped, detach, restore)
        finally:
            detach.close()


def _use_adapter(model: PreTrainedModel, folder: Path, restore: ExitStack) -> None:
    """Leave the sum of a stored adapter with the base weights in the model."""
    wrapped = load_factors(model, folder)
    detach = ExitStack()
    detach.callback(wrapped.unload)
    try:
        _leave(model, wrapped, detach, restore)
    finally:
        detach.close()


def _leave(model: PreTrainedModel, wrapped: LoraModel, detach: ExitStack, restore: ExitStack) -> None:
    if is_quantized(model):
        restore.push(detach.pop_all())
        return
    updates = add_updates(wrapped)
    detach.close()
    for weight, data in updates:
        weight.data = data


@contextmanager
def _training_mode(model: PreTrainedModel, config: AdaptationConfig) -> Iterator[None]:
    """Switch on what works in training mode only: dropout, and running layers again in the backward pass."""
    recompute = config.gradient_checkpointing and not can_run_lean(model)
    if recompute:
        # The older name is deprecated, and the newer one is not in every transformers 5.
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    model.train(recompute or config.dropout > 0)
    try:
        yield
    finally:
        model.eval()
        if recompute:
            disable = getattr(model, "activation_checkpointing_disable", None) or model.gradient_checkpointing_disable
            disable()


def gradients_of(model: PreTrainedModel, config: AdaptationConfig) -> Callable[[Batch], float]:
    """Return what computes the loss of a batch and adds its gradients to those of a model's adapter."""
    if can_run_lean(model):
        dtype = torch.bfloat16 if has_bfloat16_units(model.device) else torch.float32
        return LeanStep(model, dtype, recompute=config.gradient_checkpointing)
    return _by_autograd(model)


def _train_full(
    model: PreTrainedModel,
    feed: Feed,
    config: AdaptationConfig,
    bound: Bound,
    report: Adaptation,
) -> None:
    """Train all weights as float32 copies, and leave them in the model in its own dtype."""
    dtype = model.dtype
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.float32, copy=True)
        parameter.requires_grad_(True)
    optimizer = optimizer_of(list(model.parameters()), config, is_embedded=isinstance(model, GridLM))
    optimize(optimizer, _by_autograd(model), feed, config, bound, report)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
        parameter.requires_grad_(False)
        parameter.grad = None


def _by_autograd(model: PreTrainedModel) -> Callable[[Batch], float]:
    mixed = has_bfloat16_units(model.device)

    def compute(batch: Batch) -> float:
        batch = batch.to(model.device)
        with torch.enable_grad(), mixed_precision(model) if mixed else nullcontext():
            read = {"features": batch.features, "under": batch.under} if isinstance(model, GridLM) else {}
            positions = rotary_positions(model, batch.positions)
            logits = model(input_ids=batch.tokens, position_ids=positions, **read).logits
            loss = next_token_loss(logits, batch.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    return compute
