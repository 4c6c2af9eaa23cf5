"""Say for one task who proposed which grid, and what its best program computes step by step."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsl.draw import text_of_grid
from dsl.errors import DslError
from dsl.grid import Grid, grid_key, seal
from dsl.program import Call, Input, Literal, Program, evaluate, parse
from dsl.registry import get_primitive
from dsl.task import Task
from dsl.types import Object
from ensemble.merge import Support, heard, log_odds, merge, support_of
from ensemble.types import Candidate, Prediction, Provenance

if TYPE_CHECKING:
    from ensemble.store import Run

MAX_GRIDS = 5
MAX_PROGRAMS = 3
SHARING_FORMS = frozenset({"cover"})
"""Forms that run their arguments on the program's own input, as primitives do."""

MAX_TEXT = 400
"""Longer program texts are cut here: learned rules may hold pages of constants."""


def explain(run: "Run", task_id: str, *, digits: bool = True) -> str:
    """Return a text about one task: the attempts, who voted for what, and a trace of the leading program.

    Args:
        run: an opened run.
        task_id: one of its tasks.
        digits: draw grids as digits; False draws them in terminal colors.

    Raises:
        DataError: the run was not asked for that task.
    """
    dataset = run.dataset()
    task = dataset[task_id]
    candidates = run.candidates(task_id)
    prediction = merge(task, candidates, run.config.merge)
    counted = heard(task, candidates, run.config.merge)
    answer = dataset.answers.get(task_id)
    parts = [f"task {task_id}: {len(candidates)} candidates, merged by rule {run.config.merge.rule!r}"]
    parts += [
        f"{job.solver}: {job.status}, {job.seconds or 0.0:.1f} s" + (f", {_first_line(job.error)}" if job.error else "")
        for job in run.jobs()
        if job.task_id == task_id
    ]
    for i, grid in enumerate(task.test_inputs):
        truth = None if answer is None else answer[i]
        pool = [candidate for candidate in counted if candidate.test_index == i]
        parts += ["", f"test input {i + 1} of {len(task.test_inputs)}", text_of_grid(grid, digits=digits)]
        parts += _votes(pool, prediction, i, truth, digits)
        parts += _trace_of_best(pool, task, i, digits)
    return "\n".join(parts)


def _votes(
    pool: Sequence[Candidate], prediction: Prediction, test_index: int, truth: Grid | None, digits: bool
) -> Iterator[str]:
    """Yield the proposed grids: first the attempts, then the others by votes."""
    supports, odds = support_of(pool), log_odds(pool)
    attempts = {grid_key(grid): place for place, grid in enumerate(prediction.attempts[test_index], 1)}
    order = sorted(supports, key=lambda key: (attempts.get(key, MAX_GRIDS), -supports[key].votes, key))
    if not order:
        yield "no candidates"
    for key in order[:MAX_GRIDS]:
        place = f"attempt {attempts[key]}" if key in attempts else "not submitted"
        right = "" if truth is None else ", right" if key == grid_key(truth) else ", wrong"
        yield ""
        yield f"{place}{right}: {_count(supports[key].votes, 'vote')}{_percent(odds.get(key))}"
        yield text_of_grid(supports[key].grid, digits=digits)
        breaks = supports[key].candidates[0].provenance.breaks
        if breaks:
            yield f"  breaks what all demonstrations have in common: {', '.join(breaks)}"
        yield from _voters(supports[key])
    if len(order) > MAX_GRIDS:
        yield f"... and {_count(len(order) - MAX_GRIDS, 'other grid')}"


def _percent(odds: float | None) -> str:
    return "" if odds is None else f", right at {1.0 / (1.0 + math.exp(-odds)):.0%} by its own odds"


