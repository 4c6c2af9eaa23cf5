"""The pre-training stream: packed tasks as token sequences, each a pure function of seed and index.

A sequence shows 2 to 6 pairs of one rule, every output after the first to be predicted (Akyürek et al. 2024, section
3); pairs are drawn that are small enough for as many. Each is a new task: a dihedral transform, a color renaming and an
order are drawn for all pairs, and on a share of the sequences another transform is put on the inputs only or the
outputs only, which makes another rule of the pairs.
"""

import itertools
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator as RandomGenerator
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.task import Example
from ensemble.augment import DIHEDRAL, View, draw_colors
from ensemble.corpus import Corpus
from ensemble.encode import EncodedSequence, encode_pairs, encoded_length
from ensemble.errors import DataError

_BLOCK_BATCHES = 16
"""Batches whose sequences are drawn together and sorted by length."""
_KEEP_ZERO_SHARE = 0.7
"""Share of color renamings that leave 0, the background of most tasks, in its place."""
_LEAST_ROOM = 0.3
"""Share of the longest sequence that a short one is drawn for. Generated pairs are larger than those of most tasks, and
a long sequence of few pairs says less of the rule."""
_ORDER = 1 << 40
"""Indices from here on seed the order of batches, so that no sequence shares their random numbers."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What sequences look like.

    Attributes:
        seed: seed of every draw.
        batch_size: sequences in a batch.
        max_tokens: longest sequence.
        curriculum: ``(from when, longest grid side)``, the first from 0, rising; when is a step, or what the clock of
            :meth:`TaskStream.batches` says.
        min_pairs: fewest pairs in a sequence.
        max_pairs: most pairs in a sequence, if they fit.
        one_sided_share: share of sequences with a transform of inputs only or outputs only.
    """

    seed: int = 0
    batch_size: int = 16
    max_tokens: int = 768
    curriculum: tuple[tuple[float, int], ...] = ((0, 10),)
    min_pairs: int = 2
    max_pairs: int = 6
    one_sided_share: float = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """Pairs of one corpus that are small enough, for each task that has enough of them.

    Attributes:
        corpus: whose pairs.
        pairs: their numbers, by task.
        tokens: ``(pairs,)`` of the corpus: length of each in a sequence, turned or not.
    """

    corpus: Corpus
    pairs: tuple[NDArray[np.int64], ...]
    tokens: NDArray[np.int64]


class TaskStream:
    """Draw batches of sequences from weighted corpora; the same seed and step give the same batch.

    Args:
        sources: corpora with their weights, above 0.
        options: what sequences look like.

    Raises:
        DataError: a corpus has no task that is small enough.
    """

    def __init__(self, sources: Sequence[tuple[Corpus, float]], options: StreamOptions) -> None:
        self.options = options
        weights = np.array([weight for _, weight in sources], np.float64)
        self._cumulative = np.cumsum(weights / weights.sum())
        sides = sorted({side for _, side in options.curriculum})
        self._pools: Mapping[int, tuple[_Pool, ...]] = {
            side: tuple(_small_pairs(corpus, side, options) for corpus, _ in sources) for side in sides
        }
        self._block: tuple[int, list[list[EncodedSequence]]] | None = None

    def max_side(self, when: float) -> int:
        """Return the longest grid side at a point of the curriculum."""
        return [side for first, side in self.options.curriculum if first <= when][-1]

    def batch(self, step: int) -> list[EncodedSequence]:
        """Return the sequences of a step, of similar lengths."""
        block = step // _BLOCK_BATCHES
        if self._block is None or self._block[0] != block:
            self._block = block, self._draw_block(block, self._side(block, None))
        return self._block[1][step % _BLOCK_BATCHES]

    def batches(
        self, first_step: int, loaders: int = 0, clock: Callable[[], float] | None = None
    ) -> Generator[list[EncodedSequence], None, None]:
        """Yield the batches of all steps from ``first_step`` on, drawn ahead by ``loaders`` processes if there are any.

        Without a clock the batches are the same for every number of loaders. Close the iterator to end them.

        Args:
            first_step: step of the first batch.
            loaders: processes.
            clock: point of the curriculum where a block of batches is drawn, in place of its first step.
        """
        first_block, skip = divmod(first_step, _BLOCK_BATCHES)
        if loaders == 0:
            for block in itertools.count(first_block):
                yield from self._draw_block(block, self._side(block, clock))[skip:]
                skip = 0
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(loaders, context, initializer=_keep_stream, initargs=(self,)) as pool:
            blocks = range(first_block, first_block + 2 * loaders)
            ahead = deque(pool.submit(_draw_kept, block, self._side(block, clock)) for block in blocks)
            try:
                for block in itertools.count(first_block + 2 * loaders):
                    batches = ahead.popleft().result()
                    ahead.append(pool.submit(_draw_kept, block, self._side(block, clock)))
                    yield from batches[skip:]
                    skip = 0
            finally:
                pool.shutdown(cancel_futures=True)

    def _side(self, block: int, clock: Callable[[], float] | None) -> int:
        return self.max_side(block * _BLOCK_BATCHES if clock is None else clock())

    def _draw_block(self, block: int, side: int) -> list[list[EncodedSequence]]:
        size, first = self.options.batch_size, block * _BLOCK_BATCHES
        drawn = [self.sequence(first * size + i, side) for i in range(_BLOCK_BATCHES * size)]
        drawn.sort(key=len)
        order = np.random.default_rng((self.options.seed, _ORDER + block)).permutation(_BLOCK_BATCHES)
        return [drawn[i * size : (i + 1) * size] for i in order.tolist()]

    def sequence(self, index: int, side: int) -> EncodedSequence:
        """Return one sequence with grids up to ``side``, which must be in the curriculum."""
        return encode_pairs(self.task(index, side)[1])

    def task(self, index: int, side: int) -> tuple[str, list[Example]]:
        """Return the id of a drawn task and its transformed pairs."""
        options = self.options
        rng = np.random.default_rng((options.seed, index))
        pools = self._pools[side]
        pool = pools[min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), len(pools) - 1)]
        task = int(rng.integers(len(pool.pairs)))
        available = pool.pairs[task]
        count = min(int(rng.integers(options.min_pairs + 1, options.max_pairs + 1)), len(available))
        room = options.max_tokens * _LEAST_ROOM ** rng.random()
        together = available[pool.tokens[available] <= (room - 1) / count]
        if len(together) >= count:
            available = together
        examples = [pool.corpus.example(int(i)) for i in rng.choice(available, count, replace=False)]
        examples = augment_task(examples, rng, options.one_sided_share, side)
        while encoded_length(examples) > options.max_tokens and len(examples) > options.min_pairs:
            examples.pop()
        task_index = int(np.searchsorted(pool.corpus.starts, available[0], side="right")) - 1
        return pool.corpus.task_ids[task_index], examples


