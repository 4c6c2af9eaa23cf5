"""Candidates of an earlier run, given again: merge a network's run on a GPU with a search on another machine."""

from pathlib import Path

from ensemble.config import ReplayConfig
from ensemble.data import hash_of_task
from ensemble.errors import ConfigError
from ensemble.store import open_run
from ensemble.types import Budget, Candidate, Task


class ReplaySolver:
    """Give the stored candidates of a run, with the provenance that they had there."""

    name = "replay"

    def __init__(self, config: ReplayConfig) -> None:
        """Open the run.

        Raises:
            ConfigError: no run is named.
            RunError: it cannot be read.
        """
        if config.run is None:
            raise ConfigError("solver 'replay' needs the run folder to read: set replay.run (--replay RUN)")
        self._run = open_run(Path(config.run))
        self._hashes = self._run.task_hashes()

    def solve(self, task: Task, budget: Budget) -> tuple[Candidate, ...]:
        """Return the candidates of the task; none if the run did not solve a task of this id with the same grids."""
        if self._hashes.get(task.task_id) != hash_of_task(task):
            return ()
        return self._run.candidates(task.task_id)
