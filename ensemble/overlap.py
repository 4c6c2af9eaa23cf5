"""What two data sets have in common: pairs that are equal up to the 8 symmetries and a renaming of colors."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dsl.grid import Grid
from dsl.task import Task
from ensemble.data import DataSet


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pair stands: task and, in it, ``train[0]`` or ``test[0]``."""

    task_id: str
    place: str


@dataclass(frozen=True, slots=True)
class Shared:
    """Two pairs of two data sets that are the same up to symmetry and colors."""

    first: Place
    second: Place


def pair_key(source: Grid, target: Grid) -> str:
    """Return a digest of a pair, equal for pairs that one symmetry and one renaming of colors make equal."""
    forms = (_renamed(turned_source, turned_target) for turned_source, turned_target in _symmetries(source, target))
    return hashlib.sha256(min(forms)).hexdigest()[:32]


def _symmetries(source: Grid, target: Grid) -> Iterator[tuple[Grid, Grid]]:
    for quarter_turns in range(4):
        turned = np.rot90(source, quarter_turns), np.rot90(target, quarter_turns)
        yield turned
        yield turned[0].T, turned[1].T


def _renamed(source: Grid, target: Grid) -> bytes:
    """Write shapes and cells with colors numbered in the order in which they first come."""
    cells = source.tobytes() + target.tobytes()
    names = dict(zip(dict.fromkeys(cells), range(10), strict=False))
    table = bytes(names.get(color, 0) for color in range(256))
    return bytes((*source.shape, *target.shape)) + cells.translate(table)


def shared_pairs(first: DataSet, second: DataSet) -> list[Shared]:
    """Return the pairs that two data sets share, by the tasks of the first, then of the second.

    Test pairs count where their answers are known. A task is not compared with itself: within one data set a pair of
    a task may be in another task.
    """
    places: dict[str, list[Place]] = {}
    for key, place in _keys(second):
        places.setdefault(key, []).append(place)
    same_data = first.data_hash == second.data_hash
    return [
        Shared(place, other)
        for key, place in _keys(first)
        for other in places.get(key, ())
        if not (same_data and place.task_id == other.task_id)
    ]


def _keys(dataset: DataSet) -> Iterator[tuple[str, Place]]:
    for task in dataset.tasks:
        for place, source, target in _pairs(task, dataset):
            yield pair_key(source, target), Place(task.task_id, place)


def _pairs(task: Task, dataset: DataSet) -> Iterator[tuple[str, Grid, Grid]]:
    for i, pair in enumerate(task.train):
        yield f"train[{i}]", pair.input, pair.output
    for i, target in enumerate(dataset.answers.get(task.task_id, ())):
        yield f"test[{i}]", task.test_inputs[i], target
