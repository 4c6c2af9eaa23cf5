"""Actions on objects: verbs that change an object in place, and what any action's text paints.

Two actions joined by ``&`` are done together: ``fill box #3 & ray sides blocked gaps #3``; of two paintings of one
cell the second counts, and the object is cleared first if either clears it.
"""

from collections.abc import Sequence

import numpy as np

from dsl.errors import ParseError
from dsl.kernels import objects as kernels
from dsl.kernels import planes_objects as columns
from dsl.kernels.planes import NO_COLOR
from dsl.search.objects import growth, moves
from dsl.search.objects.roles import color_values
from dsl.search.objects.segments import Scene
from dsl.search.objects.verbs import VERBS, Painting, Words, owners_of, starts_of, verb

__all__ = ["JOIN", "TURNS", "erases", "growth", "moves", "paint"]

JOIN = " & "
"""Stands between two actions that are done together."""

TURNS: dict[str, int] = {
    "left_right": 1,
    "up_down": 2,
    "half": 4,
    "transposed": 8,
    "left": 16,
    "right": 32,
    "anti_transposed": 64,
    "both": 7,
    "quarter": 52,
    "full": 127,
}
"""Bits of turns and mirrorings within an object's box by name."""


def paint(text: str, scene: Scene) -> Painting:
    """Return what an action paints.

    Raises:
        ParseError: the text names no action.
    """
    if JOIN in text:
        return _joined([paint(part, scene) for part in text.split(JOIN)], scene.count)
    name, *words = text.split(" ")
    if name not in VERBS:
        raise ParseError(f"action must start with one of {', '.join(VERBS)}, got {text!r}")
    if len(words) != VERBS[name].words:
        raise ParseError(f"action {name!r} takes {VERBS[name].words} words, got {text!r}")
    return VERBS[name].paint(scene, tuple(words))


def erases(text: str) -> bool:
    """Tell whether an action clears the object's own cells before it paints."""
    return any(VERBS[part.partition(" ")[0]].erases for part in text.split(JOIN))


def _joined(paintings: Sequence[Painting], count: int) -> Painting:
    """Put the paintings of several actions one after the other, for each object."""
    owners = np.concatenate([owners_of(painting.ends) for painting in paintings])
    cells = np.concatenate([painting.cells for painting in paintings])
    valid = np.ones(count, np.bool_)
    for painting in paintings:
        if painting.valid is not None:
            valid &= painting.valid
    return Painting(cells[np.argsort(owners, kind="stable")], starts_of(owners, count), valid)


@verb("stay", words=0, erases=False)
def _stay(scene: Scene, words: Words) -> Painting:
    return Painting(scene.cells, scene.starts)


@verb("delete", words=0, erases=True)
def _delete(scene: Scene, words: Words) -> Painting:
    return Painting(np.zeros((0, 3), np.int16), np.zeros(scene.count + 1, np.int64))


@verb("recolor", words=1, erases=False)
def _recolor(scene: Scene, words: Words) -> Painting:
    return _recolored(scene, words[0], None)


@verb("recolor_main", words=1, erases=False)
def _recolor_main(scene: Scene, words: Words) -> Painting:
    return _recolored(scene, words[0], columns.COLOR)


@verb("recolor_rarest", words=1, erases=False)
def _recolor_rarest(scene: Scene, words: Words) -> Painting:
    return _recolored(scene, words[0], columns.RAREST)


def _recolored(scene: Scene, role: str, only: int | None) -> Painting:
    """Recolor the objects' cells, or those of the color in a column of the table."""
    colors = color_values(role, scene)
    owner = owners_of(scene.starts)
    cells = scene.cells.copy()
    fresh = colors[owner]
    chosen = slice(None) if only is None else scene.cells[:, 2] == scene.table[owner, only]
    cells[chosen, 2] = fresh[chosen]
    return Painting(cells, scene.starts, colors < NO_COLOR)


@verb("swap_colors", words=0, erases=False)
def _swap_colors(scene: Scene, words: Words) -> Painting:
    owner = owners_of(scene.starts)
    main, rarest = scene.table[owner, columns.COLOR], scene.table[owner, columns.RAREST]
    cells = scene.cells.copy()
    cells[:, 2] = np.where(cells[:, 2] == main, rarest, np.where(cells[:, 2] == rarest, main, cells[:, 2]))
    return Painting(cells, scene.starts, scene.table[:, columns.COLORS] == 2)


@verb("turn", words=1, erases=True)
def _turn(scene: Scene, words: Words) -> Painting:
    return _turned(scene, words[0], False)


@verb("symmetrize", words=1, erases=False)
def _symmetrize(scene: Scene, words: Words) -> Painting:
    return _turned(scene, words[0], True)


def _turned(scene: Scene, word: str, keep: bool) -> Painting:
    if word not in TURNS:
        raise ParseError(f"turn must be one of {', '.join(TURNS)}, got {word!r}")
    cells, ends = kernels.turned(scene.cells, scene.starts, scene.table, TURNS[word], keep)
    return Painting(cells, ends, scene.table[:, columns.SQUARE] > 0 if TURNS[word] >= 8 else None)
