"""The embedded network: a small causal language model over 16 grid tokens with three rotary position axes.

The layers are the stock text layers of Qwen3-VL in transformers, whose rotary frequencies are interleaved over the axes
(grid, row, column), so that each axis has fast and slow ones. With a base of 100 the slowest still turns visibly over
30 rows. Importing this module registers the class: ``AutoModelForCausalLM.from_pretrained(folder)`` then loads its
checkpoints, and peft attaches to it as to any causal language model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLTextConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextModel
from transformers.utils import logging

from ensemble.encode import BOS, END, IGNORE, PAD, VOCABULARY_SIZE
from ensemble.errors import ModelError
from ensemble.features import NUM_VALUES
from ensemble.optimizer import has_bfloat16_units

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
"""Where the embedded checkpoint is (``config.json``, ``model.safetensors``)."""

Size = Literal["tiny", "small", "medium", "large"]

_SHAPES: dict[Size, tuple[int, int, int, int]] = {
    "tiny": (64, 2, 1, 128),
    "small": (256, 6, 4, 688),
    "medium": (384, 8, 6, 1024),
    "large": (512, 8, 8, 1408),
}
_HEAD_SIZE = 64
_ROTARY_SECTIONS = [11, 11, 10]
"""Rotary frequencies of each axis; with interleaving, of every three neighbors each axis gets one."""


class GridLMConfig(Qwen3VLTextConfig):  # type: ignore[misc]
    """Configuration of ``GridLM``: that of the Qwen3-VL text layers with the grid vocabulary.

    Attributes:
        num_feature_values: values of all input features together (``ensemble.features.NUM_VALUES``), 0 for a network
            that reads none.
    """

    model_type = "grid_lm"
    base_config_key = ""
    num_feature_values: int = 0


class GridLM(PreTrainedModel):  # type: ignore[misc]
    """Predict the next grid token.

    ``position_ids`` is ``(3, B, T)``: grid, row, column of every token, as ``ensemble.encode`` lays them out. The
    output head is the transposed token embedding.

    An input cell is known by its color and its features. A token of an output also sees the input cell at its own place
    and the one at the place that it predicts: what is known of them goes through a matrix each and is added.
    """

    config_class = GridLMConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ("Qwen3VLTextDecoderLayer",)
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012 - the class attribute of transformers

    def __init__(self, config: GridLMConfig) -> None:
        super().__init__(config)
        self.model = Qwen3VLTextModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.num_feature_values:
            self.feature_vectors = nn.Embedding(config.num_feature_values, config.hidden_size, padding_idx=0)
            self.under = nn.Parameter(torch.empty(config.hidden_size, config.hidden_size))
            self.ahead = nn.Parameter(torch.empty(config.hidden_size, config.hidden_size))
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool = False,
        features: Tensor | None = None,
        under: Tensor | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Return logits ``(B, T, 16)``, and with ``labels (B, T)`` (not shifted) the mean loss in nats per label.

        ``features (B, T, F)`` and ``under (2, B, T)`` are as in ``ensemble.encode.Batch``; a network that reads no
        features leaves them aside.
        """
        if position_ids is None:
            raise ValueError("GridLM needs position_ids (3, B, T): grid, row and column of every token")
        if inputs_embeds is None and input_ids is not None:
            inputs_embeds, input_ids = self.embed(input_ids, features, under), None
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        logits = self.lm_head(outputs.last_hidden_state)
        loss = None if labels is None else next_token_loss(logits, labels)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=outputs.past_key_values)

    def embed(self, tokens: Tensor, features: Tensor | None = None, under: Tensor | None = None) -> Tensor:
        """Return what the first layer reads ``(B, T, E)`` of tokens ``(B, T)``; see :meth:`forward`."""
        hidden: Tensor = self.model.embed_tokens(tokens)
        if not self.config.num_feature_values:
            return hidden
        if features is not None:
            hidden = hidden + sum_of_vectors(features, self.feature_vectors.weight)
        if under is None:
            return hidden
        own, following = rows_at(hidden, under[0]), rows_at(hidden, under[1])
        return hidden + own @ self.under.T + following @ self.ahead.T

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if module is self and self.config.num_feature_values:
            for matrix in (self.under, self.ahead):
                init.normal_(matrix, std=self.config.initializer_range)


def rows_at(hidden: Tensor, places: Tensor) -> Tensor:
    """Return what stands in ``(B, T, E)`` at places ``(B, n)``, 0 at -1: ``(B, n, E)``."""
    index = places.clamp(min=0)[:, :, None].expand(-1, -1, hidden.shape[2])
    rows: Tensor = hidden.gather(1, index) * (places >= 0)[:, :, None]
    return rows


def sum_of_vectors(features: Tensor, vectors: Tensor) -> Tensor:
    """Return the sums ``(..., E)`` of the vectors ``(V, E)`` of values ``(..., F)``, without that of 0."""
    sums = nn.functional.embedding_bag(features.flatten(0, -2), vectors, mode="sum", padding_idx=0)
    return sums.view(*features.shape[:-1], -1)


