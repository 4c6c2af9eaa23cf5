"""Writing a run folder: one process, one database connection, whole files replaced at once.

Whatever stops the run (Ctrl-C, a kill, a full disk), what was finished before stays readable, and the same command
goes on from there.
"""

import errno
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from dsl.grid import grid_to_text
from dsl.task import Task
from ensemble.errors import RunError
from ensemble.files import PART, replace_file
from ensemble.store import (
    LOG_FILE,
    RESULTS_FILE,
    RUN_FILE,
    SCHEMA,
    SUBMISSION_FILE,
    JobKey,
    read_candidates,
    read_info,
    reading,
)
from ensemble.submission import kaggle_entry
from ensemble.types import Candidate, Prediction

LOCK_FILE = "run.lock"
WORKER_LOGS = "logs"
"""Folder for what the workers print."""
OWN_FILES = (
    RUN_FILE,
    RESULTS_FILE,
    f"{RESULTS_FILE}-wal",
    f"{RESULTS_FILE}-shm",
    f"{RESULTS_FILE}-journal",
    SUBMISSION_FILE,
    LOG_FILE,
    "report.html",
)
"""Files that ``fresh`` removes, with the worker logs, and nothing else."""


class Recorder:
    """The one writer of a run folder."""

    def __init__(self, folder: Path, info: dict[str, Any], connection: sqlite3.Connection, lock: IO[str]) -> None:
        self.folder = folder
        self.info = info
        self._connection = connection
        self._lock = lock
        self._entries: dict[str, str] = {}
        self._is_published = False

    def finished(self, key: JobKey) -> tuple[str, float] | None:
        """Return status and seconds of a job that ended earlier, or None."""
        with reading(self.folder / RESULTS_FILE):
            row = self._connection.execute(
                "SELECT status, seconds FROM job WHERE task_id = ? AND solver = ? AND solver_key = ?",
                (key.task_id, key.solver, key.solver_key),
            ).fetchone()
        return None if row is None else (row[0], row[1])

    def begin(self, key: JobKey) -> int:
        """Open a job, dropping what an earlier try of it left; return its number."""
        with self._transaction():
            self._connection.execute(
                "DELETE FROM job WHERE task_id = ? AND solver = ? AND solver_key = ?",
                (key.task_id, key.solver, key.solver_key),
            )
            cursor = self._connection.execute(
                "INSERT INTO job (task_id, task_hash, solver, solver_key, status) VALUES (?, ?, ?, ?, 'running')",
                (key.task_id, key.task_hash, key.solver, key.solver_key),
            )
        number = cursor.lastrowid
        assert number is not None
        return number

    def add(self, job: int, candidates: Sequence[Candidate]) -> None:
        """Keep candidates of a running job, after those that came before."""
        with self._transaction():
            (position,) = self._connection.execute(
                "SELECT coalesce(max(position) + 1, 0) FROM candidate WHERE job_id = ?", (job,)
            ).fetchone()
            self._connection.executemany(
                "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        job,
                        position + i,
                        candidate.test_index,
                        grid_to_text(candidate.grid),
                        candidate.log_score,
                        json.dumps(asdict(candidate.provenance)),
                    )
                    for i, candidate in enumerate(candidates)
                ],
            )

    def finish(self, job: int, *, seconds: float, peak_bytes: int | None, error: str | None) -> None:
        """Commit a job: done, or failed if there is an error."""
        with self._transaction():
            self._connection.execute(
                "UPDATE job SET status = ?, seconds = ?, peak_bytes = ?, error = ? WHERE id = ?",
                ("done" if error is None else "failed", seconds, peak_bytes, error, job),
            )

    def candidates(self, key: JobKey) -> list[Candidate]:
        """Return the stored candidates of one job, as they came."""
        with reading(self.folder / RESULTS_FILE):
            return read_candidates(self._connection, key.task_id, key.solver, key.solver_key)

    def publish(self, **changes: Any) -> None:
        """Write ``run.json`` with some entries changed: from now on the folder shows this run, not an earlier one."""
        self.info |= changes
        self._is_published = True
        with _writing(self.folder):
            replace_file(self.folder / RUN_FILE, json.dumps(self.info, indent=1) + "\n")

    @property
    def is_published(self) -> bool:
        """Tell whether ``run.json`` is of this run."""
        return self._is_published

    def submit(
        self, tasks: Sequence[Task], predictions: Mapping[str, Prediction], *, changed: str | None = None
    ) -> None:
        """Rewrite ``submission.json``.

        Args:
            tasks: all tasks asked for; one without a prediction gets the fallback.
            predictions: by task id.
            changed: the only task whose prediction is new since the last call, if that is known.
        """
        for task in tasks:
            if changed in (None, task.task_id):
                entry = kaggle_entry(predictions.get(task.task_id), len(task.test_inputs))
                self._entries[task.task_id] = json.dumps(entry, separators=(",", ":"))
        lines = [f"{json.dumps(task.task_id)}: {self._entries[task.task_id]}" for task in tasks]
        with _writing(self.folder):
            replace_file(self.folder / SUBMISSION_FILE, "{" + ",\n".join(lines) + "}\n")

    def close(self) -> None:
        """Drop unfinished jobs, leave the database as one plain file that can be read anywhere, and free the folder."""
        with suppress(sqlite3.Error):
            self._connection.execute("DELETE FROM job WHERE status = 'running'")
            self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
        self._lock.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _writing(self.folder), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield


