"""Measure what test-time training gives: the same weights, tasks and views with and without it.

    python benchmarks/bench_ttt.py --target arc-agi-1/dev --seconds 45 --output benchmarks/results/ttt.jsonl

For each task and method, one line: how many tokens of the right outputs are the model's most likely ones when the
right ones before them are shown (over all views), how many nats the right outputs cost (mean of the views), and whether
the outputs are solved by the best one, the best two or any of the candidates. Lines that the output file already has
are not measured again.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dsl.grid import Grid, grid_key, same_grid
from dsl.task import Task
from ensemble.cache import prefill
from ensemble.config import NeuralConfig, load_config
from ensemble.data import load_tasks
from ensemble.decode import teacher_force
from ensemble.encode import encoded_length
from ensemble.fingerprint import digest_of, hash_of_code, hash_of_model, machine, versions
from ensemble.model import GridLM
from ensemble.solvers.neural import NeuralSolver, Plan
from ensemble.statistics import mcnemar, wilson_interval
from ensemble.ttt import Bound, adapted
from ensemble.types import Candidate


@dataclass(frozen=True)
class Line:
    """One task under one method.

    ``kept_seconds`` is what was kept back for inference, ``infer_seconds`` what it took.
    """

    key: str
    method: str
    task_id: str
    views: int
    steps: int
    train_seconds: float
    kept_seconds: float
    infer_seconds: float
    first_loss: float | None
    last_loss: float | None
    tokens: int
    tokens_right: int
    nats: float
    outputs: int
    solved_top1: bool
    solved_top2: bool
    solved_any: bool


def measure(
    solver: NeuralSolver, task: Task, answers: tuple[Grid, ...], arguments: argparse.Namespace, key: str
) -> Line:
    config, seed = solver.config, arguments.seed
    model = solver.load()
    deadline = None if arguments.steps is not None else time.monotonic() + arguments.seconds
    plan = solver.plan(model, task, seed, deadline)
    bound = Bound(arguments.steps or config.adaptation.max_steps)
    if deadline is not None:
        bound = Bound(config.adaptation.max_steps, deadline - plan.inference_seconds)
    with adapted(
        model,
        task.train,
        config.adaptation,
        max_tokens=config.max_tokens,
        seed=seed,
        bound=bound,
        auxiliary=solver.auxiliary(model, task),
    ) as report:
        started = time.monotonic()
        found: list[Candidate] = []
        for index in range(len(task.test_inputs)):
            found += solver.propose(model, task, index, plan, deadline, steps=report.steps)
        infer_seconds = time.monotonic() - started
        shown = [
            result
            for index, answer in enumerate(answers)
            for result in forced(solver, model, task, plan, index, answer)
        ]
    tail = max(1, report.steps // 5)
    return Line(
        key=key,
        method=config.adaptation.method,
        task_id=task.task_id,
        views=len(plan.views),
        steps=report.steps,
        train_seconds=round(report.seconds, 2),
        kept_seconds=round(plan.inference_seconds, 2),
        infer_seconds=round(infer_seconds, 2),
        first_loss=round(float(np.mean(report.losses[:tail])), 4) if report.steps else None,
        last_loss=round(float(np.mean(report.losses[-tail:])), 4) if report.steps else None,
        tokens=sum(len(right) for _, right in shown),
        tokens_right=sum(int(right.sum()) for _, right in shown),
        nats=round(-float(np.mean([values.sum() for values, _ in shown])), 3),
        outputs=len(answers),
        **{f"solved_{name}": solved(found, answers, count) for name, count in COUNTS.items()},
    )


COUNTS = {"top1": 1, "top2": 2, "any": 10**6}


def forced(
    solver: NeuralSolver, model: GridLM, task: Task, plan: Plan, index: int, answer: Grid
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Return the log-likelihoods of a right output's tokens under each view, and which are the likeliest ones."""
    prefilled = prefill(model, [solver.prompt(task, index, view) for view in plan.views])
    return teacher_force(model, prefilled, [view.grid(answer) for view in plan.views])


def solved(found: list[Candidate], answers: tuple[Grid, ...], attempts: int) -> bool:
    """Tell whether every output is among the best distinct candidates by score."""
    for index, answer in enumerate(answers):
        mine = sorted((c for c in found if c.test_index == index), key=lambda c: -c.log_score)
        distinct = list({grid_key(c.grid): c.grid for c in mine}.values())[:attempts]
        if not any(same_grid(grid, answer) for grid in distinct):
            return False
    return True


