"""The solver as a Python object: the same parts as behind the command line, in this process."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from dsl.draw import svg_of_grid
from dsl.task import Task
from ensemble.config import Config, build_config, with_overrides
from ensemble.data import DataSet
from ensemble.merge import get_rule, merge
from ensemble.pipeline import budget_for, drafts_of
from ensemble.solvers import make_solver
from ensemble.types import Attempts, Candidate, Prediction
from ensemble.types import Solver as SolverProtocol
from ensemble.worker import checked

SHOWN_PROGRAMS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What the solvers made of one task.

    Attributes:
        task: the task.
        candidates: all candidates, in the order of the solvers.
        prediction: the attempts.
    """

    task: Task
    candidates: tuple[Candidate, ...]
    prediction: Prediction

    @property
    def attempts(self) -> tuple[Attempts, ...]:
        """Return for each test input at most two grids, best first."""
        return self.prediction.attempts

    @property
    def programs(self) -> tuple[str, ...]:
        """Return the texts of the programs that reproduce every demonstration, the shortest description first."""
        found = [c.provenance for c in self.candidates if c.provenance.verified and c.provenance.program is not None]
        ranked = sorted(found, key=lambda p: (p.cost if p.cost is not None else float("inf"), p.program or ""))
        return tuple(dict.fromkeys(p.program for p in ranked if p.program is not None))

    def __repr__(self) -> str:
        answered = sum(bool(attempts) for attempts in self.attempts)
        return (
            f"<Result {self.task.task_id}: {len(self.candidates)} candidates, {answered}/{len(self.attempts)} answered>"
        )

    def _repr_html_(self) -> str:
        rows = []
        for source, attempts in zip(self.task.test_inputs, self.attempts, strict=True):
            drawn = " or ".join(map(svg_of_grid, attempts)) or "no answer"
            rows.append(f'<div style="margin:4px 0">{svg_of_grid(source)} → {drawn}</div>')
        programs = "".join(f"<pre>{escape(text)}</pre>" for text in self.programs[:SHOWN_PROGRAMS])
        return f"<div><b>{escape(self.task.task_id)}</b>{''.join(rows)}{programs}</div>"


class Solver:
    """Solve tasks with the configured solvers, one after another; a loaded model is kept between tasks."""

    def __init__(
        self, solvers: Sequence[str] = ("symbolic",), *, config: Config | None = None, **settings: Any
    ) -> None:
        """Set up; nothing is loaded yet.

        Args:
            solvers: names, in the order in which they run.
            config: settings to begin with, if not the defaults; its own solvers give way to ``solvers``.
            settings: any others by name, as in ``Solver(seconds=10, seed=1, merge={"rule": "flat"})``.

        Raises:
            ConfigError: a setting is not known or not allowed.
        """
        values = config.model_dump() if config is not None else {}
        self.config = build_config(with_overrides(values, {**settings, "solvers": tuple(solvers)}))
        get_rule(self.config.merge.rule)
        self._made: dict[str, SolverProtocol] = {}

    def solve(self, task: Task) -> Result:
        """Return candidates and attempts for one task, within its seconds; limits of memory are not enforced here.

        Raises:
            ModelError: the model cannot be loaded.
            ValueError: a solver gave something that is no candidate for the task.
        """
        candidates: list[Candidate] = []
        spent_seconds = 0.0
        for name in self.config.solvers:
            if name not in self._made:
                self._made[name] = make_solver(name, self.config)
            started = time.monotonic()
            budget, drafts = budget_for(self.config, name, spent_seconds), drafts_of(task, candidates, self.config)
            candidates += checked(task, self._made[name], budget, drafts)
            spent_seconds += time.monotonic() - started
        return Result(task, tuple(candidates), merge(task, candidates, self.config.merge))

    def run(self, dataset: DataSet, folder: Path | str, *, workers: int | None = None, fresh: bool = False) -> Path:
        """Solve a data set with worker processes into a run folder and return it; a second call continues.

        Raises:
            RunError: the folder cannot be used.
        """
        from ensemble.launch import Launch, launch

        launch(dataset, self.config, Launch(Path(folder), workers=workers, fresh=fresh))
        return Path(folder)
