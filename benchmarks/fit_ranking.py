"""Fit the weights of ``dsl.search.ranking`` on the ``fit`` tasks and check them on ``dev``.

    python -m benchmarks.fit_ranking [--step 1] [--output benchmarks/results/ranking.json]

Prints the weights, how often attempt 1 is right at each probability, and the tasks solved by both rule engines ranked
together. The evaluation set is never read.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.rule_engines import is_solved, training_cases
from dsl.search.budget import Budget, Meter
from dsl.search.cells import solve_cells
from dsl.search.objects import solve_objects
from dsl.search.ranking import family, features
from dsl.search.solution import Solution
from ensemble.data import dev_ids

RIDGE = 0.05
LATER_SHARE = 0.3
"""What a prediction that is not its engine's first weighs in the fit."""
LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95)

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Solutions of many tasks: features ``(N, F)``, whether right ``(N,)``, and the task of each."""

    features: Rows
    right: NDArray[np.bool_]
    tasks: NDArray[np.int64]


def collect(step: int) -> tuple[tuple[str, ...], dict[str, Table]]:
    """Run both rule engines and return the features' names and the tables of ``fit`` and ``dev``."""
    cases = training_cases()
    dev = dev_ids(task.task_id for task, _ in cases)
    names: tuple[str, ...] = ()
    rows: dict[str, list[tuple[list[float], bool, int]]] = {"fit": [], "dev": []}
    for number, (task, targets) in enumerate(cases[::step]):
        part = rows["dev" if task.task_id in dev else "fit"]
        for solve in (solve_cells, solve_objects):
            solutions: list[Solution] = solve(task, Meter(Budget(60.0, nodes=10**6)))
            best = {family(solution): solution for solution in reversed(solutions)}
            for solution in solutions:
                known = features(solution, best[family(solution)])
                names = tuple(known)
                part.append((list(known.values()), is_solved([solution], targets, 1), number))
    tables = {
        name: Table(np.array([r[0] for r in part]), np.array([r[1] for r in part]), np.array([r[2] for r in part]))
        for name, part in rows.items()
    }
    return names, tables


def fit_weights(table: Table, names: tuple[str, ...]) -> Rows:
    """Return the weights of a logistic regression."""
    scale = np.maximum(1.0, np.abs(table.features).max(axis=0))
    inputs = table.features / scale
    weights = np.where(inputs[:, names.index("not first")] > 0, LATER_SHARE, 1.0)

    def loss(b: Rows) -> float:
        z = inputs @ b
        return float((weights * (np.logaddexp(0, z) - table.right * z)).sum() + RIDGE * (b[1:] ** 2).sum())

    found: Rows = minimize(loss, np.zeros(len(scale))).x / scale
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
    options = parser.parse_args()
    names, tables = collect(options.step)
    weights = fit_weights(tables["fit"], names)
    result: dict[str, Any] = {"weights": dict(zip(names, np.round(weights, 3).tolist(), strict=True))}
    result |= {part: check(table, weights) for part, table in tables.items()}
    text = json.dumps(result, indent=1)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
