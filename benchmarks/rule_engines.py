"""Shared by the benchmarks of search engines: ARC-AGI-1 training tasks, the test for solved, and one measuring loop.

The evaluation set is never read. The 80 held-out ``dev`` tasks are counted apart.
"""

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dsl.grid import Grid, same_grid
from dsl.search.budget import Budget, Meter
from dsl.search.scheduler import answers
from dsl.search.solution import Solution
from dsl.task import Task
from ensemble.data import dev_ids, load_tasks

Case = tuple[Task, tuple[Grid, ...]]


def training_cases() -> list[Case]:
    """Return the training tasks with their answers, by id."""
    data = load_tasks("arc-agi-1/training")
    return [(task, data.answers[task.task_id]) for task in data.tasks]


def is_solved(solutions: Sequence[Solution], targets: Sequence[Grid], attempts: int) -> bool:
    """Tell whether every target is among the first distinct answers."""
    return all(
        any(same_grid(grid, target) for grid in answers(solutions, i, attempts)) for i, target in enumerate(targets)
    )


def measure_engine(
    description: str | None,
    solve: Callable[[Task, Meter], list[Solution]],
    label: str,
    label_of: Callable[[Solution], str],
    observe: Callable[[Counter[str], Task, tuple[Grid, ...]], None] | None = None,
) -> None:
    """Run one engine on a sample and print, or write, its counts and times.

    Args:
        description: text of ``--help``.
        solve: the engine.
        label: name of the table of first answers that are right.
        label_of: what such a solution is counted under.
        observe: counts more about a task.
    """
    options = _options(description)
    cases = training_cases()
    dev = dev_ids(task.task_id for task, _ in cases)
    solve(cases[0][0], Meter(Budget(60.0, nodes=options.nodes)))  # compile before timing
    chosen = cases[options.offset :: options.step]
    counts: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    seconds = []
    for task, targets in chosen:
        meter = Meter(Budget(60.0, nodes=options.nodes))
        started = time.process_time()
        solutions = solve(task, meter)
        seconds.append(time.process_time() - started)
        part = "dev" if task.task_id in dev else "fit"
        counts[f"{part} tasks"] += 1
        counts["nodes"] += meter.nodes
        for name, attempts in (("pass@1", 1), ("pass@2", 2), ("oracle", 10**6)):
            counts[f"{part} {name}"] += is_solved(solutions, targets, attempts)
        counts[f"{part} fitted"] += bool(solutions)
        if is_solved(solutions, targets, 1):
            labels[label_of(solutions[0])] += 1
        if observe is not None:
            observe(counts, task, targets)
    _report(counts, label, labels, seconds, options)


def _options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--step", type=int, default=4, help="take every STEP-th task")
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=10**6, help="bound on nodes for each task")
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def _report(
    counts: Counter[str], label: str, labels: Counter[str], seconds: list[float], options: argparse.Namespace
) -> None:
    sample = {"step": options.step, "offset": options.offset, "tasks": len(seconds), "nodes": options.nodes}
    result: dict[str, Any] = {
        "counts": dict(sorted(counts.items())),
        label: dict(sorted(labels.items())),
        "cpu seconds per task": {
            "mean": round(float(np.mean(seconds)), 3),
            "median": round(float(np.median(seconds)), 3),
            "max": round(max(seconds), 2),
        },
        "sample": sample,
        "machine": f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one core",
    }
    text = json.dumps(result, indent=1)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n")
