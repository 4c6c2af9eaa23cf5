"""Greedy covering of target cells by pieces, on bit sets of 64 cells a word (Wind 2020, ``greedyCompose2``)."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.bitsets import popcount
from dsl.kernels.cache import njit

COLORED = 0
BLACK = 1
WHOLE = 2
PAINTED = 3
"""Modes of laying a piece: its cells that are not black, its black cells, all cells, or (from here on, one mode for
each paint) its cells that are not black, in one color."""


@njit(cache=True)
def greedy_cover(
    colored: NDArray[np.uint64],
    equal: NDArray[np.uint64],
    paints: NDArray[np.uint64],
    black_target: NDArray[np.uint64],
    subset: NDArray[np.uint64],
    care: NDArray[np.uint64],
    max_pieces: int,
) -> tuple[NDArray[np.int64], bool]:
    """Choose pieces one after the other; a cell belongs to the first piece that lays it.

    A piece may be laid if it is right on all cells of ``subset`` that it lays first; of these the one that lays most
    cells of ``care`` is taken, the first in order at a tie.

    Args:
        colored: cells that are not black ``(pieces, words)``.
        equal: cells that are equal to the target ``(pieces, words)``.
        paints: target cells of one color ``(paints, words)``, for the painted modes.
        black_target: black target cells ``(words,)``.
        subset: cells that must come out right ``(words,)``.
        care: cells that count as gain ``(words,)``.
        max_pieces: pieces at most.

    Returns:
        Chosen pieces and modes ``(n, 2)``, and whether every cell of the subset comes out right on black ground.
    """
    pieces, words = colored.shape
    modes = PAINTED + paints.shape[0]
    chosen = np.empty((max_pieces, 2), np.int64)
    open_cells = subset.copy()
    for step in range(max_pieces + 1):
        left = np.uint64(0)
        for w in range(words):
            left |= open_cells[w] & ~black_target[w]
        if left == 0:
            return chosen[:step], True
        if step == max_pieces:
            break
        best_gain, best_piece, best_mode = 0, -1, -1
        for piece in range(pieces):
            for mode in range(modes):
                gain = 0
                for w in range(words):
                    open_word = open_cells[w]
                    if open_word == 0:
                        continue
                    if mode == COLORED:
                        laid = colored[piece, w] & open_word
                        right = laid & equal[piece, w]
                    elif mode == BLACK:
                        laid = ~colored[piece, w] & open_word
                        right = laid & equal[piece, w]
                    elif mode == WHOLE:
                        laid = open_word
                        right = laid & equal[piece, w]
                    else:
                        laid = colored[piece, w] & open_word
                        right = laid & paints[mode - PAINTED, w]
                    if laid != right:
                        gain = -1
                        break
                    gain += popcount(right & care[w])
                if gain > best_gain:
                    best_gain, best_piece, best_mode = gain, piece, mode
        if best_piece < 0:
            return chosen[:step], False
        chosen[step, 0], chosen[step, 1] = best_piece, best_mode
        for w in range(words):
            if best_mode == WHOLE:
                open_cells[w] = np.uint64(0)
            elif best_mode == BLACK:
                open_cells[w] &= colored[best_piece, w]
            else:
                open_cells[w] &= ~colored[best_piece, w]
    return chosen, False
