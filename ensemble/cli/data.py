"""``data``: which data sets there are, what is in one, and what two have in common."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, describe and compare data sets.", no_args_is_help=True)

Target = Annotated[str, typer.Argument(help="Data set name, task file, folder, or Kaggle challenges file.")]


@app.command("list")
def list_sets() -> None:
    """List the bundled data sets."""
    from ensemble.data import NAMED_SETS

    for name, entry in NAMED_SETS.items():
        typer.echo(f"{name:<24}{entry.about}")


@app.command()
def info(target: Target, solutions: Annotated[Path | None, typer.Option(help="Kaggle solutions file.")] = None) -> None:
    """Count tasks, pairs and answers, and print the data hash that runs record."""
    from ensemble.data import load_tasks

    dataset = load_tasks(target, solutions=solutions)
    grids = [grid for task in dataset.tasks for pair in task.train for grid in (pair.input, pair.output)]
    grids += [grid for task in dataset.tasks for grid in task.test_inputs]
    tests = sum(len(task.test_inputs) for task in dataset.tasks)
    rows = {
        "name": dataset.name,
        "tasks": len(dataset.tasks),
        "demonstrations": sum(len(task.train) for task in dataset.tasks),
        "test inputs": tests,
        "with answers": f"{len(dataset.answers)} of {len(dataset.tasks)} tasks",
        "largest sides": f"{max(grid.shape[0] for grid in grids)}x{max(grid.shape[1] for grid in grids)}",
        "data hash": dataset.data_hash,
    }
    for key, value in rows.items():
        typer.echo(f"{key:<16}{value}")


@app.command()
def check(
    first: Annotated[str, typer.Argument(metavar="A", help="Data set, for example what something was trained on.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Data set, for example what it is measured on.")],
) -> None:
    """Find pairs that two data sets share up to the 8 symmetries and colors; exit code 1 if there are any."""
    from ensemble.data import load_tasks
    from ensemble.overlap import shared_pairs

    one, other = load_tasks(first), load_tasks(second)
    shared = shared_pairs(one, other)
    by_tasks: dict[tuple[str, str], list[str]] = {}
    for match in shared:
        by_tasks.setdefault((match.first.task_id, match.second.task_id), []).append(match.second.place)
    for (left, right), places in by_tasks.items():
        typer.echo(f"{left} and {right} share {len(places)}: {', '.join(places)}")
    in_second = len({match.second.task_id for match in shared})
    typer.echo(f"{in_second} of {len(other.tasks)} tasks of {other.name} share pairs with {one.name}", err=True)
    if shared:
        raise typer.Exit(1)
