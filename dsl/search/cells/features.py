"""Planes of single cells: colors, mirrored cells, rays, neighbors, rows and columns, positions, distances."""

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.kernels import planes as kernels
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.planes import Block, Group, Image, color, flag, number, stack

DIRECTIONS = ("up", "down", "left", "right", "up_left", "up_right", "down_left", "down_right")
OPPOSITE = (("up", "down"), ("left", "right"), ("up_left", "down_right"), ("up_right", "down_left"))
_FIRST = (0, 2, 4, 5)
_SECOND = (1, 3, 7, 6)


def _roles(image: Image) -> Block:
    ranked = image.ranked_colors
    roles = [image.background, *(ranked[k] if k < len(ranked) else NO_COLOR for k in range(4))]
    filled = image.grid != image.background
    return stack([image.grid, *roles, ranked[-1] if ranked else NO_COLOR, filled], image.shape)


ROLE_NAMES = ("background", "common_1", "common_2", "common_3", "common_4", "rarest")
ROLES = Group(
    "roles",
    (color("own", 0.5), *(color(name, 2.0) for name in ROLE_NAMES), flag("filled", 1.5)),
    _roles,
    tuple(("own", name, 4.0) for name in ROLE_NAMES),
)


def _near(image: Image) -> Block:
    height, width = image.shape
    padded = np.full((height + 2, width + 2), NO_COLOR, np.uint8)
    padded[1:-1, 1:-1] = image.grid
    steps = zip(kernels.ROW_STEPS.tolist(), kernels.COLUMN_STEPS.tolist(), strict=True)
    return stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in steps], image.shape)


NEAR = Group(
    "near",
    tuple(color(f"near_{name}", 3.0 if k < 4 else 4.0) for k, name in enumerate(DIRECTIONS)),
    _near,
    tuple((f"near_{a}", f"near_{b}", 4.5) for a, b in OPPOSITE),
)


def _rays(image: Image) -> Block:
    colors, steps, changes = image.rays
    shortest = steps[:4].argmin(axis=0)
    nearest_4 = np.take_along_axis(colors[:4], shortest[None], axis=0)
    nearest_8 = np.take_along_axis(colors, steps.argmin(axis=0)[None], axis=0)
    opposite = [(colors[a] == colors[b]) & (colors[a] < NO_COLOR) for a, b in zip(_FIRST, _SECOND, strict=True)]
    between = np.full(image.shape, NO_COLOR, np.uint8)
    for k in (3, 2, 1, 0):
        between = np.where(opposite[k], colors[_FIRST[k]], between)
    any_4, all_4 = opposite[0] | opposite[1], opposite[0] & opposite[1]
    more = stack([any_4, all_4, any_4 | opposite[2] | opposite[3], between], image.shape)
    return np.concatenate([colors, steps, changes, nearest_4, nearest_8, more])


RAYS = Group(
    "rays",
    (
        *(color(f"ray_{name}", 3.0 if k < 4 else 4.5) for k, name in enumerate(DIRECTIONS)),
        *(number(f"ray_{name}.steps", 4.5 if k < 4 else 6.0) for k, name in enumerate(DIRECTIONS)),
        *(color(f"change_{name}", 4.0 if k < 4 else 5.5) for k, name in enumerate(DIRECTIONS)),
        color("nearest_ray_4", 4.0),
        color("nearest_ray_8", 4.5),
        flag("between_any_4", 4.0),
        flag("between_all_4", 4.0),
        flag("between_any_8", 5.0),
        color("between", 4.0),
    ),
    _rays,
    tuple((f"ray_{a}", f"ray_{b}", 4.0) for a, b in OPPOSITE),
)


def _mirrors(image: Image) -> Block:
    grid, shape = image.grid, image.shape
    square = shape[0] == shape[1]
    return stack(
        [
            grid[:, ::-1],
            grid[::-1],
            grid[::-1, ::-1],
            grid.T if square else NO_COLOR,
            grid[::-1, ::-1].T if square else NO_COLOR,
            grid[:, :1],
            grid[:, -1:],
            grid[:1],
            grid[-1:],
            _majority(image, 1)[:, None],
            _majority(image, 0)[None],
        ],
        shape,
    )


