"""Submissions in Kaggle form: ``{task id: [{"attempt_1": grid, "attempt_2": grid}, ...]}``, one entry per test input.

The form has no way to say "no attempt". Where there is none, ``[[0]]`` is written, and it is scored as the grid it is.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsl.errors import GridError
from dsl.grid import Grid, as_grid
from ensemble.errors import DataError, RunError
from ensemble.files import replace_file
from ensemble.taskfiles import brief, read_json
from ensemble.types import Attempts, Prediction

if TYPE_CHECKING:
    from ensemble.data import DataSet

ATTEMPT_NAMES = ("attempt_1", "attempt_2")
FALLBACK = [[0]]


def kaggle_entry(prediction: Prediction | None, num_outputs: int) -> list[dict[str, Any]]:
    """Return a task's entry: two attempts for each of its test outputs."""
    outputs: tuple[Attempts, ...] = ((),) * num_outputs if prediction is None else prediction.attempts
    if len(outputs) != num_outputs:
        raise ValueError(f"task needs {num_outputs} outputs, its prediction has {len(outputs)}")
    return [
        {name: attempts[i].tolist() if i < len(attempts) else FALLBACK for i, name in enumerate(ATTEMPT_NAMES)}
        for attempts in outputs
    ]


def write_submission(path: Path, predictions: Mapping[str, Prediction], test_counts: Mapping[str, int]) -> None:
    """Write a submission at once: a reader sees the old file or the new one, never a part.

    Args:
        path: the file.
        predictions: predictions by task id; a task without one gets the fallback.
        test_counts: number of test inputs of every task asked for; its order is the order of the file.

    Raises:
        ValueError: a prediction is for another task or has another number of outputs.
        RunError: the file cannot be written.
    """
    unknown = sorted(predictions.keys() - test_counts.keys())
    if unknown:
        raise ValueError(f"prediction for task {unknown[0]}, which is not asked for")
    lines = [
        f"{json.dumps(task_id)}: {json.dumps(kaggle_entry(predictions.get(task_id), count), separators=(',', ':'))}"
        for task_id, count in test_counts.items()
    ]
    try:
        replace_file(path, "{" + ",\n".join(lines) + "}\n")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None


def read_submission(path: Path) -> dict[str, Prediction]:
    """Read a submission.

    Raises:
        DataError: the file is not of the form; the message names the task, test input and attempt.
    """
    value = read_json(path)
    for problem in _form_problems(value):
        raise DataError(f"{path}: {problem}")
    return {
        task_id: Prediction(task_id, tuple(tuple(as_grid(entry[name]) for name in ATTEMPT_NAMES) for entry in entries))
        for task_id, entries in value.items()
    }


def validate_submission(path: Path, dataset: "DataSet") -> list[str]:
    """Return everything that makes a file no complete submission for a data set; nothing if it is one.

    Raises:
        DataError: the file is no JSON at all.
    """
    value = read_json(path)
    problems = list(_form_problems(value))
    if not isinstance(value, dict):
        return problems
    counts = {task.task_id: len(task.test_inputs) for task in dataset.tasks}
    problems += [f"task {task_id} is missing" for task_id in counts if task_id not in value]
    for task_id, entries in value.items():
        if task_id not in counts:
            problems.append(f"task {task_id} is not in {dataset.name}")
        elif isinstance(entries, list) and len(entries) != counts[task_id]:
            problems.append(f"task {task_id} needs {counts[task_id]} outputs, got {len(entries)}")
    return problems


def _form_problems(value: Any) -> Iterator[str]:
    """Yield what is wrong with the shape and the cells, whatever the data set."""
    if not isinstance(value, dict):
        yield f"a submission must be an object of task ids, got {brief(value)}"
        return
    for task_id, entries in value.items():
        if not isinstance(entries, list) or not entries:
            yield f"task {task_id}: must be a list with one entry per test input, got {brief(entries)}"
            continue
        for i, entry in enumerate(entries):
            for problem in _entry_problems(entry):
                yield f"task {task_id}, test input {i}: {problem}"


def _entry_problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"must be an object with {' and '.join(ATTEMPT_NAMES)}, got {brief(entry)}"
        return
    for name in entry:
        if name not in ATTEMPT_NAMES:
            yield f"unknown key {name!r}, two attempts are allowed: {', '.join(ATTEMPT_NAMES)}"
    for name in ATTEMPT_NAMES:
        if name not in entry:
            yield f"{name} is missing"
            continue
        problem = _grid_problem(entry[name])
        if problem:
            yield f"{name}: {problem}"


def _grid_problem(value: Any) -> str | None:
    try:
        _: Grid = as_grid(value)
    except GridError as error:
        return str(error)
    return None
