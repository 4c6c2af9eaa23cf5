"""The parent's side of one worker process: its messages, its limits, its end."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import psutil

from ensemble.types import Candidate
from ensemble.worker import STACK_SIGNAL, Job

START_SECONDS = 120.0
"""Time that a worker may take to import what it needs; one that is stuck there is replaced."""
SETUP_SECONDS = 900.0
"""Time that a worker may take to build a solver: a large model is read from a slow disk."""
END_SECONDS = 5.0
STACK_SECONDS = 0.3
LOG_TAIL_BYTES = 4000


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


@dataclass(slots=True, eq=False)
class WorkerHandle:
    """What is known of one worker process."""

    slot: int
    process: SpawnProcess
    connection: Connection
    usage: psutil.Process
    log: Path | None
    ready: bool = False
    lost: bool = False
    job: Job | None = None
    given: float = 0.0
    started: float | None = None
    peak_bytes: int = 0
    refusal: str | None = None
    events: list[Event] = field(default_factory=list)

    def give(self, job: Job) -> None:
        """Send a job; a process that is gone is noticed later."""
        self.job, self.given, self.started, self.peak_bytes = job, time.monotonic(), None, 0
        with suppress(OSError):
            self.connection.send(job)

    def drain(self) -> None:
        """Take in every message that has come."""
        try:
            while self.connection.poll():
                self._take(self.connection.recv())
        except (EOFError, OSError):
            self.lost = True

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
        with suppress(psutil.Error):
            self.peak_bytes = max(self.peak_bytes, self.usage.memory_info().rss)

    @property
    def is_stuck(self) -> bool:
        """Tell whether the process should long have been ready for its first job."""
        return not self.ready and self.job is not None and time.monotonic() - self.given > START_SECONDS

    @property
    def is_gone(self) -> bool:
        """Tell whether the process is dead, or on its way there."""
        return self.lost or not self.process.is_alive()

    def verdict(self, memory_bytes: int) -> str | None:
        """Return which limit the job is over, or None."""
        if self.job is None:
            return None
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

    def obituary(self) -> str:
        """Say how the process died."""
        code = self.process.exitcode
        if code is not None and code < 0:
            hint = ", perhaps by the system for want of memory" if -code == signal.SIGKILL else ""
            return f"WorkerDied: the worker was ended by {signal.Signals(-code).name}{hint}"
        return f"WorkerDied: the worker left with exit code {code}"

    def fail(self, reason: str) -> None:
        """Report the job as failed, with the end of the worker's log."""
        assert self.job is not None
        seconds = time.monotonic() - (self.started if self.started is not None else self.given)
        tail = self.log_tail()
        error = f"{reason}\n{tail}" if tail else reason
        self.events.append(Ended(self.job.number, seconds, self.peak_bytes or None, error))
        self.job = None

    def log_tail(self) -> str:
        """Return the end of what the worker printed."""
        if self.log is None or not self.log.is_file():
            return ""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()

    def dismiss(self) -> None:
        """Tell the process to leave by itself after its job."""
        with suppress(OSError):
            self.connection.send(None)

    def print_stack(self) -> None:
        """Have the process write to its log what it is doing."""
        pid = self.process.pid
        if STACK_SIGNAL is None or pid is None or self.log is None or not self.ready:
            return
        with suppress(OSError):
            os.kill(pid, STACK_SIGNAL)
            self.process.join(STACK_SECONDS)

    def end(self) -> None:
        """Kill the process, and take in its last messages."""
        self.process.kill()
        self.process.join(END_SECONDS)
        if not self.connection.closed:
            self.drain()
            self.connection.close()
