"""Objects on the move: by steps, until contact, onto other objects; copies along a direction.

Directions count clockwise from up: 0 up, 2 right, 4 down, 6 left, odd numbers diagonal.
"""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.kernels.colors import background_color
from dsl.kernels.directions import COLUMN_STEPS, ROW_STEPS
from dsl.kernels.paste import paste_into
from dsl.kernels.rays import slide_steps
from dsl.primitives.color import blank
from dsl.primitives.objects import components
from dsl.primitives.results import MAX_OBJECTS, bounded, fail, full_mask, painted, put
from dsl.registry import primitive
from dsl.types import Mask, Object, Objects

_ROWS: list[int] = ROW_STEPS.tolist()
_COLUMNS: list[int] = COLUMN_STEPS.tolist()


def _step(direction: int) -> tuple[int, int]:
    if not 0 <= direction < 8:
        fail(f"a direction is 0..7, clockwise from up, got {direction}")
    return _ROWS[direction], _COLUMNS[direction]


@primitive(cost=5, choices={"down": (-3, -2, -1, 0, 1, 2, 3), "right": (-3, -2, -1, 0, 1, 2, 3)})
def move(item: Object, down: int, right: int) -> Object:
    """Move an object by rows and columns."""
    return put(item, item.top + down, item.left + right)


@primitive(cost=5, choices={"down": (-2, -1, 0, 1, 2), "right": (-2, -1, 0, 1, 2)})
def move_all(objects: Objects, down: int, right: int) -> Objects:
    """Move all objects by rows and columns."""
    return tuple(move(item, down, right) for item in objects)


@primitive(cost=5, choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7)})
def move_by_own_size(objects: Objects, direction: int) -> Objects:
    """Move each object in a direction by the height and width of its bounding box."""
    down, right = _step(direction)
    return tuple(move(item, down * item.mask.shape[0], right * item.mask.shape[1]) for item in objects)


@primitive()
def move_to_corner(item: Object) -> Object:
    """Move an object to the upper left corner."""
    return put(item, 0, 0)


@primitive()
def place_at(item: Object, target: Object) -> Object:
    """Move an object so that its upper left corner is that of another object."""
    return put(item, target.top, target.left)


@primitive()
def center_on(item: Object, target: Object) -> Object:
    """Move an object so that the middle of its bounding box is on that of another object, rounded up and left."""
    return _centered(item, target)


def _centered(item: Object, target: Object) -> Object:
    top = target.top + (target.mask.shape[0] - item.mask.shape[0]) // 2
    left = target.left + (target.mask.shape[1] - item.mask.shape[1]) // 2
    return put(item, top, left)


@primitive()
def stamp(item: Object, targets: Objects) -> Objects:
    """Return a copy of an object centered on each object of a list."""
    return tuple(_centered(item, target) for target in targets)


@primitive(choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7)})
def move_until_contact(item: Object, grid: Grid, direction: int) -> Object:
    """Move an object, seen as part of a grid, in a direction until other content or the side of the grid stops it."""
    down, right = _step(direction)
    background = background_color(grid)
    steps = slide_steps(_without(grid, (item,), background), background, item.mask, item.top, item.left, direction)
    return move(item, down * steps, right * steps)


@primitive(choices={"direction": (0, 2, 4, 6)})
def gravity_of_objects(objects: Objects, grid: Grid, direction: int) -> Objects:
    """Let objects, seen as parts of a grid, fall to a side as rigid bodies; what is not in the list stays."""
    down, right = _step(direction)
    background = background_color(grid)
    occupied = _without(grid, objects, background)
    order = sorted(range(len(objects)), key=lambda k: _distance(objects[k], grid, direction))
    settled = list(objects)
    for k in order:
        item = objects[k]
        steps = slide_steps(occupied, background, item.mask, item.top, item.left, direction)
        settled[k] = move(item, down * steps, right * steps)
        _block(occupied, settled[k], background)
    return tuple(settled)


def _distance(item: Object, grid: Grid, direction: int) -> int:
    """Return how far an object's foremost cells are from the side it moves to."""
    if direction == 0:
        return item.top
    if direction == 2:
        return int(grid.shape[1]) - item.left - int(item.mask.shape[1])
    if direction == 4:
        return int(grid.shape[0]) - item.top - int(item.mask.shape[0])
    return item.left


