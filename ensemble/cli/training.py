"""``pretrain``: make the embedded network's weights."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def pretrain(
    work: Annotated[Path, typer.Argument(help="Work folder; the same one again continues.")],
    minutes: Annotated[float | None, typer.Option(help="Wall time of this sitting.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps of this sitting.")] = None,
    decay: Annotated[bool, typer.Option("--decay", help="Let the learning rate fall to its end.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 1,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where it runs.")] = "auto",
    re_arc: Annotated[Path | None, typer.Option(help="RE-ARC's zip or folder.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Any setting: KEY=VALUE.")] = None,
) -> None:
    """Train the embedded network on generated and training tasks, one sitting after another."""
    from ensemble.cli.solve import settings_of
    from ensemble.config import build_section, read_toml, with_overrides
    from ensemble.pretrain import pretrain as train
    from ensemble.pretrain_config import Chunk, PretrainConfig

    values = with_overrides(read_toml(config) if config else {}, settings_of(setting or []))
    chunk = Chunk(minutes, steps, decay, threads, device)
    summary = train(build_section(PretrainConfig, values), work, chunk, re_arc)
    typer.echo(summary)
