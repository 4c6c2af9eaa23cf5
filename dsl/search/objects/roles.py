"""Roles: colors and partners that an object finds in its scene, by name."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError
from dsl.grid import NUM_COLORS
from dsl.kernels import planes_objects as columns
from dsl.kernels.planes import NO_COLOR
from dsl.search.cells.legend import legend_partners
from dsl.search.cells.planes import image_of
from dsl.search.objects.segments import Scene

Numbers = NDArray[np.int64]

FAR = 1 << 20
"""Stands for the distance of an object to itself and to those that do not count."""

NOBODY = -3
"""Stands for a partner that an object does not have."""


def _same(scene: Scene, q: int) -> Numbers:
    return np.full(scene.count, q, np.int64)


def _largest(scene: Scene) -> Numbers:
    return _same(scene, int(scene.table[:, columns.SIZE].argmax()))


def _smallest(scene: Scene) -> Numbers:
    return _same(scene, int(scene.table[:, columns.SIZE].argmin()))


def _most_colors(scene: Scene) -> Numbers:
    keys = scene.table[:, columns.COLORS] * 1000 + scene.table[:, columns.SIZE]
    return _same(scene, int(keys.argmax()))


def _most_filled(scene: Scene) -> Numbers:
    filled = scene.inside.sum(axis=1) - scene.inside[:, scene.background]
    return _same(scene, int(filled.argmax()))


def _only_image(scene: Scene) -> Numbers:
    _, first, counts = np.unique(scene.images, return_index=True, return_counts=True)
    alone = first[counts == 1]
    return _same(scene, int(alone[0]) if len(alone) == 1 else NOBODY)


def _first_of(flags: NDArray[np.bool_]) -> Numbers:
    """Return the first column set in each row, ``NOBODY`` where there is none."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), NOBODY)


def _nearest(scene: Scene) -> Numbers:
    return scene.distances.argmin(axis=1) if scene.count > 1 else np.full(1, NOBODY, np.int64)


def _nearest_other_color(scene: Scene) -> Numbers:
    colors = scene.table[:, columns.COLOR]
    apart = np.where(colors[:, None] == colors, FAR, scene.distances)
    return np.where(apart.min(axis=1) < FAR, apart.argmin(axis=1), NOBODY)


def _same_shape(scene: Scene) -> Numbers:
    shapes, colors = scene.table[:, columns.SHAPE_HASH], scene.table[:, columns.COLOR]
    return _first_of((shapes[:, None] == shapes) & (colors[:, None] != colors))


def _same_kind(scene: Scene) -> Numbers:
    kinds, colors = scene.outlines.kinds, scene.table[:, columns.COLOR]
    return _first_of((kinds[:, None] == kinds) & (colors[:, None] != colors))


def _same_size(scene: Scene) -> Numbers:
    sizes, colors = scene.table[:, columns.SIZE], scene.table[:, columns.COLOR]
    return _first_of((sizes[:, None] == sizes) & (colors[:, None] != colors))


def _contained(scene: Scene) -> Numbers:
    return _first_of(scene.contains)


def _container(scene: Scene) -> Numbers:
    return _first_of(scene.contains.T)


def _aligned(axis: int) -> Callable[[Scene], Numbers]:
    """Return the nearest object of another color whose span overlaps in rows (0) or columns (1)."""

    def partner(scene: Scene) -> Numbers:
        table = scene.table
        other = table[:, columns.COLOR][:, None] != table[:, columns.COLOR]
        apart = np.where(scene.shares[axis] & other, scene.distances, FAR)
        return np.where(apart.min(axis=1) < FAR, apart.argmin(axis=1), NOBODY)

    return partner


_PARTNERS: dict[str, Callable[[Scene], Numbers]] = {
    "largest": _largest,
    "smallest": _smallest,
    "most_colors": _most_colors,
    "most_filled": _most_filled,
    "only_image": _only_image,
    "nearest": _nearest,
    "nearest_other_color": _nearest_other_color,
    "same_shape": _same_shape,
    "same_kind": _same_kind,
    "same_size": _same_size,
    "contained": _contained,
    "container": _container,
    "in_row": _aligned(0),
    "in_column": _aligned(1),
}


