"""Planes over the objects of a scene: what predicates may test, one column per object.

Numbers come with their extremes and their commonness: ``size``, ``max_size``, ``min_size``, ``only_size`` (no other
object has it), ``common_size`` (most objects have it).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.kernels import planes_objects as columns
from dsl.kernels.bitsets import COLOR_PLANE, FLAG_PLANE, NONE, NUMBER_PLANE
from dsl.kernels.objects import EDGE
from dsl.kernels.planes import NO_COLOR
from dsl.search.cells.features_axis import lies_in_rows
from dsl.search.cells.predicates import Items, PlaneSpec
from dsl.search.objects.roles import color_values
from dsl.search.objects.segments import Scene

Numbers = NDArray[np.int64]

_TABLE_NUMBERS: tuple[tuple[str, int, float], ...] = (
    ("size", columns.SIZE, 2.0),
    ("height", columns.HEIGHT, 3.0),
    ("width", columns.WIDTH, 3.0),
    ("colors", columns.COLORS, 3.0),
    ("holes", columns.HOLES, 2.5),
    ("area", columns.AREA, 3.5),
    ("same_size", columns.SAME_SIZE, 4.0),
    ("same_shape", columns.SAME_SHAPE, 3.5),
    ("same_color", columns.SAME_COLOR, 3.5),
    ("rank", columns.RANK, 3.0),
    ("rank_up", columns.RANK_UP, 3.5),
    ("top", columns.TOP, 4.0),
    ("left", columns.LEFT, 4.0),
)
_DERIVED_NUMBERS: tuple[tuple[str, float], ...] = (
    ("bottom", 4.0),
    ("right", 4.0),
    ("filled", 3.0),
    ("filled_colors", 3.5),
    ("touching", 4.0),
    ("contained", 3.5),
    ("from_left", 4.0),
    ("from_top", 4.0),
    ("same_image", 3.5),
    ("rarest_cells", 4.5),
    ("ends", 3.5),
    ("corners", 3.5),
    ("notches", 3.5),
    ("same_kind", 3.5),
    ("edges", 3.5),
    ("rank_in_color", 3.5),
)
_FLAGS: tuple[tuple[str, int, float], ...] = (
    ("at_edge", columns.AT_EDGE, 2.5),
    ("full_box", columns.FULL_BOX, 3.0),
    ("square", columns.SQUARE, 3.5),
    ("symmetric_lr", columns.MIRROR_LR, 3.5),
    ("symmetric_ud", columns.MIRROR_UD, 3.5),
    ("symmetric_diagonal", columns.MIRROR_DIAGONAL, 4.0),
    ("odd_size", columns.ODD, 4.0),
)
_DERIVED_FLAGS: tuple[tuple[str, float], ...] = (
    ("tall", 3.0),
    ("wide", 3.0),
    ("symmetric", 3.0),
    ("only_shape", 2.0),
    ("common_shape", 2.5),
    ("only_color", 2.0),
    ("common_color", 2.5),
    ("rare_color", 3.0),
    ("only_image", 2.0),
    ("common_image", 2.0),
    ("container", 3.5),
    ("inside_other", 3.5),
    ("in_line_with_same_color", 4.0),
    ("meets_same_color", 3.5),
    ("level_with_same_color", 4.0),
    ("meets_object", 3.5),
    ("odd_filled", 4.0),
    ("odd_top", 4.0),
    ("odd_bottom", 4.0),
    ("odd_left", 4.0),
    ("odd_right", 4.0),
    ("image_lies_in_rows", 5.0),
)
_COLORS: tuple[tuple[str, float], ...] = (
    ("color", -1.0),
    ("rarest", 1.5),
    ("around", 0.5),
    ("nearest_color", 2.0),
    ("seen_up", 1.5),
    ("seen_down", 1.5),
    ("seen_left", 1.5),
    ("seen_right", 1.5),
    ("container_color", 2.0),
    ("contained_color", 2.0),
    ("same_shape_color", 2.5),
    ("same_kind_color", 3.0),
)
_PARTNER_COLORS = ("container", "contained", "same_shape", "same_kind")

_PAIRS: tuple[tuple[str, str, float], ...] = (
    ("color", "around", 4.0),
    ("color", "nearest_color", 4.0),
    *(("color", f"seen_{name}", 5.0) for name in ("up", "down", "left", "right")),
    ("seen_up", "seen_down", 5.0),
    ("seen_left", "seen_right", 5.0),
)


@lru_cache(maxsize=1)
def plane_specs() -> tuple[PlaneSpec, ...]:
    """Return the descriptions of all planes, in the order of :func:`object_planes`."""
    numbers = [(name, bits) for name, _, bits in _TABLE_NUMBERS] + list(_DERIVED_NUMBERS)
    specs = [PlaneSpec(name, NUMBER_PLANE, bits) for name, bits in numbers]
    for name, bits in numbers:
        extra = (("max", 0.0), ("min", 0.0), ("only", 1.0), ("common", 1.5))
        specs.extend(PlaneSpec(f"{way}_{name}", FLAG_PLANE, bits + more) for way, more in extra)
    specs.extend(PlaneSpec(name, FLAG_PLANE, bits) for name, _, bits in _FLAGS)
    specs.extend(PlaneSpec(name, FLAG_PLANE, bits) for name, bits in _DERIVED_FLAGS)
    specs.extend(PlaneSpec(name, COLOR_PLANE, bits) for name, bits in _COLORS)
    for color in range(NUM_COLORS):
        specs.append(PlaneSpec(f"has_{color}", FLAG_PLANE, 2.0))
        specs.append(PlaneSpec(f"box_has_{color}", FLAG_PLANE, 3.0))
        specs.append(PlaneSpec(f"cells_{color}", NUMBER_PLANE, 2.5))
        specs.append(PlaneSpec(f"most_{color}", FLAG_PLANE, 3.0))
        specs.append(PlaneSpec(f"least_{color}", FLAG_PLANE, 3.5))
    return tuple(specs)


@lru_cache(maxsize=1)
def plane_index() -> dict[str, int]:
    """Return the row of each plane by name."""
    return {spec.name: k for k, spec in enumerate(plane_specs())}


def plane_kind(name: str) -> int:
    """Return the kind of a plane; raises ``KeyError`` if there is none."""
    return plane_specs()[plane_index()[name]].kind


def object_planes(scene: Scene) -> NDArray[np.uint8]:
    """Return all planes of a scene, ``(planes, objects)`` uint8."""
    table = scene.table
    filled = _filled(scene)
    numbers = [table[:, column] for _, column, _ in _TABLE_NUMBERS] + _derived_numbers(scene, filled)
    rows: list[NDArray[np.generic]] = [np.clip(values, 0, NONE - 1) for values in numbers]
    for values in numbers:
        rows.extend((values == values.max(), values == values.min(), *_commonness(values)[:2]))
    rows.extend(table[:, column] for _, column, _ in _FLAGS)
    rows.extend(_derived_flags(scene, filled))
    rows.extend(_colors(scene))
    boxes = np.stack([np.bincount(scene.grid[scene.box(q)].ravel(), minlength=NUM_COLORS) for q in range(scene.count)])
    for color in range(NUM_COLORS):
        cells = scene.inside[:, color]
        rows.extend((cells > 0, boxes[:, color] > 0, np.minimum(cells, NONE - 1)))
        rows.extend((cells == cells.max(), cells == cells.min()))
    return np.array(rows).astype(np.uint8)


def object_items(scenes: list[Scene], train_count: int) -> Items:
    """Return the objects of several scenes, demonstrations first, as items of the decision-list learner."""
    planes = np.ascontiguousarray(np.concatenate([scene_planes(scene) for scene in scenes], axis=1))
    index = plane_index()
    pairs = tuple((index[a], index[b], bits) for a, b, bits in _PAIRS)
    return Items(planes, plane_specs(), pairs, sum(scene.count for scene in scenes[:train_count]))


@lru_cache(maxsize=256)
def scene_planes(scene: Scene) -> NDArray[np.uint8]:
    """Return the planes of a scene, from the cache if it was seen lately."""
    return object_planes(scene)


def _filled(scene: Scene) -> Numbers:
    """Count cells that are not background by object and color, ``(objects, 10)``."""
    filled = scene.inside.copy()
    if scene.segmentation != "regions":
        filled[:, scene.background] = 0
    return filled


def _commonness(values: NDArray[np.generic]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which values occur once, as often as any, and as seldom as any."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    times = counts[inverse]
    return times == 1, times == times.max(), times == times.min()


def _derived_numbers(scene: Scene, filled: Numbers) -> list[Numbers]:
    table = scene.table
    height, width = scene.shape
    _, inverse, counts = np.unique(scene.images, return_inverse=True, return_counts=True)
    rarest = scene.inside[np.arange(scene.count), table[:, columns.RAREST]]
    return [
        height - 1 - table[:, columns.BOTTOM],
        width - 1 - table[:, columns.RIGHT],
        filled.sum(axis=1),
        (filled > 0).sum(axis=1),
        _touching(scene).sum(axis=1),
        scene.contains.sum(axis=1),
        _places(table[:, columns.LEFT]),
        _places(table[:, columns.TOP]),
        counts[inverse],
        rarest,
        scene.outlines.ends,
        scene.outlines.corners,
        scene.outlines.notches,
        scene.outlines.same_kind,
        scene.outlines.edges,
        _rank_in_color(table),
    ]


def _rank_in_color(table: Numbers) -> Numbers:
    """Count for each object the larger objects of its color."""
    sizes, colors = table[:, columns.SIZE], table[:, columns.COLOR]
    larger: Numbers = ((sizes > sizes[:, None]) & (colors == colors[:, None])).sum(axis=1)
    return larger


def _places(values: Numbers) -> Numbers:
    """Return for each value how many distinct values are smaller."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _touching(scene: Scene) -> NDArray[np.bool_]:
    """Tell which objects share a side of a cell or a corner, ``(objects, objects)``."""
    padded = np.full((scene.shape[0] + 2, scene.shape[1] + 2), -1, np.int32)
    padded[1:-1, 1:-1] = scene.labels
    here = scene.labels
    met = np.zeros((scene.count + 1, scene.count + 1), np.bool_)
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        there = padded[1 + dy : 1 + dy + here.shape[0], 1 + dx : 1 + dx + here.shape[1]]
        met[here, there] = True
        met[there, here] = True
    touching = met[:-1, :-1].copy()
    np.fill_diagonal(touching, False)
    return touching


