"""Verbs that add to an object: copies, rays, filled regions, stamped patterns and laid templates."""

from functools import lru_cache

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
from dsl.search.objects.senders import PLACES, add_cells, rays_from
from dsl.search.objects.verbs import (
    DIRECTIONS,
    Numbers,
    Painting,
    Words,
    constant_steps,
    own_steps,
    owners_of,
    read_direction,
    read_side,
    starts_of,
    verb,
)

DIRECTION_SETS: dict[str, int] = {
    **{name: 1 << d for d, name in enumerate(DIRECTIONS)},
    "up_down": 3,
    "left_right": 12,
    "sides": 15,
    "rising": 0b01100000,
    "falling": 0b10010000,
    "upward": 0b00110000,
    "downward": 0b11000000,
    "leftward": 0b01010000,
    "rightward": 0b10100000,
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
"""Cells that send rays; the places of ``dsl.search.objects.senders`` may stand instead."""
BAR_NUMBERS: dict[str, int] = {
    "colors": columns.COLORS,
    "size": columns.SIZE,
    "holes": columns.HOLES,
}
"""Columns of the table that may be the length of a bar, by name."""
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


@verb("copy", words=2, erases=False)
def _copy(scene: Scene, words: Words) -> Painting:
    return Painting(*kernels.copied(scene.cells, scene.starts, constant_steps(scene, words), 0, 1, *scene.shape))


@verb("beside", words=2, erases=False)
def _beside(scene: Scene, words: Words) -> Painting:
    vectors = own_steps(scene, read_direction(words[0]), words[1])
    return Painting(*kernels.copied(scene.cells, scene.starts, vectors, 0, 1, *scene.shape))


@verb("repeat", words=2, erases=False)
def _repeat(scene: Scene, words: Words) -> Painting:
    vectors = own_steps(scene, read_direction(words[0]), words[1])
    return Painting(*kernels.copied(scene.cells, scene.starts, vectors, 0, MAX_SIDE, *scene.shape))


@verb("mirror", words=2, erases=False)
def _mirror(scene: Scene, words: Words) -> Painting:
    if words[1] not in ("0", "1", "-1"):
        raise ParseError(f"gap must be -1, 0 or 1, got {words[1]!r}")
    side, gap = read_side(words[0]), int(words[1])
    return Painting(*kernels.mirrored(scene.cells, scene.starts, scene.table, side, gap, *scene.shape))


@verb("ray", words=4, erases=False)
def _ray(scene: Scene, words: Words) -> Painting:
    """Send rays: directions, where they stop, which cells send them, their color (from places: any role)."""
    directions, stop, source, color = words
    known = (DIRECTION_SETS, STOPS, (*SOURCES, *PLACES))
    for word, allowed in zip(words, known, strict=False):
        if word not in allowed:
            raise ParseError(f"expected one of {', '.join(allowed)} in a ray, got {word!r}")
    if source in PLACES:
        colors = color_values("main" if color == "own" else color, scene)
        return rays_from(source, scene, DIRECTION_SETS[directions], STOPS[stop], colors)
    painted = 10 if color == "own" else int(color_values(color, scene)[0])
    sender = {"cells": NO_COLOR, "middle": NO_COLOR + 1}.get(source)
    rarest = np.ascontiguousarray(scene.table[:, columns.RAREST])
    sources = rarest if sender is None else np.full(scene.count, sender, np.int64)
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
        np.ascontiguousarray(scene.table[:, columns.RAREST]),
        STOPS[stop],
        painted,
    )
    return Painting(cells, ends, (scene.table[:, columns.COLORS] > 1) & (directions > 0))


@verb("bar", words=3, erases=False)
def _bar(scene: Scene, words: Words) -> Painting:
    """Lay a bar as broad as the object against one of its sides: a direction, the number of its length, its color."""
    side, number = read_side(words[0]), words[1]
    if number not in BAR_NUMBERS:
        raise ParseError(f"the length of a bar is one of {', '.join(BAR_NUMBERS)}, got {number!r}")
    colors = color_values(words[2], scene)
    owner, places = _bar_cells(scene, side, number)
    bars = np.concatenate([places, colors[owner][:, None]], axis=1).astype(np.int16)
    return add_cells(scene, owner, bars, colors < NO_COLOR)


@lru_cache(maxsize=512)
def _bar_cells(scene: Scene, side: int, number: str) -> tuple[Numbers, Numbers]:
    """Return the owners and the places ``(n, 2)`` of bars, background only."""
    down, across = int(ROW_STEPS[side]), int(COLUMN_STEPS[side])
    lengths = scene.table[:, BAR_NUMBERS[number]]
    owners, places = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.int64)]
    for q, box in enumerate(scene.table):
        rows = _reach(int(box[columns.TOP]), int(box[columns.BOTTOM]), down, int(lengths[q]), scene.shape[0])
        cols = _reach(int(box[columns.LEFT]), int(box[columns.RIGHT]), across, int(lengths[q]), scene.shape[1])
        free = np.argwhere(scene.grid[rows, cols] == scene.background) + np.array([rows.start, cols.start])
        owners.append(np.full(len(free), q))
        places.append(free)
    return np.concatenate(owners), np.concatenate(places)


def _reach(low: int, high: int, step: int, length: int, end: int) -> slice:
    """Return the places ``low`` to ``high``, or ``length`` places before or behind them, in 0 to ``end``."""
    if step == 0:
        return slice(low, high + 1)
    return slice(max(0, low - length), low) if step < 0 else slice(high + 1, min(end, high + 1 + length))


@verb("echo", words=1, erases=False)
def _echo(scene: Scene, words: Words) -> Painting:
    """Repeat a partner in the object's color, from where the object lies to the edge of the image.

    Each copy is as far from the last as the object's near edges are from the partner's.
    """
    partners = object_by_role(words[0], scene)
    known = np.flatnonzero(partners >= 0)
    vectors = np.zeros((scene.count, 2), np.int64)
    for axis, low, high in ((0, columns.TOP, columns.BOTTOM), (1, columns.LEFT, columns.RIGHT)):
        mine, theirs = scene.table, scene.table[np.maximum(partners, 0)]
        after, before = mine[:, low] - theirs[:, high], theirs[:, low] - mine[:, high]
        length = theirs[:, high] - theirs[:, low]
        vectors[:, axis] = np.where(after > 0, after + length, np.where(before > 0, -before - length, 0))
    templates = [scene.cells[scene.starts[p] : scene.starts[p + 1]] for p in partners[known]]
    owner = np.repeat(known, [len(cells) for cells in templates])
    cells = np.concatenate([*templates, np.zeros((0, 3), np.int16)])
    cells[:, 2] = scene.table[owner, columns.COLOR]
    copies, ends = kernels.copied(cells, starts_of(owner, scene.count), vectors, 1, MAX_SIDE, *scene.shape)
    return add_cells(scene, owners_of(ends), copies, (partners >= 0) & vectors.any(axis=1))


@verb("fill", words=2, erases=False)
def _fill(scene: Scene, words: Words) -> Painting:
    region, role = words
    if region not in REGIONS:
        raise ParseError(f"region must be one of {', '.join(REGIONS)}, got {region!r}")
    colors = np.ascontiguousarray(color_values(role, scene))
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
    if template < 0:
        return Painting(scene.cells, scene.starts, np.zeros(scene.count, np.bool_))
    turns = 8 if words[1] == "turned" else 1
    cells, ends = regions.completed(scene.cells, scene.starts, scene.table, template, turns, *scene.shape)
    return Painting(cells, ends, np.diff(ends) > 0)
