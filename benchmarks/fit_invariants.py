"""Learn what each broken invariant tells (``dsl.search.plausibility``) from what the search proposes for tasks.

    python -m benchmarks.fit_invariants collect rows.jsonl --tasks fit --tasks new --tasks dev --nodes 100000
    python -m benchmarks.fit_invariants collect rows.jsonl --tasks re-arc --re-arc re_arc.zip --nodes 60000
    python -m benchmarks.fit_invariants fit rows.jsonl --output dsl/search/plausibility.json

``re-arc`` draws new demonstrations and a test for each ``fit`` task from RE-ARC (Hodel 2024). Fitted are ``fit``,
``re-arc`` and two thirds of ``new``; ``dev`` and the rest of ``new`` only check. The evaluation set is never read.
``collect`` goes on where it stopped.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.rule_engines import Case, training_cases
from dsl.grid import grid_key
from dsl.search.budget import Budget
from dsl.search.invariants import Invariants
from dsl.search.plausibility import lost_nats
from dsl.search.scheduler import synthesize
from dsl.search.solution import Solution
from dsl.search.warm import warm_up
from dsl.task import Task
from ensemble.corpus import read_re_arc
from ensemble.data import dev_ids, load_tasks

MEMBERS = 12
"""Answers of a task that are looked at, likeliest first."""
FITTED_MEMBERS = 8
LATER_SHARE = 0.3
"""What an answer that is not the first weighs in the fit."""
RIDGE = 3.0
USUAL = 0.1
"""Nats that each weight is pulled to: what right answers seldom break tells something before it was seen often."""
LEAST_BREAKS = 4
"""Invariants that fewer answers break get no weight."""
FOLDS = 5
SETS = ("fit", "dev", "new", "re-arc")


@dataclass(frozen=True, slots=True)
class Answer:
    """What programs predict for all test inputs of a task.

    Attributes:
        log_odds: that it is right, by the best of its programs.
        breaks: invariants that it breaks on any test input.
        right: whether all of it is right.
    """

    log_odds: float
    breaks: tuple[str, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A task: its part of the data, its answers by falling odds, and what the right answer breaks."""

    task_id: str
    part: str
    answers: tuple[Answer, ...]
    truth_breaks: tuple[str, ...]


def cases_of(name: str, re_arc: Path | None, seed: int) -> list[tuple[str, Case]]:
    """Return the tasks of a set, with the part of the data that each belongs to."""
    cases = training_cases()
    dev = dev_ids(task.task_id for task, _ in cases)
    if name == "dev":
        return [(name, case) for case in cases if case[0].task_id in dev]
    if name == "new":
        new = load_tasks("arc-agi-2/new")
        held_out = dev_ids(new.task_ids)
        return [
            ("new, held out" if task.task_id in held_out else "new", (task, new.answers[task.task_id]))
            for task in new.tasks
        ]
    fit = {task.task_id: (task, answers) for task, answers in cases if task.task_id not in dev}
    if name == "fit":
        return [(name, case) for case in fit.values()]
    if re_arc is None:
        raise SystemExit("re-arc needs --re-arc PATH: its zip or folder")
    rng, drawn = np.random.default_rng(seed), []
    for task_id, pairs in read_re_arc(re_arc, sorted(fit)):
        count = len(fit[task_id][0].train)
        chosen = [pairs[i] for i in rng.choice(len(pairs), count + 1, replace=False)]
        task = Task(f"{task_id}-{seed}-0", tuple(chosen[:count]), (chosen[count].input,))
        drawn.append((name, (task, (chosen[count].output,))))
    return [drawn[i] for i in rng.permutation(len(drawn))]


def row_of(part: str, task: Task, targets: Sequence[Any], solutions: Sequence[Solution]) -> Row:
    """Return the distinct answers of ranked solutions with what they break."""
    invariants, answers = Invariants(task.train), {}
    for solution in solutions:
        outputs = [output for output in solution.outputs if output is not None]
        key = tuple(map(grid_key, outputs))
        if len(outputs) == len(targets) and key not in answers and len(answers) < MEMBERS:
            assert solution.log_odds is not None
            right = key == tuple(map(grid_key, targets))
            answers[key] = Answer(solution.log_odds, _breaks(invariants, task, outputs), right)
    return Row(task.task_id, part, tuple(answers.values()), _breaks(invariants, task, targets))


def _breaks(invariants: Invariants, task: Task, outputs: Sequence[Any]) -> tuple[str, ...]:
    pairs = zip(task.test_inputs, outputs, strict=True)
    return tuple(sorted({name for source, output in pairs for name in invariants.broken(source, output)}))


def read_rows(path: Path) -> list[Row]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        answers = tuple(Answer(a["log_odds"], tuple(a["breaks"]), a["right"]) for a in values["answers"])
        rows.append(Row(values["task_id"], values["part"], answers, tuple(values["truth_breaks"])))
    return rows


