"""Run folders: everything that a run computed, in files that other tools can read.

::

    run.json          status, versions, hashes, configuration, seed, machine
    results.sqlite    every job and every candidate; only the coordinating process writes
    submission.json   Kaggle form, complete and valid at all times
    solve.log         what happened; logs/ holds what the workers printed

A job is one solver on one task. Its key is made of content (``JobKey``), so that the same command again finds
its finished jobs, and another setting in the same folder neither loses nor mixes them.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsl.grid import grid_from_text
from ensemble.config import Config, build_config
from ensemble.data import DataSet, load_tasks
from ensemble.errors import RunError
from ensemble.types import Candidate, Provenance

RUN_FILE = "run.json"
RESULTS_FILE = "results.sqlite"
SUBMISSION_FILE = "submission.json"
LOG_FILE = "solve.log"

FORMAT = 1
"""Version of the layout; another one is refused."""

NEEDED = ("target", "solutions", "data_hash", "task_ids", "config", "solver_keys")
"""Entries of ``run.json`` that reading a run needs."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL, task_hash TEXT NOT NULL, solver TEXT NOT NULL, solver_key TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    seconds REAL, peak_bytes INTEGER, error TEXT,
    UNIQUE (task_id, solver, solver_key)
);
CREATE TABLE IF NOT EXISTS candidate (
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position INTEGER NOT NULL, test_index INTEGER NOT NULL,
    grid TEXT NOT NULL, log_score REAL NOT NULL, provenance TEXT NOT NULL,
    PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class JobKey:
    """Name one solver's work on one task by content; a folder holds one data set, so the id stands for the grids.

    Attributes:
        task_id: id of the task.
        task_hash: digest of its grids, for other runs to compare.
        solver: name of the solver.
        solver_key: digest of all else that decides the result: settings, budget, seed, model, language.
    """

    task_id: str
    task_hash: str
    solver: str
    solver_key: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """What became of a job.

    Attributes:
        task_id: id of the task.
        solver: name of the solver.
        status: ``done``, ``failed`` (its candidates up to then count), or ``running``.
        seconds: wall time of the solver; None while it runs.
        peak_bytes: largest resident memory of its worker that was seen; None if it was not.
        error: why it failed, first line the summary, then the traceback; None if it did not.
        candidates: number of candidates.
    """

    task_id: str
    solver: str
    status: str
    seconds: float | None
    peak_bytes: int | None
    error: str | None
    candidates: int


class Run:
    """A run folder opened for reading; it may still be running."""

    def __init__(self, path: Path, info: dict[str, Any], connection: sqlite3.Connection) -> None:
        self.path = path
        self.info = info
        self.config: Config = build_config(info["config"])
        self._connection = connection
        self._dataset: DataSet | None = None

    @property
    def task_ids(self) -> tuple[str, ...]:
        """Return the ids that the run was asked to solve, sorted: the denominator of every score."""
        return tuple(self.info["task_ids"])

    def dataset(self) -> DataSet:
        """Load the tasks asked for, with their answers, by the recorded target.

        Raises:
            DataError: the target is gone.
            RunError: its content is not what the run was made with.
        """
        if self._dataset is None:
            solutions = self.info["solutions"]
            loaded = load_tasks(self.info["target"], solutions=Path(solutions) if solutions else None)
            if loaded.data_hash != self.info["data_hash"]:
                raise RunError(
                    f"{self.path} was made with {self.info['target']} of hash {self.info['data_hash']}, "
                    f"which now has hash {loaded.data_hash}: restore that data, or solve into another folder"
                )
            self._dataset = loaded.select(self.task_ids)
        return self._dataset

    def jobs(self) -> tuple[JobRow, ...]:
        """Return the jobs of the current settings, by task, then in the order of the solvers."""
        rows = self._read(
            "SELECT task_id, solver, solver_key, status, seconds, peak_bytes, error,"
            " (SELECT count(*) FROM candidate WHERE job_id = job.id) FROM job"
        )
        asked, order = set(self.task_ids), {name: i for i, name in enumerate(self.config.solvers)}
        current = [
            JobRow(task_id, solver, *rest)
            for task_id, solver, key, *rest in rows
            if task_id in asked and self._is_current(solver, key)
        ]
        return tuple(sorted(current, key=lambda row: (row.task_id, order[row.solver])))

    def candidates(self, task_id: str) -> tuple[Candidate, ...]:
        """Return all candidates of a task under the current settings: by the order of solvers, then as they came."""
        found: list[Candidate] = []
        with reading(self.path / RESULTS_FILE):
            for solver in self.config.solvers:
                found += read_candidates(self._connection, task_id, solver, self.info["solver_keys"][solver])
        return tuple(found)

    def hash_of_candidates(self) -> str:
        """Return a digest of all candidates under the current settings, and of the tasks' grids.

        The file's own bytes change whenever it is opened for writing.
        """
        rows = self._read(
            "SELECT solver, solver_key, task_id, task_hash, test_index, grid, log_score, provenance"
            " FROM candidate JOIN job ON job.id = job_id WHERE status != 'running'"
            " ORDER BY task_id, solver, solver_key, position"
        )
        digest, asked = hashlib.sha256(), set(self.task_ids)
        for solver, key, *content in rows:
            if content[0] in asked and self._is_current(solver, key):
                digest.update(json.dumps([solver, *content]).encode())
        return digest.hexdigest()[:16]

    def task_hashes(self) -> dict[str, str]:
        """Return for each task with a current job the digest of its grids (``ensemble.data.hash_of_task``)."""
        rows = self._read("SELECT task_id, task_hash, solver, solver_key FROM job ORDER BY id")
        return {task_id: task_hash for task_id, task_hash, solver, key in rows if self._is_current(solver, key)}

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        with reading(self.path / RESULTS_FILE):
            return self._connection.execute(query).fetchall()

    def _is_current(self, solver: str, key: str) -> bool:
        return bool(self.info["solver_keys"].get(solver) == key)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_run(path: Path | str) -> Run:
    """Open a run folder for reading.

    Raises:
        RunError: it is no run folder, or its files cannot be read.
    """
    folder = Path(path)
    info = read_info(folder)
    results = folder / RESULTS_FILE
    if not results.is_file():
        raise RunError(f"{folder} has no {RESULTS_FILE}: solve into it first")
    with reading(results):
        connection = sqlite3.connect(f"{results.resolve().as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT count(*) FROM job")
    return Run(folder, info, connection)


@contextmanager
def reading(results: Path) -> Iterator[None]:
    """Raise ``RunError`` where a database cannot be read: it is damaged, or something else."""
    try:
        yield
    except sqlite3.Error as error:
        raise RunError(f"cannot read {results}: {error}; copy it back, or start over with --fresh") from None


def read_info(folder: Path) -> dict[str, Any]:
    """Return the content of ``run.json``.

    Raises:
        RunError: there is none, it cannot be read, or it is of another format.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise RunError(f"{folder} is not a run folder: it has no {RUN_FILE}")
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"cannot read {path}: {error}") from None
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        came = info.get("format") if isinstance(info, dict) else type(info).__name__
        raise RunError(f"{path} has format {came!r}, this version reads {FORMAT}")
    missing = [name for name in NEEDED if name not in info]
    if missing:
        raise RunError(f"{path} has no entry {missing[0]!r}: it was not written by 'solve'")
    return info


def read_candidates(connection: sqlite3.Connection, task_id: str, solver: str, solver_key: str) -> list[Candidate]:
    """Return the candidates of one job that has ended, as they came."""
    rows = connection.execute(
        "SELECT test_index, grid, log_score, provenance FROM candidate JOIN job ON job.id = job_id"
        " WHERE task_id = ? AND solver = ? AND solver_key = ? AND status != 'running' ORDER BY position",
        (task_id, solver, solver_key),
    )
    return [
        Candidate(task_id, test_index, grid_from_text(grid), log_score, _provenance(text))
        for test_index, grid, log_score, text in rows
    ]


def _provenance(text: str) -> Provenance:
    values = json.loads(text)
    breaks = values.pop("breaks", None)  # runs of earlier versions have none
    return Provenance(**values, breaks=None if breaks is None else tuple(breaks))
