"""Tasks as token sequences: 16 tokens, three position axes, and a mask of what is trained.

One token for each cell, one marker in front of each grid, one token after each row. A sequence is

    bos [in X1 out Y1] ... [in Xk out Yk] [in X* out Y*]

where a grid ``H x W`` is written as ``H * (W + 1)`` tokens: its rows, separated by end-of-row, closed by end.

Every token has a position ``(grid, row, column)``. Inputs have even and outputs odd grid numbers, so the two grids of a
pair lie over each other in row and column. Cells stand in columns 1..W; column 0 holds the row start: the marker for
row 0, the preceding end-of-row for the others. The token that predicts a cell is thus always its left neighbor,
whatever the width.

Which outputs are trained follows Akyürek et al. 2024 (arXiv 2411.07279), section 3: with demonstrations in context, all
outputs but the first; in the direct format, where each pair stands alone, all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dsl.grid import MAX_SIDE, Grid, seal
from dsl.task import Example
from ensemble.features import sequence_features

if TYPE_CHECKING:
    import torch

END_OF_ROW, IN, OUT, END, BOS, PAD = range(10, 16)
VOCABULARY_SIZE = 16
NUM_CELL_TOKENS = 10
IGNORE = -100
"""Label of tokens without loss, as in ``torch.nn.functional.cross_entropy``."""
MAX_GRID_TOKENS = MAX_SIDE * (MAX_SIDE + 1)
"""Tokens of the largest grid, without its marker."""

Loss = Literal["in_context", "direct", "last", "all"]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSequence:
    """One sequence.

    Attributes:
        tokens: ``(T,)`` int64, each below the vocabulary size of its format.
        positions: ``(3, T)`` int32: grid, row, column; running numbers in formats of text.
        labels: ``(T,)`` int64: the token itself where it is trained, ``IGNORE`` elsewhere (not shifted).
        pad: token that fills a batch behind it.
        features: ``(T, F)`` int16: numbered features of input cells (``ensemble.features``), 0 elsewhere; None in
            formats without.
        under: ``(2, T)`` int32: for tokens of an output, where in the sequence the cell of its input stands that is at
            the token's own place, and the one at the place of the next token; -1 where there is none, and elsewhere.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int32]
    labels: NDArray[np.int64]
    pad: int = PAD
    features: NDArray[np.int16] | None = None
    under: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Right-padded sequences: causal attention needs no mask beside the labels.

    Attributes:
        tokens: ``(B, T)`` int64.
        positions: ``(3, B, T)`` int64.
        labels: ``(B, T)`` int64, not shifted.
        features: ``(B, T, F)`` int64, 0 where there is none; None if no sequence has any.
        under: ``(2, B, T)`` int64, -1 where there is none; None if no sequence has any.
    """

    tokens: "torch.Tensor"
    positions: "torch.Tensor"
    labels: "torch.Tensor"
    features: "torch.Tensor | None" = None
    under: "torch.Tensor | None" = None

    def inputs(self) -> "dict[str, torch.Tensor | None]":
        """Return what ``GridLM`` takes, by argument."""
        named = {"input_ids": self.tokens, "position_ids": self.positions}
        return {**named, "features": self.features, "under": self.under}

    def padded(self, multiple: int) -> "Batch":
        """Return the batch with sequences padded on the right to a multiple of some length; no label is added."""
        from torch.nn.functional import pad

        more = round_up(self.tokens.shape[1], multiple) - self.tokens.shape[1]
        if not more:
            return self
        return Batch(
            pad(self.tokens, (0, more), value=PAD),
            pad(self.positions, (0, more)),
            pad(self.labels, (0, more), value=IGNORE),
            None if self.features is None else pad(self.features, (0, 0, 0, more)),
            None if self.under is None else pad(self.under, (0, more), value=-1),
        )

    def to(self, device: "torch.device | str") -> "Batch":
        """Return the batch on a device."""
        features = None if self.features is None else self.features.to(device)
        under = None if self.under is None else self.under.to(device)
        return Batch(self.tokens.to(device), self.positions.to(device), self.labels.to(device), features, under)


def encode_pairs(
    examples: Sequence[Example], *, query: Grid | None = None, loss: Loss = "in_context"
) -> EncodedSequence:
    """Encode demonstrations, and after them an input whose output is wanted: the sequence then ends with its ``out``.

    Args:
        examples: demonstrations in order; may be empty if there is a query.
        query: test input.
        loss: grids with labels: ``in_context`` all outputs but the first, ``direct`` all outputs, ``last`` the last
            one, ``all`` all inputs and outputs.
    """
    if not examples and query is None:
        raise ValueError("a sequence needs a demonstration or a query, got neither")
    tokens, positions, labels = [np.array([BOS])], [np.zeros((3, 1), np.int32)], [np.array([IGNORE])]
    shown: list[Grid | None] = [None]
    under, start = [np.full((2, 1), -1, np.int32)], 1
    for k, example in enumerate(examples):
        for side, grid in enumerate((example.input, example.output)):
            body = grid_tokens(grid)
            shown.append(grid if side == 0 else None)
            trained = is_trained(loss, k, len(examples), is_output=side == 1)
            tokens += [_MARKERS[side], body]
            labels += [_NO_LABEL, body if trained else np.full(len(body), IGNORE)]
            positions.append(grid_positions(grid.shape, 2 * k + side))
            under.append(_cells_under(example.input, grid, start) if side == 1 else _none_under(len(body) + 1))
        start += grid_length(example.input) + grid_length(example.output)
    if query is not None:
        tokens += [_MARKERS[0], grid_tokens(query), _MARKERS[1]]
        labels.append(np.full(grid_length(query) + 1, IGNORE))
        positions += [grid_positions(query.shape, 2 * len(examples)), output_start(len(examples))]
        shown += [query, None]
        first = np.array([[-1], [start + 1]], np.int32)
        under += [_none_under(grid_length(query)), first]
    features = sequence_features(shown, [part.shape[1] for part in positions])
    return EncodedSequence(
        np.concatenate(tokens),
        np.concatenate(positions, axis=1),
        np.concatenate(labels),
        features=features,
        under=np.concatenate(under, axis=1),
    )


def _none_under(length: int) -> NDArray[np.int32]:
    return np.full((2, length), -1, np.int32)


def _cells_under(shown: Grid, output: Grid, start: int) -> NDArray[np.int32]:
    """Return where the cells of an input, whose marker stands at ``start``, lie under the tokens of its output."""
    row, column = _rows_and_columns(output.shape[0], output.shape[1])
    height, width = shown.shape
    own = start + row * (width + 1) + column  # of the cell at the token's own place, one column to the left
    own_there = (row < height) & (column > 0) & (column <= width)
    next_there = (row < height) & (column < width)
    return np.stack([np.where(own_there, own, -1), np.where(next_there, own + 1, -1)]).astype(np.int32)


def is_trained(loss: Loss, pair_index: int, num_pairs: int, *, is_output: bool) -> bool:
    """Tell whether the grid of a pair has labels."""
    first = {"in_context": 1, "direct": 0, "last": num_pairs - 1, "all": 0}[loss]
    return loss == "all" or (is_output and pair_index >= first)


_MARKERS = (np.array([IN]), np.array([OUT]))
_NO_LABEL = np.array([IGNORE])


def grid_tokens(grid: Grid) -> NDArray[np.int64]:
    """Return the ``H * (W + 1)`` tokens of a grid, without its marker."""
    height, width = grid.shape
    rows = np.full((height, width + 1), END_OF_ROW, np.int64)
    rows[:, :width] = grid
    rows[-1, -1] = END
    return rows.reshape(-1)


def grid_length(grid: Grid) -> int:
    """Return the tokens of a grid with its marker."""
    height, width = grid.shape
    return int(height * (width + 1) + 1)


def encoded_length(examples: Sequence[Example], query: Grid | None = None) -> int:
    """Return the length of ``encode_pairs(examples, query=query)`` without encoding."""
    length = 1 + sum(grid_length(example.input) + grid_length(example.output) for example in examples)
    return length if query is None else length + grid_length(query) + 1


def keep_within(examples: Sequence[Example], max_tokens: int, *, query: Grid | None = None) -> Sequence[Example]:
    """Drop demonstrations from the front until the sequence fits; without a query the last one always stays."""
    kept = list(examples)
    while len(kept) > (query is None) and encoded_length(kept, query) > max_tokens:
        kept.pop(0)
    return kept


def grid_positions(shape: tuple[int, ...], grid_index: int) -> NDArray[np.int32]:
    """Return positions ``(3, H * (W + 1) + 1)`` of a grid with its marker."""
    rows_and_columns = _rows_and_columns(shape[0], shape[1])
    index = np.full((1, rows_and_columns.shape[1]), grid_index, np.int32)
    return np.concatenate([index, rows_and_columns])


def output_start(pair_index: int) -> NDArray[np.int32]:
    """Return the position ``(3, 1)`` of the ``out`` marker of a pair."""
    return np.array([[2 * pair_index + 1], [0], [0]], np.int32)


@lru_cache(maxsize=MAX_SIDE * MAX_SIDE)
def _rows_and_columns(height: int, width: int) -> NDArray[np.int32]:
    row, column = np.divmod(np.arange(height * (width + 1) + 1, dtype=np.int32), np.int32(width + 1))
    return np.stack([row, column])


def decode_grid(tokens: Sequence[int] | NDArray[np.int64]) -> Grid | None:
    """Read a grid from the tokens after an ``out`` marker, up to and with ``end``; None if they are not well formed."""
    array = np.asarray(tokens, dtype=np.int64)
    if array.ndim != 1 or len(array) < 2 or array[-1] != END:
        return None
    height = 1 + int(np.count_nonzero(array == END_OF_ROW))
    if len(array) % height:
        return None
    rows = array.reshape(height, -1)
    cells, width = rows[:, :-1], rows.shape[1] - 1
    if not (1 <= width <= MAX_SIDE and height <= MAX_SIDE):
        return None
    if (cells < 0).any() or (cells >= NUM_CELL_TOKENS).any() or (rows[:-1, -1] != END_OF_ROW).any():
        return None
    return seal(cells.astype(np.uint8))


def round_up(count: int, multiple: int) -> int:
    """Return the next multiple, or the count itself if it is one."""
    return -(-count // multiple) * multiple


def collate(sequences: Sequence[EncodedSequence]) -> Batch:
    """Pad sequences on the right to the longest one's length and stack them into torch tensors."""
    import torch

    length = max(map(len, sequences))
    tokens = np.full((len(sequences), length), sequences[0].pad, np.int64)
    positions = np.zeros((3, len(sequences), length), np.int64)
    labels = np.full((len(sequences), length), IGNORE, np.int64)
    for b, sequence in enumerate(sequences):
        tokens[b, : len(sequence)] = sequence.tokens
        positions[:, b, : len(sequence)] = sequence.positions
        labels[b, : len(sequence)] = sequence.labels
    batch = Batch(torch.from_numpy(tokens), torch.from_numpy(positions), torch.from_numpy(labels))
    if sequences[0].features is None or sequences[0].under is None:
        return batch
    features = np.zeros((len(sequences), length, sequences[0].features.shape[1]), np.int64)
    under = np.full((2, len(sequences), length), -1, np.int64)
    for b, sequence in enumerate(sequences):
        assert sequence.features is not None
        assert sequence.under is not None
        features[b, : len(sequence)] = sequence.features
        under[:, b, : len(sequence)] = sequence.under
    return replace(batch, features=torch.from_numpy(features), under=torch.from_numpy(under))
