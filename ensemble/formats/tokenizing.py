"""Compile a format of text: find the tokens of its pieces with the tokenizer of a model."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dsl.grid import NUM_COLORS, Grid, as_grid
from dsl.task import Example
from ensemble.errors import ModelError
from ensemble.formats.text import MAX_DEMONSTRATIONS, FormatSpec, TextFormat, parts_of

Piece = tuple[str, int]
"""Name and number of a piece of text: a field of ``FormatSpec``, or ``first``, ``next``, ``row`` with a color."""

_SPECIAL = re.compile(r"<\|\w+\|>")
_BYTE_NAMES = {"\n": "Ċ", " ": "Ġ"}
"""Names of characters in vocabularies of bytes."""


def compile_format(spec: FormatSpec, tokenizer: Any, source: str) -> dict[str, Any]:
    """Return a format's tokens as plain values, for ``TextFormat`` and for a model's configuration.

    Raises:
        ModelError: the tokenizer of ``source`` lacks a token that the format needs, or joins pieces.
    """
    reader = _Reader(spec, tokenizer, source)
    found: dict[Piece, list[int]] = {}
    samples = [_sample(spec, examples, query) for examples, query in _tasks()]
    for pieces in samples:
        for piece, tokens in reader.tokens_of(pieces):
            if found.setdefault(piece, tokens) != tokens:
                raise ModelError(f"{reader.where} writes {piece[0]!r} in several ways")
    used = sorted({token for tokens in found.values() for token in tokens})
    number = {token: k for k, token in enumerate(used)}
    names = dict.fromkeys(name for name, _ in found)
    compiled = {
        "name": spec.name,
        "token_ids": used,
        "pieces": {
            name: [[number[token] for token in found[piece]] for piece in sorted(found) if piece[0] == name]
            for name in names
        },
    }
    try:
        TextFormat(compiled).tables  # noqa: B018 - a grammar that is ambiguous is found here
    except ValueError as error:
        raise ModelError(f"{reader.where} cannot tell outputs apart: {error}") from None
    return compiled


def _tasks() -> Iterator[tuple[Sequence[Example], Grid | None]]:
    """Yield sequences in which every piece occurs, with neighbors of every kind."""
    columns = np.arange(NUM_COLORS + 1) % NUM_COLORS
    grids = [as_grid((columns + columns[:NUM_COLORS, None] * 3 + color) % NUM_COLORS) for color in range(NUM_COLORS)]
    narrow = [as_grid(grid[:, :1]) for grid in grids]
    shown = [Example(grids[k % NUM_COLORS], narrow[-k % NUM_COLORS]) for k in range(MAX_DEMONSTRATIONS)]
    yield shown, grids[0]
    yield shown[:3], None
    yield [], narrow[1]
    for grid in grids:
        yield [Example(grid, grid)], None


def _sample(spec: FormatSpec, examples: Sequence[Example], query: Grid | None) -> list[Piece]:
    pieces: list[Piece] = []
    for part in parts_of(examples, query):
        pieces += [(part.name, part.number)] if part.grid is None else _pieces_of_grid(part.grid)
    numbered = "{number}" in spec.before_input
    return [(name, 0) if name == "before_input" and not numbered else (name, number) for name, number in pieces]


def _pieces_of_grid(grid: Grid) -> Iterator[Piece]:
    for r, row in enumerate(grid.tolist()):
        for c, color in enumerate(row):
            yield "next" if c else "row" if r else "first", color


class _Reader:
    """Tokens of texts by one tokenizer."""

    def __init__(self, spec: FormatSpec, tokenizer: Any, source: str) -> None:
        self.spec, self.tokenizer = spec, tokenizer
        self.where = f"the tokenizer of {source!r} under the format {spec.name!r}"
        self.vocabulary: dict[str, int] = tokenizer.get_vocab()
        self.special = {"{bos}": tokenizer.bos_token or "", "{eos}": tokenizer.eos_token or ""}
        self.added = {token.content for token in tokenizer.added_tokens_decoder.values()}

    def tokens_of(self, pieces: Sequence[Piece]) -> Iterator[tuple[Piece, list[int]]]:
        """Yield each piece of a text with its tokens."""
        texts = [self._text(piece) for piece in pieces]
        for special in _SPECIAL.findall("".join(dict.fromkeys(texts))):
            if special not in self.added:
                raise ModelError(f"{self.where} needs the token {special!r}, which is not there")
        if self.spec.by_character:
            yield from ((piece, self._characters(text)) for piece, text in zip(pieces, texts, strict=True))
            return
        ids = self.tokenizer.encode("".join(texts), add_special_tokens=False)
        ends = np.cumsum(self._sizes(ids, sum(map(len, texts))))
        start, border = 0, 0
        for piece, text in zip(pieces, texts, strict=True):
            border += len(text)
            stop = int(np.searchsorted(ends, border, side="right"))
            if text and (stop == 0 or ends[stop - 1] != border):
                raise ModelError(f"{self.where} joins the end of {piece[0]!r} ({text[-12:]!r}) with what follows it")
            yield piece, list(ids[start:stop])
            start = stop

    def _text(self, piece: Piece) -> str:
        name, number = piece
        spec = self.spec
        if name in ("first", "next", "row"):
            before = {"first": "", "next": spec.between_cells, "row": spec.between_rows}[name]
            return before + spec.cells[number]
        text: str = getattr(spec, name).replace("{number}", str(number + 1))
        for placeholder, token in self.special.items():
            text = text.replace(placeholder, token)
        return text

    def _characters(self, text: str) -> list[int]:
        kept = [token for token in self.special.values() if token and token in text]
        parts = re.split(f"({'|'.join(map(re.escape, kept))})", text) if kept else [text]
        symbols = [symbol for part in parts for symbol in ([part] if part in kept else part)]
        return [self._character(symbol) for symbol in symbols]

    def _character(self, symbol: str) -> int:
        names = (symbol, _BYTE_NAMES.get(symbol, symbol), f"<0x{ord(symbol[0]):02X}>")
        for name in names if len(symbol) == 1 else names[:1]:
            if name in self.vocabulary:
                return self.vocabulary[name]
        raise ModelError(f"{self.where} needs a token of its own for {symbol!r}, which is not there")

    def _sizes(self, ids: Sequence[int], length: int) -> list[int]:
        """Return how many characters each token writes, in a vocabulary of bytes."""
        sizes = [len(name) for name in self.tokenizer.convert_ids_to_tokens(ids)]
        if sum(sizes) != length:
            raise ModelError(f"{self.where} must write every byte of the text, {length}, but writes {sum(sizes)}")
        return sizes
