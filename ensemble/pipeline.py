"""The run: every solver on every task, stored as it comes, merged when a task's solvers are through.

The result does not depend on the number of workers: candidates are merged in the order of the solvers, not of arrival.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dsl.search.budget import Budget
from dsl.task import Task
from ensemble.allotment import Allotment, weight_of
from ensemble.config import Config
from ensemble.data import hash_of_task
from ensemble.executors import Ended, Event, Executor, Found, Started
from ensemble.fingerprint import is_bound_by_work
from ensemble.merge import heard, is_judged, likeliest, merge, pools_of
from ensemble.recorder import Recorder
from ensemble.store import JobKey
from ensemble.types import Candidate, Drafts, Prediction
from ensemble.worker import Job

POLL_SECONDS = 0.2
SOLVER_MEMORY_SHARE = 0.75
"""Share of a worker's memory that a solver may plan with; the rest is for what the process holds anyway."""
LEAST_SHARE = 0.05
"""Share of the whole time that the network has at least, when it is shared and the others have used it up."""

log = logging.getLogger(__name__)


class Observer:
    """Watch a run; every method does nothing here."""

    def begin(self, total: int, restored: int) -> None:
        """Hear how many tasks there are, and how many of them an earlier run has finished."""

    def job_started(self, slot: int, task_id: str, solver: str) -> None:
        """Hear that a worker has begun."""

    def job_ended(self, task_id: str, solver: str, event: Ended) -> None:
        """Hear that a worker is through."""

    def task_done(self, task: Task, candidates: Sequence[Candidate], prediction: Prediction) -> None:
        """Hear that all solvers of a task are through, now or in an earlier run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        done: tasks with all their jobs done or failed.
        failed: jobs that failed.
        interrupted: whether it was stopped before its end.
    """

    done: int
    failed: int
    interrupted: bool


@dataclass(slots=True, eq=False)
class _TaskState:
    """One task on its way through the solvers."""

    task: Task
    keys: dict[str, JobKey]
    waiting: deque[str] = field(default_factory=deque)
    spent_seconds: float = 0.0
    allotted_seconds: float = 0.0


