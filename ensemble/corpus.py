"""Corpora: demonstration pairs of many tasks in flat arrays, packed once and then memory-mapped.

Built from RE-ARC (Hodel 2024, arXiv 2404.07353; a folder or zip with ``re_arc/tasks/<id>.json``), from ARC-AGI-1
and ARC-AGI-2 training tasks, and from tasks composed of the project's own primitives. Training reads only the ids of
:func:`fit_tasks` and :func:`clean_arc_agi_2_tasks`: the held-out tasks and what repeats an evaluation task stay out.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.errors import GridError
from dsl.grid import MAX_SIDE, Grid, as_grid, seal
from dsl.task import Example
from ensemble.data import load_tasks
from ensemble.errors import DataError
from ensemble.files import replace_file
from ensemble.overlap import pair_key

REPEATED_IN_EVALUATION = ("40853293", "caa06a1f")
"""Training tasks that equal or share pairs with evaluation tasks 070dd51e and 50a16a69, up to symmetry and color."""

_FILES = ("sides", "starts", "cells")


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Pairs of many tasks.

    Attributes:
        name: ``re-arc``, ``arc-agi-1``, ``arc-agi-2`` or ``composed``.
        task_ids: one id per task, sorted; a program's text for composed tasks.
        starts: ``(tasks + 1,)`` int64, first pair of each task.
        sides: ``(pairs, 4)`` uint8: input height and width, output height and width.
        offsets: ``(pairs + 1,)`` int64, first cell of each pair.
        cells: ``(cells,)`` uint8, input then output of each pair, row by row.
        digest: SHA-256 of ids and arrays, 16 hex digits.
    """

    name: str
    task_ids: tuple[str, ...]
    starts: NDArray[np.int64]
    sides: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    cells: NDArray[np.uint8]
    digest: str

    def example(self, pair: int) -> Example:
        """Return one pair by its number in the whole corpus."""
        height_in, width_in, height_out, width_out = (int(side) for side in self.sides[pair])
        first = int(self.offsets[pair])
        middle = first + height_in * width_in
        last = int(self.offsets[pair + 1])
        return Example(
            seal(np.array(self.cells[first:middle]).reshape(height_in, width_in)),
            seal(np.array(self.cells[middle:last]).reshape(height_out, width_out)),
        )

    def examples(self, task: int) -> Iterator[Example]:
        """Yield all pairs of one task by its index in ``task_ids``."""
        for pair in range(int(self.starts[task]), int(self.starts[task + 1])):
            yield self.example(pair)


def dev_tasks() -> dict[str, list[Example]]:
    """Return all pairs of the 80 held-out ARC-AGI-1 training tasks, by id; for measuring only."""
    return _all_pairs("arc-agi-1/dev")


def fit_tasks() -> dict[str, list[Example]]:
    """Return all pairs of the ARC-AGI-1 training tasks that training may read, by id."""
    return {
        task_id: examples
        for task_id, examples in _all_pairs("arc-agi-1/fit").items()
        if task_id not in REPEATED_IN_EVALUATION
    }


def clean_arc_agi_2_tasks() -> dict[str, list[Example]]:
    """Return all pairs of the ARC-AGI-2 training tasks that training may read, by id.

    Those are the 233 of 1000 that are in neither set of ARC-AGI-1; most of the others are its evaluation tasks.
    """
    return _all_pairs("arc-agi-2/new")


def _all_pairs(target: str) -> dict[str, list[Example]]:
    data = load_tasks(target)
    return {
        task.task_id: [*task.train, *map(Example, task.test_inputs, data.answers[task.task_id])] for task in data.tasks
    }


@lru_cache(maxsize=1)
def held_out_keys() -> frozenset[str]:
    """Return the keys (``overlap.pair_key``) of all pairs of dev and of both evaluation sets, answers included."""
    targets = ("arc-agi-1/dev", "arc-agi-1/evaluation", "arc-agi-2/evaluation")
    pairs = (pair for target in targets for examples in _all_pairs(target).values() for pair in examples)
    return frozenset(pair_key(pair.input, pair.output) for pair in pairs)


