"""The form ``stack_objects``: an output that lines up the crops of several objects.

``stack_objects("components", "color", "kept", "down", "size", "falling", when("at_edge", "leave"), "take")``
orders the objects taken by falling size and puts their pictures one below the other.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import MAX_SIDE, Grid, same_grid, seal
from dsl.kernels.bitsets import NUMBER_PLANE
from dsl.program import Call, Program, form, text_literal
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote
from dsl.search.objects.crops import CUTS, TRANSFORMS, crop
from dsl.search.objects.properties import plane_index, plane_kind, scene_planes
from dsl.search.objects.rules import choose, read_rules, read_text
from dsl.search.objects.segments import SEGMENTATION_BITS, Scene, scene_of
from dsl.search.objects.subsets import TAKE, Subsets, find_subsets
from dsl.task import Task

FORM = "stack_objects"

AXES = {"down": 0, "right": 1}
SENSES = {"rising": 1, "falling": -1}
ORDERS = {"left": 2.0, "top": 2.0, "size": 2.0, "filled": 2.5, "colors": 3.5, "same_color": 3.0, "same_image": 3.5}
"""Numbers of objects that they are ordered by, with their bits; equals stay in reading order."""

_PICTURES = (("color", "kept"), ("box", "kept"), ("own", "kept"), ("box", "without_repeats"))
_MAX_SUBSETS = 60
_SHARED_BITS = 2.0


def stack(
    scene: Scene, pictures: Sequence[Grid | None], taken: NDArray[np.bool_], axis: int, order: str, sense: int
) -> Grid | None:
    """Put the pictures of the taken objects in a row or column; None if they do not fit or are too many."""
    values = sense * scene_planes(scene)[plane_index()[order]].astype(np.int64)
    chosen = [pictures[q] for q in np.argsort(values, kind="stable").tolist() if taken[q]]
    parts = [picture for picture in chosen if picture is not None]
    if len(parts) != len(chosen) or not parts or len({picture.shape[1 - axis] for picture in parts}) > 1:
        return None
    if sum(picture.shape[axis] for picture in parts) > MAX_SIDE:
        return None
    return seal(np.concatenate(parts, axis=axis))


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) < 7:
        raise ParseError(f"{FORM} takes a segmentation, a cut, a transform, a direction, an order, a sense and rules")
    segmentation, cut, transform, direction, order, sense = (read_text(argument) for argument in arguments[:6])
    if direction not in AXES or sense not in SENSES:
        allowed = f"{' or '.join(AXES)} and {' or '.join(SENSES)}"
        raise ParseError(f"objects are stacked {allowed}, got {direction!r} and {sense!r}")
    if order not in plane_index() or plane_kind(order) != NUMBER_PLANE:
        raise ParseError(f"objects are ordered by a number such as {', '.join(ORDERS)}, got {order!r}")
    scene = scene_of(grid, segmentation)
    taken = np.array([choice == TAKE for choice in choose(*read_rules(arguments[6:]), scene)])
    pictures = [crop(scene, q, cut, transform) for q in range(scene.count)]
    result = stack(scene, pictures, taken, AXES[direction], order, SENSES[sense])
    if result is None:
        raise PrimitiveError("the pictures of the objects taken do not form one row or column")
    return result


def vote_stacks(task: Task, segmentation: str, scenes: list[Scene], meter: Meter) -> list[Vote]:
    """Return the predictions of all stacks under a segmentation that give every demonstration's output."""
    outputs = [example.output for example in task.train]
    if any(scene.count < 2 for scene in scenes):
        return []
    votes: list[Vote] = []
    subsets: Subsets | None = None
    for cut, transform in _PICTURES:
        pictures = [[crop(scene, q, cut, transform) for q in range(scene.count)] for scene in scenes]
        for direction, axis in AXES.items():
            if not all(_could_fit(row, output, axis) for row, output in zip(pictures, outputs, strict=False)):
                continue
            meter.spend(1)
            subsets = subsets or find_subsets(scenes, len(outputs))
            head = (segmentation, cut, transform, direction)
            votes.extend(_votes_for(head, pictures, scenes, outputs, subsets))
    return votes


def _could_fit(pictures: Sequence[Grid | None], output: Grid, axis: int) -> bool:
    """Tell whether several pictures are as wide as the output across the axis, and together long enough."""
    across = [p.shape[axis] for p in pictures if p is not None and p.shape[1 - axis] == output.shape[1 - axis]]
    return len(across) > 1 and sum(across) >= output.shape[axis] > min(across)


def _votes_for(
    head: tuple[str, str, str, str],
    pictures: Sequence[Sequence[Grid | None]],
    scenes: list[Scene],
    outputs: Sequence[Grid],
    subsets: Subsets,
) -> Iterator[Vote]:
    segmentation, cut, transform, direction = head
    axis = AXES[direction]
    bits = SEGMENTATION_BITS[segmentation] + CUTS[cut] + TRANSFORMS[transform][0] + _SHARED_BITS
    bounds = np.cumsum([scene.count for scene in scenes])[:-1]
    for k in _fitting(pictures, outputs, axis, subsets.chosen)[:_MAX_SUBSETS]:
        taken = np.split(subsets.chosen[k], bounds)
        for (order, order_bits), (sense, sign) in product(ORDERS.items(), SENSES.items()):
            drawn = (
                stack(scene, row, part, axis, order, sign)
                for scene, row, part in zip(scenes, pictures, taken, strict=True)
            )
            if not all((grid := next(drawn)) is not None and same_grid(grid, output) for output in outputs):
                continue
            predicted = tuple(drawn)

            def write(k: int = k, order: str = order, sense: str = sense) -> Program:
                return Call(FORM, (*(text_literal(word) for word in (*head, order, sense)), *subsets.write(k)))

            total = bits + order_bits + float(subsets.bits[k])
            yield Vote(total, predicted, write)


def _fitting(
    pictures: Sequence[Sequence[Grid | None]], outputs: Sequence[Grid], axis: int, chosen: NDArray[np.bool_]
) -> list[int]:
    """Return the subsets whose pictures together have the outputs' sizes."""
    fitting = np.ones(len(chosen), np.bool_)
    start = 0
    for row, output in zip(pictures, outputs, strict=False):
        part = chosen[:, start : start + len(row)]
        start += len(row)
        wide = np.array([p is not None and p.shape[1 - axis] == output.shape[1 - axis] for p in row])
        lengths = np.array([0 if p is None else p.shape[axis] for p in row])
        fitting &= ~(part & ~wide).any(axis=1) & (part @ lengths == output.shape[axis])
    return np.flatnonzero(fitting).tolist()
