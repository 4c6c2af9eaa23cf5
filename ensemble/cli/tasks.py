"""Commands about one task."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ensemble.data import DataSet

Digits = Annotated[bool, typer.Option("--digits", help="Digits instead of colors.")]


def show(
    task: Annotated[str, typer.Argument(help="NAME:ID, a bundled task's id, or a task .json.")],
    digits: Digits = False,
    answers: Annotated[bool, typer.Option("--answers", help="Show the right outputs too.")] = False,
) -> None:
    """Draw a task in the terminal."""
    from shutil import get_terminal_size

    from dsl.draw import text_of_task

    dataset = find_task(task)
    (found,) = dataset.tasks
    known = dataset.answers.get(found.task_id) if answers else None
    columns = get_terminal_size((80, 24)).columns
    typer.echo(text_of_task(found, known, digits or _no_colors(), max_columns=columns), color=True)


def find_task(text: str) -> "DataSet":
    """Return the data set of one task, named in full or by the bare id of a bundled one; raises ``DataError``."""
    from ensemble.data import NAMED_SETS, load_tasks
    from ensemble.errors import DataError

    if not Path(text).exists() and ":" not in text and "/" not in text:
        for name in (name for name, entry in NAMED_SETS.items() if entry.part is None):
            dataset = load_tasks(name)
            if text in dataset.task_ids:
                return dataset.select([text])
        raise DataError(f"no bundled data set has a task {text!r}; name NAME:ID or a task .json")
    dataset = load_tasks(text)
    if len(dataset.tasks) != 1:
        raise DataError(f"{text} has {len(dataset.tasks)} tasks; name one: {text}:{dataset.task_ids[0]}")
    return dataset


def explain(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    task_id: Annotated[str, typer.Argument(help="One of its tasks.")],
    digits: Digits = False,
) -> None:
    """Say who proposed what for a task, and what its best program does step by step."""
    from ensemble.explain import explain as compute
    from ensemble.plugins import load_plugins
    from ensemble.store import open_run

    with open_run(run) as opened:
        load_plugins(Path(plugin["path"]) for plugin in opened.info["plugins"])
        typer.echo(compute(opened, task_id, digits=digits or _no_colors()), color=True)


def _no_colors() -> bool:
    import os

    return "NO_COLOR" in os.environ or not sys.stdout.isatty()