def _derived_flags(scene: Scene, filled: Numbers) -> list[NDArray[np.bool_]]:
    table = scene.table
    shapes = _commonness(table[:, columns.SHAPE_HASH])
    colors = _commonness(table[:, columns.COLOR])
    images = _commonness(scene.images)
    same_color = table[:, columns.COLOR][:, None] == table[:, columns.COLOR]
    apart = np.abs(scene.centers[:, None] - scene.centers[None]).min(axis=2) == 0
    in_line = same_color & apart
    np.fill_diagonal(in_line, False)
    return [
        table[:, columns.HEIGHT] > table[:, columns.WIDTH],
        table[:, columns.WIDTH] > table[:, columns.HEIGHT],
        (table[:, columns.MIRROR_LR] > 0) | (table[:, columns.MIRROR_UD] > 0),
        *shapes[:2],
        *colors,
        *images[:2],
        scene.contains.any(axis=1),
        scene.contains.any(axis=0),
        in_line.any(axis=1),
        (scene.slides[2][:, :4] == table[:, columns.COLOR][:, None]).any(axis=1),
        (same_color & (scene.shares[0] ^ scene.shares[1])).any(axis=1),
        (scene.slides[1][:, :4] != EDGE).any(axis=1),
        filled.sum(axis=1) % 2 == 1,
        table[:, columns.TOP] % 2 == 1,
        (scene.shape[0] - 1 - table[:, columns.BOTTOM]) % 2 == 1,
        table[:, columns.LEFT] % 2 == 1,
        (scene.shape[1] - 1 - table[:, columns.RIGHT]) % 2 == 1,
        np.full(scene.count, lies_in_rows(scene.grid)),
    ]


def _colors(scene: Scene) -> list[Numbers]:
    table = scene.table
    nearest = scene.distances.argmin(axis=1)
    nearest_color = table[nearest, columns.COLOR] if scene.count > 1 else np.full(1, NO_COLOR)
    seen = scene.slides[2]
    return [
        table[:, columns.COLOR],
        table[:, columns.RAREST],
        table[:, columns.AROUND],
        nearest_color,
        *(seen[:, d] for d in range(4)),
        *(color_values(role, scene) for role in _PARTNER_COLORS),
    ]
