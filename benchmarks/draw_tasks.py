"""Draw tasks from RE-ARC: the rules of ARC-AGI-1 training tasks with demonstrations and a test that nobody has seen.

    python -m benchmarks.draw_tasks re_arc.zip runs/drawn --part dev --draws 2
    arc-ensemble solve runs/drawn --seconds 12 -o runs/d

RE-ARC has 1,000 examples of each rule (Hodel 2024, arXiv 2404.07353), and no network was trained on those of ``dev``:
so constants of the merge can be measured on more than its 80 tasks. The rules are not new, though: those constants
were fitted on the tasks themselves, and the language goes back to work with all training tasks in view. A draw has as
many demonstrations as the task itself and one test.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.rule_engines import Case
from dsl.grid import Grid
from dsl.task import Example, Task
from ensemble.corpus import read_re_arc
from ensemble.data import load_tasks


def drawn_cases(re_arc: Path, part: str, seed: int, *, small: bool = False) -> Iterator[Case]:
    """Yield a task for each rule of a part of ARC-AGI-1 training (``fit``, ``dev``), with its answer, by id.

    Args:
        re_arc: RE-ARC's zip or folder.
        part: whose rules.
        seed: of the draws.
        small: draw examples no larger than the task's largest; RE-ARC's are about three times as large on the mean.
    """
    known = {task.task_id: task for task in load_tasks(f"arc-agi-1/{part}").tasks}
    rng = np.random.default_rng(seed)
    for task_id, pairs in read_re_arc(re_arc, sorted(known)):
        own = known[task_id].train
        if small:
            largest = max(map(_cells, own))
            pairs = [pair for pair in pairs if _cells(pair) <= largest]
        count = len(own)
        if len(pairs) > count:
            chosen = [pairs[i] for i in rng.choice(len(pairs), count + 1, replace=False)]
            test = chosen[count]
            yield Task(f"{task_id}-{seed}-0", tuple(chosen[:count]), (test.input,)), (test.output,)


def _cells(pair: Example) -> int:
    return pair.input.size + pair.output.size


def _as_json(task: Task, answers: tuple[Grid, ...]) -> str:
    tests = map(Example, task.test_inputs, answers)
    parts = {"train": task.train, "test": tests}
    values = {
        name: [{"input": pair.input.tolist(), "output": pair.output.tolist()} for pair in pairs]
        for name, pairs in parts.items()
    }
    return json.dumps(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("re_arc", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("fit", "dev"), default="dev")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="no example larger than the task's own")
    arguments = parser.parse_args()
    if arguments.folder.is_dir() and any(arguments.folder.iterdir()):
        parser.error(f"{arguments.folder} is not empty: a draw would be mixed with what is there")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.seed, arguments.seed + arguments.draws):
        for task, answers in drawn_cases(arguments.re_arc, arguments.part, seed, small=arguments.small):
            (arguments.folder / f"{task.task_id}.json").write_text(_as_json(task, answers), encoding="utf-8")


if __name__ == "__main__":
    main()
