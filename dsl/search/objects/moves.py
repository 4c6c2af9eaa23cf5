"""Verbs that move or replace an object: the place it leaves becomes background."""

import numpy as np

from dsl.errors import ParseError
from dsl.grid import MAX_SIDE
from dsl.kernels import objects as kernels
from dsl.kernels import planes_objects as columns
from dsl.kernels.planes import COLUMN_STEPS, ROW_STEPS
from dsl.search.objects.roles import NOBODY, color_values, object_by_role
from dsl.search.objects.segments import Scene
from dsl.search.objects.verbs import (
    Flags,
    Numbers,
    Painting,
    Words,
    constant_steps,
    own_steps,
    owners_of,
    read_direction,
    read_side,
    starts_of,
    steps_towards,
    verb,
)


def _moved(scene: Scene, vectors: Numbers, valid: Flags | None = None) -> Painting:
    cells, ends = kernels.copied(scene.cells, scene.starts, vectors, 1, 1, *scene.shape)
    return Painting(cells, ends, valid)


@verb("slide", words=1, erases=True)
def _slide(scene: Scene, words: Words) -> Painting:
    d = read_direction(words[0])
    return _moved(scene, steps_towards(d, scene.slides[0][:, d]))


@verb("fall", words=1, erases=True)
def _fall(scene: Scene, words: Words) -> Painting:
    d = read_side(words[0])
    keys = (columns.TOP, columns.BOTTOM, columns.LEFT, columns.RIGHT)
    key = scene.table[:, keys[d]]
    order = np.argsort(key if d in (0, 2) else -key, kind="stable")
    steps = kernels.falls(scene.grid, scene.labels, scene.cells, scene.starts, scene.background, order, d)
    return _moved(scene, steps_towards(d, steps))


@verb("to_edge", words=1, erases=True)
def _to_edge(scene: Scene, words: Words) -> Painting:
    d = read_side(words[0])
    height, width = scene.shape
    table = scene.table
    steps = (
        table[:, columns.TOP],
        height - 1 - table[:, columns.BOTTOM],
        table[:, columns.LEFT],
        width - 1 - table[:, columns.RIGHT],
    )[d]
    return _moved(scene, steps_towards(d, steps))


@verb("shift", words=2, erases=True)
def _shift(scene: Scene, words: Words) -> Painting:
    return _moved(scene, own_steps(scene, read_direction(words[0]), words[1]))


@verb("move", words=2, erases=True)
def _move(scene: Scene, words: Words) -> Painting:
    return _moved(scene, constant_steps(scene, words))


@verb("approach", words=1, erases=True)
def _approach(scene: Scene, words: Words) -> Painting:
    """Slide in the direction of the nearest thing met: ``any``, ``same_color``, a color, or an object by its role.

    A diagonal is taken only where no side meets it.
    """
    steps, stops, colors = scene.slides
    if words[0] == "any":
        met = stops != kernels.EDGE
    elif words[0] == "same_color":
        met = colors == scene.table[:, columns.COLOR][:, None]
    elif words[0].startswith("#"):
        met = colors == color_values(words[0], scene)[:, None]
    else:
        met = stops == object_by_role(words[0], scene)[:, None]
    distance = np.where(met, steps + (np.arange(8) >= 4) * MAX_SIDE, 2 * MAX_SIDE)
    chosen = distance.argmin(axis=1)
    steps = steps[np.arange(scene.count), chosen]
    vectors = np.stack([steps * ROW_STEPS[chosen], steps * COLUMN_STEPS[chosen]], axis=1)
    return _moved(scene, vectors, met.any(axis=1))


@verb("reach", words=1, erases=True)
def _reach(scene: Scene, words: Words) -> Painting:
    """Move along rows or columns until beside a partner, over whatever lies between."""
    partners, along_row = _level_partners(words[0], scene)
    vectors = np.zeros((scene.count, 2), np.int64)
    for axis, low, high in ((0, columns.TOP, columns.BOTTOM), (1, columns.LEFT, columns.RIGHT)):
        mine, theirs = scene.table, scene.table[np.maximum(partners, 0)]
        after = theirs[:, low] > mine[:, high]
        steps = np.where(after, theirs[:, low] - mine[:, high] - 1, theirs[:, high] - mine[:, low] + 1)
        vectors[:, axis] = np.where(along_row == (axis == 1), steps, 0)
    return _moved(scene, vectors, partners >= 0)


