"""The corpora of a pre-training run and the held-out sequences that measure it, packed once into the work folder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dsl.grid import Grid
from dsl.sample import SampleOptions, sample_tasks
from dsl.task import Example
from ensemble.corpus import (
    Corpus,
    clean_arc_agi_2_tasks,
    dev_tasks,
    fit_tasks,
    load_corpus,
    pack,
    read_re_arc,
    save_corpus,
    without_held_out,
)
from ensemble.encode import EncodedSequence, encode_pairs, encoded_length
from ensemble.errors import ConfigError
from ensemble.found_rules import draw_tasks, read_rules
from ensemble.pictured_tasks import pictured_tasks
from ensemble.pretrain_config import PretrainConfig

_Tasks = Iterable[tuple[str, Sequence[Example]]]

_COMPOSED_PAIRS = 8
"""Pairs made for each task that is made here."""
_INPUTS = 100
"""RE-ARC's inputs of each training task that found rules are run on."""
_PICTURED_PAIRS = 6
"""Most pairs of a task of pictures: as many as a sequence shows."""
_HELD_OUT_PAIRS = 5
"""Pairs in a held-out sequence, if they fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What a run trains on and is measured on.

    Attributes:
        training: corpora with their weights.
        held_out: sequences of the held-out tasks, by source; sources without a task of the sizes are left out.
    """

    training: tuple[tuple[Corpus, float], ...]
    held_out: dict[str, list[EncodedSequence]]

    @property
    def digests(self) -> dict[str, str]:
        """Return the digest of each training corpus by name."""
        return {corpus.name: corpus.digest for corpus, _ in self.training}


def prepare(config: PretrainConfig, work: Path, re_arc: Path | None, rules: Path | None = None) -> Sources:
    """Load the corpora of a work folder; those that are not there yet are packed first, which writes to it.

    Args:
        config: settings of the run.
        work: work folder.
        re_arc: RE-ARC's zip or folder.
        rules: run folder whose programs are the found rules.

    Raises:
        ConfigError: a corpus that has a weight is not packed yet, and what it needs is not given.
    """
    folder = work / "corpora"

    def read(tasks: Sequence[str]) -> _Tasks:
        if re_arc is None:
            raise ConfigError(
                "RE-ARC is wanted but not packed yet: name its zip or folder with --re-arc, or set re_arc_weight to 0"
            )
        return read_re_arc(re_arc, tasks)

    def found() -> _Tasks:
        if rules is None:
            raise ConfigError(
                "found rules are wanted but not packed yet: name a run on training tasks with --rules, "
                "or set found_weight to 0"
            )
        known = read_rules(rules, fit_tasks())
        inputs = {task_id: _small_inputs(pairs, config.max_side) for task_id, pairs in read(sorted(fit_tasks()))}
        rng = np.random.default_rng(config.seed)
        return draw_tasks(rng, known, inputs, config.found_tasks, _COMPOSED_PAIRS, config.max_side)

    def pictured() -> _Tasks:
        known = (*read(sorted(fit_tasks())), *clean_arc_agi_2_tasks().items())
        rng = np.random.default_rng(config.seed)
        return pictured_tasks(rng, known, config.pictured_rules, _PICTURED_PAIRS, config.max_side)

    composed_seed = config.seed if config.composed_seed is None else config.composed_seed
    options = SampleOptions(max_side=config.max_side, min_pairs=_COMPOSED_PAIRS, max_pairs=_COMPOSED_PAIRS)
    builders: tuple[tuple[str, float, Callable[[], _Tasks]], ...] = (
        ("re-arc", config.re_arc_weight, lambda: read(sorted(fit_tasks()))),
        ("composed", config.composed_weight, lambda: composed_tasks(composed_seed, config.composed_tasks, options)),
        ("found", config.found_weight, found),
        ("pictured", config.pictured_weight, pictured),
        ("arc-agi-1", config.arc_weight, lambda: fit_tasks().items()),
        ("arc-agi-2", config.arc_agi_2_weight, lambda: clean_arc_agi_2_tasks().items()),
    )

    def packed(name: str, build: Callable[[], _Tasks]) -> Corpus:
        return _packed(folder, name, lambda: without_held_out(_up_to(config.max_side, build())))

    training = tuple((packed(name, build), weight) for name, weight, build in builders if weight > 0)
    held_out = {"arc-agi-1": _arc_sequences(config)}
    if config.re_arc_weight > 0:
        dev = _packed(folder, "re-arc-dev", lambda: _up_to(config.max_side, read(sorted(dev_tasks()))))
        held_out["re-arc"] = _re_arc_sequences(dev, config)
    return Sources(training, {name: sequences for name, sequences in held_out.items() if sequences})


def _packed(folder: Path, name: str, build: Callable[[], _Tasks]) -> Corpus:
    if not (folder / name / "corpus.json").is_file():
        save_corpus(pack(name, build()), folder / name)
    return load_corpus(folder / name)


def _small_inputs(pairs: Sequence[Example], max_side: int) -> list[Grid]:
    return [pair.input for pair in pairs if max(pair.input.shape) <= max_side][:_INPUTS]


def _up_to(side: int, tasks: _Tasks) -> _Tasks:
    for task_id, examples in tasks:
        small = [pair for pair in examples if max(pair.input.shape + pair.output.shape) <= side]
        if small:
            yield task_id, small


def composed_tasks(seed: int, count: int, options: SampleOptions) -> _Tasks:
    """Yield distinct tasks composed of the project's primitives, with the program's text as id."""
    for task in sample_tasks(np.random.default_rng(seed), count, options):
        yield str(task.program), task.pairs


def _arc_sequences(config: PretrainConfig) -> list[EncodedSequence]:
    """Return the held-out ARC-AGI-1 training tasks that fit the run's sizes, all pairs in their order."""
    side = config.max_side
    return [
        encode_pairs(examples)
        for _, examples in sorted(dev_tasks().items())
        if _fits(examples, side, config.max_tokens)
    ]


def _re_arc_sequences(dev: Corpus, config: PretrainConfig) -> list[EncodedSequence]:
    """Return sequences of RE-ARC's held-out tasks without augmentation, tasks in turn."""
    rng = np.random.default_rng(config.seed)
    side = config.max_side
    small = dev.sides.max(axis=1) <= side
    tasks = [
        np.flatnonzero(small[first:last]) + first for first, last in zip(dev.starts[:-1], dev.starts[1:], strict=True)
    ]
    tasks = [pairs for pairs in tasks if len(pairs) >= _HELD_OUT_PAIRS]
    sequences: list[EncodedSequence] = []
    while tasks and len(sequences) < config.held_out_sequences:
        pairs = tasks[len(sequences) % len(tasks)]
        examples = [dev.example(int(i)) for i in rng.choice(pairs, _HELD_OUT_PAIRS, replace=False)]
        while encoded_length(examples) > config.max_tokens and len(examples) > 2:
            examples.pop()
        if encoded_length(examples) <= config.max_tokens:
            sequences.append(encode_pairs(examples))
    return sequences


def _fits(examples: Sequence[Example], side: int, max_tokens: int) -> bool:
    longest = max(max(grid.shape) for example in examples for grid in (example.input, example.output))
    return longest <= side and encoded_length(examples) <= max_tokens
