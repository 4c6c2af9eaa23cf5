"""What test-time training shows the model: sequences of demonstrations, without end.

Two recipes. ``packed`` draws all demonstrations in one sequence under a random view, with a loss on every output that
has a demonstration before it, which is leave-one-out at every position at once (as Franzen et al. 2025,
arXiv 2505.07859). ``paper`` is the fixed set of Akyürek et al. 2024 (arXiv 2411.07279), section 3.1 and released code:
leave-one-out tasks as they are and under 23 transformations, each once more with colors and order permuted, filled up
with leave-two-out tasks, at most 250; it is shuffled anew for every pass.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np

from dsl.task import Example
from ensemble.adaptation.transformations import paper_transformations, transform_examples
from ensemble.augment import DIHEDRAL, View, draw_colors, draw_view
from ensemble.config import AdaptationConfig
from ensemble.encode import EncodedSequence
from ensemble.formats import EMBEDDED, TaskFormat

KEEP_ZERO_SHARE = 0.7
"""Share of training views that leave color 0 in place."""


def training_sequences(
    train: Sequence[Example],
    config: AdaptationConfig,
    max_tokens: int,
    rng: np.random.Generator,
    task_format: TaskFormat = EMBEDDED,
) -> Iterator[EncodedSequence]:
    """Draw training sequences of a recipe without end."""
    draw = _paper_stream if config.recipe == "paper" else _packed_stream
    return draw(train, config, max_tokens, rng, task_format)


def _packed_stream(
    train: Sequence[Example],
    config: AdaptationConfig,
    max_tokens: int,
    rng: np.random.Generator,
    task_format: TaskFormat,
) -> Iterator[EncodedSequence]:
    """Draw augmented sequences.

    Each packed sequence shows all demonstrations in random order and colors; every demonstration is the last one once
    before any is again, and the 8 dihedral transforms take turns likewise. Sequences above ``max_tokens`` lose
    demonstrations from the front.
    """
    lasts, transforms = _turns(len(train), rng), _turns(len(DIHEDRAL), rng)
    packed, direct = "leave_one_out" in config.formats and len(train) > 1, "direct" in config.formats
    direct_share = config.direct_share if packed and direct else float(not packed)
    while True:
        view = draw_view(
            rng, len(train), dihedral=DIHEDRAL[next(transforms)], keep_zero=bool(rng.random() < KEEP_ZERO_SHARE)
        )
        last = next(lasts)
        if rng.random() < direct_share:
            yield task_format.encode_pairs([view.example(train[last])], loss="direct")
            continue
        order = [k for k in view.order or () if k != last]
        shown = task_format.keep_within([view.example(train[k]) for k in (*order, last)], max_tokens)
        yield task_format.encode_pairs(shown, loss="in_context" if len(shown) > 1 else "direct")


def _turns(count: int, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from (int(k) for k in rng.permutation(count))


def _paper_stream(
    train: Sequence[Example],
    config: AdaptationConfig,
    max_tokens: int,
    rng: np.random.Generator,
    task_format: TaskFormat,
) -> Iterator[EncodedSequence]:
    tasks = paper_tasks(tuple(train), config, max_tokens, rng, task_format)
    for number in _turns(len(tasks), rng):
        yield task_format.encode_pairs(tasks[number], loss="in_context" if len(tasks[number]) > 1 else "direct")


def paper_tasks(
    train: tuple[Example, ...],
    config: AdaptationConfig,
    max_tokens: int,
    rng: np.random.Generator,
    task_format: TaskFormat = EMBEDDED,
) -> list[tuple[Example, ...]]:
    """Return the paper's training tasks, each as pairs of which the last one is its test.

    At most ``config.max_sequences`` within ``max_tokens``; never none, so that a task of long demonstrations is trained
    on its shortest pair.
    """

    def fits(task: tuple[Example, ...]) -> bool:
        return task_format.encoded_length(task) <= max_tokens

    tasks: list[tuple[Example, ...]] = []
    if "leave_one_out" in config.formats:
        tasks = _augmented(_left_out(train, 1), fits, rng)
        if len(tasks) > config.max_sequences:
            return _draw(tasks, config.max_sequences, rng)
        fillers = _augmented(_left_out(train, 2), fits, rng)
        tasks += _draw(fillers, config.max_sequences - len(tasks), rng)
    if not tasks or (len(tasks) < config.max_sequences and "direct" in config.formats):
        alone = _augmented([(example,) for example in train], fits, rng)
        tasks += _draw(alone, config.max_sequences - len(tasks), rng)
    return tasks or [(min(train, key=lambda example: task_format.encoded_length([example])),)]


def _left_out(train: tuple[Example, ...], count: int) -> list[tuple[Example, ...]]:
    """Return the tasks with each demonstration as the test and ``count - 1`` of the others left out.

    Two demonstrations have leave-two-out tasks without context, as in the paper's code; one has none at all.
    """
    tasks = []
    for last in range(len(train)):
        others = [k for k in range(len(train)) if k != last]
        if not others:
            continue
        for gone in combinations(others, count - 1):
            tasks.append(tuple(train[k] for k in (*(k for k in others if k not in gone), last)))
    return tasks


def _augmented(
    tasks: Sequence[tuple[Example, ...]], fits: Callable[[tuple[Example, ...]], bool], rng: np.random.Generator
) -> list[tuple[Example, ...]]:
    """Return tasks, what the transformations make of them, and each with colors and order permuted, if they fit."""
    changed = [transform_examples(task, change) for change in paper_transformations(rng) for task in tasks]
    plain = [*tasks, *(task for task in changed if task is not None)]
    both = [*plain, *(_permuted(task, rng) for task in plain)]
    return [task for task in both if fits(task)]


def _permuted(task: tuple[Example, ...], rng: np.random.Generator) -> tuple[Example, ...]:
    view = View(colors=draw_colors(rng, keep_zero=False))
    order = (*(int(k) for k in rng.permutation(len(task) - 1)), len(task) - 1)
    return tuple(view.example(task[k]) for k in order)


def _draw(tasks: Sequence[tuple[Example, ...]], count: int, rng: np.random.Generator) -> list[tuple[Example, ...]]:
    return [tasks[int(k)] for k in rng.permutation(len(tasks))[:count]]