def open_recorder(folder: Path, info: dict[str, Any], *, fresh: bool = False) -> Recorder:
    """Start or continue a run in a folder; what an earlier run shows there stays until ``publish``.

    Args:
        folder: made if it is not there.
        info: content of ``run.json``.
        fresh: start over: remove the files of the run that is there.

    Raises:
        RunError: the folder cannot be written, holds other files or another data set's run, or is in use.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _check_content(folder, info, fresh=fresh)
        lock = _lock(folder)
        try:
            if fresh:
                _remove_run(folder)
            connection = _connect(folder / RESULTS_FILE)
        except BaseException:
            lock.close()
            raise
    recorder = Recorder(folder, info, connection, lock)
    try:
        if not (folder / RUN_FILE).exists():
            recorder.publish()
    except BaseException:
        recorder.close()
        raise
    return recorder


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(SCHEMA)
        connection.execute("DELETE FROM job WHERE status = 'running'")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_content(folder: Path, info: Mapping[str, Any], *, fresh: bool) -> None:
    if (folder / RUN_FILE).exists():
        if fresh:
            return
        there = read_info(folder)
        if there.get("data_hash") != info["data_hash"]:
            raise RunError(
                f"{folder} holds a run of {there.get('target')} (hash {there.get('data_hash')}), not of "
                f"{info['target']} (hash {info['data_hash']}): name another folder with -o, or start over with --fresh"
            )
        return
    # A first start that was killed, or found the disk full, may have left some of them.
    own = {LOCK_FILE, WORKER_LOGS, *OWN_FILES, *(f"{name}{PART}" for name in OWN_FILES)}
    others = sorted(path.name for path in folder.iterdir() if path.name not in own)
    if others:
        raise RunError(f"{folder} is not a run folder and holds other files ({others[0]}): name another folder with -o")


def _remove_run(folder: Path) -> None:
    for name in OWN_FILES:
        (folder / name).unlink(missing_ok=True)
    for path in (folder / WORKER_LOGS).glob("worker-*.log"):
        path.unlink()


def _lock(folder: Path) -> IO[str]:
    handle = (folder / LOCK_FILE).open("w")
    try:
        import fcntl
    except ImportError:
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise RunError(f"{folder} is in use by another 'solve': wait for it, or name another folder with -o") from None
    return handle


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        is_full = (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "is full" in reason
        advice = (
            "what was finished is kept: make room and give the same command again"
            if is_full
            else "make it writable, or name another folder with -o"
        )
        raise RunError(f"cannot write the run folder {folder}: {reason}; {advice}") from None