_kept_stream: TaskStream | None = None
"""The stream of a loader process, set when the process starts."""


def _keep_stream(stream: TaskStream) -> None:
    global _kept_stream
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the trainer saves and ends its loaders
        signal.signal(number, signal.SIG_IGN)
    _kept_stream = stream


def _draw_kept(block: int, side: int) -> list[list[EncodedSequence]]:
    assert _kept_stream is not None
    return _kept_stream._draw_block(block, side)


def _small_pairs(corpus: Corpus, side: int, options: StreamOptions) -> _Pool:
    sides = corpus.sides.astype(np.int64)
    upright = sides[:, 0] * (sides[:, 1] + 1) + sides[:, 2] * (sides[:, 3] + 1) + 2
    transposed = sides[:, 1] * (sides[:, 0] + 1) + sides[:, 3] * (sides[:, 2] + 1) + 2
    tokens = np.maximum(upright, transposed)
    longest = (options.max_tokens - 1) // options.min_pairs
    small = np.flatnonzero((sides.max(axis=1) <= side) & (tokens <= longest))
    cuts = np.searchsorted(small, corpus.starts)
    groups = (small[first:last] for first, last in itertools.pairwise(cuts))
    pairs = tuple(group for group in groups if len(group) >= options.min_pairs)
    if not pairs:
        raise DataError(f"corpus {corpus.name!r} has no task with {options.min_pairs} pairs up to {side}x{side}")
    return _Pool(corpus, pairs, tokens)


def augment_task(examples: Sequence[Example], rng: RandomGenerator, one_sided_share: float, side: int) -> list[Example]:
    """Return the pairs under a drawn symmetry and color renaming, and for a share of the calls a one-sided change.

    Every change of inputs is invertible, so that outputs still follow from them.

    Args:
        examples: pairs of one task.
        rng: source of the draws.
        one_sided_share: share of the calls with a change of only the inputs or only the outputs.
        side: longest grid side that a change may lead to.
    """
    turn_in = turn_out = int(rng.integers(len(DIHEDRAL)))
    colors_in = colors_out = _draw_colors(rng)
    reshape_in = reshape_out = _same
    if rng.random() < one_sided_share:
        kind = int(rng.integers(6))
        if kind <= 2:
            turn_out = (turn_in + int(rng.integers(1, len(DIHEDRAL)))) % len(DIHEDRAL)
        if kind in (2, 3):
            colors_out = _draw_colors(rng)
        if kind >= 4:
            change = (_double, _mirror_right, _mirror_down, _frame)[int(rng.integers(4))]
            if all(2 * max(grid.shape) <= side for example in examples for grid in (example.input, example.output)):
                reshape_in, reshape_out = (change, _same) if kind == 4 else (_same, change)
    view_in, view_out = View(DIHEDRAL[turn_in], colors_in), View(DIHEDRAL[turn_out], colors_out)
    return [
        Example(view_in.grid(reshape_in(example.input)), view_out.grid(reshape_out(example.output)))
        for example in examples
    ]


def _draw_colors(rng: RandomGenerator) -> tuple[int, ...]:
    return draw_colors(rng, keep_zero=bool(rng.random() < _KEEP_ZERO_SHARE))


def _same(grid: Grid) -> Grid:
    return grid


def _double(grid: Grid) -> Grid:
    return seal(grid.repeat(2, axis=0).repeat(2, axis=1))


def _mirror_right(grid: Grid) -> Grid:
    return seal(np.concatenate([grid, grid[:, ::-1]], axis=1))


def _mirror_down(grid: Grid) -> Grid:
    return seal(np.concatenate([grid, grid[::-1]]))


def _frame(grid: Grid) -> Grid:
    return seal(np.pad(grid, 1, constant_values=5))
