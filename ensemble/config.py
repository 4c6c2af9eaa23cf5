"""Configuration of a run: frozen, validated, written beside every result. Default < preset < TOML < flag."""

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ensemble.errors import ConfigError
from ensemble.files import replace_file

SOLVER_NAMES = ("symbolic", "neural", "replay", "identity")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "quick": {"seconds": 10.0, "neural": {"inference": {"views": 4}}},
    "standard": {},
    "thorough": {"seconds": 300.0, "neural": {"adaptation": {"max_steps": 3000}, "inference": {"views": 16}}},
}
"""Named settings between the defaults and a TOML file."""


class Section(BaseModel):
    """Base of every section: frozen, unknown keys and numbers without an end refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


SectionType = TypeVar("SectionType", bound=Section)


class SymbolicConfig(Section):
    """Program search."""

    max_seconds_share: float = Field(0.25, gt=0, le=1)
    """Share of a task's time that the search may take when the network runs too; alone it takes all."""
    first_seconds: float = Field(6.0, ge=0)
    """Seconds that the search may take when that share is less, as far as the network keeps the share in its place: the
    first seconds of a search solve more than those of the network."""
    max_candidates: int = Field(32, ge=1)
    """Candidates kept for each test input, best first."""


class AdaptationConfig(Section):
    """Test-time training (Akyürek et al. 2024, section 3)."""

    method: Literal["lora", "full", "none"] = "lora"
    """LoRA through peft, full fine-tuning with reset, or no adaptation."""
    adapter: Literal["per-task", "shared"] = "per-task"
    """A fresh adapter for each task, or one trained before on all of them (``ensemble.adaptation.shared``)."""
    adapter_folder: str | None = None
    """Folder of the shared adapter, in peft's layout."""
    rank: int = Field(32, ge=1)
    """LoRA rank."""
    alpha: float = Field(32.0, gt=0)
    """LoRA scale numerator."""
    rank_stabilized: bool = True
    """Whether the scale is alpha over the root of the rank (rsLoRA), not over the rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout of what the adapter reads."""
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Layers with an adapter: all linear ones but the head, or these by name."""
    adapter_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the adapter's weights and of its optimizer's state."""
    four_bit: bool = False
    """Whether the base is held in four bits (needs the extra ``4bit`` and CUDA)."""
    optimizer: Literal["auto", "muon", "adamw"] = "auto"
    """What trains the adapter; auto: Muon for the embedded network, AdamW for others and for the method full."""
    learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate; None: 0.002 of Muon, 0.001 of AdamW."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled decay of what is trained."""
    warmup_steps: int = Field(4, ge=0)
    """Linear warm-up before the cosine."""
    max_steps: int = Field(2000, ge=1)
    """Optimizer steps at most; the clock may end it earlier unless the budget names steps."""
    epochs: int | None = Field(None, ge=1)
    """Passes over the recipe ``paper``'s set at most; None for no bound but steps and clock."""
    batch_size: int = Field(1, ge=1)
    """Sequences for each forward and backward pass."""
    gradient_accumulation: int = Field(1, ge=1)
    """Passes for each step."""
    bucket_lengths: bool = False
    """Whether the sequences of a step are grouped by length, so that less is padded."""
    gradient_checkpointing: bool = False
    """Whether layers run again in the backward pass, which takes a third more time and much less memory."""
    recipe: Literal["packed", "paper"] = "packed"
    """Endless draws of all demonstrations in one sequence, or the paper's set of leave-one-out tasks."""
    max_sequences: int = Field(250, ge=1)
    """Most sequences of the recipe ``paper``."""
    formats: tuple[Literal["leave_one_out", "direct"], ...] = ("leave_one_out", "direct")
    """Data formats: demonstrations in context, or each pair alone."""
    direct_share: float = Field(0.0, ge=0, le=1)
    """Share of packed sequences in the direct format when both are used; a lone demonstration is always direct."""
    auxiliary_share: float = Field(0.5, ge=0, lt=1)
    """Share of packed sequences by other rules on the task's inputs; for the embedded network and others like it."""
    auxiliary_below: float = Field(0.1, ge=0)
    """Running loss on the demonstrations, in nats per token, below which these are mixed in: what is not learned yet is
    not learned by heart."""

    @model_validator(mode="after")
    def _consistent(self) -> "AdaptationConfig":
        if self.epochs is not None and self.recipe != "paper":
            raise ValueError("epochs needs the recipe paper: the recipe packed has no end")
        if (self.adapter == "shared") != (self.adapter_folder is not None):
            raise ValueError("adapter shared and adapter_folder go together: give both or neither")
        if self.adapter == "shared" and self.method != "lora":
            raise ValueError(f"adapter shared needs the method lora, got {self.method}")
        if self.targets != "all-linear" and not self.targets:
            raise ValueError("targets must be all-linear or name layers, got none")
        if self.optimizer == "muon" and self.method == "full":
            raise ValueError("optimizer muon needs the method lora: it is for matrices, not for all weights")
        if self.four_bit and self.method == "full":
            raise ValueError("four_bit needs the method lora: a base of four bits cannot be trained itself")
        return self


