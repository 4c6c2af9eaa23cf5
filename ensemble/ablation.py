"""What each part of the ensemble is worth, from stored candidates alone: nothing is solved again.

Every row merges a part of the stored candidates by a rule and is scored like the run itself. ``ensemble`` is the run's
own rule on all candidates; the other rows are compared with it task by task (exact McNemar test, paired bootstrap).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsl.task import Task
from ensemble.comparison import Comparison, compare
from ensemble.config import MergeConfig
from ensemble.examine import examined
from ensemble.merge import NEURAL, RULES, SYMBOLIC, merge, proposed_by
from ensemble.scoring import HEADLINE, Figure, Level, Score, markdown_table, score
from ensemble.statistics import Difference, McNemar, mcnemar, paired_bootstrap
from ensemble.types import Candidate
from ensemble.voting import IDENTITY_VIEW

if TYPE_CHECKING:
    from ensemble.data import DataSet
    from ensemble.store import Run

__all__ = ["Ablation", "Comparison", "Group", "Row", "ablate", "compare", "kinds_of_task", "solved_by"]

ENSEMBLE = "ensemble"
SOLVED_BY = ("both", "only_symbolic", "only_neural", "neither")
Keep = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of the system.

    Attributes:
        name: ``symbolic``, ``neural``, ``ensemble``, a merge rule, or a part left out.
        rule: merge rule that chose the attempts.
        score: its score on all tasks asked for.
        mcnemar: this row (left) against the ensemble (right), tasks solved at pass@2.
        difference: mean over tasks of this row minus the ensemble, tasks solved at pass@2.
    """

    name: str
    rule: str
    score: Score
    mcnemar: McNemar
    difference: Difference

    def as_json(self) -> dict[str, Any]:
        """Return the figures of ``score --json`` and the comparison."""
        against = {"mcnemar": self.mcnemar.as_json(), "difference": self.difference.as_json()}
        return {"rule": self.rule, **self.score.as_json(), "against_ensemble": against}


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks of one kind, and how many of them the halves and the ensemble solve at pass@2."""

    kind: str
    value: str
    solved: Mapping[str, Figure]

    def as_json(self) -> dict[str, Any]:
        """Return the figure of each row."""
        return {name: figure.as_json() for name, figure in self.solved.items()}


@dataclass(frozen=True, slots=True)
class Ablation:
    """All rows, by name; which half solves which task; and the same by kind of task."""

    rows: Mapping[str, Row]
    solved_by: Mapping[str, tuple[str, ...]]
    groups: tuple[Group, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values: rows, the solved-by table with task ids, and the groups."""
        groups: dict[str, dict[str, Any]] = {}
        for group in self.groups:
            groups.setdefault(group.kind, {})[group.value] = group.as_json()
        total = sum(len(ids) for ids in self.solved_by.values())
        return {
            "rows": {name: row.as_json() for name, row in self.rows.items()},
            "solved_by": {
                name: {**Figure(len(ids), total).as_json(), "tasks": list(ids)} for name, ids in self.solved_by.items()
            },
            "groups": groups,
        }

    def markdown(self) -> str:
        """Return the tables as Markdown."""
        header = ["row", "rule", "pass@1", "pass@2", "oracle", "tasks +/-", "p", "difference (95 %)"]
        rows = [_row_cells(row) for row in self.rows.values()]
        total = sum(len(ids) for ids in self.solved_by.values())
        venn = [[name.replace("_", " "), str(Figure(len(ids), total))] for name, ids in self.solved_by.items()]
        names = list(self.groups[0].solved) if self.groups else []
        kinds = [[f"{g.kind}: {g.value}", *(str(figure) for figure in g.solved.values())] for g in self.groups]
        return "\n\n".join(
            [
                "Tasks with every output right (rule `task`); +/- against the ensemble at pass@2:",
                markdown_table(header, rows),
                "Solved by (pass@2):",
                markdown_table(["half", "tasks"], venn),
                "By kind of task (pass@2):",
                markdown_table(["tasks", *names], kinds),
            ]
        )


def _row_cells(row: Row) -> list[str]:
    if row.name == ENSEMBLE:
        against = ["", "", ""]
    else:
        d, test = row.difference, row.mcnemar
        against = [
            f"+{test.only_left}/-{test.only_right}",
            f"{test.p_value:.2g}",
            f"{d.mean:+.1%} ({d.low:+.1%} to {d.high:+.1%})",
        ]
    levels: tuple[Level, ...] = ("pass@1", "pass@2", "oracle")
    return [row.name, row.rule, *(str(row.score.figure(level, "task")) for level in levels), *against]


def ablate(run: "Run") -> Ablation:
    """Score every part and every rule on a run's stored candidates.

    Raises:
        DataError: the answers are not known.
    """
    dataset = run.dataset()
    pool = {task.task_id: tuple(run.candidates(task.task_id)) for task in dataset.tasks}
    config = run.config.merge
    if config.invariants:
        pool = {task.task_id: tuple(examined(task, pool[task.task_id])) for task in dataset.tasks}
    scores = {
        name: (rule, _score_part(dataset, pool, config.model_copy(update={"rule": rule}), keep))
        for name, rule, keep in _variants(config.rule, [c for found in pool.values() for c in found])
    }
    if config.invariants:
        plain = config.model_copy(update={"invariants": False})
        scores["no_invariants"] = config.rule, _score_part(dataset, pool, plain, lambda _: True)
    reference = scores[ENSEMBLE][1].solved(HEADLINE)
    rows = {}
    for name, (rule, scored) in scores.items():
        solved = scored.solved(HEADLINE)
        rows[name] = Row(name, rule, scored, mcnemar(solved, reference), paired_bootstrap(solved, reference))
    return Ablation(rows, _solved_by(rows), _groups(dataset.tasks, rows))


