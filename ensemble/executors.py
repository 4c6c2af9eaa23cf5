"""Where jobs run: worker processes on this machine, each watched from outside and replaced when it dies.

An executor only starts jobs and reports what happens to them; order, storage and merging are the pipeline's business.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Protocol

import psutil

from ensemble.errors import RunError
from ensemble.types import Candidate
from ensemble.worker import THREAD_VARIABLES, Job, Setup, work

SETUP_SECONDS = 900.0
"""Time that a worker may take to start and to build a solver: a large model is read from a slow disk."""

END_SECONDS = 5.0
LOG_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Started:
    """A job's solver is built and its clock runs."""

    job: int
    slot: int


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A job gave a candidate."""

    job: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Ended:
    """A job is over; ``error`` says why it failed: a summary line, then details; None if it did not."""

    job: int
    seconds: float
    peak_bytes: int | None
    error: str | None


Event = Started | Found | Ended


class Executor(Protocol):
    """Run jobs somewhere."""

    def has_free_slot(self) -> bool:
        """Tell whether another job can be given."""
        ...

    def submit(self, job: Job) -> None:
        """Start a job on a free slot."""
        ...

    def poll(self, seconds: float) -> Sequence[Event]:
        """Wait at most so long, and return what happened, each job's events in order.

        Raises:
            RunError: no job can run here: a solver cannot be built.
        """
        ...

    def close(self) -> None:
        """End everything that still runs."""
        ...


@dataclass(slots=True, eq=False)
class _Worker:
    """The parent's side of one worker process."""

    slot: int
    process: SpawnProcess
    connection: Connection
    usage: psutil.Process
    log: Path | None
    ready: bool = False
    job: Job | None = None
    given: float = 0.0
    started: float | None = None
    peak_bytes: int = 0
    refusal: str | None = None
    events: list[Event] = field(default_factory=list)

    def give(self, job: Job) -> None:
        self.job, self.given, self.started, self.peak_bytes = job, time.monotonic(), None, 0
        self.connection.send(job)

    def drain(self) -> None:
        """Take in every message that has come."""
        try:
            while self.connection.poll():
                self._take(self.connection.recv())
        except (EOFError, OSError):
            return

    def _take(self, message: tuple[Any, ...]) -> None:
        match message:
            case ("ready",):
                self.ready = True
            case ("started", number):
                self.started = time.monotonic()
                self.events.append(Started(number, self.slot))
            case ("found", number, candidate):
                self.events.append(Found(number, candidate))
            case ("ended", number, seconds, error):
                self.measure()
                self.events.append(Ended(number, seconds, self.peak_bytes or None, error))
                self.job = None
            case ("refused", text):
                self.refusal = text

    def measure(self) -> None:
        """Note the resident memory."""
        try:
            self.peak_bytes = max(self.peak_bytes, self.usage.memory_info().rss)
        except psutil.Error:
            return

    def verdict(self, memory_bytes: int) -> str | None:
        """Return why the job must be ended, or None."""
        if self.job is None:
            return None
        if not self.process.is_alive():
            return _obituary(self.process.exitcode)
        if self.peak_bytes > memory_bytes:
            return (
                f"MemoryLimit: the worker held {self.peak_bytes / 2**30:.2f} GB, allowed are "
                f"{memory_bytes / 2**30:.2f} GB (--memory-gb)"
            )
        now = time.monotonic()
        if self.started is None and now - self.given > SETUP_SECONDS:
            return f"TimeLimit: solver {self.job.solver!r} was not ready after {SETUP_SECONDS:.0f} s"
        if self.started is not None and now - self.started > self.job.kill_seconds:
            return f"TimeLimit: ended after {now - self.started:.1f} s, its budget was {self.job.budget.seconds:.1f} s"
        return None

    def fail(self, reason: str) -> None:
        """Report the job as failed, with the end of the worker's log."""
        assert self.job is not None
        seconds = time.monotonic() - (self.started if self.started is not None else self.given)
        tail = self.log_tail()
        error = f"{reason}\n{tail}" if tail else reason
        self.events.append(Ended(self.job.number, seconds, self.peak_bytes or None, error))
        self.job = None

    def log_tail(self) -> str:
        if self.log is None or not self.log.is_file():
            return ""
        return self.log.read_bytes()[-LOG_TAIL:].decode("utf-8", "replace").strip()

    def dismiss(self) -> None:
        """Tell the process to leave by itself after its job."""
        with suppress(OSError):
            self.connection.send(None)

    def end(self) -> None:
        """Kill the process, and collect it."""
        self.process.kill()
        self.process.join(END_SECONDS)
        self.connection.close()