@verb("reflect", words=1, erases=True)
def _reflect(scene: Scene, words: Words) -> Painting:
    """Mirror over the near edge of a partner's box."""
    partners, along_row = _level_partners(words[0], scene)
    theirs = scene.table[np.maximum(partners, 0)]
    owner = owners_of(scene.starts)
    cells = scene.cells.astype(np.int64)
    for axis, low, high in ((0, columns.TOP, columns.BOTTOM), (1, columns.LEFT, columns.RIGHT)):
        edge = np.where(theirs[:, low] > scene.table[:, high], theirs[:, low], theirs[:, high])
        turned = ((along_row == (axis == 1)) & (partners >= 0))[owner]
        cells[turned, axis] = 2 * edge[owner[turned]] - cells[turned, axis]
    inside = (cells[:, :2] >= 0).all(axis=1) & (cells[:, 0] < scene.shape[0]) & (cells[:, 1] < scene.shape[1])
    ends = starts_of(owner[inside], scene.count)
    return Painting(np.ascontiguousarray(cells[inside].astype(np.int16)), ends, partners >= 0)


def _level_partners(role: str, scene: Scene) -> tuple[Numbers, Flags]:
    """Return each object's partner whose box shares rows or columns with its own but not both, and if it shares rows.

    The partner is that of a role, or the largest other object of a color or of the ``same_color``.
    """
    level = scene.shares[0] ^ scene.shares[1]
    colors, sizes = scene.table[:, columns.COLOR], scene.table[:, columns.SIZE]
    if role == "same_color" or role.startswith("#"):
        wanted = colors if role == "same_color" else color_values(role, scene)
        score = np.where(level & (wanted[:, None] == colors), sizes * MAX_SIDE * 8 - scene.distances, -1)
        partners = np.where(score.max(axis=1) >= 0, score.argmax(axis=1), NOBODY)
    else:
        partners = object_by_role(role, scene)
    rows = np.arange(scene.count)
    partners = np.where((partners >= 0) & level[rows, np.maximum(partners, 0)], partners, NOBODY)
    return partners, scene.shares[0][rows, np.maximum(partners, 0)]


@verb("align", words=2, erases=True)
def _align(scene: Scene, words: Words) -> Painting:
    """Move along one axis until an edge of the box, or its middle, is level with that of a partner."""
    edge, role = words
    if edge not in LEVELS:
        raise ParseError(f"an object is aligned by one of {', '.join(LEVELS)}, got {edge!r}")
    axis, low, high = LEVELS[edge]
    partners = object_by_role(role, scene)
    level = scene.table[:, low] + scene.table[:, high]
    apart = level[np.maximum(partners, 0)] - level
    steps = np.where(partners >= 0, apart // 2, 0)
    vectors = np.zeros((scene.count, 2), np.int64)
    vectors[:, axis] = steps
    return _moved(scene, vectors, (partners >= 0) & (apart % 2 == 0))


LEVELS = {
    "top": (0, columns.TOP, columns.TOP),
    "bottom": (0, columns.BOTTOM, columns.BOTTOM),
    "row": (0, columns.TOP, columns.BOTTOM),
    "left": (1, columns.LEFT, columns.LEFT),
    "right": (1, columns.RIGHT, columns.RIGHT),
    "column": (1, columns.LEFT, columns.RIGHT),
}
"""Axis and the two columns of the table whose mean is the level."""


@verb("become", words=1, erases=True)
def _become(scene: Scene, words: Words) -> Painting:
    """Give way to a copy of a partner, laid over the middle of the box."""
    partners = object_by_role(words[0], scene)
    cells, ends = kernels.replaced(scene.cells, scene.starts, scene.centers, partners, *scene.shape)
    return Painting(cells, ends, partners >= 0)
