"""Choice of objects: the extreme one, all extreme ones, all others, the unique one, the n-th, sorted lists.

Every criterion gives three primitives: ``largest`` (the first of the largest), ``all_largest`` (every one that is as
large) and ``all_but_largest`` (the rest).
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from dsl.kernels.shapes import color_set, hole_count, main_color
from dsl.primitives.results import fail, some
from dsl.registry import primitive
from dsl.types import Object, Objects

Measure = Callable[[Objects], Sequence[float]]


def cell_count(item: Object) -> int:
    """Return the number of an object's own cells."""
    return int(np.count_nonzero(item.mask))


def color_count(item: Object) -> int:
    """Return the number of colors of an object's own cells."""
    return int(color_set(item.patch, item.mask)).bit_count()


def shape_key(item: Object) -> Hashable:
    """Return a key equal for objects of one shape, whatever their colors and places."""
    return item.mask.shape, item.mask.tobytes()


def image_key(item: Object) -> Hashable:
    """Return a key equal for objects of one shape and coloring, whatever their places."""
    return item.mask.shape, item.mask.tobytes(), item.patch.tobytes()


def _each(measure: Callable[[Object], float]) -> Measure:
    return lambda objects: [measure(item) for item in objects]


def _commonness(key: Callable[[Object], Hashable]) -> Measure:
    def measure(objects: Objects) -> Sequence[float]:
        keys = [key(item) for item in objects]
        counts = Counter(keys)
        return [counts[value] for value in keys]

    return measure


def _negative(measure: Measure) -> Measure:
    return lambda objects: [-value for value in measure(objects)]


def object_color(item: Object) -> int:
    """Return the most common color of an object's own cells (the lowest of equals)."""
    return main_color(item.patch, item.mask)


_BY_SIZE = _each(cell_count)
_BY_BOX = _each(lambda item: item.mask.size)
_BY_COLORS = _each(color_count)
_BY_HOLES = _each(lambda item: hole_count(item.mask))
_BY_DENSITY = _each(lambda item: cell_count(item) / item.mask.size)
_BY_SHAPE = _commonness(shape_key)
_BY_IMAGE = _commonness(image_key)
_BY_COLOR = _commonness(object_color)

_CRITERIA: tuple[tuple[str, str, float, Measure], ...] = (
    ("largest", "with the most cells", 3, _BY_SIZE),
    ("smallest", "with the fewest cells", 3, _negative(_BY_SIZE)),
    ("largest_box", "with the largest bounding box", 5, _BY_BOX),
    ("smallest_box", "with the smallest bounding box", 5, _negative(_BY_BOX)),
    ("tallest", "with the most rows", 5, _each(lambda item: item.mask.shape[0])),
    ("widest", "with the most columns", 5, _each(lambda item: item.mask.shape[1])),
    ("most_colorful", "with the most colors", 4, _BY_COLORS),
    ("least_colorful", "with the fewest colors", 5, _negative(_BY_COLORS)),
    ("most_holes", "with the most holes", 5, _BY_HOLES),
    ("fewest_holes", "with the fewest holes", 6, _negative(_BY_HOLES)),
    ("densest", "that fills most of its bounding box", 5, _BY_DENSITY),
    ("sparsest", "that fills least of its bounding box", 5, _negative(_BY_DENSITY)),
    ("topmost", "whose first row is highest", 4, _each(lambda item: -item.top)),
    ("bottommost", "whose last row is lowest", 4, _each(lambda item: item.top + item.mask.shape[0])),
    ("leftmost", "whose first column is leftmost", 4, _each(lambda item: -item.left)),
    ("rightmost", "whose last column is rightmost", 4, _each(lambda item: item.left + item.mask.shape[1])),
    ("most_common_shape", "whose shape occurs most often", 5, _BY_SHAPE),
    ("rarest_shape", "whose shape occurs least often", 5, _negative(_BY_SHAPE)),
    ("most_common_image", "that occurs most often, shape and colors alike", 4, _BY_IMAGE),
    ("rarest_image", "that occurs least often, shape and colors alike", 4, _negative(_BY_IMAGE)),
    ("most_common_colored", "whose main color occurs most often", 5, _BY_COLOR),
    ("rarest_colored", "whose main color occurs least often", 5, _negative(_BY_COLOR)),
)


