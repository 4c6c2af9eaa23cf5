"""Time the steps of the value graph that right programs use most, against a public grid language in Python.

    python -m benchmarks.bench_steps [--json]

Grids: the 20x20 inputs of ARC-AGI-1 training. A step is called in a compiled loop, as the search calls it: alone, and
with its result looked up by hash (of 400 cells). The steps are the kinds used most in right programs of the ``fit``
tasks (5 s a task), and the cuts into objects. The other language is Hodel's arc-dsl
(https://github.com/michaelhodel/arc-dsl): means over the same grids, CPython 3.11, one core of a Zen 5 machine, given
where it has an equal operation.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.kernels.cache import njit
from dsl.kernels.picture_splits import split_picture
from dsl.kernels.pictures import apply_picture
from dsl.kernels.value_graph import SPLIT, Graph, apply, intern_picture
from dsl.search.graph.build import Sizes, make_graph
from dsl.search.graph.operations import operation_of_text
from ensemble.data import load_tasks

SIDE = 20
REPEATS = 200
ROUNDS = 5

STEPS: dict[str, tuple[str, float] | None] = {
    "crop": ("asobject, subgrid", 41.6),
    "keep #2": ("ofcolor, paint", 19.6),
    "fit input": None,
    "paint #2": ("replace", 13.9),
    "invert": ("replace", 13.9),
    "hull": None,
    "mirror tile input": ("hconcat, vconcat", 6.5),
    "resize input": None,
    "grow": None,
    "connect straight": None,
    "smear right": None,
    "outline": None,
    "stripes 2": None,
    "half top": ("crop", 1.3),
    "border cells": None,
    "sort rows up": None,
    "tile input": ("hconcat, vconcat", 6.5),
    "drop #2": ("replace", 13.9),
    "symmetrize up-down": ("hmirror, paint", 12.0),
    "squeeze": ("compress", 32.7),
    "turn 90": ("rot90", 2.61),
    "turn flip left-right": ("vmirror", 2.2),
    "fill holes": ("objects, fill", 258.0),
    "split objects straight": ("objects, 4 neighbors", 243.0),
    "split objects": ("objects, 8 neighbors", 362.0),
    "split pieces": ("objects, 8 neighbors, one color", 369.0),
}
"""Steps with the operations of the other language and their microseconds a call."""


@njit(cache=False)
def _look_up(graph: Graph, values: NDArray[np.int64], times: int) -> int:
    total = 0
    for _ in range(times):
        for image in range(len(values)):
            total += apply(graph, values[image], 0, image)
    return total


@njit(cache=False)
def _alone(graph: Graph, cells: NDArray[np.uint8], times: int) -> int:
    code, argument, splits = graph.codes[0], graph.arguments[0], graph.groups[0] == SPLIT
    total = 0
    for _ in range(times):
        for image in range(len(cells)):
            if splits:
                total += split_picture(code, cells[image], 0, 0, graph.list_cells, graph.list_boxes, graph.scratch)
            else:
                frame = graph.frames[image]
                total += apply_picture(code, argument, cells[image], 0, 0, frame, graph.out, graph.scratch)[0]
    return total


@lru_cache(maxsize=1)
def grids() -> list[Grid]:
    """Return the inputs of the training tasks that have both sides 20."""
    tasks = load_tasks("arc-agi-1/training").tasks
    return [e.input for task in tasks for e in task.train if e.input.shape == (SIDE, SIDE)]


def microseconds(step: str, inputs: list[Grid]) -> tuple[float, float]:
    """Return the processor time of one call of a step, alone and with look-up: the best of some rounds over all grids.

    Raises:
        ValueError: the step has no result on most grids.
    """
    operation = operation_of_text(step)
    frames = np.full((len(inputs), 4), SIDE, np.int64)
    room = 64 * len(inputs)
    sizes = Sizes(nodes=4, values=room, cells=900 * room, items=room, stats=room, memos=4)
    graph = make_graph(len(inputs), frames, inputs, [operation], [0.0], sizes)
    values = np.array(
        [intern_picture(graph, grid.ravel().copy(), 0, SIDE, SIDE, 0, 0, k) for k, grid in enumerate(inputs)], np.int64
    )
    if sum(apply(graph, value, 0, k) >= 0 for k, value in enumerate(values.tolist())) < len(inputs) / 2:
        raise ValueError(f"{step!r} has no result on most grids")
    cells = np.array(inputs)
    return best_of(lambda: _alone(graph, cells, REPEATS)), best_of(lambda: _look_up(graph, values, REPEATS))


def best_of(call: Callable[[], int]) -> float:
    """Return the processor time of the fastest round, in microseconds a step."""
    best = float("inf")
    call()
    for _ in range(ROUNDS):
        started = time.process_time()
        call()
        best = min(best, time.process_time() - started)
    return best / (REPEATS * len(grids())) * 1e6


def main() -> None:
    """Time every step and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    inputs = grids()
    times = {step: microseconds(step, inputs) for step in STEPS}
    if options.json:
        rows = [
            {"step": step, "us": round(times[step][0], 3), "us with look-up": round(times[step][1], 3), "arc-dsl": twin}
            for step, twin in STEPS.items()
        ]
        print(json.dumps({"grids": len(inputs), "rows": rows}, indent=1))
        return
    print(f"{'step':26}{'us':>8}{'looked up':>11}  {'arc-dsl':32}{'us':>8}{'factor':>8}")
    for step, twin in STEPS.items():
        alone, looked_up = times[step]
        other = f"{twin[0]:32}{twin[1]:8.1f}{twin[1] / alone:8.0f}" if twin else ""
        print(f"{step:26}{alone:8.2f}{looked_up:11.2f}  {other}")


if __name__ == "__main__":
    main()