class InferenceConfig(Section):
    """Augment, infer, reverse, vote."""

    views: int = Field(8, ge=1, le=64)
    """Augmented views to decode: the 8 dihedral ones first, each with a color permutation; identity without."""
    view_set: Literal["all_demonstrations", "paper"] = "all_demonstrations"
    """Views that show all demonstrations, as many as ``views`` says; or those of the paper, which leave one out: three
    for each demonstration and five turned ones, with the colors as they are."""
    max_drafts: int = Field(16, ge=0)
    """Grids of earlier solvers that are judged for each test input, likeliest first."""
    judge_from_steps: int = Field(50, ge=0)
    """Steps of adaptation from which on they are judged: a network that hardly knows the task misleads."""
    max_new_tokens: int | None = Field(None, ge=2)
    """Longest output in tokens; None for that of a 30x30 grid, 930 for the embedded network."""
    min_probability: float = Field(0.1, ge=0, lt=1)
    """Find every output that a view gives at least this probability, beside its likeliest one; 0 for that alone."""
    known_shapes: bool = True
    """Decode a view whose likeliest output has another shape than the search predicts again, bound to that shape."""
    samples: int = Field(0, ge=0)
    """Outputs drawn at random from each view, beside its likeliest one."""
    temperature: float = Field(1.0, gt=0)
    """Temperature of these draws."""


class NeuralConfig(Section):
    """The network."""

    model: str = "embedded"
    """``embedded``, a folder, or a hub id."""
    format: Literal["auto", "plain", "marc", "architects", "barc"] = "auto"
    """Text that another language model reads tasks in; ``auto`` by its name, ``plain`` if that says nothing."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it runs."""
    max_tokens: int = Field(3072, ge=128)
    """Longest packed sequence; demonstrations are dropped above."""
    adaptation: AdaptationConfig = AdaptationConfig()
    """Test-time training."""
    inference: InferenceConfig = InferenceConfig()
    """Decoding."""


class ReplayConfig(Section):
    """Stored candidates of other runs: shards of one data set, or a network's run on another machine."""

    runs: tuple[str, ...] = ()
    """Run folders that the solver ``replay`` reads."""


class MergeConfig(Section):
    """Selection of two attempts from all candidates."""

    rule: str = "likeliest"
    """Name of a rule in ``ensemble.merge``."""
    max_judged_cells: int = Field(1200, ge=0)
    """Most cells of all demonstrations and a test input of a task on which the network's judgement of other solvers'
    grids counts; the embedded network judges larger tasks badly."""
    invariants: bool = True
    """Whether a grid loses odds by breaking what all demonstrations have in common (``dsl.search.invariants``)."""


