"""Which tokens may come next in an output: only those that some well-formed grid continues with.

Rows get equal width, no side exceeds 30, a grid ends only at a row end. One state holds the outputs of a whole batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from dsl.grid import MAX_SIDE
from ensemble.encode import END, END_OF_ROW, NUM_CELL_TOKENS, VOCABULARY_SIZE
from ensemble.formats.text import (
    AT_START,
    CLOSING,
    FIRST_OF_ROW,
    FIRST_ROW,
    GRID_FULL,
    INSIDE,
    NO_NODE,
    ROW_FULL,
)


class GridState(Protocol):
    """Outputs of a batch while they are being decoded.

    Attributes:
        done: ``(B,)`` bool: outputs that have ended.
    """

    done: Tensor

    def allowed(self) -> Tensor:
        """Return which tokens may come next, ``(B, V)`` bool."""
        ...

    def advance(self, tokens: Tensor) -> None:
        """Take the chosen tokens ``(B,)`` into account."""
        ...

    def force(self) -> tuple[Tensor, Tensor] | None:
        """Take tokens without an alternative into account and return them.

        Returns tokens ``(B, m)``, filled up with any, and how many each output takes ``(B,)``; None if there are none.
        """
        ...

    def select(self, rows: Tensor) -> "GridState":
        """Return the state of some outputs, each as often as it is named."""
        ...

    def positions(self, out_positions: Tensor) -> Tensor:
        """Return the positions ``(3, B)`` of the last tokens, given those of the prompts' last tokens ``(3, B)``."""
        ...


@dataclass(slots=True)
class GridShape:
    """Rows and columns of grids of the embedded format, ``(B,)`` int64 each.

    ``width`` is 0 until it is known, by the end of the first row or from the start; so is ``height``, which only the
    start tells. ``column`` counts the cells of the current row.
    """

    row: Tensor
    column: Tensor
    width: Tensor
    height: Tensor
    done: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.done = torch.zeros_like(self.row, dtype=torch.bool)

    @staticmethod
    def begin(count: int, device: torch.device, shapes: Sequence[tuple[int, int]] | None = None) -> "GridShape":
        """Return the state of ``count`` grids that have no cell yet, and of which no more is known than ``shapes``."""
        start = torch.zeros(count, dtype=torch.int64, device=device)
        if shapes is None:
            return GridShape(row=start, column=start, width=start, height=start)
        height, width = torch.tensor(shapes, device=device).view(count, 2).T
        return GridShape(row=start, column=start, width=width, height=height)

    def allowed(self) -> Tensor:
        """Return which tokens may come next, ``(B, V)`` bool."""
        known = self.width > 0
        row_full = torch.where(known, self.column == self.width, self.column > 0)
        allowed = torch.zeros(len(self.row), VOCABULARY_SIZE, dtype=torch.bool, device=self.row.device)
        more_cells = torch.where(known, self.column < self.width, self.column < MAX_SIDE)
        allowed[:, :NUM_CELL_TOKENS] = more_cells[:, None]
        limit = torch.where(self.height > 0, self.height, MAX_SIDE)
        allowed[:, END_OF_ROW] = row_full & (self.row + 1 < limit)
        allowed[:, END] = row_full & ((self.height == 0) | (self.row + 1 == self.height))
        return allowed

    def advance(self, tokens: Tensor) -> None:
        """Take the chosen tokens ``(B,)`` into account."""
        row_ended = tokens >= NUM_CELL_TOKENS
        self.width = torch.where(row_ended & (self.width == 0), self.column, self.width)
        self.row = self.row + row_ended
        self.column = torch.where(row_ended, 0, self.column + 1)
        self.done = self.done | (tokens == END)

    def force(self) -> None:
        """Return None: in this format every token is a choice."""

    def select(self, rows: Tensor) -> "GridShape":
        """Return the state of some grids."""
        chosen = GridShape(self.row[rows], self.column[rows], self.width[rows], self.height[rows])
        chosen.done = self.done[rows]
        return chosen

    def positions(self, out_positions: Tensor) -> Tensor:
        """Return grid, row and column of the last tokens."""
        return torch.stack([out_positions[0], self.row, self.column])


