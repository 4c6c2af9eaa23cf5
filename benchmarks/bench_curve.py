"""Measure the symbolic half: tasks solved against processor seconds, what each engine solves, wrong first answers.

    python -m benchmarks.bench_curve arc-agi-1/evaluation --seconds 5 --rows runs/curve.jsonl \\
        --output benchmarks/results/curve.json

One search of each task, two at a time; the points of the curve count what was predicted until then, ranked as at the
end. Processor seconds are those of the process that searches a task. The same command again goes on where ``--rows``
ends.
"""

import argparse
import json
import math
import multiprocessing
import resource
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.rule_engines import is_solved
from benchmarks.summarize import POINTS
from dsl.grid import Grid
from dsl.search.budget import Budget
from dsl.search.cells.answers import outputs_key
from dsl.search.ranking import family
from dsl.search.scheduler import synthesize
from dsl.search.solution import Solution
from dsl.search.warm import warm_up
from dsl.task import Task
from ensemble.data import load_tasks
from ensemble.statistics import wilson_interval

LIKELY = (0.0, 0.5, 0.8)
"""Probabilities from which on a first answer is counted as believed; 0: whenever a program fits."""

Job = tuple[Task, tuple[Grid, ...], float]


def examine(job: Job) -> dict[str, Any]:
    """Search one task and say what was right, when."""
    task, targets, seconds = job
    found_at: dict[object, float] = {}
    start = time.process_time()

    def note(solution: Solution) -> None:
        found_at.setdefault(outputs_key(solution.outputs), time.process_time() - start)

    solutions = synthesize(task, Budget(seconds), note)
    spent = time.process_time() - start

    def solved(chosen: list[Solution], attempts: int = 2) -> bool:
        return is_solved(sorted(chosen, key=lambda s: -s.log_odds), targets, attempts)  # as the shipped merge has it

    fitting = [s for s in solutions if s.fits == len(task.train)]
    families = sorted({family(s) for s in solutions})
    return {
        "id": task.task_id,
        "seconds": seconds,
        "cpu": spent,
        "points": [solved([s for s in solutions if found_at[outputs_key(s.outputs)] <= point]) for point in POINTS],
        "pass@1": solved(solutions, 1),
        "pass@2": solved(solutions),
        "oracle": solved(solutions, len(solutions) + 1),
        "log_odds": fitting[0].log_odds if fitting else None,
        "families": {name: solved([s for s in solutions if family(s) == name]) for name in families},
        "without": {name: solved([s for s in solutions if family(s) != name]) for name in families},
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up the tasks."""
    total = len(rows)

    def share(count: int) -> dict[str, Any]:
        return {"n": count, "of": total, "ci": [round(bound, 4) for bound in wilson_interval(count, total)]}

    believed = {}
    for level in LIKELY:
        sure = [r for r in rows if r["log_odds"] is not None and 1 / (1 + math.exp(-r["log_odds"])) >= level]
        believed[f"at least {level}"] = {"tasks": len(sure), "first wrong": sum(not r["pass@1"] for r in sure)}
    spent = sorted(r["cpu"] for r in rows)
    alone, only = Counter[str](), Counter[str]()
    for row in rows:
        for name, right in row["families"].items():
            alone[name] += right
            only[name] += row["pass@2"] and not row["without"][name]
    return {
        **{name: share(sum(r[name] for r in rows)) for name in ("pass@1", "pass@2", "oracle")},
        "cpu_seconds": {"mean": sum(spent) / total, "median": spent[total // 2], "max": spent[-1]},
        "solved by processor seconds": {
            str(point): sum(r["points"][k] for r in rows) for k, point in enumerate(POINTS) if point < 2 * spent[-1]
        },
        "believed": believed,
        "solved alone": dict(sorted(alone.items())),
        "lost without": dict(sorted(only.items())),
        "peak_bytes": max(r["peak_bytes"] for r in rows),
        "solved": sorted(r["id"] for r in rows if r["pass@2"]),
    }


def read_rows(path: Path | None, ids: set[str], seconds: float) -> list[dict[str, Any]]:
    """Return the rows that an earlier call wrote, without a last line that was cut off."""
    if path is None or not path.is_file():
        return []
    lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    path.write_text("".join(lines), encoding="utf-8")
    rows = [json.loads(line) for line in lines]
    if any(row["id"] not in ids or row["seconds"] != seconds for row in rows):
        raise SystemExit(f"{path} holds rows of other tasks or of another --seconds; give a new file")
    return rows


def main() -> None:
    """Search, add up, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, default=5.0, help="wall time of one task")
    parser.add_argument("--step", type=int, default=1, help="take every STEP-th task")
    parser.add_argument("--offset", type=int, default=0, help="first task taken")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=Path, help="one line for each task, as it is done; continued if it exists")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    data = load_tasks(options.target)
    warm_up()
    jobs = [(task, data.answers[task.task_id], options.seconds) for task in data.tasks[options.offset :: options.step]]
    rows = read_rows(options.rows, {task.task_id for task, _, _ in jobs}, options.seconds)
    done = {row["id"] for row in rows}
    jobs = [job for job in jobs if job[0].task_id not in done]
    with multiprocessing.get_context("fork").Pool(options.workers, maxtasksperchild=20) as pool:
        for row in pool.imap_unordered(examine, jobs):
            rows.append(row)
            if options.rows is not None:
                with options.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
            if len(rows) % 20 == 0:
                solved = sum(r["pass@2"] for r in rows)
                print(f"{solved} of {len(rows)}, {sum(r['cpu'] for r in rows) / len(rows):.2f} s a task", flush=True)
    result = {"target": options.target, "seconds": options.seconds, "data_hash": data.data_hash, **summarize(rows)}
    text = json.dumps(result, indent=1)
    print(text[: text.index('"solved": [')])
    if options.output is not None:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