def summary(lines: list[dict[str, Any]]) -> str:
    methods = list(dict.fromkeys(line["method"] for line in lines))
    by_method = {m: {line["task_id"]: line for line in lines if line["method"] == m} for m in methods}
    shared = sorted(set.intersection(*(set(table) for table in by_method.values())))
    rows = [f"{len(shared)} tasks measured under every method"]
    for method in methods:
        mine = [by_method[method][task_id] for task_id in shared]
        right, total = sum(line["tokens_right"] for line in mine), sum(line["tokens"] for line in mine)
        mean = float(np.mean([line["tokens_right"] / line["tokens"] for line in mine]))
        counts = []
        for name in COUNTS:
            n = sum(line[f"solved_{name}"] for line in mine)
            low, high = wilson_interval(n, len(mine))
            counts.append(f"{name} {n}/{len(mine)} [{100 * low:.1f}, {100 * high:.1f}]")
        steps = float(np.mean([line["steps"] for line in mine]))
        rows.append(
            f"{method:5} tokens {right / total:.4f} (mean of tasks {mean:.4f})  {'  '.join(counts)}  steps {steps:.0f}"
        )
    if len(methods) == 2:
        left, right_ = ([by_method[m][i]["solved_top2"] for i in shared] for m in methods)
        rows.append(f"top2, {methods[0]} against {methods[1]}: {mcnemar(left, right_)}")
    return "\n".join(rows)


def neural_config(arguments: argparse.Namespace, method: str) -> NeuralConfig:
    settings = {key: json.loads(value) for key, value in (text.split("=", 1) for text in arguments.set)}
    settings |= {"adaptation.method": method, "model": arguments.model, "device": arguments.device}
    return load_config(None, {f"neural.{key}": value for key, value in settings.items()}).neural


def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure what the output file does not have yet; return the lines of this configuration."""
    data = load_tasks(arguments.target)
    tasks = [task for task in data.tasks if task.task_id in data.answers]
    if arguments.shortest is not None:
        tasks = sorted(tasks, key=lambda task: (encoded_length(task.train, task.test_inputs[0]), task.task_id))
        tasks = tasks[: arguments.shortest]
    tasks = tasks[arguments.start :: arguments.every][: arguments.limit]
    solvers = {method: NeuralSolver(neural_config(arguments, method)) for method in arguments.methods.split(",")}
    output: Path = arguments.output
    lines = [json.loads(text) for text in output.read_text().splitlines()] if output.exists() else []
    known = {(line["key"], line.get("task_id")) for line in lines}
    output.parent.mkdir(parents=True, exist_ok=True)
    keys = []
    with output.open("a") as file:

        def write(line: dict[str, Any]) -> None:
            lines.append(line)
            file.write(json.dumps(line) + "\n")
            file.flush()

        for solver in solvers.values():
            settings = settings_of(arguments, solver, data.data_hash)
            keys.append(digest_of(settings))
            if (keys[-1], None) not in known:
                write({"key": keys[-1], "settings": settings})
        for task in tasks:
            for key, solver in zip(keys, solvers.values(), strict=True):
                if (key, task.task_id) not in known:
                    write(asdict(measure(solver, task, data.answers[task.task_id], arguments, key)))
    asked = {task.task_id for task in tasks}
    return [line for line in lines if line["key"] in keys and line.get("task_id") in asked]


def settings_of(arguments: argparse.Namespace, solver: NeuralSolver, data_hash: str) -> dict[str, Any]:
    return {
        "target": arguments.target,
        "data_hash": data_hash,
        "model_hash": hash_of_model(arguments.model),
        "code": hash_of_code("neural"),
        "seconds": arguments.seconds if arguments.steps is None else None,
        "steps": arguments.steps,
        "seed": arguments.seed,
        "machine": machine(),
        "versions": versions(),
        "neural": solver.config.model_dump(mode="json"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="arc-agi-1/dev")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--methods", default="none,lora")
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--shortest", type=int, help="only so many tasks, those of the fewest tokens")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="first task: with --every, a part for another process")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], help="adaptation.rank=16, inference.views=4, ...")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(summary(run(arguments)))


if __name__ == "__main__":
    main()
