"""Rays from places of an object's box that are not all of its cells: its corners, and the gaps in its outline.

A diagonal leaves ``corners`` and ``gaps`` from the corner of the box that it points to, and ``mouths`` from the last
cells of the gaps in two sides; another direction leaves from a whole side.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import product

import numpy as np

from dsl.kernels import objects as kernels
from dsl.kernels import planes_objects as columns
from dsl.kernels.planes import COLUMN_STEPS, NO_COLOR, ROW_STEPS
from dsl.search.objects.segments import Scene
from dsl.search.objects.verbs import Cells, Flags, Numbers, Painting, owners_of, starts_of

PLACES = ("corners", "gaps", "mouths")


def rays_from(place: str, scene: Scene, directions: int, stop: int, colors: Numbers) -> Painting:
    """Paint each object and rays that leave its box from a place, outward; valid for the objects that send any.

    Args:
        place: ``corners`` where the box's outline belongs to the object, ``gaps`` or ``mouths`` where it is background.
        scene: the objects.
        directions: bits of the directions.
        stop: as in ``dsl.kernels.objects.rays``.
        colors: of each object's rays ``(objects,)``; 10 where it has none.
    """
    parts = [_ray_parts(place, scene, d, stop) for d in range(8) if (directions >> d) & 1]
    sends = np.logical_or.reduce([part[2] for part in parts])
    owner = np.concatenate([part[0] for part in parts])
    rays = np.concatenate([part[1] for part in parts])
    rays[:, 2] = colors[owner]
    return add_cells(scene, owner, rays, sends & (colors < NO_COLOR))


def add_cells(scene: Scene, owner: Numbers, cells: Cells, valid: Flags) -> Painting:
    """Paint each object and further cells ``(n, 3)`` that belong to the objects ``owner (n,)``."""
    owners = np.concatenate([owners_of(scene.starts), owner])
    order = np.argsort(owners, kind="stable")
    ends = starts_of(owners, scene.count)
    return Painting(np.concatenate([scene.cells, cells])[order], ends, valid)


@lru_cache(maxsize=512)
def _ray_parts(place: str, scene: Scene, d: int, stop: int) -> tuple[Numbers, Cells, Flags]:
    """Return the owners and cells of the rays in one direction, and which objects send any."""
    senders, starts = _senders(place, scene, d)
    cells, ends = kernels.rays(
        scene.grid,
        scene.labels,
        senders,
        starts,
        scene.table,
        scene.background,
        np.full(scene.count, 1 << d, np.int64),
        np.full(scene.count, NO_COLOR, np.int64),
        stop,
        NO_COLOR,
    )
    owner = owners_of(ends)
    ray = np.arange(len(cells)) >= ends[owner] + np.diff(starts)[owner]
    return owner[ray], cells[ray], np.diff(starts) > 0


def _senders(place: str, scene: Scene, d: int) -> tuple[Cells, Numbers]:
    """Return the cells of the boxes' outlines, by object, that a ray in direction ``d`` leaves from."""
    found: list[tuple[int, int, int, int]] = []
    down, across = int(ROW_STEPS[d]), int(COLUMN_STEPS[d])
    sides = ((down, 0), (0, across)) if place == "mouths" and down and across else ((down, across),)
    for q, box in enumerate(scene.table.tolist()):
        for side in sides:
            aside = down - side[0], across - side[1]
            for r, c in _side(box, *side, place != "corners"):
                own = scene.labels[r, c] == q
                gap = not own and scene.grid[r, c] == scene.background
                at_end = aside == (0, 0) or scene.labels[r + aside[0], c + aside[1]] == q
                if own if place == "corners" else gap and at_end:
                    found.append((q, r, c, box[columns.COLOR]))
    table = np.array(found, np.int64).reshape(-1, 4)
    starts = starts_of(table[:, 0], scene.count)
    return np.ascontiguousarray(table[:, 1:].astype(np.int16)), starts


def _side(box: list[int], down: int, across: int, inner: bool) -> Iterable[tuple[int, int]]:
    """Return the corner of a box in a diagonal direction, or its side in another: its ``inner`` cells or all."""
    top, bottom, left, right = (box[k] for k in (columns.TOP, columns.BOTTOM, columns.LEFT, columns.RIGHT))
    cut = int(inner and (down == 0 or across == 0))
    rows = range(top + cut, bottom + 1 - cut) if down == 0 else (top if down < 0 else bottom,)
    places = range(left + cut, right + 1 - cut) if across == 0 else (left if across < 0 else right,)
    return product(rows, places)
