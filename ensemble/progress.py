"""Progress of a run on standard error: a live table in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from dsl.grid import same_grid
from dsl.task import Task
from ensemble.config import Config
from ensemble.executors import Ended
from ensemble.fingerprint import is_bound_by_work
from ensemble.merge import merge, proposed_by
from ensemble.pipeline import Observer
from ensemble.types import Answers, Candidate, Prediction

if TYPE_CHECKING:
    from rich.console import Group


def is_solved(prediction: Prediction, answers: Answers) -> bool:
    """Tell whether one of the attempts is right for every test input."""
    truths = answers[prediction.task_id]
    return all(
        any(same_grid(grid, truth) for grid in attempts)
        for attempts, truth in zip(prediction.attempts, truths, strict=True)
    )


class Tally(Observer):
    """Count tasks, and those solved by each family alone and by all together, as far as answers are known."""

    def __init__(self, config: Config, answers: Answers) -> None:
        self._config = config
        self._answers = answers
        self.total = self.done = self.restored = self.failed = self.judged = 0
        self.solved: dict[str, int] = {"ensemble": 0}
        self._slots: set[int] = set()
        self._first_start: float | None = None
        self._spent_seconds = 0.0

    def begin(self, total: int, restored: int) -> None:
        """Note the size of the run."""
        self.total, self.restored = total, restored

    def job_started(self, slot: int, task_id: str, solver: str) -> None:
        """Note the worker; the clock of the estimate starts with the first job, not with compiling before it."""
        self._slots.add(slot)
        if self._first_start is None:
            self._first_start = time.monotonic()

    def job_ended(self, task_id: str, solver: str, event: Ended) -> None:
        """Count failures."""
        self.failed += event.error is not None
        self._spent_seconds += event.seconds

    def task_done(self, task: Task, candidates: Sequence[Candidate], prediction: Prediction) -> None:
        """Count the task and who solves it."""
        self.done += 1
        if task.task_id in self._answers:
            self.judged += 1
            for name in self.solvers_of(task, candidates, prediction):
                self.solved[name] = self.solved.get(name, 0) + 1

    def solvers_of(self, task: Task, candidates: Sequence[Candidate], prediction: Prediction) -> list[str]:
        """Return the families whose own attempts solve a task, and ``ensemble`` if all together do."""
        if task.task_id not in self._answers:
            return []
        families = list(dict.fromkeys(candidate.provenance.family for candidate in candidates))
        alone = {family: merge(task, proposed_by(family, candidates), self._config.merge) for family in families}
        return [name for name, own in {**alone, "ensemble": prediction}.items() if is_solved(own, self._answers)]

    @property
    def seconds_left(self) -> float | None:
        """Return an estimate of the time to the end, by the tasks done so far; None before the first one.

        It is never above what the tasks that are left may take, and just that where they share the time: those that
        have most of it come last.
        """
        fresh = self.done - self.restored
        if fresh < 1 or self._first_start is None:
            return None
        seconds = (time.monotonic() - self._first_start) / fresh * (self.total - self.done)
        if any(is_bound_by_work(solver, self._config) for solver in self._config.solvers):
            return seconds
        if self._config.share_time:
            left = self._config.seconds * (self.total - self.restored) - self._spent_seconds
            return max(0.0, left) / len(self._slots)
        return min(seconds, self._config.seconds * (self.total - self.done) / len(self._slots))

    def summary(self) -> str:
        """Return one line: done, solved, failed, time left."""
        parts = [f"{self.done}/{self.total} tasks"]
        if self.judged:
            parts.append("solved " + ", ".join(f"{name} {n}" for name, n in sorted(self.solved.items())))
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.seconds_left is not None and self.done < self.total:
            parts.append(f"{duration(self.seconds_left)} left")
        return " | ".join(parts)


def duration(seconds: float) -> str:
    """Write a time for people: ``42 s``, ``7 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class PlainProgress(Tally):
    """One line for each finished task and each failure."""

    def __init__(self, config: Config, answers: Answers, stream: TextIO) -> None:
        super().__init__(config, answers)
        self._stream = stream

    def begin(self, total: int, restored: int) -> None:
        """Say what there is to do."""
        super().begin(total, restored)
        known = f", {restored} of them done before" if restored else ""
        print(f"{total} tasks{known}", file=self._stream, flush=True)

    def job_ended(self, task_id: str, solver: str, event: Ended) -> None:
        """Say what failed."""
        super().job_ended(task_id, solver, event)
        if event.error is not None:
            print(f"{task_id}: {solver} failed: {event.error.splitlines()[0]}", file=self._stream, flush=True)

    def task_done(self, task: Task, candidates: Sequence[Candidate], prediction: Prediction) -> None:
        """Say how the run stands."""
        super().task_done(task, candidates, prediction)
        if self.done > self.restored:
            print(
                f"{self.summary()} | {task.task_id}: {self._verdict(task, candidates, prediction)}", file=self._stream
            )
            self._stream.flush()

    def _verdict(self, task: Task, candidates: Sequence[Candidate], prediction: Prediction) -> str:
        if task.task_id not in self._answers:
            return "answered" if all(prediction.attempts) else "no answer"
        solvers = [name for name in self.solvers_of(task, candidates, prediction) if name != "ensemble"]
        return f"solved by {', '.join(solvers)}" if solvers else "not solved"


class LiveProgress(Tally):
    """A table that is drawn over itself: totals, and what each worker does."""

    def __init__(self, config: Config, answers: Answers) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(config, answers)
        self._console = Console(stderr=True)
        self._workers: dict[int, tuple[str, str, float]] = {}
        self._live = Live(get_renderable=self._draw, console=self._console, refresh_per_second=4, transient=True)

    def begin(self, total: int, restored: int) -> None:
        """Begin to draw."""
        super().begin(total, restored)
        self._live.start()

    def job_started(self, slot: int, task_id: str, solver: str) -> None:
        """Show what the worker does."""
        super().job_started(slot, task_id, solver)
        self._workers[slot] = (task_id, solver, time.monotonic())

    def job_ended(self, task_id: str, solver: str, event: Ended) -> None:
        """Clear the worker's line, and keep a line for a failure."""
        super().job_ended(task_id, solver, event)
        self._workers = {slot: job for slot, job in self._workers.items() if job[:2] != (task_id, solver)}
        if event.error is not None:
            self._console.print(f"{task_id}: {solver} failed: {event.error.splitlines()[0]}", markup=False)

    def close(self) -> None:
        """Stop drawing, and leave the totals."""
        self._live.stop()
        if self.total:  # else the run did not begin, and an error says why
            self._console.print(self.summary(), markup=False)

    def _draw(self) -> "Group":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        workers = Table.grid(padding=(0, 2))
        for slot, (task_id, solver, since) in sorted(self._workers.items()):
            workers.add_row(f"worker {slot}", task_id, solver, f"{time.monotonic() - since:.0f} s")
        bar = ProgressBar(total=max(1, self.total), completed=self.done, width=40)
        return Group(Text(self.summary()), bar, workers)


def make_progress(
    config: Config, answers: Answers, *, plain: bool = False, stream: TextIO | None = None
) -> tuple[Observer, Callable[[], None]]:
    """Return an observer for standard error, live if that is a terminal, and a function that ends it."""
    stream = stream or sys.stderr
    if plain or not stream.isatty():
        return PlainProgress(config, answers, stream), lambda: None
    live = LiveProgress(config, answers)
    return live, live.close
