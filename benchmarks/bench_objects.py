"""How many ARC-AGI-1 training tasks object programs solve, and how fast.

    python -m benchmarks.bench_objects [--step 4] [--offset 0] [--output benchmarks/results/objects.json]

Prints tasks solved with one and two attempts, with any prediction, and tasks that some program fits; the 80 held-out
``dev`` tasks are counted apart. The evaluation set is never read.
"""

import argparse
import json
import platform
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.bench_cells import is_solved, load_training
from dsl.search.budget import Budget, Meter
from dsl.search.objects import solve_objects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--step", type=int, default=4, help="take every STEP-th task")
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=10**6, help="bound on nodes for each task")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    tasks, answers, dev = load_training()
    solve_objects(tasks[0], Meter(Budget(60.0, nodes=options.nodes)))  # compile before timing
    chosen = tasks[options.offset :: options.step]
    counts: Counter[str] = Counter()
    engines: Counter[str] = Counter()
    seconds = []
    for task in chosen:
        meter = Meter(Budget(60.0, nodes=options.nodes))
        started = time.process_time()
        solutions = solve_objects(task, meter)
        seconds.append(time.process_time() - started)
        part = "dev" if task.task_id in dev else "fit"
        counts[f"{part} tasks"] += 1
        counts["nodes"] += meter.nodes
        for name, attempts in (("pass@1", 1), ("pass@2", 2), ("oracle", 10**6)):
            counts[f"{part} {name}"] += is_solved(solutions, answers[task.task_id], attempts)
        counts[f"{part} fitted"] += bool(solutions)
        if is_solved(solutions, answers[task.task_id], 1):
            engines[str(solutions[0].program).partition("(")[0]] += 1
    result = {
        "counts": dict(sorted(counts.items())),
        "form of pass@1": dict(sorted(engines.items())),
        "cpu seconds per task": {
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