def _without(grid: Grid, objects: Objects, background: int) -> NDArray[np.uint8]:
    """Return a writable copy of a grid with the objects erased."""
    canvas = grid.copy()
    for item in objects:
        paste_into(canvas, _plain(item.mask, background), item.mask, item.top, item.left)
    return canvas


def _block(canvas: NDArray[np.uint8], item: Object, background: int) -> None:
    """Mark an object's cells as taken in place, whatever their colors."""
    paste_into(canvas, _plain(item.mask, 1 if background == 0 else 0), item.mask, item.top, item.left)


def _plain(mask: Mask, color: int) -> Grid:
    return seal(np.full(mask.shape, color, np.uint8))


@primitive()
def move_to_touch(item: Object, target: Object) -> Object:
    """Move an object straight toward another, up to its bounding box; boxes must share a row or column."""
    height, width = item.mask.shape
    target_bottom, target_right = target.top + target.mask.shape[0], target.left + target.mask.shape[1]
    if item.left < target_right and target.left < item.left + width:
        return put(item, target_bottom if item.top > target.top else target.top - height, item.left)
    if item.top < target_bottom and target.top < item.top + height:
        return put(item, item.top, target_right if item.left > target.left else target.left - width)
    fail("the objects share no row or column")


@primitive(cost=5, choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7), "space": (0, 1)})
def repeat_to_border(item: Object, grid: Grid, direction: int, space: int) -> Objects:
    """Return an object and its copies in a direction, ``space`` cells apart, to the side of the grid."""
    down, right = _step(direction)
    height, width = item.mask.shape
    down, right = down * (height + max(0, space)), right * (width + max(0, space))
    return _series(item, grid, down, right)


@primitive(cost=5, choices={"direction": (0, 1, 2, 3, 4, 5, 6, 7)})
def trail(item: Object, grid: Grid, direction: int) -> Objects:
    """Return an object and its copies on every step in a direction, to the side of the grid."""
    return _series(item, grid, *_step(direction))


def _series(item: Object, grid: Grid, down: int, right: int) -> Objects:
    found: list[Object] = []
    while len(found) <= MAX_OBJECTS and _overlaps(item, grid):
        found.append(item)
        item = move(item, down, right)
    return bounded(tuple(found))


def _overlaps(item: Object, grid: Grid) -> bool:
    height, width = item.mask.shape
    return bool(-height < item.top < grid.shape[0] and -width < item.left < grid.shape[1])


@primitive(cost=5, choices={"direction": (0, 2, 4, 6)})
def reflect(item: Object, direction: int) -> Object:
    """Return the mirror image of an object on the other side of one side of its bounding box."""
    if direction not in (0, 2, 4, 6):
        fail(f"an object is reflected in direction 0, 2, 4 or 6, got {direction}")
    down, right = _step(direction)
    upright = slice(None, None, -1 if down else 1), slice(None, None, -1 if right else 1)
    top, left = item.top + down * item.mask.shape[0], item.left + right * item.mask.shape[1]
    return Object(seal(item.patch[upright]), seal(item.mask[upright]), top, left)


@primitive(cost=5)
def between(first: Object, second: Object) -> Object:
    """Return the rectangle between two bounding boxes that share rows or columns, as an object of 0."""
    top, bottom = max(first.top, second.top), min(first.top + first.mask.shape[0], second.top + second.mask.shape[0])
    left, right = (
        max(first.left, second.left),
        min(first.left + first.mask.shape[1], second.left + second.mask.shape[1]),
    )
    if top < bottom and right < left:
        left, right = right, left
    elif left < right and bottom < top:
        top, bottom = bottom, top
    else:
        fail("nothing lies between the boxes, or they share no row or column")
    return Object(_plain(full_mask(bottom - top, right - left), 0), full_mask(bottom - top, right - left), top, left)


@primitive(cost=5, choices={"direction": (0, 2, 4, 6)})
def gravity_of_components(grid: Grid, direction: int) -> Grid:
    """Let the connected cells of equal color fall to a side as rigid bodies."""
    return painted(blank(grid), gravity_of_objects(components(grid), grid, direction))
