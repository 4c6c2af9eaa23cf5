"""Settings of a BIG-Bench Hard run; the defaults are those published for the paper's Llama-3.1-8B-Instruct."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field

from ensemble.config import AdaptationConfig, Section, build_section, with_overrides

Method = Literal["zero_shot", "in_context", "ttt", "shared"]
"""How questions are asked: alone; behind the examples; the same after training on these examples; the same after one
training on those of all tasks."""
METHODS: tuple[Method, ...] = get_args(Method)


def _published() -> AdaptationConfig:
    return AdaptationConfig(
        rank=64,
        alpha=64,
        rank_stabilized=False,
        dropout=0.05,
        targets=("q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
        learning_rate=1e-4,
        warmup_steps=0,
        batch_size=5,
    )


class BbhConfig(Section):
    """What decides the answers."""

    model: str
    """Hub id or folder of a causal language model with its tokenizer."""
    seed: int = Field(42, ge=0)
    """Seed of the examples shown, of their permutations and of the adapter."""
    shots: int = Field(10, ge=1)
    """Examples shown."""
    limit: int | None = Field(None, ge=1)
    """Questions asked of each task; None for all."""
    permutations: int = Field(40, ge=1)
    """Orders of the examples that one training reads, each once, with loss on every answer."""
    max_tokens: int = Field(4096, ge=64)
    """Longest sequence trained on; examples are left out of longer ones."""
    max_new_tokens: int = Field(128, ge=1)
    """Longest answer; it ends at its first line break anyway."""
    batch_size: int = Field(16, ge=1)
    """Questions asked together."""
    adaptation: AdaptationConfig = Field(default_factory=_published)
    """The adapter and its training."""


def bbh_config(model: str, values: Mapping[str, Any]) -> BbhConfig:
    """Return the defaults overlaid with dotted settings.

    Raises:
        ConfigError: a setting is unknown or not allowed.
    """
    return build_section(BbhConfig, with_overrides(BbhConfig(model=model).model_dump(), values))