class Config(Section):
    """Everything that decides what a run computes."""

    solvers: tuple[str, ...] = ("symbolic", "neural")
    """Solvers to run on every task, in this order."""
    seconds: float = Field(60.0, gt=0)
    """Wall time of one task on one worker, shared by its solvers."""
    share_time: bool = False
    """Whether the network, last of several solvers, waits for the others on all tasks and then has more time for the
    tasks whose attempts are in doubt: ``seconds`` is then the mean of a task."""
    memory_gb: float = Field(4.0, gt=0)
    """Resident memory of one worker."""
    nodes: int | None = Field(None, ge=1)
    """Bound on search nodes instead of the clock."""
    steps: int | None = Field(None, ge=1)
    """Bound on test-time training steps instead of the clock."""
    seed: int = Field(0, ge=0)
    """Seed of every random draw."""
    symbolic: SymbolicConfig = SymbolicConfig()
    """Program search."""
    neural: NeuralConfig = NeuralConfig()
    """The network."""
    replay: ReplayConfig = ReplayConfig()
    """Stored candidates of other runs."""
    merge: MergeConfig = MergeConfig()
    """Selection."""

    @model_validator(mode="after")
    def _known_solvers(self) -> "Config":
        if not self.solvers:
            raise ValueError(f"solvers must name at least one of {', '.join(SOLVER_NAMES)}")
        for name in self.solvers:
            if name not in SOLVER_NAMES:
                raise ValueError(
                    f"unknown solver {name!r}; known: {', '.join(SOLVER_NAMES)}{nearest(name, SOLVER_NAMES)}"
                )
        if len(set(self.solvers)) != len(self.solvers):
            raise ValueError(f"solvers must differ, got {', '.join(self.solvers)}")
        if self.share_time and not (len(self.solvers) > 1 and self.solvers[-1] == "neural" and self.steps is None):
            raise ValueError("share_time needs 'neural' as the last of several solvers, and no bound on steps")
        if "replay" in self.solvers and not self.replay.runs:
            raise ValueError("solver 'replay' needs a run folder to read: set replay.runs (--replay RUN)")
        return self


def nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known name, or an empty text."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def load_config(path: Path | None, overrides: dict[str, Any], *, preset: str | None = None) -> Config:
    """Build the configuration from defaults, a preset, a TOML file and flags (dotted keys, None left out).

    Raises:
        ConfigError: the preset or a key is unknown, the file is not readable TOML, or a value is not allowed.
    """
    values: dict[str, Any] = {}
    if preset is not None:
        values = joined(values, preset_settings(preset))
    if path is not None:
        values = joined(values, read_toml(path))
    return build_config(with_overrides(values, overrides))


def preset_settings(name: str) -> Mapping[str, Any]:
    """Return the settings of a named preset, of the run or of a model; raises ``ConfigError``."""
    from ensemble.presets import MODEL_PRESETS, settings_of_preset

    if name in PRESETS:
        return PRESETS[name]
    if name in MODEL_PRESETS:
        return settings_of_preset(MODEL_PRESETS[name])
    known = [*PRESETS, *MODEL_PRESETS]
    raise ConfigError(f"unknown preset {name!r}; known: {', '.join(known)}{nearest(name, known)}")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the values of a TOML file; raises ``ConfigError`` if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def with_overrides(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values with dotted keys laid over them; a value of None is left out."""
    result = dict(values)
    for key, value in overrides.items():
        if value is not None:
            nested: Any = value
            for name in reversed(key.split(".")):
                nested = {name: nested}
            result = joined(result, nested)
    return result


def joined(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings with others laid over them."""
    result = dict(values)
    for key, value in others.items():
        below = result.get(key)
        result[key] = joined(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def build_config(values: Mapping[str, Any]) -> Config:
    """Validate plain values; raises ``ConfigError`` with one line that names the first wrong key."""
    return build_section(Config, values)


def build_section(kind: type[SectionType], values: Mapping[str, Any]) -> SectionType:
    """Validate plain values as one section; raises ``ConfigError`` with one line that names the first wrong key."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _keys_beside(kind, first["loc"])
            raise ConfigError(f"unknown setting {key!r}{nearest(str(first['loc'][-1]), known)}") from None
        message = first["msg"].removeprefix("Value error, ")
        where = f"setting {key!r}: " if key else ""
        came = f", got {first['input']!r}" if not isinstance(first["input"], dict) else ""
        raise ConfigError(f"{where}{message[0].lower()}{message[1:]}{came}") from None


def keep_settings(config: Section, path: Path) -> None:
    """Write the settings of a run beside it, once; raises ``ConfigError`` if it was begun with others.

    A setting that is newer than the run counts as its default.
    """
    there = kept_settings(path)
    if there is not None:
        if build_section(type(config), there) != config:
            raise ConfigError(f"{path.parent} was begun with other settings (see {path}); give a new work folder")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, config.model_dump_json(indent=1))
    except OSError as error:
        raise ConfigError(f"cannot keep the settings in {path}: {error.strerror or error}") from None


def kept_settings(path: Path) -> dict[str, Any] | None:
    """Return what ``keep_settings`` wrote, None if there is no file; raises ``ConfigError`` if it cannot be read."""
    if not path.is_file():
        return None
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(f"cannot read the settings in {path}: give a new work folder") from None
    return settings


def _keys_beside(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    section = kind
    for part in location[:-1]:
        annotation = section.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return list(section.model_fields)
