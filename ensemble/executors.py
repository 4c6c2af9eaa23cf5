"""Where jobs run: worker processes on this machine, each watched from outside and replaced when it dies.

An executor only starts jobs and reports what happens to them; order, storage and merging are the pipeline's business.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Protocol

import psutil

from ensemble.errors import RunError
from ensemble.worker import THREAD_VARIABLES, Job, Setup, work
from ensemble.worker_handle import END_SECONDS, START_SECONDS, Ended, Event, Found, Started, WorkerHandle

__all__ = ["Ended", "Event", "Executor", "Found", "LocalExecutor", "Started"]

MAX_STARTS = 3
"""Times that a job is given to a worker which then does not come up."""


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
        self._slots: list[WorkerHandle | None] = [None] * workers
        self._starts: dict[int, int] = {}

    def has_free_slot(self) -> bool:
        """Tell whether a worker is idle or can be started."""
        return any(worker is None or worker.job is None for worker in self._slots)

    def submit(self, job: Job) -> None:
        """Give a job to an idle worker, else to a new one."""
        idle = [worker for worker in self._slots if worker is not None and worker.job is None]
        worker = idle[0] if idle else self._start(self._slots.index(None))
        worker.give(job)

    def poll(self, seconds: float) -> list[Event]:
        """Wait for messages, end workers over their limits, and return what happened."""
        live = [worker for worker in self._slots if worker is not None]
        wait([worker.connection for worker in live] + [worker.process.sentinel for worker in live], seconds)
        events: list[Event] = []
        for worker in live:
            worker.drain()
            worker.measure()
            verdict = worker.verdict(self._memory_bytes)
            if worker.is_gone:
                self._bury(worker)
            elif worker.is_stuck:
                self._start_again(worker)
            elif verdict is not None:
                worker.print_stack()
                self._end(worker)
                if worker.job is not None:
                    worker.fail(verdict)
            events += worker.events
            worker.events = []
        return events

    def _end(self, worker: WorkerHandle) -> None:
        """End a worker for good; its slot starts a new one with the next job."""
        self._slots[worker.slot] = None
        worker.end()

    def _bury(self, worker: WorkerHandle) -> None:
        """Find out why a worker is gone."""
        worker.process.join(END_SECONDS)
        self._end(worker)
        if worker.refusal is not None:
            raise RunError(worker.refusal)
        if not worker.ready:
            tail = worker.log_tail().splitlines()
            raise RunError(f"a worker process cannot start{': ' + tail[-1] if tail else ''}")
        if worker.job is not None:
            worker.fail(worker.obituary())

    def _start_again(self, worker: WorkerHandle) -> None:
        """Give the job of a worker that does not come up to a new one."""
        job = worker.job
        assert job is not None
        self._end(worker)
        self._starts[job.number] = self._starts.get(job.number, 1) + 1
        if self._starts[job.number] > MAX_STARTS:
            raise RunError(f"worker processes do not start within {START_SECONDS:.0f} s: is the machine overloaded?")
        self._start(worker.slot).give(job)

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

    def _start(self, slot: int) -> WorkerHandle:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        log = self._logs / f"worker-{slot}.log" if self._logs is not None else None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)
        process = context.Process(target=work, args=(theirs, replace(self._setup, log=log)), daemon=True)
        with _environment(self._variables(slot)), _without_interrupts():
            process.start()
        theirs.close()
        worker = WorkerHandle(slot, process, ours, psutil.Process(process.pid), log)
        self._slots[slot] = worker
        return worker

    def _variables(self, slot: int) -> dict[str, str]:
        variables = dict.fromkeys(THREAD_VARIABLES, "1") | {"TOKENIZERS_PARALLELISM": "false"}
        # A killed worker cannot free what its libraries took; multiprocessing frees it, and need not tell.
        filters = (os.environ.get("PYTHONWARNINGS"), "ignore::UserWarning:multiprocessing.resource_tracker")
        variables["PYTHONWARNINGS"] = ",".join(part for part in filters if part)
        # oneDNN keeps compiled code for the last 1,024 shapes of products; every task has its own.
        variables["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = os.environ.get("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
        if self._gpus:
            variables["CUDA_VISIBLE_DEVICES"] = self._gpus[slot % len(self._gpus)]
        return variables


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C, which a terminal sends to all processes, from a child until it ignores it (``worker.work``)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # a start would start it too, and let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