@dataclass(frozen=True, slots=True, eq=False)
class PieceTables:
    """What may follow what in outputs whose cells are pieces of one or more tokens (``formats.text.child_table``).

    Attributes:
        child: ``(N, V)`` int64: where a token leads from a node.
        forced: ``(N, F)`` int64: tokens that follow without an alternative, within the same piece.
        num_forced: ``(N,)`` int64: how many.
    """

    child: Tensor
    forced: Tensor
    num_forced: Tensor

    @staticmethod
    def of(child: Sequence[Sequence[int]]) -> "PieceTables":
        """Find the forced tokens of a table."""
        chains: list[list[int]] = []
        for node in range(len(child)):
            chain: list[int] = []
            while node >= 0:
                tokens = [token for token, entry in enumerate(child[node]) if entry != NO_NODE]
                if len(tokens) > 1:
                    break
                chain += tokens
                node = child[node][tokens[0]]
            chains.append(chain)
        longest = max(1, *map(len, chains))
        forced = [chain + [0] * (longest - len(chain)) for chain in chains]
        return PieceTables(torch.tensor(child), torch.tensor(forced), torch.tensor([len(chain) for chain in chains]))

    def to(self, device: torch.device) -> "PieceTables":
        """Return the tables on a device."""
        return PieceTables(self.child.to(device), self.forced.to(device), self.num_forced.to(device))


@dataclass(slots=True)
class PieceState:
    """Outputs of a text format.

    Attributes:
        tables: what may follow what.
        node: ``(B,)``: place in the trees.
        row: ``(B,)``: rows before the current one.
        column: ``(B,)``: cells of the current row.
        width: ``(B,)``: 0 until the first row has ended.
        done: ``(B,)`` bool.
    """

    tables: PieceTables
    node: Tensor
    row: Tensor
    column: Tensor
    width: Tensor
    done: Tensor

    @staticmethod
    def begin(tables: PieceTables, count: int, device: torch.device) -> "PieceState":
        """Return the state of ``count`` outputs that have no token yet."""
        start = torch.zeros(count, dtype=torch.int64, device=device)
        return PieceState(tables.to(device), start, start, start, start, start.bool())

    def allowed(self) -> Tensor:
        """Return which tokens may come next, ``(B, V)`` bool."""
        return self.tables.child[self.node] != NO_NODE

    def advance(self, tokens: Tensor) -> None:
        """Take the chosen tokens ``(B,)`` into account; outputs that have ended stay as they are."""
        entry = self.tables.child[self.node, tokens]
        piece = NO_NODE - 1 - entry
        whole = (piece >= 0) & ~self.done
        begins_row = whole & (piece >= FIRST_OF_ROW) & (piece < CLOSING)
        self.width = torch.where(begins_row & (self.width == 0), self.column, self.width)
        self.row = self.row + begins_row
        self.column = torch.where(begins_row, 1, self.column + (whole & (piece < FIRST_OF_ROW)))
        known = self.width > 0
        full = torch.where(known, self.column == self.width, self.column == MAX_SIDE)
        behind_row = torch.where(self.row + 1 < MAX_SIDE, ROW_FULL, GRID_FULL)
        place = torch.where(full, behind_row, torch.where(known, INSIDE, FIRST_ROW))
        ended = whole & (piece == CLOSING)
        inner = torch.where(entry >= 0, entry, self.node)
        self.node = torch.where(whole, torch.where(ended, AT_START, place), inner)
        self.done = self.done | ended

    def force(self) -> tuple[Tensor, Tensor] | None:
        """Take tokens without an alternative into account and return them, with how many each output takes."""
        counts = torch.where(self.done, 0, self.tables.num_forced[self.node])
        longest = int(counts.max())
        if not longest:
            return None
        tokens = self.tables.forced[self.node][:, :longest]
        for k in range(longest):
            before = self.node, self.row, self.column, self.width, self.done
            self.advance(tokens[:, k])
            taken = k < counts
            after = self.node, self.row, self.column, self.width, self.done
            kept = [torch.where(taken, new, old) for new, old in zip(after, before, strict=True)]
            self.node, self.row, self.column, self.width, self.done = kept
        return tokens, counts

    def select(self, rows: Tensor) -> "PieceState":
        """Return the state of some outputs."""
        chosen = (part[rows] for part in (self.node, self.row, self.column, self.width, self.done))
        return PieceState(self.tables, *chosen)

    def positions(self, out_positions: Tensor) -> Tensor:
        """Return any positions: those of text count tokens."""
        return out_positions
