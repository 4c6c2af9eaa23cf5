"""Stored runs for other tools: a Kaggle submission, or every candidate as a table."""

import csv
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.grid import grid_to_text, same_grid
from ensemble.config import nearest
from ensemble.errors import ConfigError, RunError
from ensemble.merge import merge
from ensemble.submission import write_submission

if TYPE_CHECKING:
    from ensemble.store import Run

FORMATS = {"kaggle": "submission.json", "csv": "candidates.csv", "parquet": "candidates.parquet"}
"""Formats, and the file name of each."""


def export_run(run: "Run", form: str, path: Path) -> Path:
    """Write a run in a format and return the file.

    Raises:
        ConfigError: the format is not known, or needs a package that is not installed.
        RunError: the file cannot be written.
    """
    if form not in FORMATS:
        raise ConfigError(f"unknown format {form!r}; known: {', '.join(FORMATS)}{nearest(form, list(FORMATS))}")
    try:
        if form == "kaggle":
            _write_kaggle(run, path)
        elif form == "csv":
            _write_csv(run, path)
        else:
            _write_parquet(run, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def candidate_rows(run: "Run") -> Iterator[dict[str, Any]]:
    """Yield one flat row for each candidate; ``right`` is None where the answer is not known."""
    dataset = run.dataset()
    for task_id in run.task_ids:
        answer = dataset.answers.get(task_id)
        for candidate in run.candidates(task_id):
            yield {
                "task_id": task_id,
                "test_index": candidate.test_index,
                **asdict(candidate.provenance),
                "log_score": candidate.log_score,
                "right": None if answer is None else same_grid(candidate.grid, answer[candidate.test_index]),
                "grid": grid_to_text(candidate.grid),
            }


def _write_kaggle(run: "Run", path: Path) -> None:
    tasks = run.dataset().tasks
    predictions = {task.task_id: merge(task, run.candidates(task.task_id), run.config.merge) for task in tasks}
    write_submission(path, predictions, {task.task_id: len(task.test_inputs) for task in tasks})


def _write_csv(run: "Run", path: Path) -> None:
    rows = list(candidate_rows(run))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]) if rows else ["task_id"])
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(run: "Run", path: Path) -> None:
    try:
        from pyarrow import Table, parquet
    except ImportError:
        raise ConfigError("format 'parquet' needs pyarrow: pip install pyarrow, or use --format csv") from None
    parquet.write_table(Table.from_pylist(list(candidate_rows(run))), path)
