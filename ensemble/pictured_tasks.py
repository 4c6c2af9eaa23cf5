"""Training tasks of other rules on known inputs: pictures that the program search draws of them.

In a corpus of a few hundred rules an input tells its rule, and a network may learn which output goes with which inputs
without reading a demonstration. Here the inputs of one task come with hundreds of rules, as they do in test-time
training (``ensemble.adaptation.auxiliary``). Half of the tasks show pictures of the outputs in place of pictures of the
inputs, so that their rule is the task's own with one more after it.
"""

from collections.abc import Iterable, Iterator, Sequence

from numpy.random import Generator

from dsl.sample import teaches
from dsl.task import Example, Task
from ensemble.adaptation.auxiliary import auxiliary_tasks

GROUPS = 2
"""Groups of inputs of each task, each with rules of its own, where there are pairs enough."""
CHAINED_SHARE = 0.5
"""Share of groups with pictures of the outputs."""
_LEAST_PAIRS = 3
_SPREAD = 2
"""Pairs drawn for each that is wanted; the smaller ones are taken, of which more fit into a sequence."""


def pictured_tasks(
    rng: Generator, tasks: Iterable[tuple[str, Sequence[Example]]], rules: int, pairs: int, max_side: int
) -> Iterator[tuple[str, list[Example]]]:
    """Yield tasks by other rules on the inputs of known ones, with the known task's id in theirs.

    Args:
        rng: source of the draws.
        tasks: known tasks with all their pairs.
        rules: most rules for a group of inputs.
        pairs: most pairs of a task.
        max_side: longest side.
    """
    for task_id, examples in tasks:
        small = [pair for pair in examples if max(pair.input.shape + pair.output.shape) <= max_side]
        if len(small) < _LEAST_PAIRS:
            continue
        for group in range(max(1, min(GROUPS, len(small) // pairs))):
            drawn = [small[i] for i in rng.permutation(len(small))[: _SPREAD * pairs].tolist()]
            chosen = sorted(drawn, key=lambda pair: pair.input.size + pair.output.size)[:pairs]
            found = _chained(chosen) if rng.random() < CHAINED_SHARE else auxiliary_tasks(_task(chosen))
            fitting = [rule for rule in found if max(max(pair.output.shape) for pair in rule) <= max_side]
            for number in sorted(rng.permutation(len(fitting))[:rules].tolist()):
                yield f"{task_id}/{group}/{number}", list(fitting[number])


def _task(examples: Sequence[Example]) -> Task:
    """Return a task whose last pair is the test."""
    return Task("", tuple(examples[:-1]), (examples[-1].input,))


def _chained(examples: Sequence[Example]) -> list[tuple[Example, ...]]:
    """Return rules on the inputs of a task that draw a picture of its outputs."""
    onward = [Example(pair.output, pair.output) for pair in examples]
    chained = (
        tuple(Example(pair.input, drawn.output) for pair, drawn in zip(examples, rule, strict=True))
        for rule in auxiliary_tasks(_task(onward))
    )
    return [rule for rule in chained if teaches(rule)]
