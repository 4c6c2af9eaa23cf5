"""Settings of pre-training: what decides the result, and how one sitting runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ensemble.config import Section, build_section, kept_settings, with_overrides
from ensemble.stream import StreamOptions


class PretrainConfig(Section):
    """Everything that decides what pre-training computes; kept in the work folder and the same for all its chunks."""

    seed: int = Field(0, ge=0)
    """Seed of data, and of random weights where there are none to start from."""
    start: str | None = None
    """``embedded`` or a folder with weights to start from, in place of random ones; a wider or deeper network computes
    the same as them at first, and what it has more of does not go by the seed."""
    hidden_size: int = Field(256, ge=64)
    """Width of the network."""
    num_layers: int = Field(6, ge=1)
    """Depth of the network."""
    num_heads: int = Field(4, ge=1)
    """Attention heads, 64 wide each."""
    intermediate_size: int = Field(688, ge=64)
    """Width inside the feed-forward layers."""
    batch_size: int = Field(16, ge=1)
    """Sequences in a step."""
    max_tokens: int = Field(768, ge=64)
    """Longest sequence."""
    curriculum: tuple[tuple[int | float, int], ...] = ((0, 10),)
    """Longest grid side from each step on: ``[[0, 6], [500, 10]]``, or from each share of ``planned_minutes`` on:
    ``[[0, 6], [0.3, 10]]``."""
    planned_minutes: float | None = Field(None, gt=0)
    """Wall time of all sittings together that the curriculum's shares are of; None: the curriculum counts steps."""
    one_sided_share: float = Field(0.4, ge=0, le=1)
    """Share of sequences with a transform of inputs only or outputs only."""
    re_arc_weight: float = Field(0.5, ge=0)
    """Share of RE-ARC, relative to the others; 0 leaves it out."""
    composed_weight: float = Field(0.4, ge=0)
    """Share of tasks composed of the project's primitives; 0 leaves them out."""
    arc_weight: float = Field(0.1, ge=0)
    """Share of the ARC-AGI-1 training tasks that are not held out; 0 leaves them out."""
    arc_agi_2_weight: float = Field(0.0, ge=0)
    """Share of the 233 ARC-AGI-2 training tasks that ARC-AGI-1 does not have; 0 leaves them out."""
    composed_tasks: int = Field(20000, ge=1)
    """Composed tasks to make."""
    composed_seed: int | None = Field(None, ge=0)
    """Seed of the composed tasks; None: ``seed``. A run can read the tasks that another packed, in another order."""
    found_weight: float = Field(0.0, ge=0)
    """Share of tasks by rules that a search found for training tasks; 0 leaves them out."""
    found_tasks: int = Field(12000, ge=1)
    """Tasks by found rules to make."""
    pictured_weight: float = Field(0.0, ge=0)
    """Share of tasks whose outputs are pictures that the search draws of known inputs; 0 leaves them out."""
    pictured_rules: int = Field(40, ge=1)
    """Rules of pictures for each group of inputs."""
    lr: float = Field(3e-3, gt=0)
    """Peak learning rate of Muon (matrices)."""
    adamw_lr: float = Field(1.5e-3, gt=0)
    """Peak learning rate of AdamW (embedding and norms)."""
    weight_decay: float = Field(0.1, ge=0)
    """Decoupled decay of the matrices."""
    max_norm: float = Field(1.0, gt=0)
    """Largest norm of the gradient; a larger one is scaled down."""
    warmup_steps: int = Field(50, ge=1)
    """Linear warm-up of the learning rates."""
    held_out_sequences: int = Field(128, ge=1)
    """Sequences of held-out tasks that each measurement reads."""

    @model_validator(mode="after")
    def _consistent(self) -> "PretrainConfig":
        starts = [first for first, _ in self.curriculum]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError(f"curriculum must start at step 0 and rise, got {list(self.curriculum)}")
        if self.planned_minutes is None and any(first % 1 for first in starts):
            raise ValueError(f"curriculum has shares, which need planned_minutes, got {list(self.curriculum)}")
        if self.planned_minutes is not None and starts[-1] >= 1:
            raise ValueError(f"curriculum must be in shares below 1 of planned_minutes, got {list(self.curriculum)}")
        if not all(3 <= side <= 30 for _, side in self.curriculum):
            raise ValueError(f"curriculum sides must be 3..30, got {list(self.curriculum)}")
        weights = (
            self.re_arc_weight,
            self.composed_weight,
            self.found_weight,
            self.pictured_weight,
            self.arc_weight,
            self.arc_agi_2_weight,
        )
        if sum(weights) <= 0:
            raise ValueError(
                "one of re_arc_weight, composed_weight, found_weight, pictured_weight, arc_weight, arc_agi_2_weight "
                "must be above 0"
            )
        return self

    @property
    def max_side(self) -> int:
        """Return the longest grid side of any step."""
        return max(side for _, side in self.curriculum)

    def stream_options(self) -> StreamOptions:
        """Return the options of the data stream."""
        return StreamOptions(
            seed=self.seed,
            batch_size=self.batch_size,
            max_tokens=self.max_tokens,
            curriculum=self.curriculum,
            one_sided_share=self.one_sided_share,
        )


class Chunk(Section):
    """One sitting of training: how long, how, and how often it saves."""

    minutes: float | None = Field(None, gt=0)
    """Wall time; None for no bound."""
    steps: int | None = Field(None, ge=1)
    """Optimizer steps; None for no bound."""
    decay: bool = False
    """Whether the learning rate falls to its end over this sitting."""
    threads: int = Field(1, ge=1)
    """Processor threads."""
    loaders: int = Field(0, ge=0)
    """Processes that draw batches ahead; a GPU needs several, one processor core none. The batches do not change."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it runs."""
    mixed: bool | None = None
    """Whether matrix products run in bfloat16, with float32 weights; None: where the device has units for it."""
    compile: bool | None = None
    """Whether torch.compile builds the step, which needs a C++ compiler on a processor; None: on CUDA only."""
    save_minutes: float = Field(5.0, gt=0)
    """Wall time between checkpoints."""
    measure_minutes: float = Field(5.0, gt=0)
    """Wall time between measurements on held-out tasks."""

    def share_done(self, steps: int, seconds: float) -> float:
        """Return the share of the sitting that steps and wall time have used up, from 0; 0 without a bound."""
        by_steps = 0.0 if self.steps is None else steps / self.steps
        by_clock = 0.0 if self.minutes is None else seconds / (60 * self.minutes)
        return max(by_steps, by_clock)

    @model_validator(mode="after")
    def _bounded(self) -> "Chunk":
        if self.minutes is None and self.steps is None:
            raise ValueError("a sitting needs --minutes or --steps")
        return self


def config_of_run(work: Path, values: Mapping[str, Any]) -> PretrainConfig:
    """Return the settings of a work folder, those of its run overlaid with ``values``, or defaults if it is new.

    Raises:
        ConfigError: a setting is unknown or not allowed.
    """
    return build_section(PretrainConfig, with_overrides(kept_settings(work / "config.json") or {}, values))
