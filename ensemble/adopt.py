"""Other causal language models as grid models: the stock network, its vocabulary cut to the tokens of a text format.

Franzen et al. (arXiv 2505.07859) cut the vocabulary likewise. The kept rows of embedding and head are those of the
format's tokens, so that the model starts from what it knows of them. Such a model sees positions in one dimension.
Fine-tuned and saved, its folder loads again without the tokenizer; ``restore_vocabulary`` puts the rows back.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PretrainedConfig, PreTrainedModel

from ensemble.adaptation.products import speed_up_few_rows
from ensemble.errors import ModelError
from ensemble.formats import SETTING
from ensemble.formats.known import spec_for
from ensemble.formats.tokenizing import compile_format

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")
"""Model types whose layers ``ensemble.cache`` and ``adaptation.lean`` run: rotary attention under the usual names."""


def adopt_model(
    source: str, config: PretrainedConfig, dtype: torch.dtype, task_format: str = "auto"
) -> PreTrainedModel:
    """Load a causal language model, and cut its vocabulary to a format's tokens unless it was saved so.

    Args:
        source: folder or hub id.
        config: of the model.
        dtype: of the weights.
        task_format: name of a format in ``ensemble.formats.known``, or ``auto``.

    Raises:
        ModelError: the architecture is not supported, the tokenizer cannot write the format, or the model was cut to
            another one.
    """
    if config.model_type not in ARCHITECTURES or _window(config) is not None:
        allowed = ", ".join(("grid_lm", *ARCHITECTURES))
        raise ModelError(f"model {source!r} must be one of {allowed} without sliding windows, got {config.model_type}")
    compiled = getattr(config, SETTING, None)
    if compiled is None:
        spec = spec_for(source, task_format)
        compiled = compile_format(spec, AutoTokenizer.from_pretrained(source), source)
    elif task_format not in ("auto", compiled["name"]):
        raise ModelError(f"the vocabulary of {source!r} is cut to the format {compiled['name']!r}, not {task_format!r}")
    model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
    if not hasattr(config, SETTING):
        cut_vocabulary(model, compiled)
    speed_up_few_rows(model)
    return model


def _window(config: PretrainedConfig) -> int | None:
    if not getattr(config, "use_sliding_window", True):
        return None
    window: int | None = getattr(config, "sliding_window", None)
    return window


def cut_vocabulary(model: PreTrainedModel, compiled: dict[str, Any]) -> None:
    """Keep the rows of a format's tokens in embedding and head, in their order; changes the model in place."""
    rows = torch.tensor(compiled["token_ids"], device=model.device)
    inputs, outputs = (part.weight for part in (model.get_input_embeddings(), model.get_output_embeddings()))
    _set_rows(model, inputs.detach()[rows].clone(), None if inputs is outputs else outputs.detach()[rows].clone())
    end = compiled["pieces"]["after_answer"][0][-1]
    for settings in (model.config, model.generation_config):
        settings.bos_token_id, settings.eos_token_id, settings.pad_token_id = None, end, 0
    setattr(model.config, SETTING, compiled)


@torch.no_grad()
def restore_vocabulary(model: PreTrainedModel, source: str) -> None:
    """Give a cut model the vocabulary of the model it was cut from, with its own rows put in; changes it in place.

    The result reads text through the tokenizer of ``source``, but is no grid model any more.

    Raises:
        ModelError: the model is not cut, or ``source`` has rows of another width.
    """
    compiled = getattr(model.config, SETTING, None)
    if compiled is None:
        raise ModelError("only a model with a cut vocabulary can be restored")
    whole = AutoModelForCausalLM.from_pretrained(source, dtype=model.dtype)
    kept = [part.weight.detach() for part in (model.get_input_embeddings(), model.get_output_embeddings())]
    restored = [part.weight.detach() for part in (whole.get_input_embeddings(), whole.get_output_embeddings())]
    if kept[0].shape[1] != restored[0].shape[1]:
        raise ModelError(f"{source!r} has embeddings of {restored[0].shape[1]}, the cut model of {kept[0].shape[1]}")
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    rows = torch.tensor(compiled["token_ids"])
    for part, full in zip(kept, restored, strict=True):
        full[rows] = part.cpu()
    inputs, outputs = (part.to(model.device) for part in restored)
    _set_rows(model, inputs, None if tied else outputs)
    for ours, theirs in ((model.config, whole.config), (model.generation_config, whole.generation_config)):
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            setattr(ours, name, getattr(theirs, name))
    delattr(model.config, SETTING)


def _set_rows(model: PreTrainedModel, inputs: Tensor, outputs: Tensor | None) -> None:
    """Replace embedding and head; without ``outputs`` the head is the embedding."""
    size, width = inputs.shape
    embedding = nn.Embedding(size, width, _weight=inputs)
    head = nn.Linear(width, size, bias=False, device="meta")
    head.weight = embedding.weight if outputs is None else nn.Parameter(outputs)
    model.set_input_embeddings(embedding)
    model.set_output_embeddings(head)
    model.config.vocab_size = model.model.vocab_size = model.vocab_size = size