AutoConfig.register("grid_lm", GridLMConfig, exist_ok=True)
AutoModelForCausalLM.register(GridLMConfig, GridLM, exist_ok=True)


def next_token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of ``labels (B, T)``, not shifted, under ``logits (B, T, V)``."""
    return nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORE
    )


def model_config(
    hidden_size: int, num_layers: int, num_heads: int, intermediate_size: int, **overrides: Any
) -> GridLMConfig:
    """Return a configuration with heads of 64, three interleaved rotary axes and the special tokens of grids."""
    values: dict[str, Any] = {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": hidden_size,
        "num_hidden_layers": num_layers,
        "num_attention_heads": num_heads,
        "num_key_value_heads": num_heads,
        "head_dim": _HEAD_SIZE,
        "intermediate_size": intermediate_size,
        "max_position_embeddings": 16384,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 100.0,
            "mrope_section": _ROTARY_SECTIONS,
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": True,
        "num_feature_values": NUM_VALUES,
        "use_cache": False,
        "bos_token_id": BOS,
        "eos_token_id": END,
        "pad_token_id": PAD,
    }
    return GridLMConfig(**values | overrides)


def build_model(size: Size | GridLMConfig = "small", seed: int = 0) -> GridLM:
    """Build a model with random weights, drawn from ``seed`` without touching the global generator.

    ``tiny`` (2 layers, for tests), ``small`` 4.8, ``medium`` 14.2 and ``large`` 25.7 million parameters.
    """
    config = model_config(*_SHAPES[size]) if isinstance(size, str) else size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GridLM(config)


def load_model(
    name: str | Path = "embedded",
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    task_format: str = "auto",
) -> PreTrainedModel:
    """Load a model for inference: the embedded one, a ``GridLM`` folder or hub id, or another causal language model.

    Args:
        name: ``embedded``, a folder with ``config.json`` and ``model.safetensors``, or a hub id.
        device: where it runs.
        dtype: of the weights; by default bfloat16 on CUDA, for other models than ``GridLM`` also on processors with
            bfloat16 units, and float32 elsewhere.
        task_format: text format of another causal language model (``ensemble.formats.known``); ``auto`` by its name.

    Raises:
        ModelError: there is no such checkpoint, or its architecture is not supported.
    """
    source = str(WEIGHTS_FOLDER if name == "embedded" else name)
    if name == "embedded" and not (WEIGHTS_FOLDER / "model.safetensors").is_file():
        raise ModelError("this installation has no embedded weights; name a folder or hub id with --model")
    try:
        config = AutoConfig.from_pretrained(source)
        is_grid_model = isinstance(config, GridLMConfig)
        if is_grid_model and config.num_feature_values not in (0, NUM_VALUES):
            raise ValueError(
                f"it reads {config.num_feature_values} values of input features, this version has {NUM_VALUES}"
            )
        if dtype is None:
            dtype = default_dtype(torch.device(device), is_grid_model=is_grid_model)
        with quiet():
            if is_grid_model:
                model = GridLM.from_pretrained(source, config=config, dtype=dtype)
            else:
                from ensemble.adopt import adopt_model

                model = adopt_model(source, config, dtype, task_format)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"cannot load the model {str(name)!r}: {reason}") from error
    except ImportError as error:  # weights of four bits
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"the model {str(name)!r} needs a package: {reason} (pip install 'arc-ensemble[4bit]')"
        ) from error
    model.to(device).eval().requires_grad_(False)
    return model


def default_dtype(device: torch.device, *, is_grid_model: bool) -> torch.dtype:
    """Return the dtype of a model's weights where none is asked for; see :func:`load_model`."""
    # On a processor the steps of GridLM are written out: they keep float32 weights and cast what they multiply.
    narrow = device.type == "cuda" or (has_bfloat16_units(device) and not is_grid_model)
    return torch.bfloat16 if narrow else torch.float32


def rotary_positions(model: PreTrainedModel, positions: Tensor, seen: Tensor | None = None) -> Tensor:
    """Return what the model's rotary embedding takes for tokens at ``positions (3, B, T)``.

    That is the positions themselves for ``GridLM``; ``(B, T)`` running numbers for other models, after the ``seen``
    ``(B, 1)`` tokens before them.
    """
    if model.config.model_type == GridLMConfig.model_type:
        return positions
    running = torch.arange(positions.shape[2], device=positions.device).expand(positions.shape[1:])
    return running if seen is None else running + seen


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bar of transformers off stderr: a checkpoint this small loads at once."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all that it was given, so that a clock can be read; a processor always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def resolve_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA, then MPS, then the CPU.

    Raises:
        ModelError: the device is named but not there.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if present[kind]))
    if not present.get(torch.device(name).type, False):
        have = ", ".join(kind for kind, there in present.items() if there)
        raise ModelError(f"device {name!r} is not available here; available: {have}")
    return torch.device(name)
