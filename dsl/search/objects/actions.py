"""Actions on objects: the table of verbs, and what each paints for every object of a scene.

An action's text is a verb and its words: ``recolor #3``, ``slide down``, ``fill holes main``. Colors are constants or
roles of the object (see ``dsl.search.objects.roles``); directions are those of ``DIRECTIONS``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.errors import GridError, ParseError
from dsl.grid import MAX_SIDE
from dsl.kernels import objects as kernels
from dsl.kernels import objects_regions as regions
from dsl.kernels import planes_objects as columns
from dsl.kernels.planes import COLUMN_STEPS, NO_COLOR, ROW_STEPS
from dsl.search.objects.roles import color_values, object_by_role
from dsl.search.objects.segments import Scene

Cells = NDArray[np.int16]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

DIRECTIONS = ("up", "down", "left", "right", "up_left", "up_right", "down_left", "down_right")
DIRECTION_SETS: dict[str, int] = {
    **{name: 1 << d for d, name in enumerate(DIRECTIONS)},
    "up_down": 3,
    "left_right": 12,
    "sides": 15,
    "rising": 0b01100000,
    "falling": 0b10010000,
    "diagonals": 240,
    "all": 255,
}
"""Bits of the directions by name."""

STOPS: dict[str, int] = {
    "blocked": kernels.BLOCKED,
    "through": kernels.THROUGH,
    "to_object": kernels.TO_OBJECT,
    "to_same_color": kernels.TO_SAME_COLOR,
}
SOURCES = ("cells", "middle", "rarest")
REGIONS: dict[str, int] = {
    "box": regions.BOX,
    "inner": regions.INNER,
    "holes": regions.HOLES,
    "frame": regions.FRAME,
    "halo": regions.HALO,
    "sides": regions.SIDES,
    "corners": regions.CORNERS,
    "core": regions.CORE,
    "rim": regions.RIM,
    "box_rim": regions.BOX_RIM,
    "checker": regions.CHECKER,
    "odd_columns": regions.ODD_COLUMNS,
    "odd_rows": regions.ODD_ROWS,
}
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


def paint(text: str, scene: Scene) -> Painting:
    """Return what an action paints.

    Raises:
        ParseError: the text names no action.
    """
    name, *words = text.split(" ")
    if name not in VERBS:
        raise ParseError(f"action must start with one of {', '.join(VERBS)}, got {text!r}")
    if len(words) != VERBS[name].words:
        raise ParseError(f"action {name!r} takes {VERBS[name].words} words, got {text!r}")
    return VERBS[name].paint(scene, tuple(words))


def erases(text: str) -> bool:
    """Tell whether an action clears the object's own cells before it paints."""
    return VERBS[text.partition(" ")[0]].erases


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
    owner = np.repeat(np.arange(scene.count), np.diff(scene.starts))
    cells = scene.cells.copy()
    fresh = colors[owner]
    chosen = slice(None) if only is None else scene.cells[:, 2] == scene.table[owner, only]
    cells[chosen, 2] = fresh[chosen]
    return Painting(cells, scene.starts, colors < NO_COLOR)


@verb("swap_colors", words=0, erases=False)
def _swap_colors(scene: Scene, words: Words) -> Painting:
    owner = np.repeat(np.arange(scene.count), np.diff(scene.starts))
    main, rarest = scene.table[owner, columns.COLOR], scene.table[owner, columns.RAREST]
    cells = scene.cells.copy()
    cells[:, 2] = np.where(cells[:, 2] == main, rarest, np.where(cells[:, 2] == rarest, main, cells[:, 2]))
    return Painting(cells, scene.starts, scene.table[:, columns.COLORS] == 2)


def _moved(scene: Scene, vectors: Numbers, valid: Flags | None = None) -> Painting:
    cells, ends = kernels.copied(scene.cells, scene.starts, vectors, 1, 1, *scene.shape)
    return Painting(cells, ends, valid)


def _direction(word: str) -> int:
    if word not in DIRECTIONS:
        raise ParseError(f"direction must be one of {', '.join(DIRECTIONS)}, got {word!r}")
    return DIRECTIONS.index(word)


def _side(word: str) -> int:
    if word not in DIRECTIONS[:4]:
        raise ParseError(f"direction must be one of {', '.join(DIRECTIONS[:4])}, got {word!r}")
    return DIRECTIONS.index(word)


def steps_towards(direction: int, steps: Numbers) -> Numbers:
    """Return the vectors ``(objects, 2)`` of so many steps in a direction."""
    return np.stack([steps * ROW_STEPS[direction], steps * COLUMN_STEPS[direction]], axis=1)


