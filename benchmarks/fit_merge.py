"""Measure the constants of the rule ``likeliest`` on the stored candidates of a run of both halves.

    python -m benchmarks.fit_merge runs/dev [--output FILE]

The network must not have been trained on the tasks: that leaves ``dev``, and what ``draw_tasks`` draws by its rules.
For every choice of how much the network's own grid is believed (``OWN_ESTIMATE``, ``TEMPER``), how much its judgement
counts (``DOUBT``) and on tasks of up to how many cells (``max_judged_cells``): tasks solved at one and two attempts,
and the log loss of the right grid in nats, where a grid of log odds ``o`` weighs ``exp(o)`` and that none is right
weighs 1. Prints the best ten and what ships.
"""

import argparse
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.fit_selector import score_of
from dsl.grid import Grid, grid_key
from dsl.task import Task
from ensemble import merge as merging
from ensemble.config import MergeConfig
from ensemble.merge import heard, log_odds
from ensemble.store import Run, open_run
from ensemble.types import Candidate

OWN_ESTIMATES = (0.25, 0.5, 0.75, 0.95)
TEMPERS = (0.1, 0.25, 0.5, 1.0)
DOUBTS = (0.0, 0.3, 0.6, 0.9)
JUDGED_CELLS = (700, 1200, 1500)


@dataclass(frozen=True, slots=True)
class Row:
    """One choice of the constants and what it gives."""

    own_estimate: float
    temper: float
    doubt: float
    max_judged_cells: int
    loss: float
    solved_at_one: int
    solved_at_two: int


def loss_of(task: Task, candidates: Sequence[Candidate], answers: Sequence[Grid], config: MergeConfig) -> float:
    """Return minus the log probability of the right grids of a task, or that there are none."""
    known, loss = heard(task, candidates, config), 0.0
    for index, answer in enumerate(answers):
        odds = log_odds([candidate for candidate in known if candidate.test_index == index])
        total = math.log(1.0 + math.fsum(math.exp(value) for value in odds.values()))
        loss += total - odds.get(grid_key(answer), 0.0)
    return loss


def measure(
    run: Run,
    candidates: Mapping[str, Sequence[Candidate]],
    own_estimate: float,
    temper: float,
    doubt: float,
    max_judged_cells: int,
) -> Row:
    merging.OWN_ESTIMATE, merging.TEMPER, merging.DOUBT = own_estimate, temper, doubt
    changes = {"rule": "likeliest", "max_judged_cells": max_judged_cells}
    config, dataset = run.config.merge.model_copy(update=changes), run.dataset()
    scores = score_of(run, candidates, **changes)
    loss = sum(loss_of(t, candidates[t.task_id], dataset.answers[t.task_id], config) for t in dataset.tasks)
    one, two = sum(scores.solved("pass@1")), sum(scores.solved("pass@2"))
    return Row(own_estimate, temper, doubt, max_judged_cells, loss, one, two)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    shipped = merging.OWN_ESTIMATE, merging.TEMPER, merging.DOUBT
    with open_run(arguments.run) as run:
        candidates = {task_id: run.candidates(task_id) for task_id in run.task_ids}
        ships = measure(run, candidates, *shipped, run.config.merge.max_judged_cells)
        rows = [
            measure(run, candidates, *values)
            for values in itertools.product(OWN_ESTIMATES, TEMPERS, DOUBTS, JUDGED_CELLS)
        ]
        info = {"tasks": len(run.task_ids), "task_hashes": run.info["data_hash"], "keys": run.info["solver_keys"]}
    rows.sort(key=lambda row: row.loss)
    for row in [*rows[:10], ships]:
        print(json.dumps(asdict(row)))
    if arguments.output is not None:
        result = {**info, "ships": asdict(ships), "rows": [asdict(row) for row in rows]}
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
