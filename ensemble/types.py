"""Shapes that pass between the parts: tasks, answers, budgets, candidates, predictions, and the solver protocol."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dsl.grid import Grid
from dsl.search.budget import Budget
from dsl.task import Example, Task

__all__ = [
    "Answers",
    "Attempts",
    "Budget",
    "Candidate",
    "Drafts",
    "Example",
    "Grid",
    "Prediction",
    "Provenance",
    "Solver",
    "Successor",
    "Task",
]

Answers = Mapping[str, tuple[Grid, ...]]
"""Right outputs of each task id, one per test input. Goes to scoring and reports and nowhere else."""

Drafts = tuple[tuple[Grid, ...], ...]
"""Distinct grids that earlier solvers propose for each test input, likeliest first."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a candidate came from.

    Attributes:
        solver: name of the solver (``symbolic``, ``neural``, ``identity``, ...).
        family: ``symbolic`` or ``neural``: the half of the ensemble; other solvers use their own name.
        engine: part of the solver that made it (``image``, ``cells``, ``decode``, ...).
        program: program text; None for grids that no program made.
        cost: bits by which the program is judged, ``-log2`` of the probability that its predictions are right; None if
            there is no program.
        verified: whether the program reproduces every demonstration.
        fits: number of demonstrations reproduced; None if there is no program.
        view: augmented view that gave it (``identity``, ``rotate_90``, ...); None for no view.
        adapted: whether test-time training came before; None for no network.
        steps: steps of that training; None for no network, and in runs of versions that did not keep it.
        draws: number of equal results that this candidate stands for; 0 for a draft of another solver that this one
            has only judged.
        found_after: processor seconds of the solver until it had the grid; None if not measured, as under a budget of
            work, where results are the same on every machine.
        breaks: invariants of the demonstrations that the grid breaks (``dsl.search.invariants``); None before it was
            examined.
    """

    solver: str
    family: str
    engine: str | None = None
    program: str | None = None
    cost: float | None = None
    verified: bool = False
    fits: int | None = None
    view: str | None = None
    adapted: bool | None = None
    steps: int | None = None
    draws: int = 1
    found_after: float | None = None
    breaks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One proposed output for one test input, in the task's own frame.

    Attributes:
        task_id: the task.
        test_index: which test input, from 0.
        grid: the proposed output.
        log_score: natural log, at most 0; compares within one solver only.
        provenance: where it came from.
    """

    task_id: str
    test_index: int
    grid: Grid
    log_score: float
    provenance: Provenance


Attempts = tuple[Grid, ...]
"""Grids proposed for one test input, best first."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Attempts for every test input of a task, best first; two are submitted, an empty tuple means no candidate."""

    task_id: str
    attempts: tuple[Attempts, ...]


@runtime_checkable
class Solver(Protocol):
    """Propose outputs for a task within a budget."""

    name: str

    def solve(self, task: Task, budget: Budget) -> Iterable[Candidate]:
        """Return or yield candidates; none is an empty iterable. Leaves no state behind."""
        ...


@runtime_checkable
class Successor(Protocol):
    """A solver that makes use of what the solvers before it propose."""

    def solve_after(self, task: Task, budget: Budget, drafts: Drafts) -> Iterable[Candidate]:
        """Return or yield candidates like ``Solver.solve``; drafts are judged too, as candidates without draws."""
        ...
