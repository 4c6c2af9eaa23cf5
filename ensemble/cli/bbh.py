"""``bbh``: BIG-Bench Hard with and without test-time training."""

import json
from pathlib import Path
from typing import Annotated

import typer


def bbh(
    data: Annotated[Path, typer.Argument(help="Folder with BIG-Bench Hard's .json files.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Run folder; the same one again continues.")],
    model: Annotated[str, typer.Option(help="Folder or hub id of a causal language model with its tokenizer.")],
    methods: Annotated[str, typer.Option(help="Comma list: zero_shot, in_context, ttt, shared.")] = "in_context,ttt",
    tasks: Annotated[str, typer.Option(help="Comma list of tasks; all by default.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="First N questions of each task only.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the examples shown and of the training.")] = 42,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    setting: Annotated[list[str] | None, typer.Option("--set", help="Any setting: KEY=VALUE, as in shots=5.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask BIG-Bench Hard's questions behind ten examples, before and after test-time training on these."""
    from ensemble.bbh.questions import read_tasks
    from ensemble.bbh.run import Summary, run
    from ensemble.bbh.settings import METHODS, bbh_config
    from ensemble.cli.solve import settings_of
    from ensemble.config import nearest
    from ensemble.errors import ConfigError

    chosen = tuple(name for name in METHODS if name in methods.split(","))
    unknown = [name for name in methods.split(",") if name not in METHODS]
    if unknown:
        raise ConfigError(f"methods are {', '.join(METHODS)}, got {unknown[0]!r}{nearest(unknown[0], METHODS)}")
    config = bbh_config(model, {"seed": seed, "limit": limit} | settings_of(setting or []))
    names = [name for name in tasks.split(",") if name]
    asked = read_tasks(data, names, config.shots, config.seed, config.limit)
    rows = run(out, asked, config, chosen, device, lambda line: typer.echo(line, err=True))
    summary = Summary(tuple(rows))
    typer.echo(json.dumps(summary.as_json(), indent=1) if as_json else str(summary))
