"""BIG-Bench Hard's files, what of each task is shown and what is asked, and what an answer scores.

The data set (Suzgun et al. 2022, arXiv 2210.09261; MIT licence) is a folder with one JSON file a task:
``{"examples": [{"input": ..., "target": ...}, ...]}``, 250 of them in most. Its text has to stay out of training
corpora; here a model is adapted to the few examples of a task that it is shown anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ensemble.errors import DataError
from ensemble.taskfiles import read_json


@dataclass(frozen=True, slots=True)
class Question:
    """One example: ``text`` is asked, ``target`` the right answer."""

    text: str
    target: str


@dataclass(frozen=True, slots=True)
class BbhTask:
    """One task: the examples that are shown, in their order, and the questions that are asked."""

    name: str
    shown: tuple[Question, ...]
    asked: tuple[Question, ...]


def read_tasks(folder: Path, names: Sequence[str], shots: int, seed: int, limit: int | None = None) -> list[BbhTask]:
    """Read the tasks of a folder and draw for each which examples are shown; all others are asked.

    Args:
        folder: with ``<name>.json`` files.
        names: of tasks; empty for all, in the order of their names.
        shots: examples shown.
        seed: of the draw, which is another one for each task.
        limit: questions asked at most; None for all.

    Raises:
        DataError: there is no such folder or task, or a file is not as it should be.
    """
    known = sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []
    if not known:
        raise DataError(f"{folder} must be a folder with the .json files of BIG-Bench Hard")
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DataError(f"{folder} has no task {unknown[0]!r}; it has {', '.join(known)}")
    tasks = []
    for name in known:
        if names and name not in names:
            continue
        questions = _questions(folder / f"{name}.json")
        if len(questions) <= shots:
            raise DataError(f"{name} has {len(questions)} examples, too few to show {shots} of them and ask others")
        order = np.random.default_rng((seed, *name.encode())).permutation(len(questions)).tolist()
        drawn = [questions[i] for i in order]
        tasks.append(BbhTask(name, tuple(drawn[:shots]), tuple(drawn[shots:][:limit])))
    return tasks


def _questions(path: Path) -> list[Question]:
    value = read_json(path)
    examples = value.get("examples") if isinstance(value, dict) else None
    if not isinstance(examples, list) or not all(_is_example(example) for example in examples):
        raise DataError(f"{path} must hold {{'examples': [{{'input': text, 'target': text}}, ...]}}")
    return [Question(example["input"], example["target"]) for example in examples]


def _is_example(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("input", "target"))


def is_right(answer: str, question: Question) -> bool:
    """Tell whether what was generated is the target: its first line, without spaces around."""
    return answer.strip().partition("\n")[0].strip() == question.target.strip()
