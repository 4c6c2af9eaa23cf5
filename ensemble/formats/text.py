"""Tasks as text for language models of any tokenizer: described in pieces of text, compiled to tokens.

A sequence is made of pieces: what stands before, between and behind grids, and the cells, each written in one of three
ways (first of a grid, within a row, first of a later row), so that what separates cells belongs to the cell behind it.
Every piece is a fixed list of tokens, numbered from 0 among those that occur; the vocabulary is cut to these.

Where no query follows, the last pair plays the test: its input stands behind ``before_query``, its output behind
``before_answer``, and what closes that output is what a model writes to end it. Which grids are trained is said in
``ensemble.encode``; an output is trained from its first cell to the end of what closes it, an input (``loss="all"``)
from its first to its last cell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsl.grid import MAX_SIDE, NUM_COLORS, Grid, seal
from dsl.task import Example
from ensemble.encode import IGNORE, EncodedSequence, Loss, is_trained
from ensemble.formats import TaskFormat

if TYPE_CHECKING:
    import torch

    from ensemble.formats.grammar import GridState, PieceTables

MAX_DEMONSTRATIONS = 32
"""Demonstrations that a sequence can number."""
WITHIN_ROW, FIRST_OF_ROW, CLOSING = NUM_COLORS, 2 * NUM_COLORS, 3 * NUM_COLORS
"""Numbers of the pieces of an output: cells of each color at its start, within a row, first of a later row; its end."""
NO_NODE = -1
AT_START, INSIDE, FIRST_ROW, ROW_FULL, GRID_FULL = range(5)
"""Places in an output: at its start, within a later row, within the first one, behind a row, behind the last one."""
_MAY_FOLLOW = (
    range(WITHIN_ROW),
    range(WITHIN_ROW, FIRST_OF_ROW),
    range(WITHIN_ROW, CLOSING + 1),
    range(FIRST_OF_ROW, CLOSING + 1),
    range(CLOSING, CLOSING + 1),
)
"""Pieces that may follow at each place."""


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """Pieces of text; ``{bos}`` and ``{eos}`` stand for the tokenizer's own, ``{number}`` counts demonstrations.

    Attributes:
        name: of the format.
        cells: text of each color.
        between_cells: text between the cells of a row.
        between_rows: text between rows.
        start: text in front of everything.
        start_alone: in its place where no demonstration comes before the query.
        before_input: text in front of a demonstration's input.
        between: text between a demonstration's input and output.
        after_output: text that closes a demonstration's output.
        after_last_output: in its place before the query.
        before_query: text in front of the test input.
        before_answer: text between the test input and its output.
        after_answer: text that closes the output of the test.
        by_character: whether each character is a token of its own, as after Franzen et al. cut the vocabulary to
            single characters; otherwise the tokenizer's own tokens are taken, and none may reach over two pieces.
    """

    name: str
    cells: tuple[str, ...]
    between_cells: str
    between_rows: str
    start: str
    start_alone: str
    before_input: str
    between: str
    after_output: str
    after_last_output: str
    before_query: str
    before_answer: str
    after_answer: str
    by_character: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a sequence: a grid, or a piece between grids.

    Attributes:
        name: of the piece as in ``FormatSpec``; ``grid`` for a grid.
        number: demonstration of a ``before_input``, 0 for other pieces; for a grid, its pair.
        grid: the grid, None for a piece.
        output_of: pair whose output it belongs to, None for others.
    """

    name: str
    number: int = 0
    grid: Grid | None = None
    output_of: int | None = None


def parts_of(examples: Sequence[Example], query: Grid | None = None) -> Iterator[Part]:
    """Yield the parts of a sequence in order."""
    num_shown = len(examples) if query is not None else len(examples) - 1
    yield Part("start" if num_shown else "start_alone")
    for k, example in enumerate(examples):
        is_test = k == num_shown
        closing = "after_answer" if is_test else "after_last_output" if k + 1 == num_shown else "after_output"
        yield Part("before_query") if is_test else Part("before_input", k)
        yield Part("grid", k, example.input)
        yield Part("before_answer" if is_test else "between")
        yield Part("grid", k, example.output, output_of=k)
        yield Part(closing, output_of=k)
    if query is not None:
        yield from (Part("before_query"), Part("grid", num_shown, query), Part("before_answer"))