def _obituary(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = ", perhaps by the system for want of memory" if name == "SIGKILL" else ""
        return f"WorkerDied: the worker was ended by {name}{hint}"
    return f"WorkerDied: the worker left with exit code {exit_code}"


class LocalExecutor:
    """Run jobs in processes of this machine, started when they are first needed and kept for the next job."""

    def __init__(
        self, workers: int, setup: Setup, *, memory_bytes: int, logs: Path | None = None, gpus: Sequence[str] = ()
    ) -> None:
        """Set up; nothing runs yet.

        Args:
            workers: number of processes, at least 1.
            setup: what they need; each gets its own log.
            memory_bytes: resident memory above which a worker is ended.
            logs: folder for what the workers print; None to leave it on the terminal.
            gpus: CUDA device ids, given to the workers in turn; empty to leave that as it is.
        """
        self._setup = setup
        self._memory_bytes = memory_bytes
        self._logs = logs
        self._gpus = tuple(gpus)
        self._slots: list[_Worker | None] = [None] * workers

    def has_free_slot(self) -> bool:
        """Tell whether a worker is idle or can be started."""
        return any(worker is None or worker.job is None for worker in self._slots)

    def submit(self, job: Job) -> None:
        """Give a job to an idle worker, else to a new one."""
        idle = [worker for worker in self._slots if worker is not None and worker.job is None]
        worker = idle[0] if idle else self._start(self._slots.index(None))
        try:
            worker.give(job)
        except OSError:
            return  # it has died: the next poll reports the job as failed

    def poll(self, seconds: float) -> list[Event]:
        """Wait for messages, end workers over their limits, and return what happened."""
        live = [worker for worker in self._slots if worker is not None]
        wait([worker.connection for worker in live] + [worker.process.sentinel for worker in live], seconds)
        events: list[Event] = []
        for worker in live:
            worker.drain()
            worker.measure()
            verdict = worker.verdict(self._memory_bytes)
            if verdict is not None or not worker.process.is_alive():
                self._bury(worker, verdict)
            events += worker.events
            worker.events = []
        return events

    def close(self) -> None:
        """End all workers: idle ones are told to leave, what the others do is not wanted any more."""
        live = [worker for worker in self._slots if worker is not None]
        self._slots = [None] * len(self._slots)
        for worker in live:
            worker.dismiss()
        deadline = time.monotonic() + END_SECONDS
        for worker in live:
            if worker.job is None:
                worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.end()

    def _bury(self, worker: _Worker, verdict: str | None) -> None:
        """End a worker for good; its slot starts a new one with the next job."""
        self._slots[worker.slot] = None
        worker.process.kill()
        worker.process.join(END_SECONDS)
        worker.drain()
        if worker.refusal is not None:
            worker.end()
            raise RunError(worker.refusal)
        if not worker.ready:
            tail = worker.log_tail().splitlines()
            worker.end()
            raise RunError(f"a worker process cannot start{': ' + tail[-1] if tail else ''}")
        if worker.job is not None and verdict is not None:
            worker.fail(verdict)
        worker.end()

    def _start(self, slot: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        log = self._logs / f"worker-{slot}.log" if self._logs is not None else None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)
        process = context.Process(target=work, args=(theirs, replace(self._setup, log=log)), daemon=True)
        with _environment(self._variables(slot)):
            process.start()
        theirs.close()
        worker = _Worker(slot, process, ours, psutil.Process(process.pid), log)
        self._slots[slot] = worker
        return worker

    def _variables(self, slot: int) -> dict[str, str]:
        variables = dict.fromkeys(THREAD_VARIABLES, "1") | {"TOKENIZERS_PARALLELISM": "false"}
        # A killed worker cannot free what its libraries took; multiprocessing frees it, and need not tell.
        filters = (os.environ.get("PYTHONWARNINGS"), "ignore::UserWarning:multiprocessing.resource_tracker")
        variables["PYTHONWARNINGS"] = ",".join(part for part in filters if part)
        if self._gpus:
            variables["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)]
        return variables


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a child that is started inside: its libraries read them before any of our code runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
