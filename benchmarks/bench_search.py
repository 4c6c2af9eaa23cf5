"""Measure program search on a sample of ARC-AGI-1 training tasks: solved counts by engine, or speed of enumeration.

python -m benchmarks.bench_search solve --every 5 --seconds 10
python -m benchmarks.bench_search speed --every 40 --nodes 30000
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.rule_engines import Case, is_solved, training_cases
from dsl.search.budget import Budget, Meter
from dsl.search.image import ImageEngine
from dsl.search.scheduler import synthesize


def load_sample(every: int, start: int, ids: Sequence[str]) -> list[Case]:
    """Return every n-th training task with its answers, or the named ones."""
    cases = training_cases()
    return [case for case in cases if case[0].task_id in ids] if ids else cases[start::every]


def measure_solved(cases: Sequence[Case], budget: Budget, show: bool) -> None:
    """Print how many tasks are solved in all and by each engine alone, and the time."""
    counts: Counter[str] = Counter()
    seconds = []
    for task, targets in cases:
        started = time.process_time()
        solutions = synthesize(task, budget)
        seconds.append(time.process_time() - started)
        right = is_solved(solutions, targets, 2)
        fits_all = bool(solutions) and solutions[0].fits == len(task.train)
        counts["pass@1"] += is_solved(solutions, targets, 1)
        counts["pass@2"] += right
        counts["oracle"] += is_solved(solutions, targets, len(solutions))
        counts["first fits all demonstrations"] += fits_all
        counts["first fits all demonstrations, not solved"] += fits_all and not right
        for engine in sorted({solution.engine for solution in solutions}):
            own = [solution for solution in solutions if solution.engine == engine]
            counts[f"engine {engine} alone"] += is_solved(own, targets, 2)
        if show:
            best = f"{solutions[0].cost:5.1f} {solutions[0].program!s:.160}" if solutions else ""
            print(f"{task.task_id} {'right' if right else 'wrong'} {seconds[-1]:5.1f} s {best}", flush=True)
    print(f"CPU seconds: mean {np.mean(seconds):.2f}, median {np.median(seconds):.2f}, largest {max(seconds):.2f}")
    for name, count in sorted(counts.items()):
        print(f"{name}: {count}/{len(cases)}")


def measure_speed(cases: Sequence[Case], nodes: int) -> None:
    """Print nodes and distinct rows per CPU second of enumeration alone."""
    for task, _ in cases:
        engine = ImageEngine(task)
        meter = Meter(Budget(seconds=3600, nodes=nodes))
        started = time.process_time()
        engine.grow(meter, nodes)
        seconds = time.process_time() - started
        rows, bank = engine.enumeration.rows, engine.enumeration.bank
        known = rows.duplicates / max(1, rows.duplicates + rows.count)
        print(
            f"{task.task_id}: {len(task.train) + len(task.test_inputs)} images, {meter.nodes / seconds:8.0f} nodes/s, "
            f"{rows.count / seconds:7.0f} rows/s, {100 * known:.0f} % of results known, {bank.bytes / 2**20:.0f} MiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("solve", "speed"))
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--ids", type=lambda text: text.split(","), default=[])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--nodes", type=int, default=None)
    parser.add_argument("--show", action="store_true", help="print a line for every task")
    arguments = parser.parse_args()
    cases = load_sample(arguments.every, arguments.start, arguments.ids)
    if arguments.what == "speed":
        measure_speed(cases, arguments.nodes or 30_000)
    else:
        measure_solved(cases, Budget(arguments.seconds, nodes=arguments.nodes), arguments.show)


if __name__ == "__main__":
    main()
