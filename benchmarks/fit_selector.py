"""Fit the learned selector (``ensemble.selector``) to the stored candidates of a run of both halves.

    python -m benchmarks.fit_selector runs/dev --output ensemble/selector.json

The network must not have been trained on the tasks: that leaves ``dev``. So the attempts reported for the learned rule
are cross-validated, each task's chosen by weights fitted without it.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dsl.grid import grid_key
from ensemble.merge import evidence_of, heard, merge
from ensemble.scoring import Score, score
from ensemble.selector import FEATURES
from ensemble.statistics import mcnemar
from ensemble.store import Run, open_run
from ensemble.types import Candidate

PRIOR: Mapping[str, float] = {"program": 1.0, "doubt": -0.6, "broken": -1.0}
"""Weights that the fit is pulled to; 0 for the others."""
RIDGE = 0.3
FOLDS = 10

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The grids of one test input: features ``(N, F)``, whether right ``(N,)``."""

    features: Weights
    right: NDArray[np.bool_]

    def loss(self, weights: Weights) -> float:
        """Return minus the log probability of the right grid, in nats; 0 where there is none."""
        if not self.right.any():
            return 0.0
        utilities = self.features @ weights
        return float(np.logaddexp.reduce(utilities) - utilities[self.right][0])

    def place(self, weights: Weights) -> int:
        """Return the place of the right grid, from 0; the number of grids if there is none."""
        if not self.right.any():
            return len(self.right)
        utilities = self.features @ weights
        return int((utilities > utilities[self.right][0]).sum())


def choices_of(run: Run) -> dict[str, list[Choice]]:
    dataset = run.dataset()
    found: dict[str, list[Choice]] = {}
    for task in dataset.tasks:
        candidates = heard(task, run.candidates(task.task_id), run.config.merge)
        found[task.task_id] = []
        for index, answer in enumerate(dataset.answers[task.task_id]):
            known = evidence_of([c for c in candidates if c.test_index == index])
            rows = [[said.features()[name] for name in FEATURES] for said in known.values()]
            right = [key == grid_key(answer) for key in known]
            found[task.task_id].append(
                Choice(np.array(rows, np.float64).reshape(-1, len(FEATURES)), np.array(right, np.bool_))
            )
    return found


def fit(choices: Sequence[Choice]) -> Weights:
    prior = np.array([PRIOR.get(name, 0.0) for name in FEATURES])

    def total(weights: Weights) -> float:
        return sum(choice.loss(weights) for choice in choices) + RIDGE * float(((weights - prior) ** 2).sum())

    return np.asarray(minimize(total, prior, method="L-BFGS-B").x)


def cross_validated(by_task: Mapping[str, list[Choice]]) -> dict[str, Weights]:
    """Return for each task the weights fitted on the other folds."""
    ids = sorted(by_task)
    weights = {}
    for fold in range(FOLDS):
        held_out = ids[fold::FOLDS]
        fitted = fit([choice for i in ids if i not in held_out for choice in by_task[i]])
        weights |= dict.fromkeys(held_out, fitted)
    return weights


def score_of(run: Run, candidates: Mapping[str, Sequence[Candidate]], **changes: object) -> Score:
    """Score a run's candidates, merged under its own settings with changes."""
    dataset, config = run.dataset(), run.config.merge.model_copy(update=changes)
    attempts = {task.task_id: merge(task, candidates[task.task_id], config) for task in dataset.tasks}
    return score(run.task_ids, attempts, None, dataset.answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--output", type=Path, help="write the weights there; without it only measure those that ship")
    arguments = parser.parse_args()
    with open_run(arguments.run) as run:
        candidates = {task_id: run.candidates(task_id) for task_id in run.task_ids}
        scores = {rule: score_of(run, candidates, rule=rule) for rule in ("learned", "likeliest", "lexicographic")}
        solved = {rule: [list(found.solved("pass@1")), list(found.solved("pass@2"))] for rule, found in scores.items()}
        by_task = choices_of(run)
        weights = cross_validated(by_task)
        held_out = [[all(c.place(weights[i]) < n for c in by_task[i]) for i in sorted(by_task)] for n in (1, 2)]
        if arguments.output is not None:
            solved["learned"] = held_out
        record = {
            "tasks": len(by_task),
            "task_hashes": run.info["data_hash"],
            "test inputs with the right grid": sum(bool(c.right.any()) for cs in by_task.values() for c in cs),
            "ridge": RIDGE,
            "prior": dict(PRIOR),
            "loss of the right grid, cross-validated": sum(c.loss(weights[i]) for i, cs in by_task.items() for c in cs),
            "solved at one and two attempts": {name: [sum(one), sum(two)] for name, (one, two) in solved.items()},
            "solver_keys": run.info["solver_keys"],
        }
        print(json.dumps(record, indent=1))
        print(
            f"two attempts, learned against lexicographic: {mcnemar(solved['learned'][1], solved['lexicographic'][1])}"
        )
        if arguments.output is not None:
            fitted = fit([choice for choices in by_task.values() for choice in choices])
            values = {name: round(float(value), 3) for name, value in zip(FEATURES, fitted, strict=True)}
            text = json.dumps({"weights": values, "record": record}, indent=1)
            arguments.output.write_text(text + "\n", encoding="utf-8")
            print(values)


if __name__ == "__main__":
    main()