def _voters(support: Support) -> Iterator[str]:
    programs: dict[str, Candidate] = {}
    views: dict[str, list[str]] = {}
    for candidate in support.candidates:
        where = candidate.provenance
        if where.program is not None:
            programs.setdefault(where.program, candidate)
        else:
            name = where.solver + _training(where)
            views.setdefault(name, []).append(f"{where.view or where.engine or 'grid'} ({candidate.log_score:.2f})")
    for name in sorted(views):
        yield f"  {name}, views and log scores: {', '.join(sorted(views[name]))}"
    ranked = sorted(programs.values(), key=_program_order)
    for candidate in ranked[:MAX_PROGRAMS]:
        where = candidate.provenance
        fit = "fits all demonstrations" if where.verified else f"fits {where.fits or 0} demonstrations"
        cost = "" if where.cost is None else f", {where.cost:.1f} bits"
        yield f"  {where.solver} ({where.engine}), {fit}{cost}: {_cut(where.program or '')}"
    if len(ranked) > MAX_PROGRAMS:
        yield f"  ... and {_count(len(ranked) - MAX_PROGRAMS, 'other program')}"


def _training(where: Provenance) -> str:
    if where.steps:
        return f" after {_count(where.steps, 'step')} of test-time training"
    return " without test-time training" if where.adapted is False else ""


def _program_order(candidate: Candidate) -> tuple[bool, float, str]:
    where = candidate.provenance
    return not where.verified, float("inf") if where.cost is None else where.cost, where.program or ""


def _trace_of_best(pool: Sequence[Candidate], task: Task, test_index: int, digits: bool) -> list[str]:
    with_program = [candidate for candidate in pool if candidate.provenance.program is not None]
    if not with_program:
        return []
    text = min(with_program, key=_program_order).provenance.program or ""
    return ["", f"steps of {_cut(text)}", *trace(text, task.test_inputs[test_index], digits=digits)]


def trace(text: str, grid: Grid, *, digits: bool = True) -> list[str]:
    """Return the value of every step of a program on an input grid, inner steps first, as lines of text.

    Arguments of other forms than ``SHARING_FORMS``, such as learned cell rules, mean nothing by themselves and are
    not shown.
    """
    try:
        program = parse(text)
    except DslError as error:
        return [f"cannot be read any more: {error}"]
    lines: list[str] = []
    for number, step in enumerate(dict.fromkeys(_steps(program)), 1):
        try:
            shown = _value_text(evaluate(step, grid), digits)
        except DslError as error:
            shown = [f"no result: {error}"]
        lines += [f"{number}. {_cut(str(step))}", *(f"   {line}" for line in shown)]
    return lines


def _steps(program: Program) -> Iterator[Program]:
    """Yield the calls of a program, arguments before the call that takes them."""
    if isinstance(program, Input | Literal):
        return
    assert isinstance(program, Call)
    if program.name in SHARING_FORMS or _is_primitive(program.name):
        for argument in program.arguments:
            yield from _steps(argument)
    yield program


def _is_primitive(name: str) -> bool:
    try:
        get_primitive(name)
    except DslError:
        return False
    return True


def _value_text(value: Any, digits: bool) -> list[str]:
    if isinstance(value, np.ndarray):
        drawn = seal(value.astype(np.uint8))
        kind = "mask" if value.dtype == np.bool_ else "grid"
        return [f"{kind} {value.shape[0]}x{value.shape[1]}", *text_of_grid(drawn, digits=digits).split("\n")]
    if isinstance(value, Object):
        place = f"object {value.patch.shape[0]}x{value.patch.shape[1]} at row {value.top}, column {value.left}"
        return [place, *text_of_grid(value.patch, digits=digits).split("\n")]
    if isinstance(value, tuple):
        shown = [line for item in value[:MAX_GRIDS] for line in _value_text(item, digits)]
        more = [f"... and {len(value) - MAX_GRIDS} more"] if len(value) > MAX_GRIDS else []
        return [_count(len(value), "object"), *shown, *more]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text)} characters)"


def _first_line(error: str) -> str:
    return error.split("\n", 1)[0]
