"""The table of verbs: what an action on objects is, how its text reads, and what it paints.

An action's text is a verb and its words: ``recolor #3``, ``slide down``, ``fill holes main``. Colors are constants or
roles of the object (see ``dsl.search.objects.roles``); directions are those of ``DIRECTIONS``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError
from dsl.grid import MAX_SIDE
from dsl.kernels import planes_objects as columns
from dsl.kernels.planes import COLUMN_STEPS, ROW_STEPS
from dsl.search.objects.segments import Scene

Cells = NDArray[np.int16]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_STEPS = re.compile(r"-?\d{1,2}", re.ASCII)
DIRECTIONS = ("up", "down", "left", "right", "up_left", "up_right", "down_left", "down_right")


@dataclass(frozen=True, slots=True, eq=False)
class Painting:
    """What one action paints for every object of a scene.

    Attributes:
        cells: ``(n, 3)`` row, column and color, by object; of two for one cell the later counts.
        ends: ``(objects + 1,)`` places in ``cells``.
        valid: ``(objects,)``, False where the action has no result; None: everywhere valid.
    """

    cells: Cells
    ends: Numbers
    valid: Flags | None = None


def owners_of(starts: Numbers) -> Numbers:
    """Return the object of each cell, given where the cells of each object start."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def starts_of(owners: Numbers, count: int) -> Numbers:
    """Return where the cells of each of ``count`` objects start, ``(count + 1,)``, given the object of each cell."""
    return np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))])


Words = tuple[str, ...]
Painter = Callable[[Scene, Words], Painting]


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table of verbs.

    Attributes:
        paint: what it paints.
        words: number of words after it.
        erases: whether the object's own cells are cleared to background first.
    """

    paint: Painter
    words: int
    erases: bool


VERBS: dict[str, Verb] = {}


def verb(name: str, *, words: int, erases: bool) -> Callable[[Painter], Painter]:
    """Register a function as the painter of a verb."""

    def register(painter: Painter) -> Painter:
        VERBS[name] = Verb(painter, words, erases)
        return painter

    return register


def read_direction(word: str) -> int:
    """Return the number of a direction; raises ``ParseError`` for another word."""
    if word not in DIRECTIONS:
        raise ParseError(f"direction must be one of {', '.join(DIRECTIONS)}, got {word!r}")
    return DIRECTIONS.index(word)


def read_side(word: str) -> int:
    """Return the number of one of the four sides; raises ``ParseError`` for another word."""
    if word not in DIRECTIONS[:4]:
        raise ParseError(f"direction must be one of {', '.join(DIRECTIONS[:4])}, got {word!r}")
    return DIRECTIONS.index(word)


def steps_towards(direction: int, steps: Numbers) -> Numbers:
    """Return the vectors ``(objects, 2)`` of so many steps in a direction."""
    return np.stack([steps * ROW_STEPS[direction], steps * COLUMN_STEPS[direction]], axis=1)


def own_steps(scene: Scene, direction: int, gap: str) -> Numbers:
    """Return vectors of each object's own height or width and a gap (``0``, ``1``, ``-1``) in a direction."""
    more = _read_steps(gap)
    tall, wide = scene.table[:, columns.HEIGHT] + more, scene.table[:, columns.WIDTH] + more
    return np.stack([tall * ROW_STEPS[direction], wide * COLUMN_STEPS[direction]], axis=1)


def _read_steps(word: str) -> int:
    """Return a number of rows or columns; raises ``ParseError`` for another word, and for more than a grid has."""
    steps = int(word) if _STEPS.fullmatch(word) else MAX_SIDE + 1
    if abs(steps) > MAX_SIDE:
        raise ParseError(f"steps must be a whole number of at most {MAX_SIDE} either way, got {word!r}")
    return steps


def constant_steps(scene: Scene, words: Words) -> Numbers:
    """Return the same vector of rows and columns for every object."""
    vector = np.array([_read_steps(words[0]), _read_steps(words[1])], np.int64)
    return np.repeat(vector[None], scene.count, axis=0)