def _majority(image: Image, axis: int) -> NDArray[np.uint8]:
    """Return the most common filled color of each row (axis 1) or column (axis 0)."""
    counts = np.stack([(image.grid == c).sum(axis=axis) for c in range(NUM_COLORS)])
    counts[image.background] = 0
    return np.where(counts.max(axis=0) > 0, counts.argmax(axis=0), NO_COLOR).astype(np.uint8)


_MIRRORS = (
    *(color(name, 3.5) for name in ("mirror_lr", "mirror_ud", "turned_180")),
    *(color(name, 4.0) for name in ("transposed", "antitransposed", "row_first", "row_last", "column_first")),
    *(color(name, 4.0) for name in ("column_last", "row_majority", "column_majority")),
)
MIRRORS = Group(
    "mirrors",
    _MIRRORS,
    _mirrors,
    (*(("own", spec.name, 3.0 + spec.cost / 2) for spec in _MIRRORS), ("row_majority", "column_majority", 6.0)),
)


def _counts(image: Image) -> Block:
    colors = image.rays[0]
    own_rank = np.zeros(NUM_COLORS, np.uint8)
    for k, c in enumerate(image.ranked_colors):
        own_rank[c] = k + 1
    rest = [
        (colors[:4] < NO_COLOR).sum(axis=0),
        (colors < NO_COLOR).sum(axis=0),
        np.minimum(image.color_counts, NONE - 1)[image.grid],
        own_rank[image.grid],
    ]
    summary = kernels.neighbor_summary(image.grid, image.background)
    return np.concatenate([kernels.color_counts(image.grid, colors), summary, stack(rest, image.shape)])


COUNTS = Group(
    "counts",
    (
        *(number(f"neighbors_8.#{c}", 4.0) for c in range(NUM_COLORS)),
        *(number(f"neighbors_4.#{c}", 4.0) for c in range(NUM_COLORS)),
        *(number(f"rays_4.#{c}", 4.5) for c in range(NUM_COLORS)),
        *(number(f"rays_8.#{c}", 5.5) for c in range(NUM_COLORS)),
        *(number(f"row.#{c}", 4.5) for c in range(NUM_COLORS)),
        *(number(f"column.#{c}", 4.5) for c in range(NUM_COLORS)),
        *(number(f"neighbors_{name}", 3.5) for name in ("8.own", "4.own", "8.filled", "4.filled")),
        color("neighbors_8.majority", 4.0),
        number("rays_4.filled", 3.5),
        number("rays_8.filled", 4.5),
        number("own.count", 4.5),
        number("own.rank", 4.0),
    ),
    _counts,
)


def _position(image: Image) -> Block:
    height, width = image.shape
    row, column = np.mgrid[0:height, 0:width]
    row_back, column_back = height - 1 - row, width - 1 - column
    frame = np.minimum(np.minimum(row, row_back), np.minimum(column, column_back))
    planes = [row, column, row_back, column_back, frame]
    for k in (2, 3, 4):
        planes += [
            row % k,
            column % k,
            (row + column) % k,
            (row - column) % k,
            row_back % k,
            column_back % k,
            frame % k,
        ]
    planes += [row == column, row + column == width - 1, row == row_back, column == column_back]
    return stack(planes, image.shape)


def _remainders(k: int) -> tuple[tuple[str, float], ...]:
    half = k / 2
    return (
        (f"row%{k}", 4.0 + half),
        (f"column%{k}", 4.0 + half),
        (f"row+column%{k}", 4.5 + half),
        (f"row-column%{k}", 5.0 + half),
        (f"row_back%{k}", 4.5 + half),
        (f"column_back%{k}", 4.5 + half),
        (f"frame%{k}", 4.5 + half),
    )