@verb("slide", words=1, erases=True)
def _slide(scene: Scene, words: Words) -> Painting:
    d = _direction(words[0])
    return _moved(scene, steps_towards(d, scene.slides[0][:, d]))


@verb("fall", words=1, erases=True)
def _fall(scene: Scene, words: Words) -> Painting:
    d = _side(words[0])
    keys = (columns.TOP, columns.BOTTOM, columns.LEFT, columns.RIGHT)
    key = scene.table[:, keys[d]]
    order = np.argsort(key if d in (0, 2) else -key, kind="stable")
    steps = kernels.falls(scene.grid, scene.labels, scene.cells, scene.starts, scene.background, order, d)
    return _moved(scene, steps_towards(d, steps))


@verb("to_edge", words=1, erases=True)
def _to_edge(scene: Scene, words: Words) -> Painting:
    d = _side(words[0])
    height, width = scene.shape
    table = scene.table
    steps = (
        table[:, columns.TOP],
        height - 1 - table[:, columns.BOTTOM],
        table[:, columns.LEFT],
        width - 1 - table[:, columns.RIGHT],
    )[d]
    return _moved(scene, steps_towards(d, steps))


def own_steps(scene: Scene, direction: int, gap: str) -> Numbers:
    """Return vectors of each object's own height or width and a gap (``0``, ``1``, ``-1``) in a direction."""
    try:
        more = int(gap)
    except ValueError:
        raise ParseError(f"gap must be a whole number, got {gap!r}") from None
    tall, wide = scene.table[:, columns.HEIGHT] + more, scene.table[:, columns.WIDTH] + more
    return np.stack([tall * ROW_STEPS[direction], wide * COLUMN_STEPS[direction]], axis=1)


@verb("shift", words=2, erases=True)
def _shift(scene: Scene, words: Words) -> Painting:
    return _moved(scene, own_steps(scene, _direction(words[0]), words[1]))


def _constant(scene: Scene, words: Words) -> Numbers:
    try:
        vector = np.array([int(words[0]), int(words[1])], np.int64)
    except ValueError:
        raise ParseError(f"a move takes rows and columns, got {' '.join(words)!r}") from None
    return np.repeat(vector[None], scene.count, axis=0)


@verb("move", words=2, erases=True)
def _move(scene: Scene, words: Words) -> Painting:
    return _moved(scene, _constant(scene, words))


@verb("approach", words=1, erases=True)
def _approach(scene: Scene, words: Words) -> Painting:
    """Slide in the direction of the nearest thing met: ``any``, ``same_color``, a color, or an object by its role."""
    steps, stops, colors = (values[:, :4] for values in scene.slides)
    if words[0] == "any":
        met = stops != kernels.EDGE
    elif words[0] == "same_color":
        met = colors == scene.table[:, columns.COLOR][:, None]
    elif words[0].startswith("#"):
        met = colors == color_values(words[0], scene)[:, None]
    else:
        met = stops == object_by_role(words[0], scene)[:, None]
    distance = np.where(met, steps, MAX_SIDE + 1)
    chosen = distance.argmin(axis=1)
    steps = steps[np.arange(scene.count), chosen]
    vectors = np.stack([steps * ROW_STEPS[chosen], steps * COLUMN_STEPS[chosen]], axis=1)
    return _moved(scene, vectors, met.any(axis=1))


@verb("copy", words=2, erases=False)
def _copy(scene: Scene, words: Words) -> Painting:
    return Painting(*kernels.copied(scene.cells, scene.starts, _constant(scene, words), 0, 1, *scene.shape))


@verb("beside", words=2, erases=False)
def _beside(scene: Scene, words: Words) -> Painting:
    vectors = own_steps(scene, _direction(words[0]), words[1])
    return Painting(*kernels.copied(scene.cells, scene.starts, vectors, 0, 1, *scene.shape))


@verb("repeat", words=2, erases=False)
def _repeat(scene: Scene, words: Words) -> Painting:
    vectors = own_steps(scene, _direction(words[0]), words[1])
    return Painting(*kernels.copied(scene.cells, scene.starts, vectors, 0, MAX_SIDE, *scene.shape))


@verb("mirror", words=2, erases=False)
def _mirror(scene: Scene, words: Words) -> Painting:
    if words[1] not in ("0", "1", "-1"):
        raise ParseError(f"gap must be -1, 0 or 1, got {words[1]!r}")
    side, gap = _side(words[0]), int(words[1])
    return Painting(*kernels.mirrored(scene.cells, scene.starts, scene.table, side, gap, *scene.shape))


