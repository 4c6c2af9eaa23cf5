"""Planes of connected components: each cell tells the properties of the component that it belongs to."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.kernels import planes_objects as objects
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.planes import SEGMENTATIONS, Block, Components, Group, Image, color, flag, number, stack

_NUMBERS = (
    (objects.SIZE, "size", 3.5),
    (objects.HEIGHT, "height", 4.5),
    (objects.WIDTH, "width", 4.5),
    (objects.HOLES, "holes", 3.5),
    (objects.RANK, "rank", 4.0),
    (objects.RANK_UP, "rank_up", 4.5),
    (objects.SAME_SIZE, "same_size", 5.0),
    (objects.SAME_SHAPE, "same_shape", 5.0),
    (objects.COLORS, "colors", 4.5),
    (objects.AREA, "area", 5.0),
    (objects.SAME_COLOR, "same_color", 5.0),
)
_FLAGS = (
    (objects.AT_EDGE, "at_edge", 3.0),
    (objects.FULL_BOX, "full_box", 4.0),
    (objects.SQUARE, "square", 4.5),
    (objects.MIRROR_LR, "symmetric_lr", 4.5),
    (objects.MIRROR_UD, "symmetric_ud", 4.5),
    (objects.MIRROR_DIAGONAL, "symmetric_diagonal", 5.5),
    (objects.LARGEST, "largest", 3.5),
    (objects.SMALLEST, "smallest", 3.5),
    (objects.ODD, "odd", 5.0),
)
_COLORS = ((objects.COLOR, "color", 4.0), (objects.RAREST, "rarest", 4.0), (objects.AROUND, "around", 4.5))
_PLACES = (
    ("top", 5.0),
    ("left", 5.0),
    ("bottom", 5.0),
    ("right", 5.0),
    ("ring", 4.5),
    ("checker", 6.0),
    ("ring%2", 6.0),
    ("top%2", 6.0),
    ("left%2", 6.0),
)
_COLUMNS = [column for column, _, _ in (*_NUMBERS, *_FLAGS, *_COLORS)]
_OUTSIDE = np.array([NONE] * len(_NUMBERS) + [0] * len(_FLAGS) + [NO_COLOR] * len(_COLORS))


def _segment(segmentation: str, image: Image) -> Block:
    parts = image.components(segmentation)
    known = np.concatenate([np.minimum(parts.table[:, _COLUMNS], NONE - 1), _OUTSIDE[None]]).astype(np.uint8)
    properties = known.T[:, parts.labels]
    filled = parts.filled(image.background)
    return np.concatenate(
        [properties, objects.box_positions(parts.labels, parts.table), _boxes(image, parts, filled)], dtype=np.uint8
    )


def _boxes(image: Image, parts: Components, filled: NDArray[np.int64]) -> Block:
    """Return whether a cell is in a component, in a component's box, that box's color, and the extreme colors."""
    in_part = parts.labels >= 0
    if not len(filled):
        return stack([in_part, 0, NO_COLOR, NO_COLOR, NO_COLOR], image.shape)
    order = filled[np.argsort(-parts.table[filled, objects.AREA], kind="stable")]
    boxes = objects.paint_boxes(image.shape, parts.table, order)
    sizes, colors = parts.table[filled, objects.SIZE], parts.table[filled, objects.COLOR]
    largest, smallest = colors[sizes.argmax()], colors[sizes.argmin()]
    return stack([in_part, boxes < NO_COLOR, boxes, np.array(largest), np.array(smallest)], image.shape)


def _segment_group(segmentation: str) -> Group:
    extra = SEGMENTATIONS[segmentation][3]
    named = f"{segmentation}."
    return Group(
        f"objects_{segmentation}",
        (
            *(number(named + name, cost + extra) for _, name, cost in _NUMBERS),
            *(flag(named + name, cost + extra) for _, name, cost in _FLAGS),
            *(color(named + name, cost + extra) for _, name, cost in _COLORS),
            *(number(named + name, cost + extra) for name, cost in _PLACES),
            flag(named + "middle", 6.0 + extra),
            flag(named + "inside", 3.0),
            flag(named + "boxed", 4.0 + extra),
            color(named + "box_color", 4.5 + extra),
            color(named + "largest_color", 4.0),
            color(named + "smallest_color", 4.0),
        ),
        partial(_segment, segmentation),
        (
            *(("own", named + name, 5.0) for name in ("largest_color", "smallest_color")),
            *(("own", named + name, 5.0 + extra / 2) for name in ("color", "rarest")),
        ),
    )


def _contacts(image: Image) -> Block:
    planes = []
    for segmentation in ("m4", "m8"):
        parts = image.components(segmentation)
        touching = np.concatenate([parts.outside > 0, np.zeros((1, NUM_COLORS), bool)])
        planes.append(touching.T[:, parts.labels].astype(np.uint8))
        if segmentation == "m4":
            planes.append(touching.sum(axis=1).astype(np.uint8)[parts.labels][None])
    parts = image.components("x8")
    inside = np.concatenate([np.minimum(parts.inside, NONE - 1), np.full((1, NUM_COLORS), NONE)]).astype(np.uint8)
    held = inside.T[:, parts.labels]
    planes += [((held > 0) & (held != NONE)).astype(np.uint8), held]
    return np.concatenate(planes)


CONTACTS = Group(
    "contacts",
    (
        *(flag(f"m4.touches_#{c}", 4.0) for c in range(NUM_COLORS)),
        number("m4.touches", 4.5),
        *(flag(f"m8.touches_#{c}", 4.0) for c in range(NUM_COLORS)),
        *(flag(f"x8.has_#{c}", 3.5) for c in range(NUM_COLORS)),
        *(number(f"x8.count_#{c}", 5.0) for c in range(NUM_COLORS)),
    ),
    _contacts,
    basic=False,
)


def _symmetric(image: Image) -> Block:
    parts = image.components("x8")
    if not len(parts.table):
        return np.full((6, *image.shape), NO_COLOR, np.uint8)
    order = np.argsort(-parts.table[:, objects.AREA], kind="stable")
    template = int(parts.table[:, objects.SIZE].argmax())
    return objects.paint_symmetric(image.grid, parts.table, order, template)


BOX_SYMMETRY = Group(
    "box_symmetry",
    (
        *(color(f"x8.{name}", 4.5) for name in ("mirror_lr", "mirror_ud", "turned_180", "transposed", "turned_90")),
        color("x8.like_largest", 5.0),
    ),
    _symmetric,
    basic=False,
)

GROUPS = (*(_segment_group(name) for name in SEGMENTATIONS), CONTACTS, BOX_SYMMETRY)