def _register_criterion(name: str, which: str, cost: float, measure: Measure) -> None:
    """Register the three primitives of a criterion."""

    def pick(objects: Objects) -> Object:
        values = measure(some(objects))
        return objects[values.index(max(values))]

    def keep(objects: Objects) -> Objects:
        values = measure(objects)
        best = max(values, default=0)
        return tuple(item for item, value in zip(objects, values, strict=True) if value == best)

    def drop(objects: Objects) -> Objects:
        values = measure(objects)
        best = max(values, default=0)
        return tuple(item for item, value in zip(objects, values, strict=True) if value != best)

    pick.__doc__ = f"Return the object {which} (the first of equals)."
    keep.__doc__ = f"Return every object {which}, equals included."
    drop.__doc__ = f"Return the objects without those {which}."
    primitive(name=name, cost=cost)(pick)
    primitive(name=f"all_{name}", cost=cost + 1)(keep)
    primitive(name=f"all_but_{name}", cost=cost + 1)(drop)


for _criterion in _CRITERIA:
    _register_criterion(*_criterion)


def _only(objects: Objects, key: Callable[[Object], Hashable]) -> Object:
    """Return the one object whose key no other object has."""
    keys = [key(item) for item in objects]
    counts = Counter(keys)
    alone = [item for item, value in zip(objects, keys, strict=True) if counts[value] == 1]
    if len(alone) != 1 or len(objects) == 1:
        fail(f"needs exactly one odd object, got {len(alone)} of {len(objects)}")
    return alone[0]


@primitive()
def only_of_its_color(objects: Objects) -> Object:
    """Return the one object whose main color no other object has."""
    return _only(objects, object_color)


@primitive()
def only_of_its_shape(objects: Objects) -> Object:
    """Return the one object whose shape no other object has."""
    return _only(objects, shape_key)


@primitive()
def only_of_its_size(objects: Objects) -> Object:
    """Return the one object whose number of cells no other object has."""
    return _only(objects, cell_count)


@primitive()
def only_of_its_colors(objects: Objects) -> Object:
    """Return the one object whose set of colors no other object has."""
    return _only(objects, lambda item: color_set(item.patch, item.mask))


@primitive(choices={"index": (0, 1, 2, 3, -1, -2)})
def nth(objects: Objects, index: int) -> Object:
    """Return an object by its place in the list, from 0; negative places count from the end."""
    if not -len(objects) <= index < len(objects):
        fail(f"a list of {len(objects)} objects has no place {index}")
    return objects[index]


@primitive()
def middle(objects: Objects) -> Object:
    """Return the object in the middle of the list; the list must be odd in length."""
    if len(objects) % 2 == 0:
        fail(f"a list of {len(objects)} objects has no middle")
    return objects[len(objects) // 2]


@primitive()
def sort_by_size(objects: Objects) -> Objects:
    """Order by number of cells, fewest first; equals keep their order."""
    return tuple(sorted(objects, key=cell_count))


@primitive()
def sort_by_column(objects: Objects) -> Objects:
    """Order by first column, leftmost first; equals keep their order."""
    return tuple(sorted(objects, key=lambda item: item.left))


@primitive()
def sort_by_row(objects: Objects) -> Objects:
    """Order by first row, topmost first; equals keep their order."""
    return tuple(sorted(objects, key=lambda item: item.top))


@primitive(cost=5)
def sort_by_color(objects: Objects) -> Objects:
    """Order by main color, lowest first; equals keep their order."""
    return tuple(sorted(objects, key=object_color))


@primitive(cost=5)
def sort_by_commonness(objects: Objects) -> Objects:
    """Order by how often shape and colors occur in the list, rarest first; equals keep their order."""
    counts = Counter(image_key(item) for item in objects)
    return tuple(sorted(objects, key=lambda item: counts[image_key(item)]))


@primitive()
def reverse(objects: Objects) -> Objects:
    """Turn the order of the list around."""
    return objects[::-1]


@primitive()
def distinct(objects: Objects) -> Objects:
    """Keep the first of each group of objects equal in shape and colors."""
    first: dict[Hashable, Object] = {}
    for item in objects:
        first.setdefault(image_key(item), item)
    return tuple(first.values())
