"""Two runs on the tasks that both were asked for: who gained what, and whether chance would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsl.task import Task
from ensemble.data import hash_of_task
from ensemble.errors import DataError
from ensemble.merge import merge
from ensemble.scoring import HEADLINE, Figure, markdown_table, score
from ensemble.statistics import Difference, McNemar, mcnemar, paired_bootstrap

if TYPE_CHECKING:
    from ensemble.data import DataSet
    from ensemble.store import Run


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the tasks that both were asked for, at pass@2, rule ``task``.

    Attributes:
        figures: figure of each run.
        gained: tasks that only the second run solves.
        lost: tasks that only the first run solves.
        only_asked: number of tasks that only the first, and only the second run was asked for; they are left out.
        mcnemar: second run (left) against the first (right).
        difference: mean over tasks of the second run minus the first.
    """

    figures: tuple[Figure, Figure]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    only_asked: tuple[int, int]
    mcnemar: McNemar
    difference: Difference

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "run_a": self.figures[0].as_json(),
            "run_b": self.figures[1].as_json(),
            "gained": list(self.gained),
            "lost": list(self.lost),
            "only_asked_of": list(self.only_asked),
            "mcnemar": self.mcnemar.as_json(),
            "difference": self.difference.as_json(),
        }

    def markdown(self) -> str:
        """Return the comparison as Markdown."""
        d = self.difference
        lines = [
            markdown_table(["run", "pass@2"], [[name, str(f)] for name, f in zip("AB", self.figures, strict=True)]),
            "",
            f"B minus A: {d.mean:+.1%} ({d.low:+.1%} to {d.high:+.1%}), exact McNemar p = {self.mcnemar.p_value:.2g}",
            f"Gained ({len(self.gained)}): {', '.join(self.gained) or 'none'}",
            f"Lost ({len(self.lost)}): {', '.join(self.lost) or 'none'}",
        ]
        if any(self.only_asked):
            lines.append(f"Left out: {self.only_asked[0]} tasks that only A was asked for, {self.only_asked[1]} only B")
        return "\n".join(lines)


def compare(run_a: "Run", run_b: "Run") -> Comparison:
    """Compare two runs, each merged by its own rule, on the tasks that both were asked for.

    Raises:
        DataError: they have no task in common, a common task differs in content, or the answers are not known.
    """
    data_a, data_b = run_a.dataset(), run_b.dataset()
    of_b = {task.task_id: task for task in data_b.tasks}
    common = [task for task in data_a.tasks if task.task_id in of_b]
    if not common:
        raise DataError(f"the runs have no task in common: {data_a.name} and {data_b.name}")
    _check_same_tasks(common, of_b)
    ids = [task.task_id for task in common]
    solved_a, solved_b = (_solved(run, common, data) for run, data in ((run_a, data_a), (run_b, data_b)))
    return Comparison(
        figures=(Figure(sum(solved_a), len(ids)), Figure(sum(solved_b), len(ids))),
        gained=tuple(i for i, a, b in zip(ids, solved_a, solved_b, strict=True) if b and not a),
        lost=tuple(i for i, a, b in zip(ids, solved_a, solved_b, strict=True) if a and not b),
        only_asked=(len(data_a.tasks) - len(ids), len(data_b.tasks) - len(ids)),
        mcnemar=mcnemar(solved_b, solved_a),
        difference=paired_bootstrap(solved_b, solved_a),
    )


def _check_same_tasks(tasks: Iterable[Task], others: Mapping[str, Task]) -> None:
    for task in tasks:
        if hash_of_task(task) != hash_of_task(others[task.task_id]):
            raise DataError(f"task {task.task_id} is not the same in both runs: they were made with different data")


def _solved(run: "Run", tasks: Sequence[Task], dataset: "DataSet") -> tuple[bool, ...]:
    attempts = {task.task_id: merge(task, run.candidates(task.task_id), run.config.merge) for task in tasks}
    return score([task.task_id for task in tasks], attempts, None, dataset.answers).solved(HEADLINE)
