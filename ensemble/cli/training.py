"""``pretrain``: make the embedded network's weights."""

import logging
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def pretrain(
    work: Annotated[Path, typer.Argument(help="Work folder; the same one again continues.")],
    minutes: Annotated[float | None, typer.Option(help="Wall time of this sitting.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps of this sitting.")] = None,
    decay: Annotated[bool, typer.Option("--decay", help="Let the learning rate fall to its end.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 1,
    loaders: Annotated[int, typer.Option(min=0, help="Processes that draw batches ahead, for a GPU.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where it runs.")] = "auto",
    mixed: Annotated[bool | None, typer.Option(help="bfloat16 products; by default where units exist.")] = None,
    compile: Annotated[bool | None, typer.Option(help="Compile the step; by default on CUDA.")] = None,
    re_arc: Annotated[Path | None, typer.Option(help="RE-ARC's zip or folder.")] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Run on training tasks: its programs make tasks (found_weight).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Any setting: KEY=VALUE.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Tune this folder or hub id instead of training the embedded network.")
    ] = None,
    lora: Annotated[bool, typer.Option("--lora", help="With --model: train an adapter; the base keeps still.")] = False,
    export: Annotated[Path | None, typer.Option(help="Folder for weights and model card, written at the end.")] = None,
    average: Annotated[
        list[Path] | None, typer.Option(help="With --export: work folder of a run from the same start; ship the mean.")
    ] = None,
) -> None:
    """Train the embedded network on generated and training tasks, one sitting after another.

    With --export and neither --minutes nor --steps, only write what the work folder holds.
    """
    from ensemble.errors import ConfigError

    if lora != (model is not None):
        raise ConfigError("--model and --lora go together: another model is tuned by an adapter only")
    unused = {"--mixed": mixed is not None, "--compile": compile is not None, "--loaders": loaders > 0}
    if model is not None and any(unused.values()):
        flag = next(flag for flag, given in unused.items() if given)
        raise ConfigError(f"{flag} is for the embedded network: it does not go with --model")
    if average and (export is None or model is not None):
        raise ConfigError("--average goes with --export, and not with --model: it says whose weights to average")
    from ensemble.cli.solve import settings_of
    from ensemble.config import build_section, read_toml
    from ensemble.model_card import export as write_export
    from ensemble.pretrain import pretrain as train
    from ensemble.pretrain_config import Chunk, config_of_run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    interrupted = False
    values = (read_toml(config) if config else {}) | settings_of(setting or [])
    if model is not None:
        sitting = {"minutes": minutes, "steps": steps, "decay": decay, "threads": threads, "device": device}
        if _tune(model, work, values, sitting, re_arc, rules, export):
            raise typer.Exit(130)
        return
    if export is None or minutes is not None or steps is not None:
        sitting = {"minutes": minutes, "steps": steps, "decay": decay, "mixed": mixed, "compile": compile}
        chunk = build_section(Chunk, sitting | {"threads": threads, "loaders": loaders, "device": device})
        interrupted = train(config_of_run(work, values), work, chunk, re_arc, rules).interrupted
    if export is not None and not interrupted:
        write_export(work, export, average or ())
    if interrupted:
        raise typer.Exit(130)


def _tune(
    model: str,
    work: Path,
    values: dict[str, Any],
    sitting: dict[str, Any],
    re_arc: Path | None,
    rules: Path | None,
    export: Path | None,
) -> bool:
    """Tune another model, write it if asked to, and tell whether it was interrupted."""
    from ensemble.config import build_section
    from ensemble.pretrain import stop_on_signals
    from ensemble.pretrain_config import Chunk
    from ensemble.pretrain_lora import Tuner, tune_config_of

    trains = sitting["minutes"] is not None or sitting["steps"] is not None
    chunk = build_section(Chunk, sitting if trains or export is None else sitting | {"steps": 1})
    tuner = Tuner(tune_config_of(work, model, values), work, chunk, re_arc, rules)
    with stop_on_signals() as stop:
        if trains:
            tuner.run(stop.is_set)
    if export is not None and not stop.is_set():
        tuner.export(export)
    return stop.is_set()
