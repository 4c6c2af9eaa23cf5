"""How grids and tasks are written as tokens, behind one interface: the embedded layout, or text for other models.

The embedded network reads the 16 tokens of ``ensemble.encode``. Other language models read text under a vocabulary cut
to the tokens that the text needs (``ensemble.formats.text``); a cut model carries its format in its configuration.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.task import Example
from ensemble import encode
from ensemble.encode import EncodedSequence, Loss

if TYPE_CHECKING:
    import torch

    from ensemble.formats.grammar import GridState

SETTING = "task_format"
"""Name under which a model's configuration holds the text format that its vocabulary is cut to."""


class TaskFormat(ABC):
    """Write grids and tasks as tokens, and read grids back.

    Attributes:
        name: of the format.
        vocabulary_size: tokens it uses, numbered from 0.
        max_grid_tokens: tokens of the longest output.
        takes_shapes: whether answers can be bound to a shape.
    """

    name: str
    vocabulary_size: int
    max_grid_tokens: int
    takes_shapes: bool = False

    @abstractmethod
    def encode_pairs(
        self, examples: Sequence[Example], *, query: Grid | None = None, loss: Loss = "in_context"
    ) -> EncodedSequence:
        """Encode demonstrations and, up to the first token of its output, a query; see ``encode.encode_pairs``."""

    @abstractmethod
    def encoded_length(self, examples: Sequence[Example], query: Grid | None = None) -> int:
        """Return the length of ``encode_pairs(examples, query=query)`` without encoding."""

    @abstractmethod
    def answer(self, grid: Grid) -> EncodedSequence:
        """Encode the output of a query, up to and with its end, with labels everywhere; grid numbers are 0."""

    @abstractmethod
    def decode_grid(self, tokens: Sequence[int] | NDArray[np.int64]) -> Grid | None:
        """Read a grid from the tokens of an answer; None if they are not well formed."""

    @abstractmethod
    def begin(self, count: int, device: "torch.device", shapes: Sequence[tuple[int, int]] | None = None) -> "GridState":
        """Return the state of ``count`` answers that have no token yet.

        With ``shapes``, for which the format must have ``takes_shapes``, each is bound to its own.
        """

    def grid_tokens(self, grid: Grid) -> NDArray[np.int64]:
        """Return the tokens of the answer to a query, up to and with its end."""
        return self.answer(grid).tokens

    def keep_within(
        self, examples: Sequence[Example], max_tokens: int, *, query: Grid | None = None
    ) -> Sequence[Example]:
        """Drop demonstrations from the front until the sequence fits; without a query the last one always stays."""
        kept = list(examples)
        while len(kept) > (query is None) and self.encoded_length(kept, query) > max_tokens:
            kept.pop(0)
        return kept


class EmbeddedFormat(TaskFormat):
    """The layout of ``ensemble.encode``: 16 tokens at positions (grid, row, column)."""

    name = "embedded"
    vocabulary_size = encode.VOCABULARY_SIZE
    max_grid_tokens = encode.MAX_GRID_TOKENS
    takes_shapes = True

    def encode_pairs(
        self, examples: Sequence[Example], *, query: Grid | None = None, loss: Loss = "in_context"
    ) -> EncodedSequence:
        """Encode demonstrations, and after them a query up to its ``out`` marker."""
        return encode.encode_pairs(examples, query=query, loss=loss)

    def encoded_length(self, examples: Sequence[Example], query: Grid | None = None) -> int:
        """Return the length of ``encode_pairs(examples, query=query)`` without encoding."""
        return encode.encoded_length(examples, query)

    def answer(self, grid: Grid) -> EncodedSequence:
        """Encode a grid without its marker."""
        tokens = encode.grid_tokens(grid)
        return EncodedSequence(tokens, encode.grid_positions(grid.shape, 0)[:, 1:], tokens)

    def grid_tokens(self, grid: Grid) -> NDArray[np.int64]:
        """Return the tokens of a grid without its marker."""
        return encode.grid_tokens(grid)

    def decode_grid(self, tokens: Sequence[int] | NDArray[np.int64]) -> Grid | None:
        """Read a grid from the tokens after its marker, up to and with ``end``."""
        return encode.decode_grid(tokens)

    def begin(self, count: int, device: "torch.device", shapes: Sequence[tuple[int, int]] | None = None) -> "GridState":
        """Return the state of ``count`` grids that have no cell yet."""
        from ensemble.formats.grammar import GridShape

        return GridShape.begin(count, device, shapes)


EMBEDDED = EmbeddedFormat()


def format_of(model: Any) -> TaskFormat:
    """Return the format that a loaded model reads."""
    compiled: Mapping[str, Any] | None = getattr(model.config, SETTING, None)
    return EMBEDDED if compiled is None else _read(json.dumps(compiled))


@lru_cache(maxsize=8)
def _read(compiled: str) -> TaskFormat:
    from ensemble.formats.text import TextFormat

    return TextFormat(json.loads(compiled))