def collect(options: argparse.Namespace) -> None:
    """Search the tasks that the file does not have yet."""
    known = {row.task_id for row in read_rows(options.rows)} if options.rows.exists() else set[str]()
    warm_up()
    with options.rows.open("a", encoding="utf-8") as handle:
        for name in options.tasks:
            for part, (task, targets) in cases_of(name, options.re_arc, options.seed):
                if task.task_id not in known:
                    solutions = synthesize(task, Budget(600.0, nodes=options.nodes))
                    handle.write(json.dumps(asdict(row_of(part, task, targets, solutions))) + "\n")
                    handle.flush()


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """Return nats lost by invariant: a logistic regression on top of the odds that the answers have, none below 0."""
    counts = Counter(name for row in rows for answer in row.answers for name in answer.breaks)
    names = sorted(name for name, count in counts.items() if count >= LEAST_BREAKS)
    places = {name: k for k, name in enumerate(names)}
    chosen = [(k, answer) for row in rows for k, answer in enumerate(row.answers[:FITTED_MEMBERS])]
    broken = np.zeros((len(chosen), len(names)))
    for i, (_, answer) in enumerate(chosen):
        broken[i, [places[name] for name in answer.breaks if name in places]] = 1.0
    odds = np.array([answer.log_odds for _, answer in chosen])
    right = np.array([answer.right for _, answer in chosen], np.float64)
    shares = np.array([LATER_SHARE if k else 1.0 for k, _ in chosen])

    def loss(nats: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = odds - broken @ nats
        gradient = -broken.T @ (shares * (1.0 / (1.0 + np.exp(-z)) - right)) + 2.0 * RIDGE * (nats - USUAL)
        return float(
            (shares * (np.logaddexp(0.0, z) - right * z)).sum() + RIDGE * ((nats - USUAL) ** 2).sum()
        ), gradient

    found = minimize(loss, np.full(len(names), USUAL), jac=True, bounds=[(0.0, None)] * len(names)).x
    return {name: round(float(nats), 3) for name, nats in zip(names, found, strict=True) if nats >= 0.0005}


def check(rows: Sequence[Row], weights: Mapping[str, float]) -> dict[str, Any]:
    """Count right first and second answers, and measure how well the odds foretell the first."""
    first, two, likely, loss = 0, 0, [0, 0], 0.0
    searched = [row for row in rows if row.answers]
    for row in searched:
        ranked = sorted(
            ((a.log_odds - lost_nats(a.breaks, weights), a.right) for a in row.answers), key=lambda a: -a[0]
        )
        odds, right = ranked[0]
        loss += float(np.logaddexp(0.0, -odds if right else odds))
        first, two = first + right, two + any(right for _, right in ranked[:2])
        if odds > 0:
            likely = [likely[0] + right, likely[1] + 1]
    return {
        "tasks": len(rows),
        "right at one and two attempts": [first, two],
        "likelier right than wrong, right of all": likely,
        "log loss of first answers, nats": round(loss, 2),
    }


def cross_validated(rows: Sequence[Row]) -> dict[str, Any]:
    """Check each task by weights that were fitted without it and its variants."""
    ids = sorted({row.task_id[:8] for row in rows})
    total: Counter[str] = Counter()
    for fold in range(FOLDS):
        held_out = set(ids[fold::FOLDS])
        weights = fit([row for row in rows if row.task_id[:8] not in held_out])
        for name, value in _flat(check([row for row in rows if row.task_id[:8] in held_out], weights)):
            total[name] += value
    return {name: round(value, 2) for name, value in total.items()}


def _flat(checked: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in checked.items():
        yield from (
            ((f"{name} ({k})", v) for k, v in enumerate(value, 1)) if isinstance(value, list) else [(name, value)]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    search = commands.add_parser("collect")
    search.add_argument("rows", type=Path)
    search.add_argument("--tasks", choices=SETS, action="append", required=True)
    search.add_argument("--re-arc", type=Path)
    search.add_argument("--seed", type=int, default=1, help="of the draws from RE-ARC")
    search.add_argument("--nodes", type=int, default=100_000)
    search.set_defaults(run=collect)
    learn = commands.add_parser("fit")
    learn.add_argument("rows", type=Path)
    learn.add_argument("--output", type=Path)
    learn.set_defaults(run=learn_and_write)
    options = parser.parse_args()
    options.run(options)


def learn_and_write(options: argparse.Namespace) -> None:
    rows = read_rows(options.rows)
    parts = {part: [row for row in rows if row.part == part] for part in sorted({row.part for row in rows})}
    fitted = [row for part in ("fit", "new", "re-arc") for row in parts.get(part, ())]
    weights = fit(fitted)
    record = {
        "fitted on": {part: len(parts[part]) for part in ("fit", "new", "re-arc") if part in parts},
        "ridge": RIDGE,
        "cross-validated": {"before": dict(_flat(check(fitted, {}))), "after": cross_validated(fitted)},
        "checked": {
            part: {"before": check(parts[part], {}), "after": check(parts[part], weights)}
            for part in ("dev", "new, held out")
            if part in parts
        },
    }
    ordered = dict(sorted(weights.items(), key=lambda item: (-item[1], item[0])))
    text = json.dumps({"weights": ordered, "record": record}, indent=1)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
