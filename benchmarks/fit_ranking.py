"""Fit the weights of ``dsl.search.ranking`` on ``fit`` and new tasks, and check them on ``dev`` and other new ones.

The language was developed on ``fit``: there programs are right more often than elsewhere. Two thirds of
``arc-agi-2/new``, on which little was developed, are fitted with it, so that the odds are not those of known tasks.

    python -m benchmarks.fit_ranking [--step 1] [--seconds 2] [--output benchmarks/results/ranking.json]

Prints the weights, how often attempt 1 is right at each probability, and the tasks solved. The evaluation set is never
read.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.rule_engines import is_solved, training_cases
from dsl.grid import Grid
from dsl.search.budget import Budget
from dsl.search.ranking import WEIGHTS, Field, family
from dsl.search.scheduler import synthesize
from dsl.search.solution import Solution
from dsl.search.warm import warm_up
from dsl.task import Task
from ensemble.data import dev_ids, load_tasks

RIDGE = 5.0
"""Pull towards the weights that ship."""
LATER_SHARE = 0.3
"""What a prediction that is not its engine's first weighs in the fit."""
MEMBERS = 12
"""Programs of one family that are looked at, cheapest first."""
SIGNS: dict[str, tuple[float | None, float | None]] = {
    "bits": (None, 0.0),
    "bits over long": (None, 0.0),
    "foretells half": (0.0, None),
    "foretells all": (0.0, None),
    "stable half": (0.0, None),
    "stable all": (0.0, None),
    "not first": (None, 0.0),
    "rivals": (None, 0.0),
    "bits after first": (None, 0.0),
    "agreed": (0.0, None),
    "agreed twice": (0.0, None),
}
"""Least and greatest weight of features whose sense is known."""
PARTS = ("fit", "dev", "new")
"""Tables: what is fitted, and two that only check."""
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95)

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Solutions of many tasks: features ``(N, F)``, whether right ``(N,)``, and the task of each."""

    features: Rows
    right: NDArray[np.bool_]
    tasks: NDArray[np.int64]


def collect(step: int, offset: int, seconds: float, workers: int) -> tuple[tuple[str, ...], dict[str, Table]]:
    """Search the tasks; return the features' names and the tables of ``PARTS``."""
    cases, new = training_cases(), load_tasks("arc-agi-2/new")
    part_of = dict.fromkeys(dev_ids(task.task_id for task, _ in cases), "dev")
    part_of |= dict.fromkeys(dev_ids(new.task_ids), "new")
    cases += [(task, new.answers[task.task_id]) for task in new.tasks]
    rows: dict[str, list[tuple[dict[str, float], bool, int]]] = {part: [] for part in PARTS}
    warm_up()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        jobs = [(task, targets, seconds) for task, targets in cases[offset::step]]
        for number, found in enumerate(pool.imap(_examine, jobs)):
            part = rows[part_of.get(jobs[number][0].task_id, "fit")]
            part.extend((known, right, number) for known, right in found)
            print(f"{number + 1} of {len(jobs)} tasks", file=sys.stderr, end="\r", flush=True)
    names = tuple(rows["fit"][0][0])
    tables = {
        name: Table(
            np.array([list(r[0].values()) for r in part]),
            np.array([r[1] for r in part]),
            np.array([r[2] for r in part]),
        )
        for name, part in rows.items()
    }
    return names, tables


def load(paths: Sequence[Path]) -> tuple[tuple[str, ...], dict[str, Table]]:
    """Return the names and tables of several files together, without features that the ranking no longer has."""
    files = [np.load(path) for path in paths]
    names = tuple(name for name in files[0]["names"].tolist() if name in WEIGHTS)
    columns = [files[0]["names"].tolist().index(name) for name in names]
    tables = {}
    for part in PARTS:
        parts = [(file[f"{part}_features"], file[f"{part}_right"], file[f"{part}_tasks"]) for file in files]
        tables[part] = Table(
            np.concatenate([features[:, columns] for features, _, _ in parts]),
            np.concatenate([right for _, right, _ in parts]),
            np.concatenate([tasks + 1000 * k for k, (_, _, tasks) in enumerate(parts)]),
        )
    return names, tables


def _examine(job: tuple[Task, tuple[Grid, ...], float]) -> list[tuple[dict[str, float], bool]]:
    """Return the features of the programs that fit a task, and whether each is right."""
    task, targets, seconds = job
    fitting = [s for s in synthesize(task, Budget(seconds)) if s.fits == len(task.train)]
    field = Field(fitting, task)
    families: dict[str, list[Solution]] = {}
    for solution in sorted(fitting, key=lambda s: s.cost):
        families.setdefault(family(solution), []).append(solution)
    found = []
    for members in families.values():
        found += [(field.features(solution), is_solved([solution], targets, 1)) for solution in members[:MEMBERS]]
    return found


def fit_weights(table: Table, names: tuple[str, ...]) -> Rows:
    """Return the weights of a logistic regression that starts from those that ship."""
    scale = np.maximum(1.0, np.abs(table.features).max(axis=0))
    inputs = table.features / scale
    before = np.array([WEIGHTS[name] for name in names]) * scale
    weights = np.where(
        inputs[:, [names.index("rules, not first"), names.index("images, not first")]].any(axis=1), LATER_SHARE, 1.0
    )

    def loss(b: Rows) -> float:
        z = inputs @ b
        return float((weights * (np.logaddexp(0, z) - table.right * z)).sum() + RIDGE * ((b - before) ** 2).sum())

    bounds = [SIGNS.get(name.rpartition(", ")[2], (None, None)) for name in names]
    found: Rows = minimize(loss, before, bounds=bounds).x / scale
    return found


def check(table: Table, weights: Rows) -> dict[str, Any]:
    """Count first and second attempts that are right, and first attempts by their probability."""
    scores = table.features @ weights
    first, second = 0, 0
    levels = {level: [0, 0] for level in LEVELS}
    tasks = np.unique(table.tasks)
    for task in tasks:
        mine = np.flatnonzero(table.tasks == task)
        mine = mine[np.argsort(-scores[mine], kind="stable")]
        first += bool(table.right[mine[0]])
        second += bool(table.right[mine[:2]].any())
        for level, counts in levels.items():
            if scores[mine[0]] >= np.log(level / (1 - level)):
                counts[0] += bool(table.right[mine[0]])
                counts[1] += 1
    shown = {f"at least {level}": f"{a} of {b} right" for level, (a, b) in levels.items()}
    return {"tasks with a solution": len(tasks), "attempt 1": first, "two programs": second, **shown}


def main() -> None:
    """Collect, fit, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=1, help="take every STEP-th training task")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--rows", type=Path, help="also keep the features of all programs, as .npz")
    parser.add_argument("--seconds", type=float, default=2.0, help="search time of one task")
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--load", type=Path, nargs="+", help="fit what --rows kept; nothing is searched")
    options = parser.parse_args()
    if options.load:
        names, tables = load(options.load)
    else:
        names, tables = collect(options.step, options.offset, options.seconds, options.workers)
    if options.rows is not None:
        parts = {
            f"{part}_{key}": getattr(table, key)
            for part, table in tables.items()
            for key in ("features", "right", "tasks")
        }
        np.savez_compressed(options.rows, names=names, **parts)
    weights = fit_weights(tables["fit"], names)
    result: dict[str, Any] = {"weights": dict(zip(names, np.round(weights, 3).tolist(), strict=True))}
    result |= {part: check(table, weights) for part, table in tables.items()}
    text = json.dumps(result, indent=1)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
