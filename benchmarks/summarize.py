"""Write the small result file of a run: what was run, where, scores, times, and who solved what.

    python -m benchmarks.summarize runs/eval -o benchmarks/results/eval.json [--rule likeliest]

Scores are recomputed from the stored candidates. For a run on ARC-AGI-1 training the tasks of `dev` (held out of
pre-training and of fitted settings) and of `fit` are scored apart as well.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

from dsl.grid import grid_key, same_grid
from ensemble.config import MergeConfig
from ensemble.data import DataSet, load_tasks
from ensemble.merge import heard, log_odds, merge
from ensemble.scoring import Score, score
from ensemble.store import Run, open_run
from ensemble.types import Candidate, Grid, Prediction

POINTS = tuple(2.0**k for k in range(-4, 8))
"""Processor seconds of the anytime curve."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--rule", help="merge by this rule instead of the run's own")
    arguments = parser.parse_args()
    with open_run(arguments.run) as run:
        chosen = run.config.merge.model_copy(update={"rule": arguments.rule or run.config.merge.rule})
        summary = {"rule": chosen.rule, **summarize(run, chosen)}
    arguments.output.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({part: scores["pass@2"]["task"] for part, scores in summary["scores"].items()}))


def summarize(run: Run, chosen: MergeConfig) -> dict[str, Any]:
    dataset = run.dataset()
    candidates = {task.task_id: run.candidates(task.task_id) for task in dataset.tasks}
    attempts = {task.task_id: merge(task, candidates[task.task_id], chosen) for task in dataset.tasks}

    def scored(ids: Sequence[str]) -> Score:
        answers = {task_id: dataset.answers[task_id] for task_id in ids}
        return score(ids, {i: attempts[i] for i in ids}, {i: candidates[i] for i in ids}, answers)

    parts = {"all": run.task_ids}
    if run.info["target"] == "arc-agi-1/training":
        held_out = set(load_tasks("arc-agi-1/dev").task_ids)
        parts["dev"] = tuple(i for i in run.task_ids if i in held_out)
        parts["fit"] = tuple(i for i in run.task_ids if i not in held_out)
    kept = ("status", "target", "data_hash", "versions", "machine", "config", "solver_keys")
    return {
        **_without_folders({key: run.info[key] for key in kept if key in run.info}),
        "scores": {part: scored(ids).as_json() for part, ids in parts.items() if ids},
        "jobs": _jobs(run),
        "training_steps": _training_steps(candidates),
        "program_evidence": _evidence(dataset, candidates, attempts, chosen),
        "solved by processor seconds": _curve(run, candidates, chosen),
        "solved": [i for i, right in zip(run.task_ids, scored(run.task_ids).solved("pass@2"), strict=True) if right],
    }


def _without_folders(info: dict[str, Any]) -> dict[str, Any]:
    """Return the run's description with the names of files, models and replayed runs instead of where they lie."""
    config = info["config"]
    shown = {
        **config,
        "replay": {"runs": [Path(folder).name for folder in config["replay"]["runs"]]},
        "neural": {**config["neural"], "model": _name(config["neural"]["model"])},
    }
    return {**info, "target": _name(info["target"]), "config": shown}


def _name(place: str) -> str:
    """Return the last part of an absolute path, and anything else as it is."""
    return Path(place).name if Path(place).is_absolute() else place


def _jobs(run: Run) -> dict[str, Any]:
    """Wall seconds and peak memory of the jobs of each solver."""
    found: dict[str, Any] = {}
    for solver in run.config.solvers:
        rows = [row for row in run.jobs() if row.solver == solver]
        seconds = [row.seconds for row in rows if row.seconds is not None]
        memory = [row.peak_bytes for row in rows if row.peak_bytes is not None]
        found[solver] = {
            "jobs": len(rows),
            "status": dict(sorted(Counter(row.status for row in rows).items())),
            "seconds": {"mean": mean(seconds), "median": median(seconds), "max": max(seconds)} if seconds else None,
            "peak_bytes": max(memory, default=None),
        }
    return found


def _training_steps(candidates: dict[str, tuple[Candidate, ...]]) -> dict[str, float] | None:
    """Quartiles and mean of the steps of test-time training over the tasks with known ones; None without any."""
    kept = [{c.provenance.steps for c in found if c.provenance.steps is not None} for found in candidates.values()]
    steps = [max(counts) for counts in kept if counts]
    if len(steps) < 2:
        return None
    lower, middle, upper = quantiles(steps, n=4, method="inclusive")
    return {
        "tasks": len(steps),
        "mean": mean(steps),
        "lower quartile": lower,
        "median": middle,
        "upper quartile": upper,
    }


def _curve(run: Run, candidates: dict[str, tuple[Candidate, ...]], chosen: MergeConfig) -> dict[str, int]:
    """Count the tasks solved with what was found until some time, ranked as at the end; empty if a time is not known.

    The network's candidates have none.
    """
    dataset = run.dataset()
    times = [c.provenance.found_after for found in candidates.values() for c in found]
    known = [seconds for seconds in times if seconds is not None]
    curve = {}
    for point in POINTS if known and len(known) == len(times) else ():
        solved = 0
        for task in dataset.tasks:
            early = [c for c in candidates[task.task_id] if (c.provenance.found_after or 0.0) <= point]
            grids = merge(task, early, chosen).attempts
            pairs = zip(grids, dataset.answers[task.task_id], strict=True)
            solved += all(any(same_grid(grid, answer) for grid in tried) for tried, answer in pairs)
        curve[str(point)] = solved
        if point >= max(known):
            break
    return curve


def _evidence(
    dataset: DataSet,
    candidates: dict[str, tuple[Candidate, ...]],
    attempts: dict[str, Prediction],
    chosen: MergeConfig,
) -> dict[str, int]:
    """Count the tasks that some program fits on all demonstrations, and how many first attempts of those are right.

    The same once more for the tasks whose first attempt is likelier right than wrong on every test input, by the odds
    that the rule ``likeliest`` ranks by.
    """
    counts, answers = Counter[str](), dataset.answers
    tasks = {task.task_id: task for task in dataset.tasks}
    for task_id, found in candidates.items():
        fitting = [c.provenance for c in found if c.provenance.verified]
        right = all(map(_first_is, attempts[task_id].attempts, answers[task_id]))
        if fitting:
            counts["tasks_with_a_fitting_program"] += 1
            counts["of_which_first_attempt_right"] += right
        counted = heard(tasks[task_id], found, chosen)
        if all(_is_likely(counted, k, grids) for k, grids in enumerate(attempts[task_id].attempts)):
            counts["tasks_with_a_likely_first_attempt"] += 1
            counts["of_likely_first_attempt_right"] += right
    return dict(counts)


def _is_likely(found: Sequence[Candidate], test_index: int, grids: tuple[Grid, ...]) -> bool:
    odds = log_odds([c for c in found if c.test_index == test_index])
    return bool(grids) and odds.get(grid_key(grids[0]), -1.0) >= 0.0


def _first_is(grids: tuple[Grid, ...], answer: Grid) -> bool:
    return bool(grids) and same_grid(grids[0], answer)


if __name__ == "__main__":
    main()