def run(
    tasks: Sequence[Task],
    config: Config,
    recorder: Recorder,
    executor: Executor,
    *,
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Solve tasks with the configured solvers, each job once; jobs done in an earlier run are taken from the folder.

    Args:
        tasks: what to solve.
        config: which solvers, with what.
        recorder: the open run folder; its ``run.json`` names the key of each solver.
        executor: where the jobs run; closed at the end.
        observer: hears what happens.
        should_stop: asked all the time; True ends the run, and jobs that are not finished are dropped.

    Raises:
        RunError: the folder cannot be written any more, or a solver cannot be built.
    """
    return _Pipeline(tasks, config, recorder, executor, observer or Observer()).run(should_stop)


class _Pipeline:
    def __init__(
        self, tasks: Sequence[Task], config: Config, recorder: Recorder, executor: Executor, observer: Observer
    ) -> None:
        self._tasks = tasks
        self._config = config
        self._recorder = recorder
        self._executor = executor
        self._observer = observer
        self._queue: deque[_TaskState] = deque()
        self._last: list[_TaskState] = []
        """Tasks that wait for the network until the other solvers are through with all, if they share its time."""
        self._allotment = Allotment({}, 0.0)
        self._active: dict[int, tuple[_TaskState, str]] = {}
        self._predictions: dict[str, Prediction] = {}
        self._spent_seconds = 0.0
        self._is_published = False
        self._done = 0
        self._failed = 0

    def run(self, should_stop: Callable[[], bool]) -> Outcome:
        try:
            self._restore()
            while self._is_unfinished() and not should_stop():
                if not self._queue and not self._active:
                    self._share_time()
                while self._queue and self._executor.has_free_slot():
                    self._submit(self._queue.popleft())
                for event in self._executor.poll(POLL_SECONDS):
                    self._handle(event)
        finally:
            self._executor.close()
        return Outcome(self._done, self._failed, interrupted=self._is_unfinished())

    def _is_unfinished(self) -> bool:
        return bool(self._queue or self._active or self._last)

    def _restore(self) -> None:
        """Take up finished jobs of an earlier run; failed ones are tried again, and their time counts."""
        solver_keys: dict[str, str] = self._recorder.info["solver_keys"]
        finished: list[_TaskState] = []
        for task in self._tasks:
            digest = hash_of_task(task)
            keys = {name: JobKey(task.task_id, digest, name, solver_keys[name]) for name in self._config.solvers}
            state = _TaskState(task, keys)
            for solver, key in keys.items():
                status, seconds = self._recorder.finished(key) or (None, 0.0)
                self._spent_seconds += seconds
                # The network judges what those before it propose: where one of them is tried again, so is it.
                if status == "done" and not (solver == "neural" and state.waiting):
                    state.spent_seconds += seconds
                else:
                    state.waiting.append(solver)
            if len(state.waiting) < len(keys):
                self._predictions[task.task_id] = self._merge(state)
            if not state.waiting:
                finished.append(state)
            else:
                self._line_up(state, first=False)
        if len(finished) == len(self._tasks):
            self._publish()
        self._observer.begin(len(self._tasks), len(finished))
        for state in finished:
            self._finish(state)

    def _line_up(self, state: _TaskState, *, first: bool) -> None:
        """Let a task wait for its next solver: with those that share the network's time, or at an end of the queue."""
        if self._shares_time(state.waiting[0]):
            self._last.append(state)
        elif first:
            self._queue.appendleft(state)
        else:
            self._queue.append(state)

    def _shares_time(self, solver: str) -> bool:
        return self._config.share_time and solver == self._config.solvers[-1]

    def _share_time(self) -> None:
        """Line up the tasks that wait for the network, to share the time that is left for all."""
        weights = {
            state.task.task_id: weight_of(state.task, self._candidates(state), self._config.merge)
            for state in self._last
        }
        given = len(self._tasks) * self._config.seconds
        self._allotment = Allotment(weights, max(given - self._spent_seconds, LEAST_SHARE * given))
        waiting = {state.task.task_id: state for state in self._last}
        self._queue.extend(waiting[task_id] for task_id in self._allotment.order())
        self._last.clear()

    def _publish(self) -> None:
        """Show this run in the folder: not before a solver works, so that a wrong setting spoils no earlier run."""
        if not self._is_published:
            self._is_published = True
            self._recorder.publish()
            self._recorder.submit(self._tasks, self._predictions)

    def _submit(self, state: _TaskState) -> None:
        solver = state.waiting.popleft()
        budget = budget_for(self._config, solver, state.spent_seconds)
        if self._shares_time(solver):
            state.allotted_seconds = self._allotment.take(state.task.task_id)
            budget = replace(budget, seconds=state.allotted_seconds)
        before = self._config.solvers[: self._config.solvers.index(solver)]
        earlier = [c for name in before for c in self._recorder.candidates(state.keys[name])]
        drafts = drafts_of(state.task, earlier, self._config)
        number = self._recorder.begin(state.keys[solver])
        self._active[number] = (state, solver)
        self._executor.submit(
            Job(number, state.task, solver, budget, kill_seconds(self._config, solver, budget.seconds), drafts)
        )

    def _handle(self, event: Event) -> None:
        self._publish()
        state, solver = self._active[event.job]
        if isinstance(event, Started):
            self._observer.job_started(event.slot, state.task.task_id, solver)
        elif isinstance(event, Found):
            self._recorder.add(event.job, [event.candidate])
        else:
            self._end(event, state, solver)

    def _end(self, event: Ended, state: _TaskState, solver: str) -> None:
        del self._active[event.job]
        self._recorder.finish(event.job, seconds=event.seconds, peak_bytes=event.peak_bytes, error=event.error)
        state.spent_seconds += event.seconds
        self._spent_seconds += event.seconds
        if self._shares_time(solver):
            self._allotment.give_back(state.allotted_seconds - event.seconds)
        if event.error is not None:
            self._failed += 1
            log.error("%s failed on %s: %s", solver, state.task.task_id, event.error)
        else:
            log.info("%s ended on %s after %.2f s", solver, state.task.task_id, event.seconds)
        self._observer.job_ended(state.task.task_id, solver, event)
        self._predictions[state.task.task_id] = self._merge(state)
        self._recorder.submit(self._tasks, self._predictions, changed=state.task.task_id)
        if not state.waiting:
            self._finish(state)
        else:
            self._line_up(state, first=True)

    def _finish(self, state: _TaskState) -> None:
        self._done += 1
        self._observer.task_done(state.task, self._candidates(state), self._predictions[state.task.task_id])

    def _candidates(self, state: _TaskState) -> list[Candidate]:
        return [
            candidate
            for solver, key in state.keys.items()
            if solver not in state.waiting
            for candidate in self._recorder.candidates(key)
        ]

    def _merge(self, state: _TaskState) -> Prediction:
        return merge(state.task, self._candidates(state), self._config.merge)


def drafts_of(task: Task, candidates: Sequence[Candidate], config: Config) -> Drafts:
    """Return for each test input what solvers propose, likeliest first, as many as the network may judge."""
    if not is_judged(task, config.merge):
        return ()
    pools = pools_of(task, heard(task, candidates, config.merge))
    return tuple(tuple(likeliest(pool)[: config.neural.inference.max_drafts]) for pool in pools)


def budget_for(config: Config, solver: str, spent_seconds: float) -> Budget:
    """Return what a solver may use on a task whose earlier solvers took so long."""
    return Budget(
        seconds=seconds_for(config, solver, spent_seconds),
        memory_bytes=int(config.memory_gb * 2**30 * SOLVER_MEMORY_SHARE),
        seed=config.seed,
        nodes=config.nodes,
        steps=config.steps,
    )


def seconds_for(config: Config, solver: str, spent_seconds: float) -> float:
    """Return the seconds of a job: a task's time, of which the search leaves the network's share untouched.

    Args:
        config: with the task's seconds and the search's share and first seconds.
        solver: which solver is next.
        spent_seconds: what the earlier solvers of the task took; what the search did not use goes to the network.
    """
    if not {"symbolic", "neural"} <= set(config.solvers):
        return config.seconds
    share, first = config.symbolic.max_seconds_share, config.symbolic.first_seconds
    search = max(config.seconds * share, min(first, config.seconds * (1.0 - share)))
    if solver == "symbolic":
        return search
    least = config.seconds - search
    if config.solvers.index("neural") < config.solvers.index("symbolic"):
        return least
    return max(least, config.seconds - spent_seconds)


def kill_seconds(config: Config, solver: str, seconds: float) -> float:
    """Return the wall time after which a job is ended from outside.

    A bound on nodes or steps is kept whatever the machine, so that the clock ends only what hangs.
    """
    if is_bound_by_work(solver, config):
        return 10.0 * seconds + 600.0
    return 1.5 * seconds + 10.0
