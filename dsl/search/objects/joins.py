"""Pairs of actions for one object, where the demonstrations show that one alone does too little."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.search.objects.actions import JOIN
from dsl.search.objects.proposals import Option
from dsl.search.objects.render import Palette

_MAX_OBJECTS = 12
_MAX_PARTNERS = 12
_MAX_PAIRS = 40
_PAIR_BITS = 1.0


def propose_pairs(
    palettes: Sequence[Palette], outputs: Sequence[Grid], actions: Sequence[Option], stuck: NDArray[np.bool_]
) -> list[Option]:
    """Return pairs of actions that together make more changed cells of an object right than either alone.

    Args:
        palettes: the actions' paintings, one for each demonstration.
        outputs: the demonstrations' outputs.
        actions: texts and bits of the actions.
        stuck: ``(objects of all demonstrations,)``, those that no action alone suits; only they are looked at.

    Pairs that explain most come first.
    """
    explained: Counter[tuple[int, int]] = Counter()
    starts = np.cumsum([0, *(palette.scene.count for palette in palettes)])
    for k, (palette, output) in enumerate(zip(palettes, outputs, strict=True)):
        disagrees = palette.disagrees(output)
        for q in np.flatnonzero(stuck[starts[k] : starts[k + 1]])[:_MAX_OBJECTS].tolist():
            for pair, cells in _pairs_of(palette, output, np.flatnonzero(~disagrees[:, q]), q):
                explained[pair] += cells
    best = sorted(explained.items(), key=lambda item: (-item[1], item[0]))[:_MAX_PAIRS]
    return [(actions[a][0] + JOIN + actions[b][0], actions[a][1] + actions[b][1] + _PAIR_BITS) for (a, b), _ in best]


def _pairs_of(palette: Palette, output: Grid, actions: NDArray[np.int64], q: int) -> list[tuple[tuple[int, int], int]]:
    """Return pairs of actions on an object and the changed cells that they make right, more than each alone."""
    made: dict[frozenset[int], int] = {}
    for a in actions.tolist():
        cells = palette.made(a, q, output)
        if cells:
            made.setdefault(cells, a)
    largest = sorted(made, key=lambda cells: (-len(cells), made[cells]))[:_MAX_PARTNERS]
    pairs = []
    for first, second in combinations(largest, 2):
        both = len(first | second)
        if both > max(len(first), len(second)):
            a, b = sorted((made[first], made[second]))
            pairs.append(((a, b), both))
    return pairs
