"""Write a run as one HTML page that needs no network: figures, who solved what, and a card for every task."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dsl.grid import Grid, same_grid
from dsl.task import Task
from ensemble.ablation import SOLVED_BY, Ablation, ablate, kinds_of_task
from ensemble.errors import RunError
from ensemble.merge import NUM_ATTEMPTS, Support, merge, support_of
from ensemble.pictures import Picture, cell_pixels, picture
from ensemble.scoring import LEVELS, Figure, Score, TaskScore
from ensemble.types import Candidate, Prediction, Provenance

if TYPE_CHECKING:
    from ensemble.data import DataSet
    from ensemble.store import JobRow, Run

MAX_PROGRAM_TEXT = 1200
MAX_PROGRAMS = 3
MAX_ERROR_TEXT = 2000
OUTCOMES = {
    "first": "solved by the first attempts",
    "second": "solved with a second attempt",
    "found": "found, but not submitted",
    "partly": "some outputs right",
    "wrong": "not found",
    "unknown": "answer not known",
}


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt: its picture, whether it is right (None: not known), and who proposed it."""

    picture: Picture
    right: bool | None
    note: str
    support: str


@dataclass(frozen=True, slots=True)
class TestView:
    """One test input, the truth if known, and the attempts."""

    input: Picture
    truth: Picture | None
    attempts: tuple[AttemptView, ...]
    proposed: int


@dataclass(frozen=True, slots=True)
class ProgramView:
    """A program's text, cut if it is long, and what is known of it."""

    text: str
    note: str


@dataclass(frozen=True, slots=True)
class Card:
    """One task as the page shows it."""

    task_id: str
    kinds: Mapping[str, str]
    outcome: str
    solved_by: str
    pairs: tuple[tuple[Picture, Picture], ...]
    tests: tuple[TestView, ...]
    programs: tuple[ProgramView, ...]
    jobs: tuple["JobRow", ...]
    failed: bool
    candidates: int


@dataclass(frozen=True, slots=True)
class SolverView:
    """What one solver cost: seconds and bytes of its jobs."""

    name: str
    jobs: int
    failed: int
    mean_seconds: float
    p95_seconds: float
    peak_bytes: int


def write_report(run: "Run", path: Path) -> None:
    """Write the report of a run; scores are left out where answers are not known.

    Raises:
        RunError: the file cannot be written.
    """
    html = render(run)
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None


def render(run: "Run") -> str:
    """Return the page as text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    dataset = run.dataset()
    ablation = ablate(run) if dataset.is_answered else None
    cards = _cards(run, dataset, ablation)
    environment = Environment(
        loader=PackageLoader("ensemble", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        run=run,
        name=run.path.resolve().name,
        dataset=dataset,
        score=_score_rows(ablation.rows["ensemble"].score) if ablation else [],
        ablation=ablation,
        solved_by=_solved_by(ablation),
        solvers=_solvers(run.jobs()),
        cards=cards,
        max_error_text=MAX_ERROR_TEXT,
        outcomes={key: text for key, text in OUTCOMES.items() if any(card.outcome == key for card in cards)},
        candidates=sum(card.candidates for card in cards),
    )


def _score_rows(score: Score) -> list[dict[str, Any]]:
    return [{"level": level, "figure": score.figure(level, "task")} for level in LEVELS]


def _solved_by(ablation: Ablation | None) -> list[dict[str, Any]]:
    if ablation is None:
        return []
    total = sum(len(ids) for ids in ablation.solved_by.values())
    return [
        {"key": name, "name": name.replace("_", " "), "figure": Figure(len(ablation.solved_by[name]), total)}
        for name in SOLVED_BY
    ]


def _solvers(jobs: Iterable["JobRow"]) -> list[SolverView]:
    by_name: dict[str, list[JobRow]] = {}
    for job in jobs:
        by_name.setdefault(job.solver, []).append(job)
    views = []
    for name, rows in by_name.items():
        seconds = [row.seconds for row in rows if row.seconds is not None]
        views.append(
            SolverView(
                name=name,
                jobs=len(rows),
                failed=sum(row.status == "failed" for row in rows),
                mean_seconds=math.fsum(seconds) / len(seconds) if seconds else 0.0,
                p95_seconds=float(np.percentile(seconds, 95)) if seconds else 0.0,
                peak_bytes=max((row.peak_bytes or 0 for row in rows), default=0),
            )
        )
    return views


def _cards(run: "Run", dataset: "DataSet", ablation: Ablation | None) -> list[Card]:
    scores = {} if ablation is None else {task.task_id: task for task in ablation.rows["ensemble"].score.tasks}
    halves = {} if ablation is None else {i: name for name, ids in ablation.solved_by.items() for i in ids}
    jobs: dict[str, list[JobRow]] = {}
    for job in run.jobs():
        jobs.setdefault(job.task_id, []).append(job)
    cards = []
    for task in dataset.tasks:
        candidates = run.candidates(task.task_id)
        prediction = merge(task, candidates, run.config.merge)
        rows = tuple(jobs.get(task.task_id, ()))
        cell = cell_pixels(task)
        cards.append(
            Card(
                task_id=task.task_id,
                kinds=kinds_of_task(task),
                outcome=outcome_of(scores.get(task.task_id)),
                solved_by=halves.get(task.task_id, ""),
                pairs=tuple((picture(pair.input, cell), picture(pair.output, cell)) for pair in task.train),
                tests=_tests(task, candidates, prediction, dataset.answers.get(task.task_id), cell),
                programs=_programs(candidates, len(task.train)),
                jobs=rows,
                failed=any(row.status == "failed" for row in rows),
                candidates=len(candidates),
            )
        )
    return cards


def outcome_of(score: TaskScore | None) -> str:
    """Return the key in ``OUTCOMES`` that a task's score falls under; None is a task without known answers."""
    if score is None:
        return "unknown"
    if score.solved("pass@1"):
        return "first"
    if score.solved("pass@2"):
        return "second"
    if score.solved("oracle"):
        return "found"
    return "partly" if any(score.right["pass@2"]) else "wrong"