def without_held_out(tasks: Iterable[tuple[str, Sequence[Example]]]) -> Iterator[tuple[str, list[Example]]]:
    """Yield the tasks without pairs that equal a held-out pair up to symmetry and color."""
    forbidden = held_out_keys()
    for task_id, examples in tasks:
        yield task_id, [pair for pair in examples if pair_key(pair.input, pair.output) not in forbidden]


def read_re_arc(path: Path, task_ids: Sequence[str]) -> Iterator[tuple[str, list[Example]]]:
    """Yield the pairs of the named tasks from RE-ARC's zip or folder; other files are not opened.

    RE-ARC has a few pairs with sides above 30; they are left out.

    Raises:
        DataError: nothing there, a task is missing, or a file is not in RE-ARC's layout.
    """
    for task_id in task_ids:
        where = f"re_arc/tasks/{task_id}.json"
        try:
            values = json.loads(_read_member(path, where))
            pairs = [(np.array(pair["input"]), np.array(pair["output"])) for pair in values]
            allowed = [pair for pair in pairs if max(pair[0].shape + pair[1].shape) <= MAX_SIDE]
            yield task_id, [Example(as_grid(source), as_grid(target)) for source, target in allowed]
        except (OSError, KeyError, ValueError, TypeError, GridError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path} must be RE-ARC's re_arc.zip or a folder with {where}, got {type(error).__name__}: {error}"
            ) from None


def _read_member(path: Path, where: str) -> bytes:
    if path.is_dir():
        for candidate in (path / where, path / "tasks" / Path(where).name, path / Path(where).name):
            if candidate.is_file():
                return candidate.read_bytes()
        raise FileNotFoundError(where)
    with zipfile.ZipFile(path) as archive:
        return archive.read(where)


def pack(name: str, tasks: Iterable[tuple[str, Sequence[Example]]]) -> Corpus:
    """Put tasks into flat arrays, ordered by id."""
    ids: list[str] = []
    starts = [0]
    sides: list[tuple[int, int, int, int]] = []
    cells: list[bytes] = []
    for task_id, examples in sorted(tasks, key=lambda item: item[0]):
        ids.append(task_id)
        starts.append(starts[-1] + len(examples))
        for example in examples:
            sides.append((*_shape(example.input), *_shape(example.output)))
            cells += [example.input.tobytes(), example.output.tobytes()]
    return _corpus(
        name,
        tuple(ids),
        np.array(starts, np.int64),
        np.array(sides, np.uint8).reshape(-1, 4),
        np.frombuffer(b"".join(cells), np.uint8),
    )


def _shape(grid: Grid) -> tuple[int, int]:
    height, width = grid.shape
    return height, width


def _corpus(
    name: str,
    task_ids: tuple[str, ...],
    starts: NDArray[np.int64],
    sides: NDArray[np.uint8],
    cells: NDArray[np.uint8],
) -> Corpus:
    wide = sides.astype(np.int64)
    areas = wide[:, 0] * wide[:, 1] + wide[:, 2] * wide[:, 3]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(areas)])
    digest = hashlib.sha256(json.dumps([name, task_ids]).encode())
    for array in (starts, sides, cells):
        digest.update(np.ascontiguousarray(array).tobytes())
    return Corpus(name, task_ids, starts, sides, offsets, cells, digest.hexdigest()[:16])


def save_corpus(corpus: Corpus, folder: Path) -> None:
    """Write a corpus to ``folder``; ``corpus.json`` is written last, so a broken write is never read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        np.save(folder / f"{name}.npy", getattr(corpus, name))
    head: dict[str, Any] = {"name": corpus.name, "digest": corpus.digest, "task_ids": corpus.task_ids}
    replace_file(folder / "corpus.json", json.dumps(head))


def load_corpus(folder: Path) -> Corpus:
    """Read a corpus; its cells stay on disk and are mapped.

    Raises:
        DataError: the folder holds no whole corpus, or its content is not what was written.
    """
    try:
        head = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        sides, starts = np.load(folder / "sides.npy"), np.load(folder / "starts.npy")
        cells = np.load(folder / "cells.npy", mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} holds no packed corpus ({error}); delete it and start again") from None
    corpus = _corpus(head["name"], tuple(head["task_ids"]), starts, sides, cells)
    if corpus.digest != head["digest"]:
        raise DataError(f"{folder} has digest {corpus.digest}, written was {head['digest']}; delete it and start again")
    return corpus
