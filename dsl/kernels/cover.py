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
    number_of_paints = paints.shape[0]
    all_modes = (1 << (PAINTED + number_of_paints)) - 1
    colored_or_whole, black_or_whole = (1 << COLORED) | (1 << WHOLE), (1 << BLACK) | (1 << WHOLE)
    chosen = np.empty((max_pieces, 2), np.int64)
    open_cells = subset.copy()
    places = np.empty(words, np.int64)
    for step in range(max_pieces + 1):
        left = np.uint64(0)
        opened = 0
        for w in range(words):
            left |= open_cells[w] & ~black_target[w]
            if open_cells[w] != 0:
                places[opened] = w
                opened += 1
        if left == 0:
            return chosen[:step], True
        if step == max_pieces:
            break
        best_gain, best_piece, best_mode = 0, -1, -1
        for piece in range(pieces):
            alive = all_modes
            gain_colored, gain_black = 0, 0
            for k in range(opened):
                w = places[k]
                open_word, equal_word = open_cells[w], equal[piece, w]
                laid = colored[piece, w] & open_word
                if laid & ~equal_word != 0:
                    alive &= ~colored_or_whole
                ground = open_word & ~laid
                if ground & ~equal_word != 0:
                    alive &= ~black_or_whole
                if laid != 0:
                    for paint in range(number_of_paints):
                        if laid & ~paints[paint, w] != 0:
                            alive &= ~(1 << (PAINTED + paint))
                if alive == 0:
                    break
                gain_colored += popcount(laid & care[w])
                gain_black += popcount(ground & care[w])
            if alive == 0:
                continue
            for mode in range(PAINTED + number_of_paints):
                if (alive >> mode) & 1 == 0:
                    continue
                gain = gain_black if mode == BLACK else gain_colored
                if mode == WHOLE:
                    gain = gain_colored + gain_black
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
