"""Other causal language models as grid models: the stock network, its vocabulary cut to the 16 grid tokens.

Franzen et al. (arXiv 2505.07859) cut the vocabulary likewise. The kept rows of embedding and head are those of ten
digits, newline, and a letter for each marker, so that the model starts from what it knows of digits and lines. Such a
model sees positions in one dimension. Fine-tuned and saved, its folder loads again without the tokenizer.
"""

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PretrainedConfig, PreTrainedModel

from ensemble.encode import BOS, END, PAD, VOCABULARY_SIZE
from ensemble.errors import ModelError
from ensemble.products import speed_up_few_rows

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3")
"""Model types whose layers ``ensemble.cache`` can run: rotary attention under the usual module names."""

PIECES = (*"0123456789", "\n", "I", "O", "#", "$", "?")
"""Text of each grid token: cells, end-of-row, in, out, end, bos, pad. Each must be one token of the tokenizer."""


def adopt_model(source: str, config: PretrainedConfig, dtype: torch.dtype) -> PreTrainedModel:
    """Load a causal language model and cut its vocabulary to the grid tokens.

    Raises:
        ModelError: the architecture is not supported, or a piece is not one token.
    """
    if config.model_type not in ARCHITECTURES or getattr(config, "use_sliding_window", False):
        allowed = ", ".join(("grid_lm", *ARCHITECTURES))
        raise ModelError(f"model {source!r} must be one of {allowed} without sliding windows, got {config.model_type}")
    model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
    if config.vocab_size != VOCABULARY_SIZE:
        cut_vocabulary(model, piece_ids(source))
    speed_up_few_rows(model)
    return model


def piece_ids(source: str) -> list[int]:
    """Return the token id of each of ``PIECES``; raises ``ModelError`` if one has none of its own."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    ids = [tokenizer.encode(piece, add_special_tokens=False) for piece in PIECES]
    for piece, tokens in zip(PIECES, ids, strict=True):
        if len(tokens) != 1 or ids.count(tokens) > 1:
            raise ModelError(f"the tokenizer of {source!r} must have a token of its own for {piece!r}, got {tokens}")
    return [tokens[0] for tokens in ids]


def cut_vocabulary(model: PreTrainedModel, token_ids: list[int]) -> None:
    """Keep these rows of the embedding and the head, in this order; changes the model in place."""
    rows = torch.tensor(token_ids)
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    kept = _rows(model.get_input_embeddings().weight, rows)
    embedding = nn.Embedding(kept.shape[0], kept.shape[1], _weight=kept)
    head = nn.Linear(kept.shape[1], kept.shape[0], bias=False)
    head.weight = embedding.weight if tied else nn.Parameter(_rows(model.get_output_embeddings().weight, rows))
    model.set_input_embeddings(embedding)
    model.set_output_embeddings(head)
    for settings in (model.config, model.generation_config):
        settings.bos_token_id, settings.eos_token_id, settings.pad_token_id = BOS, END, PAD
    model.config.vocab_size = model.model.vocab_size = model.vocab_size = len(token_ids)


def _rows(weight: Tensor, rows: Tensor) -> Tensor:
    return weight.detach()[rows].clone()
