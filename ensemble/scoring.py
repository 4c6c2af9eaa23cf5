"""Score predictions against the answers, under the three rules in use, with numerator, denominator and interval.

=================  =================================================================================================
rule               counts
=================  =================================================================================================
``task``           tasks with every test output right, of all tasks asked for (ARC-AGI-1 and ARC-AGI-2 papers)
``mean_fraction``  the sum over tasks of the share of test outputs that are right, of all tasks (ARC Prize leaderboard)
``output``         test outputs that are right, of all test outputs (Kaggle)
=================  =================================================================================================

Each at three levels: ``pass@1`` (the first attempt), ``pass@2`` (either attempt), ``oracle`` (any candidate). A task
without a prediction counts as wrong. Intervals are Wilson's; for the sum of shares that is an upper bound of the width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dsl.grid import grid_key
from ensemble.errors import DataError
from ensemble.merge import NUM_ATTEMPTS
from ensemble.statistics import wilson_interval
from ensemble.submission import read_submission, validate_submission, write_submission
from ensemble.types import Answers, Candidate, Prediction

__all__ = [
    "HEADLINE",
    "LEVELS",
    "RULES",
    "Figure",
    "Score",
    "TaskScore",
    "markdown_table",
    "read_submission",
    "score",
    "validate_submission",
    "write_submission",
]

Level = Literal["pass@1", "pass@2", "oracle"]
Rule = Literal["task", "mean_fraction", "output"]

LEVELS: tuple[Level, ...] = ("pass@1", "pass@2", "oracle")
HEADLINE: Level = "pass@2"
RULES: tuple[Rule, ...] = ("task", "mean_fraction", "output")


@dataclass(frozen=True, slots=True)
class Figure:
    """A count and what it is counted of; ``n`` is fractional under ``mean_fraction`` only."""

    n: float
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of ``n / of``."""
        return wilson_interval(self.n, self.of)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"n", "of", "ci"}``."""
        return {"n": self.n, "of": self.of, "ci": list(self.interval)}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.n:.6g}/{self.of} = {self.n / self.of:.1%} ({low:.1%} to {high:.1%})"


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Which test outputs of one task are right.

    Attributes:
        task_id: the task.
        right: per level, one truth value for each test output; ``oracle`` is missing where no candidates were given.
    """

    task_id: str
    right: Mapping[Level, tuple[bool, ...]]

    def solved(self, level: Level) -> bool:
        """Tell whether every test output is right."""
        return all(self.right[level])

    def fraction(self, level: Level) -> float:
        """Return the share of test outputs that are right, 0..1."""
        return sum(self.right[level]) / len(self.right[level])


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of all tasks asked for, in their order."""

    tasks: tuple[TaskScore, ...]

    def figure(self, level: Level, rule: Rule) -> Figure | None:
        """Return one figure; None for the oracle where no candidates were given."""
        if any(level not in task.right for task in self.tasks):
            return None
        if rule == "task":
            return Figure(sum(task.solved(level) for task in self.tasks), len(self.tasks))
        if rule == "mean_fraction":
            return Figure(sum(task.fraction(level) for task in self.tasks), len(self.tasks))
        return Figure(sum(sum(t.right[level]) for t in self.tasks), sum(len(t.right[level]) for t in self.tasks))

    def solved(self, level: Level) -> tuple[bool, ...]:
        """Tell for each task whether it is solved."""
        return tuple(task.solved(level) for task in self.tasks)

    def as_json(self) -> dict[str, dict[str, Any] | None]:
        """Return ``{level: {rule: {"n", "of", "ci"}}}``; the oracle is None where no candidates were given."""
        result: dict[str, dict[str, Any] | None] = {}
        for level in LEVELS:
            figures = {rule: self.figure(level, rule) for rule in RULES}
            result[level] = {rule: figure.as_json() for rule, figure in figures.items() if figure} or None
        return result

    def table(self) -> str:
        """Return the figures as a Markdown table."""
        rows = [
            [level, *(str(self.figure(level, rule)) for rule in RULES)]
            for level in LEVELS
            if self.figure(level, "task") is not None
        ]
        return markdown_table(["", *RULES], rows)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table with aligned columns, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [
        "| " + " | ".join(f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(row)) + " |"
        for row in (list(zip(line, widths, strict=True)) for line in (header, *rows))
    ]
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def score(
    tasks_asked: Sequence[str],
    attempts: Mapping[str, Prediction],
    candidates: Mapping[str, Sequence[Candidate]] | None,
    answers: Answers,
) -> Score:
    """Compare predictions with the answers.

    Args:
        tasks_asked: ids of all tasks that the system was asked to solve: the denominator.
        attempts: predictions by task id; the first two attempts count. A missing task counts as wrong.
        candidates: all candidates by task id, for the oracle; None if they are not known.
        answers: right outputs by task id.

    Raises:
        DataError: no task is asked for, one is asked for twice or has no answers, a prediction is for a task that is
            not asked for, or has another number of outputs than the task.
    """
    asked = _check_tasks(tasks_asked, answers)
    for task_id in sorted(attempts):
        if task_id not in asked:
            raise DataError(f"prediction for task {task_id!r}, which is not among the {len(asked)} tasks asked for")
        if len(attempts[task_id].attempts) != len(answers[task_id]):
            raise DataError(
                f"task {task_id} has {len(answers[task_id])} test outputs, "
                f"the prediction has {len(attempts[task_id].attempts)}"
            )
    return Score(tuple(_score_task(task_id, attempts.get(task_id), candidates, answers) for task_id in tasks_asked))


def _check_tasks(tasks_asked: Sequence[str], answers: Answers) -> frozenset[str]:
    asked = frozenset(tasks_asked)
    if not asked:
        raise DataError("no task to score: name at least one")
    if len(asked) < len(tasks_asked):
        twice = min(task_id for task_id in asked if tasks_asked.count(task_id) > 1)
        raise DataError(f"task {twice} is asked for twice")
    unknown = sorted(asked - answers.keys())
    if unknown:
        raise DataError(
            f"no answers for {len(unknown)} of the {len(asked)} tasks asked for, such as {unknown[0]}: "
            "name a data set or solutions file that has them"
        )
    return asked


def _score_task(
    task_id: str,
    prediction: Prediction | None,
    candidates: Mapping[str, Sequence[Candidate]] | None,
    answers: Answers,
) -> TaskScore:
    truths = [grid_key(grid) for grid in answers[task_id]]
    tried = [[grid_key(grid) for grid in attempts] for attempts in prediction.attempts] if prediction else []
    tried = tried or [[] for _ in truths]
    right: dict[Level, tuple[bool, ...]] = {
        "pass@1": tuple(truth in keys[:1] for truth, keys in zip(truths, tried, strict=True)),
        "pass@2": tuple(truth in keys[:NUM_ATTEMPTS] for truth, keys in zip(truths, tried, strict=True)),
    }
    if candidates is not None:
        proposed = {(c.test_index, grid_key(c.grid)) for c in candidates.get(task_id, ())}
        right["oracle"] = tuple(
            hit or (i, truth) in proposed for i, (truth, hit) in enumerate(zip(truths, right["pass@2"], strict=True))
        )
    return TaskScore(task_id, right)