POSITION = Group(
    "position",
    (
        *(number(name, 4.5) for name in ("row", "column", "row_back", "column_back")),
        number("frame", 4.0),
        *(number(name, cost) for k in (2, 3, 4) for name, cost in _remainders(k)),
        flag("diagonal", 4.0),
        flag("antidiagonal", 4.0),
        flag("middle_row", 4.5),
        flag("middle_column", 4.5),
    ),
    _position,
)


def _lines(image: Image) -> Block:
    grid, filled = image.grid, image.grid != image.background
    planes: list[NDArray[np.generic]] = []
    for axis in (1, 0):
        count = filled.sum(axis=axis, keepdims=True)
        first = grid[:, :1] if axis == 1 else grid[:1]
        kinds = np.stack([(grid == c).any(axis=axis) for c in range(NUM_COLORS)]).sum(axis=0)
        uniform = (grid == first).all(axis=axis, keepdims=True)
        planes += [count, count == count.max(), uniform, np.expand_dims(kinds, axis)]
    return stack(planes, image.shape)


LINES = Group(
    "lines",
    tuple(
        spec
        for line in ("row", "column")
        for spec in (
            number(f"{line}.filled", 4.0),
            flag(f"{line}.fullest", 4.5),
            flag(f"{line}.uniform", 4.0),
            number(f"{line}.colors", 4.5),
        )
    ),
    _lines,
)


def _distances(image: Image) -> Block:
    return stack(kernels.nearest(image.grid, image.background), image.shape)


DISTANCES = Group(
    "distances",
    (number("nearest.king", 4.0), number("nearest.rook", 4.5), color("nearest.color", 4.0)),
    _distances,
)


def _parities(image: Image) -> Block:
    steps, near = image.rays[1], image.block(DISTANCES)[:2]
    straight = steps[:4]
    hit = straight != NONE
    planes: list[NDArray[np.generic]] = [_remainder(plane, k) for plane in (*steps, *near) for k in (2, 3)]
    planes += [((straight % 2 == 1) & hit).any(axis=0), ((straight % 2 == 0) & hit).any(axis=0), straight.min(axis=0)]
    filled = image.grid != image.background
    for axis in (1, 0):
        places = np.flatnonzero(filled.any(axis=axis))
        along = np.arange(image.shape[1 - axis])
        for offset in (along - places[0], places[-1] - along) if len(places) else (None, None):
            for k in (None, 2, 3, 4):
                planes.append(_along(offset, k, axis, image))
    return stack(planes, image.shape)


def _remainder(plane: NDArray[np.uint8], divisor: int) -> NDArray[np.uint8]:
    return np.where(plane == NONE, NONE, plane % divisor).astype(np.uint8)


def _along(offset: NDArray[np.int64] | None, divisor: int | None, axis: int, image: Image) -> NDArray[np.generic]:
    """Spread an offset along rows (axis 1) or columns (axis 0): itself where it is not negative, or its remainder."""
    length = image.shape[1 - axis]
    if offset is None:
        line = np.full(length, NONE)
    elif divisor is None:
        line = np.where(offset < 0, NONE, offset)
    else:
        line = offset % divisor
    return line[:, None] if axis == 1 else line[None]


PARITIES = Group(
    "parities",
    (
        *(number(f"ray_{name}.steps%{k}", 5.5 if d < 4 else 6.5) for d, name in enumerate(DIRECTIONS) for k in (2, 3)),
        *(number(f"nearest.{name}%{k}", 5.5) for name in ("king", "rook") for k in (2, 3)),
        flag("ray_steps.any_odd", 6.0),
        flag("ray_steps.any_even", 6.0),
        number("ray_steps.least", 5.0),
        *(
            number(f"from_{side}" + (f"%{k}" if k else ""), 6.0 if k else 5.5)
            for side in ("top", "bottom", "left", "right")
            for k in (None, 2, 3, 4)
        ),
    ),
    _parities,
    basic=False,
)

GROUPS = (ROLES, NEAR, RAYS, MIRRORS, COUNTS, POSITION, LINES, DISTANCES, PARITIES)
