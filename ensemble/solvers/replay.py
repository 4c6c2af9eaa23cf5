"""Candidates of earlier runs, given again.

So the shards of a data set become one run, and a network's run on a GPU is merged with a search on another machine.
"""

from pathlib import Path

from ensemble.config import ReplayConfig
from ensemble.data import hash_of_task
from ensemble.errors import ConfigError
from ensemble.store import open_run
from ensemble.types import Budget, Candidate, Task


class ReplaySolver:
    """Give the stored candidates of runs, with the provenance that they had there."""

    name = "replay"

    def __init__(self, config: ReplayConfig) -> None:
        """Open the runs.

        Raises:
            ConfigError: no run is named.
            RunError: one cannot be read.
        """
        if not config.runs:
            raise ConfigError("solver 'replay' needs a run folder to read: set replay.runs (--replay RUN)")
        runs = [open_run(Path(path)) for path in config.runs]
        self._runs = [(run, run.task_hashes()) for run in runs]

    def solve(self, task: Task, budget: Budget) -> list[Candidate]:
        """Return the candidates of the task from every run that has one of this id with the same grids."""
        digest = hash_of_task(task)
        found: list[Candidate] = []
        for run, hashes in self._runs:
            if hashes.get(task.task_id) == digest:
                found += run.candidates(task.task_id)
        return found
