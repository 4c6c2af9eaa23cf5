"""Training tasks of rules that the search found: right programs and wrong ones, on inputs of their own task and others.

A program that explains the demonstrations of a task for the wrong reason is a rule too, and one that looks like those
of the corpus more than a program drawn at random does. So the candidates of a run on training tasks, executed on
RE-ARC's inputs (Hodel 2024, arXiv 2404.07353), make thousands of further tasks, as the seeds and remixes of Li et al.
(2024, arXiv 2411.02272, section 3) do by a language model.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid, grid_key, seal
from dsl.program import Program, parse
from dsl.sample import sane_output, teaches
from dsl.task import Example
from ensemble.errors import DataError
from ensemble.store import open_run

ID_LENGTH = 8
"""Characters of an ARC id; tasks drawn by a known rule have more behind them."""
MAX_COST = 40.0
"""Bits above which a program is taken for noise."""
OWN_SHARE = 0.5
"""Share of tasks whose inputs are those of the task that the program was found for."""
GROUND_SHARE = 0.7
"""Share of tasks on other inputs whose grounds are made black."""
_TRIES = 3
"""Inputs tried for each pair that is wanted."""
_COLOR = re.compile(r"#(\d)")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A program's text and the training task that it was found for."""

    task_id: str
    text: str


def read_rules(path: Path, allowed: Iterable[str]) -> list[Rule]:
    """Return the distinct programs of a run that fit all demonstrations of their task, by task and text.

    Args:
        path: run folder of training tasks, or of tasks drawn by their rules (``benchmarks/draw_tasks.py``).
        allowed: ids of the training tasks that training may read; programs of others are left out.

    Raises:
        DataError: there is no such program.
        RunError: it cannot be read.
    """
    known, found = set(allowed), dict[tuple[str, str], Rule]()
    with open_run(path) as opened:
        demonstrations = {task.task_id: len(task.train) for task in opened.dataset().tasks}
        for task_id in opened.task_ids:
            own = task_id[:ID_LENGTH]
            if own not in known:
                continue
            for candidate in opened.candidates(task_id):
                origin = candidate.provenance
                fits = origin.fits == demonstrations[task_id] and (origin.cost or 0.0) <= MAX_COST
                if fits and origin.program is not None:
                    found.setdefault((own, origin.program), Rule(own, origin.program))
    if not found:
        raise DataError(f"{path} has no program that fits a training task: solve some with --solvers symbolic first")
    return [found[key] for key in sorted(found)]


def draw_tasks(
    rng: Generator,
    rules: Sequence[Rule],
    inputs: Mapping[str, Sequence[Grid]],
    count: int,
    pairs: int,
    max_side: int,
) -> Iterator[tuple[str, list[Example]]]:
    """Yield tasks of rules on inputs, the rule's text and the inputs' task as id; fewer if the rules make no more.

    Args:
        rng: source of the draws.
        rules: as :func:`read_rules` returns them; tasks that they come from are drawn alike.
        inputs: grids by task id.
        count: tasks.
        pairs: pairs of each.
        max_side: longest side.
    """
    by_task: dict[str, list[Rule]] = {}
    for rule in rules:
        by_task.setdefault(rule.task_id, []).append(rule)
    names, places = sorted(by_task), sorted(inputs)
    seen: set[str] = set()
    for _ in range(20 * count):
        if len(seen) == count:
            break
        choices = by_task[names[int(rng.integers(len(names)))]]
        rule = choices[int(rng.integers(len(choices)))]
        own = rng.random() < OWN_SHARE and rule.task_id in inputs
        place = rule.task_id if own else places[int(rng.integers(len(places)))]
        name = f"{place}: {rule.text}"
        if name in seen or not len(inputs[place]):
            continue
        grids = [inputs[place][i] for i in rng.permutation(len(inputs[place]))[: _TRIES * pairs].tolist()]
        if not own:
            grids = recolored(rng, grids, {int(color) for color in _COLOR.findall(rule.text)})
        task = _pairs_of(parse(rule.text), grids, pairs, max_side)
        if task is not None:
            seen.add(name)
            yield name, task


def _pairs_of(program: Program, grids: Sequence[Grid], wanted: int, max_side: int) -> list[Example] | None:
    found: dict[object, Example] = {}
    for tried, grid in enumerate(grids):
        if tried == wanted and len(found) < wanted // 2:
            break
        output = sane_output(program, grid, max_side)
        if output is not None:
            found.setdefault(grid_key(grid), Example(grid, output))
        if len(found) == wanted:
            break
    pairs = list(found.values())
    return pairs if len(pairs) == wanted and teaches(pairs) else None


def recolored(rng: Generator, grids: Sequence[Grid], wanted: set[int]) -> list[Grid]:
    """Return grids with other colors, the same change in all of them, so that some have those that are wanted.

    Before it, mostly, each grid's most common color changes places with black.
    """
    if rng.random() < GROUND_SHARE:
        grids = [_on_black(grid) for grid in grids]
    counts = np.bincount(np.concatenate([grid.ravel() for grid in grids]), minlength=NUM_COLORS)
    present = [int(color) for color in np.argsort(-counts, kind="stable") if color and counts[color]]
    first = [int(color) for color in rng.permutation(sorted(wanted - {0}))]
    others = [int(color) for color in 1 + rng.permutation(NUM_COLORS - 1) if color not in first]
    table = np.arange(NUM_COLORS, dtype=np.uint8)
    absent = [color for color in range(1, NUM_COLORS) if color not in present]
    table[present + absent] = (first + others)[: NUM_COLORS - 1]
    return [seal(table[grid]) for grid in grids]


def _on_black(grid: Grid) -> Grid:
    ground = int(np.bincount(grid.ravel()).argmax())
    table: NDArray[np.uint8] = np.arange(NUM_COLORS, dtype=np.uint8)
    table[[0, ground]] = ground, 0
    return seal(table[grid])
