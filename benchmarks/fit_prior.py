"""Count which steps right programs of the value graph take on the ``fit`` tasks; the search's prior is made of it.

    python -m benchmarks.fit_prior --seconds 3 --output dsl/search/graph/prior.json

Every task weighs one, shared by its cheapest right programs. Neither ``dev`` nor any evaluation set is read.
"""

import argparse
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rule_engines import is_solved
from dsl.grid import Grid
from dsl.program import Call, Literal, Program, subprograms
from dsl.search.budget import Budget, Meter
from dsl.search.graph.engine import GraphEngine
from dsl.search.graph.operations import OUTPUT, operation_of_text
from dsl.search.scheduler import verify
from dsl.search.warm import warm_up
from dsl.task import Task
from ensemble.data import load_tasks

PROGRAMS = 4
"""Programs counted of one task, cheapest first."""
MAX_COST = 20.0
"""Programs of more bits are left out: what they took part in is mostly chance."""
FIRST_ROUND, ROUND_FACTOR = 30_000, 4

Job = tuple[Task, tuple[Grid, ...], float]


def families_of(program: Program) -> Iterator[str]:
    """Yield the family of every step of a program."""
    for part in subprograms(program):
        if isinstance(part, Call) and part.name == "pipe":
            for step in part.arguments[1:]:
                assert isinstance(step, Literal)
                text, mark, size = str(step.value).partition(OUTPUT)
                yield operation_of_text(text + OUTPUT if mark and " x " in size else str(step.value)).family


def examine(job: Job) -> list[list[str]]:
    """Return the families of steps of the cheapest right programs of one task."""
    task, targets, seconds = job
    engine = GraphEngine(task, 1 << 30)
    meter = Meter(Budget(seconds))
    nodes = FIRST_ROUND
    right: dict[str, tuple[float, Program]] = {}
    while not right and not meter.exhausted and not engine.finished:
        engine.grow(meter, nodes)
        nodes *= ROUND_FACTOR
        for proposal in engine.proposals(Meter(Budget(60.0))):
            solution = verify(task, str(proposal.program), proposal.cost, proposal.engine)
            fits = solution is not None and solution.fits == len(task.train)
            if solution is not None and fits and proposal.cost <= MAX_COST and is_solved([solution], targets, 1):
                right[str(proposal.program)] = (proposal.cost, proposal.program)
    cheapest = sorted(right.values(), key=lambda entry: (entry[0], str(entry[1])))[:PROGRAMS]
    return [list(families_of(program)) for _, program in cheapest]


def main() -> None:
    """Search, count, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="growth of one task")
    parser.add_argument("--step", type=int, default=1, help="take every STEP-th task")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    data = load_tasks("arc-agi-1/fit")
    warm_up()
    jobs = [(task, data.answers[task.task_id], options.seconds) for task in data.tasks[:: options.step]]
    counts: Counter[str] = Counter()
    solved = 0
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=20) as pool:
        for programs in pool.imap(examine, jobs):
            solved += bool(programs)
            for families in programs:
                for name in families:
                    counts[name] += 1 / len(programs)
    record = {"data": data.name, "data_hash": data.data_hash, "tasks": len(jobs), "tasks with a right program": solved}
    table = {name: round(counts[name], 2) for name in sorted(counts, key=lambda name: (-counts[name], name))}
    options.output.write_text(
        json.dumps({"record": {**record, "seconds": options.seconds}, "counts": table}, indent=1) + "\n"
    )
    print(record, list(table.items())[:12])


if __name__ == "__main__":
    main()
