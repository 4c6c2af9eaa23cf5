"""Small tasks, as JSON values, as objects and as files."""

import json

from dsl.grid import as_grid
from dsl.task import Example, Task
from ensemble.data import DataSet, hash_of_tasks


def task_json(cell=1, *, tests=1, answers=True):
    """Return a task whose grids all hold one number; its output is its input with the rows swapped."""
    source, target = [[cell, 0], [0, 0]], [[0, 0], [cell, 0]]
    test = {"input": [[cell, cell], [0, 0]], "output": [[0, 0], [cell, cell]]}
    if not answers:
        del test["output"]
    return {
        "train": [{"input": source, "output": target} for _ in range(2)],
        "test": [dict(test) for _ in range(tests)],
    }


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def write_folder(folder, count, **options):
    """Write tasks ``task_0``, ``task_1``, ... into a folder."""
    for i in range(count):
        write_json(folder / f"task_{i}.json", task_json(1 + i % 9, **options))
    return folder


def small_task(task_id="task", *, tests=1, cell=1):
    value = task_json(cell, tests=tests)
    train = tuple(Example(as_grid(pair["input"]), as_grid(pair["output"])) for pair in value["train"])
    return Task(task_id, train, tuple(as_grid(pair["input"]) for pair in value["test"]))


def small_set(task_ids, *, tests=1):
    """Return a data set in memory; answers are the inputs with the rows swapped."""
    tasks = tuple(small_task(task_id, tests=tests, cell=1 + i % 9) for i, task_id in enumerate(sorted(task_ids)))
    answers = {task.task_id: tuple(as_grid(grid[::-1]) for grid in task.test_inputs) for task in tasks}
    return DataSet("small", "small", None, tasks, answers, hash_of_tasks(tasks))
