"""The child process: one thread, one job at a time, candidates sent as they come.

Messages to the parent are tuples: ``("ready",)``, ``("started", job)``, ``("found", job, candidate)``,
``("ended", job, seconds, error)`` and ``("refused", message)``, which ends the run: a solver cannot be built here.
Jobs come as ``Job`` objects, None says goodbye.
"""

import faulthandler
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dsl.grid import as_grid, seal
from dsl.search.budget import Budget
from dsl.task import Example, Task
from ensemble.config import Config
from ensemble.errors import EnsembleError
from ensemble.examine import examined
from ensemble.memory import give_back_freed_memory
from ensemble.plugins import load_plugins
from ensemble.types import Candidate, Drafts, Solver, Successor

Factory = Callable[[str, Config], Solver]
"""Builds a solver from its name; importable, because workers are started afresh."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Read by the libraries when they are imported: a worker is one thread on one core."""


STACK_SIGNAL: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""Makes a worker print what it is doing; None where the system has no such signal."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One solver on one task.

    Attributes:
        number: names the job in messages and in the store.
        task: what to solve.
        solver: name of the solver.
        budget: what the solver may use.
        kill_seconds: wall time after which the parent ends the worker.
        drafts: what earlier solvers propose, for a solver that takes it.
    """

    number: int
    task: Task
    solver: str
    budget: Budget
    kill_seconds: float
    drafts: Drafts = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker needs before its first job.

    Attributes:
        config: configuration of the solvers.
        factory: builds them.
        plugins: files with user primitives.
        log: file that gets what the worker prints; None to leave it on the terminal.
    """

    config: Config
    factory: Factory
    plugins: tuple[Path, ...] = ()
    log: Path | None = None


def work(connection: Connection, setup: Setup) -> None:
    """Run jobs until the parent says goodbye or is gone: the body of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # the parent kept it away until here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _leave_with_parent()
    if setup.log is not None:
        _print_to(setup.log)
        _print_stacks()
    solvers: dict[str, Solver] = {}
    try:
        load_plugins(setup.plugins)
        connection.send(("ready",))
        while (job := connection.recv()) is not None:
            if job.solver not in solvers:
                solvers[job.solver] = _build(job.solver, setup)
            connection.send(("started", job.number))
            _report(connection, job, solvers[job.solver])
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except (EnsembleError, ImportError) as error:
        connection.send(("refused", refusal_of(error)))


def _build(name: str, setup: Setup) -> Solver:
    try:
        return setup.factory(name, setup.config)
    except (EnsembleError, ImportError):
        raise
    except Exception as error:  # it would be the same at every task
        traceback.print_exc()
        reason = str(error).strip().splitlines()
        raise EnsembleError(
            f"solver {name!r} cannot be built: {type(error).__name__}{': ' + reason[0] if reason else ''}"
        ) from error


def _report(connection: Connection, job: Job, solver: Solver) -> None:
    seconds, error = attempt(job, solver, lambda candidate: connection.send(("found", job.number, candidate)))
    connection.send(("ended", job.number, seconds, error))


def attempt(job: Job, solver: Solver, give: Callable[[Candidate], None]) -> tuple[float, str | None]:
    """Solve a job, handing on each candidate; return the seconds, and the error with its traceback if it failed.

    Raises:
        OSError: the parent is gone.
    """
    task, error = sealed(job.task), None
    give_back_freed_memory()
    started = time.monotonic()
    try:
        for candidate in checked(task, solver, job.budget, job.drafts):
            give(candidate)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}\n{traceback.format_exc()}"
    return time.monotonic() - started, error


def refusal_of(error: EnsembleError | ImportError) -> str:
    """Say in one line why a solver cannot be built here."""
    if isinstance(error, ImportError):
        return f"a solver cannot be imported: {error}; install it, or choose others with --solvers"
    return str(error)


def checked(task: Task, solver: Solver, budget: Budget, drafts: Drafts = ()) -> Iterator[Candidate]:
    """Return a solver's candidates, each checked to belong to the task and to hold a grid, with what it breaks.

    Raises:
        ValueError: one does not; what came before it was yielded.
    """
    if isinstance(solver, Successor) and any(drafts):
        candidates = solver.solve_after(task, budget, tuple(tuple(map(seal, grids)) for grids in drafts))
    else:
        candidates = solver.solve(task, budget)
    return examined(task, _valid(task, solver, candidates))


def _valid(task: Task, solver: Solver, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    for candidate in candidates:
        if candidate.task_id != task.task_id or not 0 <= candidate.test_index < len(task.test_inputs):
            raise ValueError(
                f"solver {solver.name!r} gave a candidate for {candidate.task_id}, test input {candidate.test_index}; "
                f"asked was {task.task_id} with {len(task.test_inputs)} test inputs"
            )
        if not -math.inf < candidate.log_score <= 0.0:
            raise ValueError(
                f"solver {solver.name!r} gave log_score {candidate.log_score}; allowed are finite, at most 0"
            )
        as_grid(candidate.grid)
        yield candidate


def sealed(task: Task) -> Task:
    """Return the task with read-only grids again: they lose that on the way between processes."""
    train = tuple(Example(seal(pair.input), seal(pair.output)) for pair in task.train)
    return Task(task.task_id, train, tuple(seal(grid) for grid in task.test_inputs))


def _leave_with_parent() -> None:
    """End this process as soon as the parent is gone, even in the middle of a job."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is None:
        return
    sentinel: Any = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _print_stacks() -> None:
    """Print the stack of every thread on a crash, and when the parent asks for it before it ends a job."""
    faulthandler.enable()
    if STACK_SIGNAL is not None:
        faulthandler.register(STACK_SIGNAL)


def _print_to(path: Path) -> None:
    """Send standard output and error of this process, those of its libraries included, to a file."""
    handle = path.open("a", buffering=1, encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(handle.fileno(), 1)
    os.dup2(handle.fileno(), 2)
