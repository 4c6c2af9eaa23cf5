"""Auxiliary tasks of test-time training: other rules on the inputs of the task itself.

Trained on a few demonstrations alone, a small network soon knows them by heart and still fails on the test input. So
once their loss is low, some sequences show a picture of the same inputs that the program search draws
(``dsl.search.graph``) in place of the outputs. The inputs no longer tell what comes out; only the demonstrations before
do, so that what is trained is reading a rule from them. Test inputs, whose pictures are known too, are read like the
others.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from dsl.grid import MAX_SIDE, Grid, grid_key, same_grid, seal
from dsl.sample import teaches
from dsl.search.budget import Budget, Meter
from dsl.search.graph.engine import GraphEngine
from dsl.task import Example, Task

OPERATIONS = 30_000
"""Operations of the search that draws the pictures: the first round of ``dsl.search.scheduler``."""
FEW = 100
"""Rules below which pictures of other sizes than the outputs' are taken too, the simplest first."""
ENOUGH = 300
"""Rules that are enough with those."""
_MAX_BYTES = 128 << 20


def auxiliary_tasks(task: Task, operations: int = OPERATIONS) -> tuple[tuple[Example, ...], ...]:
    """Return pairs by other rules for all inputs of a task, one tuple a rule; the same on every machine.

    A rule is a picture of the outputs' size, or where all have their inputs' shapes, the picture's colored cells laid
    over the input. Where the size of the outputs is not understood or few pictures have it, others join. Rules
    that teach nothing (``dsl.sample.teaches``) and those that give the demonstrations' own outputs are left out,
    and of equal ones all but one.
    """
    engine = GraphEngine(task, _MAX_BYTES)
    engine.grow(Meter(Budget(600.0, nodes=10 * operations)), operations)
    inputs = [*(example.input for example in task.train), *task.test_inputs]
    found: dict[object, tuple[Example, ...]] = {}

    def add(pictures: Sequence[Grid]) -> None:
        for outputs in _rules(inputs, pictures):
            pairs = tuple(map(Example, inputs, outputs))
            if teaches(pairs) and not _is_own(pairs, task):
                found.setdefault(tuple(map(grid_key, outputs)), pairs)

    for _, _, pictures in engine.images():
        add(pictures)
    if len(found) < FEW:
        for pictures in engine.pictures():
            add(pictures)
            if len(found) >= ENOUGH:
                break
    return tuple(found.values())


def _rules(inputs: Sequence[Grid], pictures: Sequence[Grid]) -> Iterator[Sequence[Grid]]:
    if all(picture.size > 0 and max(picture.shape) <= MAX_SIDE for picture in pictures):
        yield pictures
        if all(grid.shape == picture.shape for grid, picture in zip(inputs, pictures, strict=True)):
            yield [seal(np.where(picture > 0, picture, grid)) for grid, picture in zip(inputs, pictures, strict=True)]


def _is_own(pairs: Sequence[Example], task: Task) -> bool:
    return all(same_grid(pair.output, example.output) for pair, example in zip(pairs, task.train, strict=False))