def _tests(
    task: Task, candidates: Sequence[Candidate], prediction: Prediction, answer: Sequence[Grid] | None, cell: int
) -> tuple[TestView, ...]:
    views = []
    for i, (grid, attempts) in enumerate(zip(task.test_inputs, prediction.attempts, strict=True)):
        truth = None if answer is None else answer[i]
        supports = support_of(c for c in candidates if c.test_index == i)
        views.append(
            TestView(
                input=picture(grid, cell),
                truth=None if truth is None else picture(truth, cell),
                attempts=tuple(
                    _attempt(attempt, truth, supports.values(), cell) for attempt in attempts[:NUM_ATTEMPTS]
                ),
                proposed=len(supports),
            )
        )
    return tuple(views)


def _attempt(grid: Grid, truth: Grid | None, supports: Iterable[Support], cell: int) -> AttemptView:
    behind = next((support for support in supports if same_grid(support.grid, grid)), None)
    voters = "composed of several grids" if behind is None else _voters(behind)
    if truth is None:
        return AttemptView(picture(grid, cell), None, "", voters)
    if grid.shape != truth.shape:
        return AttemptView(picture(grid, cell), False, f"is {_size(grid)}, not {_size(truth)}", voters)
    wrong = int(np.count_nonzero(grid != truth))
    note = f"{wrong} of {grid.size} cells differ" if wrong else "right"
    return AttemptView(picture(grid, cell, truth), wrong == 0, note, voters)


def _voters(support: Support) -> str:
    views = [c.provenance.view for c in support.candidates if c.provenance.view is not None]
    programs = {c.provenance.program for c in support.candidates if c.provenance.program is not None}
    parts = [f"{support.votes} {'votes' if support.votes > 1 else 'vote'}"]
    if programs:
        parts.append(f"{len(programs)} {'programs' if len(programs) > 1 else 'program'}")
    if views:
        parts.append(f"{'views' if len(set(views)) > 1 else 'view'} {', '.join(sorted(set(views)))}")
    return "; ".join(parts)


def _programs(candidates: Iterable[Candidate], num_pairs: int) -> tuple[ProgramView, ...]:
    """Return the programs that fit most demonstrations, the shortest first among equals."""
    known = {c.provenance.program: c.provenance for c in candidates if c.provenance.program is not None}
    best = sorted(known, key=lambda text: (-(known[text].fits or 0), known[text].cost or math.inf, text))
    return tuple(_program(text, known[text], num_pairs) for text in best[:MAX_PROGRAMS])


def _program(text: str, where: Provenance, num_pairs: int) -> ProgramView:
    fits = num_pairs if where.verified else where.fits or 0
    cost = "" if where.cost is None else f", {where.cost:.1f} bits"
    shown = text if len(text) <= MAX_PROGRAM_TEXT else f"{text[:MAX_PROGRAM_TEXT]} ..."
    return ProgramView(shown, f"{where.engine or where.solver}: fits {fits} of {num_pairs} demonstrations{cost}")


def _size(grid: Grid) -> str:
    return f"{grid.shape[0]}x{grid.shape[1]}"