class TextFormat(TaskFormat):
    """A format of text under a cut vocabulary.

    Args:
        compiled: what ``formats.tokenizing.compile_format`` returns: ``name``; ``token_ids``, the tokenizer's id of
            each token; ``pieces``, the tokens of each piece by name and number.

    Attributes:
        token_ids: the tokenizer's id of each token.
    """

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self.name = str(compiled["name"])
        self.token_ids: list[int] = list(compiled["token_ids"])
        self.vocabulary_size = len(self.token_ids)
        self._pieces = {
            name: [np.array(tokens, np.int64) for tokens in numbered] for name, numbered in compiled["pieces"].items()
        }
        self._closing = self._pieces["after_answer"][0]
        cells = [*self._pieces["first"], *self._pieces["next"], *self._pieces["row"]]
        self._lengths = np.array([len(tokens) for tokens in cells]).reshape(3, NUM_COLORS)
        first, within, row = self._lengths.max(1)
        longest = first + (MAX_SIDE - 1) * row + MAX_SIDE * (MAX_SIDE - 1) * within + len(self._closing)
        self.max_grid_tokens = int(longest)
        self._cells = np.full((len(cells), self._lengths.max()), -1, np.int64)
        for number, tokens in enumerate(cells):
            self._cells[number, : len(tokens)] = tokens

    def _tokens(self, part: Part) -> NDArray[np.int64]:
        if part.grid is not None:
            return self._grid(part.grid)
        numbered = self._pieces[part.name]
        return numbered[part.number] if len(numbered) > 1 else numbered[0]

    def _grid(self, grid: Grid) -> NDArray[np.int64]:
        tokens = self._cells[_cell_numbers(grid).reshape(-1)].reshape(-1)
        return tokens[tokens >= 0]

    def encode_pairs(
        self, examples: Sequence[Example], *, query: Grid | None = None, loss: Loss = "in_context"
    ) -> EncodedSequence:
        """Encode demonstrations, and after them a query up to where its output begins."""
        if not examples and query is None:
            raise ValueError("a sequence needs a demonstration or a query, got neither")
        tokens, labels = [], []
        for part in parts_of(examples, query):
            own = self._tokens(part)
            trained = part.output_of is not None and is_trained(loss, part.output_of, len(examples), is_output=True)
            trained |= loss == "all" and part.grid is not None and part.number < len(examples)
            tokens.append(own)
            labels.append(own if trained else np.full(len(own), IGNORE))
        return _sequence(np.concatenate(tokens), np.concatenate(labels))

    def encoded_length(self, examples: Sequence[Example], query: Grid | None = None) -> int:
        """Return the length of ``encode_pairs(examples, query=query)`` without encoding."""
        lengths = self._lengths.reshape(-1)
        return sum(
            len(self._tokens(part)) if part.grid is None else int(lengths[_cell_numbers(part.grid)].sum())
            for part in parts_of(examples, query)
        )

    def keep_within(
        self, examples: Sequence[Example], max_tokens: int, *, query: Grid | None = None
    ) -> Sequence[Example]:
        """Drop demonstrations from the front until the sequence fits and all of them can be numbered."""
        return super().keep_within(list(examples)[-MAX_DEMONSTRATIONS:], max_tokens, query=query)

    def answer(self, grid: Grid) -> EncodedSequence:
        """Encode the output of a query, up to and with what closes it."""
        tokens = np.concatenate([self._grid(grid), self._closing])
        return _sequence(tokens, tokens)

    def decode_grid(self, tokens: Sequence[int] | NDArray[np.int64]) -> Grid | None:
        """Read a grid from the tokens of an answer; None if they are not well formed."""
        rows: list[list[int]] = []
        node, number = AT_START, NO_NODE
        for token in np.asarray(tokens).tolist():
            node = self._child[node][token] if number != CLOSING and 0 <= token < self.vocabulary_size else NO_NODE
            if node == NO_NODE:
                return None
            if node < NO_NODE:
                number, node = whole_piece(node), FIRST_ROW
                if WITHIN_ROW <= number < FIRST_OF_ROW:
                    rows[-1].append(number - WITHIN_ROW)
                elif number != CLOSING:
                    rows.append([number % NUM_COLORS])
        widths = {len(row) for row in rows}
        if number != CLOSING or len(widths) != 1 or max(len(rows), *widths) > MAX_SIDE:
            return None
        return seal(np.array(rows, np.uint8))

    def begin(self, count: int, device: "torch.device", shapes: Sequence[tuple[int, int]] | None = None) -> "GridState":
        """Return the state of ``count`` answers that have no token yet."""
        from ensemble.formats.grammar import PieceState

        if shapes is not None:
            raise ValueError("answers in text cannot be bound to a shape")
        return PieceState.begin(self.tables, count, device)

    @cached_property
    def _child(self) -> list[list[int]]:
        cells = [row[row >= 0].tolist() for row in self._cells]
        return child_table([*cells, self._closing.tolist()], self.vocabulary_size)

    @cached_property
    def tables(self) -> "PieceTables":
        """What may follow what in an answer."""
        from ensemble.formats.grammar import PieceTables

        return PieceTables.of(self._child)


def _cell_numbers(grid: Grid) -> NDArray[np.int64]:
    """Return the number ``(H, W)`` of each cell's piece."""
    numbers = grid.astype(np.int64) + WITHIN_ROW
    numbers[0, 0] -= WITHIN_ROW
    numbers[1:, 0] += FIRST_OF_ROW - WITHIN_ROW
    return numbers


def _sequence(tokens: NDArray[np.int64], labels: NDArray[np.int64]) -> EncodedSequence:
    positions = np.broadcast_to(np.arange(len(tokens), dtype=np.int32), (3, len(tokens)))
    return EncodedSequence(tokens, positions, labels, pad=0)


def child_table(pieces: Sequence[Sequence[int]], num_tokens: int) -> list[list[int]]:
    """Return where each token leads from each node: a node, ``NO_NODE``, or below that a whole piece.

    The first nodes are the places in an output.

    Args:
        pieces: tokens of the cells and of what closes a grid, by number.
        num_tokens: size of the vocabulary.

    Raises:
        ValueError: one of several pieces that may follow begins with all of another.
    """
    child = [[NO_NODE] * num_tokens for _ in _MAY_FOLLOW]
    for place, numbers in enumerate(_MAY_FOLLOW):
        for number in numbers:
            node, (*inner, last) = place, pieces[number]
            for token in inner:
                if child[node][token] == NO_NODE:
                    child[node][token] = len(child)
                    child.append([NO_NODE] * num_tokens)
                node = child[node][token]
                if node < NO_NODE:
                    break
            if node < NO_NODE or child[node][last] != NO_NODE:
                raise ValueError("one piece begins with all of another")
            child[node][last] = whole_piece(number)
    return child


def whole_piece(number: int) -> int:
    """Return the entry of a child table for a whole piece, and the piece for an entry."""
    return NO_NODE - 1 - number
