"""Jobs on a Ray cluster: one actor for each worker, each with a core and, for the network, a share of a GPU.

Needs the extra ``ray``. Connects to the cluster that ``RAY_ADDRESS`` names, else starts one on this machine. The code
must be installed on every node. Candidates come when their job ends, and memory is watched by Ray itself.
"""

import time
from typing import Any

from ensemble.errors import ConfigError, EnsembleError, RunError
from ensemble.plugins import load_plugins
from ensemble.types import Candidate, Solver
from ensemble.worker import THREAD_VARIABLES, Job, Setup, attempt, refusal_of
from ensemble.worker_handle import SETUP_SECONDS, Ended, Event, Found, Started


class _Actor:
    """The body of a worker, on whatever node Ray puts it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._solvers: dict[str, Solver] = {}

    def solve(self, job: Job) -> tuple[list[Candidate], float, int | None, str | None, str | None]:
        """Return candidates, seconds, peak memory, error, and why no solver can be built here."""
        import psutil

        try:
            load_plugins(self._setup.plugins)
            if job.solver not in self._solvers:
                self._solvers[job.solver] = self._setup.factory(job.solver, self._setup.config)
        except (EnsembleError, ImportError) as error:
            return [], 0.0, None, None, refusal_of(error)
        found: list[Candidate] = []
        seconds, failure = attempt(job, self._solvers[job.solver], found.append)
        return found, seconds, psutil.Process().memory_info().rss, failure, None


class RayExecutor:
    """Run jobs in Ray actors."""

    def __init__(self, workers: int, setup: Setup, *, gpus: int = 0) -> None:
        """Connect to Ray.

        Args:
            workers: number of actors.
            setup: what they need.
            gpus: GPUs that they share; 0 for none.

        Raises:
            ConfigError: Ray is not installed.
        """
        try:
            import ray
        except ImportError:
            raise ConfigError(
                "executor 'ray' needs Ray: pip install 'arc-ensemble[ray]', or --executor local"
            ) from None
        self._ray = ray
        if not ray.is_initialized():
            ray.init(log_to_driver=False, include_dashboard=False)
        environment = {"env_vars": dict.fromkeys(THREAD_VARIABLES, "1")}
        self._make = ray.remote(_Actor).options(
            num_cpus=1, num_gpus=gpus / workers if gpus else 0, max_concurrency=1, runtime_env=environment
        )
        self._setup = setup
        self._actors: list[Any] = [None] * workers
        self._given: dict[Any, tuple[int, Job, float]] = {}
        self._events: list[Event] = []

    def has_free_slot(self) -> bool:
        """Tell whether an actor is idle or can be started."""
        return len(self._given) < len(self._actors)

    def submit(self, job: Job) -> None:
        """Give a job to an idle actor."""
        busy = {slot for slot, _, _ in self._given.values()}
        slot = next(slot for slot in range(len(self._actors)) if slot not in busy)
        if self._actors[slot] is None:
            self._actors[slot] = self._make.remote(self._setup)
        reference = self._actors[slot].solve.remote(job)
        self._given[reference] = (slot, job, time.monotonic())
        self._events.append(Started(job.number, slot))

    def poll(self, seconds: float) -> list[Event]:
        """Wait for jobs to end, and end those over their time."""
        events, self._events = self._events, []
        if not self._given:
            return events
        ended, _ = self._ray.wait(list(self._given), num_returns=1, timeout=seconds)
        for reference in ended:
            slot, job, given = self._given.pop(reference)
            events += self._result(reference, slot, job, given)
        for reference, (slot, job, given) in list(self._given.items()):
            elapsed = time.monotonic() - given
            if elapsed > job.kill_seconds + SETUP_SECONDS:
                del self._given[reference]
                self._drop(slot)
                events.append(Ended(job.number, elapsed, None, f"TimeLimit: ended after {elapsed:.1f} s"))
        return events

    def _result(self, reference: Any, slot: int, job: Job, given: float) -> list[Event]:
        try:
            found, seconds, peak_bytes, error, refusal = self._ray.get(reference)
        except self._ray.exceptions.RayError as failure:
            self._drop(slot)
            return [Ended(job.number, time.monotonic() - given, None, f"ActorLost: {failure}")]
        if refusal is not None:
            raise RunError(refusal)
        return [*(Found(job.number, candidate) for candidate in found), Ended(job.number, seconds, peak_bytes, error)]

    def _drop(self, slot: int) -> None:
        """End an actor; its slot starts a new one with the next job."""
        self._ray.kill(self._actors[slot])
        self._actors[slot] = None

    def close(self) -> None:
        """End all actors."""
        for slot, actor in enumerate(self._actors):
            if actor is not None:
                self._drop(slot)
        self._given.clear()