def object_by_role(role: str, scene: Scene) -> Numbers:
    """Return each object's partner of a role, or the nearest other object of a color; ``NOBODY`` where it has none.

    Raises:
        ParseError: no such role.
    """
    if is_constant(role):
        apart = np.where(scene.table[:, columns.COLOR] == int(role[1]), scene.distances, FAR)
        return np.where(apart.min(axis=1) < FAR, apart.argmin(axis=1), NOBODY)
    if role not in _PARTNERS:
        raise ParseError(f"role of an object must be one of {', '.join(_PARTNERS)}, got {role!r}")
    return _PARTNERS[role](scene)


_SEEN = {"seen_up": 0, "seen_down": 1, "seen_left": 2, "seen_right": 3}
_OWN = {"main": columns.COLOR, "rarest": columns.RAREST, "around": columns.AROUND}
_EDGE_CELLS = ("edge_up", "edge_down", "edge_left", "edge_right")

ROLE_BITS: dict[str, float] = {
    "main": 2.5,
    "rarest": 2.5,
    "around": 3.0,
    "largest": 3.0,
    "smallest": 3.0,
    "nearest": 3.5,
    "nearest_other_color": 4.0,
    "same_shape": 3.0,
    "same_kind": 3.5,
    "same_size": 3.5,
    "contained": 3.0,
    "container": 3.0,
    "in_row": 4.0,
    "in_column": 4.0,
    **dict.fromkeys(_SEEN, 4.0),
    **dict.fromkeys(_EDGE_CELLS, 4.5),
    "only_other": 3.5,
    "legend": 4.0,
}
"""Bits of naming a color by its role."""


def is_constant(role: str) -> bool:
    """Tell whether a word is a color constant such as ``#3``."""
    return len(role) == 2 and role[0] == "#" and role[1] in "0123456789"


def color_values(role: str, scene: Scene) -> Numbers:
    """Return each object's color of a role or a constant, ``(objects,)``; 10 where it has none.

    Raises:
        ParseError: no such role.
    """
    if is_constant(role):
        return _same(scene, int(role[1]))
    if role in _OWN:
        return scene.table[:, _OWN[role]]
    if role in _SEEN:
        return scene.slides[2][:, _SEEN[role]]
    if role in _EDGE_CELLS:
        return _edge_colors(scene, _EDGE_CELLS.index(role))
    if role == "only_other":
        return _only_other(scene)
    if role == "legend":
        parts = image_of(scene.grid).components("x8")
        return legend_partners(scene.grid, parts.table)[scene.table[:, columns.COLOR]].astype(np.int64)
    if role not in _PARTNERS:
        raise ParseError(f"color must be '#' and a digit or one of {', '.join(ROLE_BITS)}, got {role!r}")
    partners = _PARTNERS[role](scene)
    colors: Numbers = np.where(partners >= 0, scene.table[np.maximum(partners, 0), columns.COLOR], NO_COLOR)
    return colors


def _edge_colors(scene: Scene, direction: int) -> Numbers:
    """Return the color at the side of the image, in line with the middle of each object."""
    height, width = scene.shape
    row, column = scene.centers[:, 0] // 2, scene.centers[:, 1] // 2
    ends = ((0, column), (height - 1, column), (row, 0), (row, width - 1))
    colors: Numbers = scene.grid[ends[direction]].astype(np.int64)
    return colors


def _only_other(scene: Scene) -> Numbers:
    """Return the one color of the image that is neither background nor in the object."""
    present: NDArray[np.bool_] = np.bincount(scene.grid.ravel(), minlength=NUM_COLORS) > 0
    present[scene.background] = False
    others = present[None] & (scene.inside == 0)
    return np.where(others.sum(axis=1) == 1, others.argmax(axis=1), NO_COLOR)
