"""``solve``: run the solvers on a target into a run folder."""

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ensemble.config import Config
    from ensemble.data import DataSet
    from ensemble.pipeline import Outcome

TASKS, LIMITS, NETWORK, PLACE = "Which tasks", "Limits", "Network", "Where it runs"


def solve(
    target: Annotated[
        str,
        typer.Argument(
            help="Data set (arc-agi-1/evaluation), NAME:TASK_ID, task .json, folder, or Kaggle challenges .json."
        ),
    ],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Run folder; the same one again continues.")] = None,
    solvers: Annotated[str | None, typer.Option(help="Comma list: symbolic, neural, replay, identity.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Wall time of one task on one worker.", rich_help_panel=LIMITS)
    ] = None,
    share_time: Annotated[
        bool | None,
        typer.Option(
            "--share-time/--no-share-time",
            help="Give the network's time to tasks in doubt; --seconds is the mean.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    memory_gb: Annotated[float | None, typer.Option(help="Memory of one worker.", rich_help_panel=LIMITS)] = None,
    nodes: Annotated[
        int | None, typer.Option(help="Bound the search by work, not by the clock.", rich_help_panel=LIMITS)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Bound test-time training by steps, not by the clock.", rich_help_panel=LIMITS)
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="First N tasks only.", rich_help_panel=TASKS)] = None,
    ids: Annotated[str | None, typer.Option(help="Comma list of task ids.", rich_help_panel=TASKS)] = None,
    shard: Annotated[
        str | None, typer.Option(help="Part I/N of the tasks, I from 1, for N machines.", rich_help_panel=TASKS)
    ] = None,
    solutions: Annotated[Path | None, typer.Option(help="Kaggle solutions file.", rich_help_panel=TASKS)] = None,
    model: Annotated[str | None, typer.Option(help="embedded, a folder, or a hub id.", rich_help_panel=NETWORK)] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=NETWORK)] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a core by default.", rich_help_panel=PLACE)
    ] = None,
    executor: Annotated[str, typer.Option(help="local or ray.", rich_help_panel=PLACE)] = "local",
    seed: Annotated[int | None, typer.Option(help="Seed of every random draw.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="quick, standard, thorough, or a model: qwen2.5-0.5b, marc-8b, ... (see README).")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file; flags go before it.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting: KEY=VALUE, as in neural.inference.views=4.")
    ] = None,
    replay: Annotated[
        list[Path] | None, typer.Option(help="Run folder for the solver 'replay'; may be repeated, as for shards.")
    ] = None,
    plugin: Annotated[list[Path] | None, typer.Option(help="Python file with primitives; may be repeated.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over: remove the run in the folder.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Progress in plain lines.")] = False,
) -> None:
    """Solve tasks, and keep everything in a run folder."""
    from ensemble.config import load_config
    from ensemble.data import load_tasks
    from ensemble.launch import Launch, default_folder
    from ensemble.presets import warning_about

    flags: dict[str, Any] = {
        "solvers": tuple(part.strip() for part in solvers.split(",")) if solvers is not None else None,
        "seconds": seconds,
        "share_time": share_time,
        "memory_gb": memory_gb,
        "nodes": nodes,
        "steps": steps,
        "seed": seed,
        "neural.model": model,
        "neural.device": device,
        "replay.runs": tuple(str(folder.resolve()) for folder in replay) if replay else None,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    resolved = load_config(config, settings_of(setting or []) | given, preset=preset)
    _check_use(given, resolved.solvers)
    warning = warning_about(resolved.neural.model) if "neural" in resolved.solvers else None
    if warning is not None:
        typer.echo(warning, err=True)
    dataset = choose(load_tasks(target, solutions=solutions), ids, shard, limit)
    plugins = tuple(plugin or ())
    options = Launch(
        folder=out or default_folder(dataset, resolved, plugins),
        workers=workers,
        executor=executor,
        fresh=fresh,
        plugins=plugins,
    )
    if limit is not None:
        typer.echo(f"--limit {limit}: this is not a benchmark result", err=True)
    outcome = _solve(dataset, resolved, options, plain=plain)
    _conclude(options.folder, outcome, limited=limit is not None)


SOLVER_OF = {
    "nodes": "symbolic",
    "steps": "neural",
    "neural.model": "neural",
    "neural.device": "neural",
    "replay.runs": "replay",
}
"""The solver that a flag is for."""


def _check_use(given: Mapping[str, Any], solvers: Sequence[str]) -> None:
    """Refuse a flag for a solver that does not run; raises ``ConfigError``."""
    from ensemble.errors import ConfigError

    for key, solver in SOLVER_OF.items():
        if key in given and solver not in solvers:
            flag = "--replay" if solver == "replay" else f"--{key.removeprefix('neural.')}"
            raise ConfigError(f"{flag} is for the solver {solver!r}, which --solvers {','.join(solvers)} leaves out")


def settings_of(assignments: list[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` pairs, values in TOML or plain text; raises ``ConfigError``."""
    import tomllib

    from ensemble.errors import ConfigError

    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set must be KEY=VALUE, got {assignment!r}")
        try:
            values[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key.strip()] = text.strip()
    return values


def choose(dataset: "DataSet", ids: str | None, shard: str | None, limit: int | None) -> "DataSet":
    """Return the tasks asked for: by ids, then a shard of them, then the first few; raises ``DataError``."""
    from ensemble.errors import DataError

    if ids is not None:
        dataset = dataset.select(part.strip() for part in ids.split(",") if part.strip())
    if shard is not None:
        part, slash, parts = shard.partition("/")
        if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
            raise DataError(f"--shard must be I/N with I from 1 to N, got {shard!r}")
        dataset = dataset.select(dataset.task_ids[int(part) - 1 :: int(parts)])
    if limit is not None:
        dataset = dataset.select(dataset.task_ids[:limit])
    if not dataset.tasks:
        raise DataError("no task is left to solve: --ids or --shard leave none")
    return dataset


def _solve(dataset: "DataSet", config: "Config", options: Any, *, plain: bool) -> "Outcome":
    from ensemble.launch import launch
    from ensemble.progress import make_progress

    observer, end = make_progress(config, dataset.answers, plain=plain)
    try:
        with _stop_signals() as stopped:
            return launch(
                dataset,
                config,
                options,
                observer=observer,
                should_stop=lambda: bool(stopped),
                say=lambda line: typer.echo(line, err=True),
            )
    finally:
        end()


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM, so that the run can end between two steps; the second one ends it at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _conclude(folder: Path, outcome: "Outcome", *, limited: bool) -> None:
    """Print the result where answers are known, say where everything is, and end with the exit code."""
    from ensemble.cli.results import print_result
    from ensemble.store import open_run

    with open_run(folder) as run:
        total = len(run.task_ids)
        if run.dataset().is_answered and not outcome.interrupted:
            print_result(run)
    if limited:
        typer.echo("not a benchmark result: --limit was given", err=True)
    if outcome.failed:
        typer.echo(
            f"{outcome.failed} jobs failed: see {folder / 'solve.log'}; the same command tries them again", err=True
        )
    if outcome.interrupted:
        typer.echo(f"interrupted after {outcome.done} of {total} tasks; the same command continues", err=True)
    typer.echo(f"run: {folder}", err=True)
    sys.stdout.flush()
    if outcome.interrupted or outcome.failed:
        raise typer.Exit(130 if outcome.interrupted else 1)