def _variants(rule: str, candidates: Sequence[Candidate]) -> list[tuple[str, str, Keep]]:
    """List name, merge rule and candidates of every row; a part is left out only where the run has it both ways."""

    def everything(candidate: Candidate) -> bool:
        return True

    def of_family(family: str) -> Keep:
        return lambda candidate: bool(proposed_by(family, [candidate]))

    def unaugmented(candidate: Candidate) -> bool:
        return candidate.provenance.view in (None, IDENTITY_VIEW)

    def drawn(candidate: Candidate) -> bool:
        return candidate.provenance.draws > 0

    def unadapted(candidate: Candidate) -> bool:
        return not candidate.provenance.adapted

    variants = [
        ("symbolic", rule, of_family(SYMBOLIC)),
        ("neural", rule, of_family(NEURAL)),
        (ENSEMBLE, rule, everything),
        *((name, name, everything) for name in RULES),
    ]
    neural = [candidate for candidate in candidates if candidate.provenance.family == NEURAL]
    left_out: list[tuple[str, Keep]] = []
    if any(unaugmented(c) for c in neural) and not all(unaugmented(c) for c in neural):
        left_out.append(("no_augmentation", unaugmented))
    if any(unadapted(c) for c in neural) and any(c.provenance.adapted for c in neural):
        left_out.append(("no_adaptation", unadapted))
    if not all(drawn(candidate) for candidate in candidates):
        variants.append(("no_judging", rule, drawn))
    for name, keep in left_out:
        variants += [(name, rule, keep), (f"neural_{name}", rule, _both(of_family(NEURAL), keep))]
    return variants


def _both(first: Keep, second: Keep) -> Keep:
    return lambda candidate: first(candidate) and second(candidate)


def _score_part(dataset: "DataSet", pool: Mapping[str, Sequence[Candidate]], config: MergeConfig, keep: Keep) -> Score:
    part = {task_id: [candidate for candidate in found if keep(candidate)] for task_id, found in pool.items()}
    attempts = {task.task_id: merge(task, part[task.task_id], config) for task in dataset.tasks}
    return score([task.task_id for task in dataset.tasks], attempts, part, dataset.answers)


def _solved_by(rows: Mapping[str, Row]) -> dict[str, tuple[str, ...]]:
    symbolic, neural = rows["symbolic"].score, rows["neural"].score
    table: dict[str, list[str]] = {name: [] for name in SOLVED_BY}
    for ours, theirs in zip(symbolic.tasks, neural.tasks, strict=True):
        table[solved_by(ours.solved(HEADLINE), theirs.solved(HEADLINE))].append(ours.task_id)
    return {name: tuple(ids) for name, ids in table.items()}


def solved_by(symbolic: bool, neural: bool) -> str:
    """Return the entry of the solved-by table that a task belongs to."""
    if symbolic:
        return "both" if neural else "only_symbolic"
    return "only_neural" if neural else "neither"


def _groups(tasks: Sequence[Task], rows: Mapping[str, Row]) -> tuple[Group, ...]:
    names = ("symbolic", "neural", ENSEMBLE)
    solved = {name: rows[name].score.solved(HEADLINE) for name in names}
    members: dict[tuple[str, str], list[int]] = {}
    for i, task in enumerate(tasks):
        for kind, value in kinds_of_task(task).items():
            members.setdefault((kind, value), []).append(i)
    kinds = list(kinds_of_task(tasks[0]))
    return tuple(
        Group(kind, value, {name: Figure(sum(solved[name][i] for i in found), len(found)) for name in names})
        for (kind, value), found in sorted(members.items(), key=lambda item: (kinds.index(item[0][0]), item[0][1]))
    )


def kinds_of_task(task: Task) -> dict[str, str]:
    """Describe a task: shape relation, grid size, number of colors, number of demonstrations."""
    grids = [grid for pair in task.train for grid in (pair.input, pair.output)]
    cells = max(grid.size for grid in grids)
    colors = len({color for grid in grids for color in grid.ravel().tolist()})
    return {
        "shape": _shape_relation(task),
        "largest grid": "1 to 100 cells"
        if cells <= 100
        else "101 to 225 cells"
        if cells <= 225
        else "226 to 900 cells",
        "colors": "2 to 3" if colors <= 3 else "4 to 5" if colors <= 5 else "6 to 10",
        "demonstrations": str(len(task.train)) if len(task.train) < 5 else "5 or more",
    }


def _shape_relation(task: Task) -> str:
    if all(pair.input.shape == pair.output.shape for pair in task.train):
        return "same"
    if all(pair.output.size < pair.input.size for pair in task.train):
        return "smaller output"
    if all(pair.output.size > pair.input.size for pair in task.train):
        return "larger output"
    return "mixed"