@verb("ray", words=4, erases=False)
def _ray(scene: Scene, words: Words) -> Painting:
    """Send rays: directions, where they stop, which cells send them, their color (``own`` or ``#3``)."""
    directions, stop, source, color = words
    known = (DIRECTION_SETS, STOPS, SOURCES)
    for word, allowed in zip(words, known, strict=False):
        if word not in allowed:
            raise ParseError(f"expected one of {', '.join(allowed)} in a ray, got {word!r}")
    sender = {"cells": NO_COLOR, "middle": NO_COLOR + 1}.get(source)
    sources = scene.table[:, columns.RAREST] if sender is None else np.full(scene.count, sender, np.int64)
    painted = 10 if color == "own" else int(color_values(color, scene)[0])
    cells, ends = kernels.rays(
        scene.grid,
        scene.labels,
        scene.cells,
        scene.starts,
        scene.table,
        scene.background,
        np.full(scene.count, DIRECTION_SETS[directions], np.int64),
        sources,
        STOPS[stop],
        painted,
    )
    return Painting(cells, ends, scene.table[:, columns.COLORS] > 1 if sender is None else None)


@verb("shoot", words=2, erases=False)
def _shoot(scene: Scene, words: Words) -> Painting:
    """Send a ray from the cells of the rarest color, on the side of the object where they are."""
    stop, color = words
    if stop not in STOPS:
        raise ParseError(f"a ray ends as one of {', '.join(STOPS)}, got {stop!r}")
    directions = np.zeros(scene.count, np.int64)
    for q in range(scene.count):
        cells = scene.cells[scene.starts[q] : scene.starts[q + 1]]
        tip = cells[cells[:, 2] == scene.table[q, columns.RAREST], :2].mean(axis=0)
        away = np.sign(np.round(2 * tip - scene.centers[q], 6)).astype(np.int64)
        for d in range(8):
            if ROW_STEPS[d] == away[0] and COLUMN_STEPS[d] == away[1]:
                directions[q] = 1 << d
    painted = 10 if color == "own" else int(color_values(color, scene)[0])
    cells, ends = kernels.rays(
        scene.grid,
        scene.labels,
        scene.cells,
        scene.starts,
        scene.table,
        scene.background,
        directions,
        scene.table[:, columns.RAREST],
        STOPS[stop],
        painted,
    )
    return Painting(cells, ends, (scene.table[:, columns.COLORS] > 1) & (directions > 0))


@verb("fill", words=2, erases=False)
def _fill(scene: Scene, words: Words) -> Painting:
    region, role = words
    if region not in REGIONS:
        raise ParseError(f"region must be one of {', '.join(REGIONS)}, got {region!r}")
    colors = color_values(role, scene)
    cells, ends = regions.fill_regions(
        scene.grid,
        scene.labels,
        scene.cells,
        scene.starts,
        scene.table,
        scene.background,
        REGIONS[region],
        colors,
    )
    return Painting(cells, ends, colors < NO_COLOR)


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


@verb("stamp", words=1, erases=False)
def _stamp(scene: Scene, words: Words) -> Painting:
    """Paint a pattern over the middle of the object: rows of digits, ``.`` where nothing is painted."""
    pattern = read_pattern(words[0])
    return Painting(*regions.stamped(scene.cells, scene.starts, scene.table, pattern, *scene.shape))


def read_pattern(text: str) -> NDArray[np.uint8]:
    """Read a pattern such as ``.2./212/.2.``; raises ``ParseError`` if it is none."""
    rows = text.split("/")
    if len({len(row) for row in rows}) != 1 or not all(set(row) <= set(".0123456789") and row for row in rows):
        raise ParseError(f"a pattern has rows of equal length of digits and '.', got {text!r}")
    values = [[regions.CLEAR if cell == "." else int(cell) for cell in row] for row in rows]
    if len(values) > 2 * MAX_SIDE or len(values[0]) > 2 * MAX_SIDE:
        raise GridError(f"a pattern has at most {2 * MAX_SIDE} rows and columns, got {len(values)}x{len(values[0])}")
    return np.array(values, np.uint8)


def write_pattern(pattern: NDArray[np.uint8]) -> str:
    """Write a pattern so that :func:`read_pattern` reads it back."""
    return "/".join("".join("." if cell == regions.CLEAR else str(cell) for cell in row) for row in pattern.tolist())


@verb("complete", words=2, erases=False)
def _complete(scene: Scene, words: Words) -> Painting:
    """Lay the object of a role over each object so that it holds it, as it is (``kept``) or in any of eight turns."""
    if words[1] not in ("kept", "turned"):
        raise ParseError(f"a template is 'kept' or 'turned', got {words[1]!r}")
    template = int(object_by_role(words[0], scene)[0])
    turns = 8 if words[1] == "turned" else 1
    cells, ends = regions.completed(scene.cells, scene.starts, scene.table, template, turns, *scene.shape)
    return Painting(cells, ends, np.diff(ends) > 0)
