"""Reading task files: JSON in, checked tasks and their answers out, with errors that name file, task, pair and cell."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsl.errors import GridError
from dsl.grid import Grid, as_grid
from dsl.task import Example, Task
from ensemble.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A task and, where the file gives them, its right outputs."""

    task: Task
    answer: tuple[Grid, ...] | None


def read_json(path: Path) -> Any:
    """Return the value of a JSON file.

    Raises:
        DataError: the file cannot be read, is not UTF-8, is not JSON, or an object in it has a key twice.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DataError(f"{path}: key {twice!r} stands twice in one object")
        return value

    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=unique)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: byte {error.start} is not valid") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise DataError(f"{path} is not JSON that can be read: a number has too many digits") from None
    except RecursionError:
        raise DataError(f"{path} is not JSON that can be read: brackets are nested too deep") from None


def parse_task(value: Any, task_id: str, where: str) -> Loaded:
    """Check ``{"train": [{"input", "output"}, ...], "test": [{"input"[, "output"]}, ...]}``.

    Args:
        value: parsed JSON.
        task_id: id that the task gets.
        where: file, and task if the file has several, for messages.

    Raises:
        DataError: something is missing or is no grid.
    """
    if not isinstance(value, dict):
        raise DataError(f"{where}: a task must be an object with 'train' and 'test', got {brief(value)}")
    pairs = {part: _pairs(value, part, where) for part in ("train", "test")}
    train = tuple(
        Example(
            _grid(pair, "input", f"{where}: train[{i}]"),
            _grid(pair, "output", f"{where}: train[{i}]"),
        )
        for i, pair in enumerate(pairs["train"])
    )
    test = pairs["test"]
    inputs = tuple(_grid(pair, "input", f"{where}: test[{i}]") for i, pair in enumerate(test))
    given = [pair.get("output") is not None for pair in test]
    if any(given) and not all(given):
        raise DataError(
            f"{where}: test[{given.index(False)}].output is missing, but test[{given.index(True)}] has one; "
            "give all outputs of a task or none"
        )
    answer = tuple(_grid(pair, "output", f"{where}: test[{i}]") for i, pair in enumerate(test)) if all(given) else None
    return Loaded(Task(task_id, train, inputs), answer)


def _pairs(task: Mapping[str, Any], part: str, where: str) -> list[dict[str, Any]]:
    if part not in task:
        found = ", ".join(map(repr, list(task)[:4])) or "no keys"
        raise DataError(f"{where}: key {part!r} is missing, found {found}; a task has 'train' and 'test'")
    pairs = task[part]
    if not isinstance(pairs, list) or not pairs:
        raise DataError(f"{where}: {part} must be a list of at least one pair, got {brief(pairs)}")
    for i, pair in enumerate(pairs):
        if not isinstance(pair, dict):
            raise DataError(f"{where}: {part}[{i}] must be an object with 'input' and 'output', got {brief(pair)}")
    return pairs


def _grid(pair: Mapping[str, Any], key: str, where: str) -> Grid:
    if key not in pair:
        raise DataError(f"{where}.{key} is missing")
    try:
        return as_grid(pair[key])
    except GridError as error:
        raise DataError(f"{where}.{key}: {error}") from None


def brief(value: Any) -> str:
    """Return the beginning of a value's JSON, for a message."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def looks_like_challenges(value: Any) -> bool:
    """Tell whether parsed JSON is a Kaggle challenges file: task ids to tasks."""
    return isinstance(value, dict) and any(
        isinstance(task, dict) and ("train" in task or "test" in task) for task in value.values()
    )


def parse_challenges(value: Any, where: str) -> list[Loaded]:
    """Check a Kaggle challenges file: ``{task id: task}``; raises ``DataError``."""
    return [parse_task(task, task_id, f"{where}: {task_id}") for task_id, task in value.items()]


def read_solutions(path: Path, tasks: Sequence[Task]) -> dict[str, tuple[Grid, ...]]:
    """Read a Kaggle solutions file ``{task id: [grid, ...]}`` for these tasks; ids that it leaves out have no answer.

    Raises:
        DataError: it is not of that form, knows none of the tasks, or counts other outputs than a task has test inputs.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path}: solutions must be an object of task ids to lists of grids, got {brief(value)}")
    answers: dict[str, tuple[Grid, ...]] = {}
    for task in tasks:
        if task.task_id not in value:
            continue
        grids, where = value[task.task_id], f"{path}: {task.task_id}"
        if not isinstance(grids, list) or len(grids) != len(task.test_inputs):
            count = len(grids) if isinstance(grids, list) else brief(grids)
            raise DataError(
                f"{where}: must be a list of {len(task.test_inputs)} grids, one per test input, got {count}"
            )
        answers[task.task_id] = tuple(
            _grid({"output": grid}, "output", f"{where}[{i}]") for i, grid in enumerate(grids)
        )
    if not answers:
        raise DataError(f"{path} has a solution for none of the {len(tasks)} tasks: it belongs to other challenges")
    return answers
