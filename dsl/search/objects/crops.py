"""The form ``crop_rules``: choose one object of the image; the output is its crop, transformed.

``crop_rules("panels", "box", "flip_left_right", when("max_filled", "take"), "leave")``: ``"box"`` cuts out the whole
bounding box, ``"own"`` only the object's own cells on background. All objects taken must give the same picture.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import MAX_SIDE, Grid, grid_key, seal
from dsl.kernels import planes_objects as columns
from dsl.program import Program, form
from dsl.search.objects.rules import choose, read_rules, read_text
from dsl.search.objects.segments import Scene, scene_of
from dsl.search.objects.subsets import TAKE

FORM = "crop_rules"

Picture = NDArray[np.uint8]

CUTS: dict[str, float] = {"box": 0.0, "own": 1.0, "margin": 2.5, "color": 2.0}
"""Ways to cut an object out, with their bits: its box, its own cells only, its box with one more cell on each side, and
one cell of its main color."""


def _mirrored_right(picture: Picture) -> Picture:
    return np.concatenate([picture, picture[:, ::-1]], axis=1)


def _mirrored_down(picture: Picture) -> Picture:
    return np.concatenate([picture, picture[::-1]], axis=0)


def _scaled(factor: int) -> Callable[[Picture], Picture]:
    return lambda picture: picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _reduced(factor: int) -> Callable[[Picture], Picture]:
    return lambda picture: picture[::factor, ::factor]


def _most_common(picture: Picture) -> Picture:
    return np.array([[np.bincount(picture.ravel(), minlength=10).argmax()]], np.uint8)


def _without_repeats(picture: Picture) -> Picture:
    rows = np.concatenate([[True], (picture[1:] != picture[:-1]).any(axis=1)])
    across = np.concatenate([[True], (picture[:, 1:] != picture[:, :-1]).any(axis=0)])
    kept: Picture = picture[rows][:, across]
    return kept


def _left_half(picture: Picture) -> Picture:
    return picture[:, : (picture.shape[1] + 1) // 2]


def _top_half(picture: Picture) -> Picture:
    return picture[: (picture.shape[0] + 1) // 2]


TRANSFORMS: dict[str, tuple[float, Callable[[Picture], Picture]]] = {
    "kept": (0.0, lambda picture: picture),
    "flip_left_right": (2.0, lambda picture: picture[:, ::-1]),
    "flip_up_down": (2.0, lambda picture: picture[::-1]),
    "rotate_180": (2.0, lambda picture: picture[::-1, ::-1]),
    "rotate_left": (2.5, lambda picture: np.rot90(picture)),
    "rotate_right": (2.5, lambda picture: np.rot90(picture, 3)),
    "transpose": (2.5, lambda picture: picture.T),
    "anti_transpose": (3.0, lambda picture: np.rot90(picture, 2).T),
    "inner": (2.0, lambda picture: picture[1:-1, 1:-1]),
    "left_half": (3.0, _left_half),
    "top_half": (3.0, _top_half),
    "first_quarter": (3.0, lambda picture: _top_half(_left_half(picture))),
    "most_common_color": (2.5, _most_common),
    "scaled_2": (2.5, _scaled(2)),
    "scaled_3": (3.0, _scaled(3)),
    "reduced_2": (3.0, _reduced(2)),
    "reduced_3": (3.5, _reduced(3)),
    "without_repeats": (3.0, _without_repeats),
    "mirrored_right": (3.0, _mirrored_right),
    "mirrored_down": (3.0, _mirrored_down),
    "mirrored_both": (3.5, lambda picture: _mirrored_down(_mirrored_right(picture))),
    "twice_right": (3.0, lambda picture: np.concatenate([picture, picture], axis=1)),
    "twice_down": (3.0, lambda picture: np.concatenate([picture, picture], axis=0)),
}
"""Transforms of a crop, with their bits."""


def cut_object(scene: Scene, q: int, cut: str) -> Picture | None:
    """Return an object cut out of its image; None where a margin would reach outside it.

    Raises:
        ParseError: no such cut.
    """
    if cut not in CUTS:
        raise ParseError(f"an object is cut out as one of {', '.join(CUTS)}, got {cut!r}")
    box = scene.box(q)
    if cut == "box":
        return scene.grid[box]
    if cut == "own":
        return np.where(scene.labels[box] == q, scene.grid[box], np.uint8(scene.background))
    if cut == "color":
        return scene.table[q : q + 1, columns.COLOR : columns.COLOR + 1].astype(np.uint8)
    top, bottom, left, right = (
        int(scene.table[q, k]) for k in (columns.TOP, columns.BOTTOM, columns.LEFT, columns.RIGHT)
    )
    if top < 1 or left < 1 or bottom + 2 > scene.shape[0] or right + 2 > scene.shape[1]:
        return None
    return scene.grid[top - 1 : bottom + 2, left - 1 : right + 2]


def crop(scene: Scene, q: int, cut: str, transform: str) -> Grid | None:
    """Return the transformed crop of an object, or None if it is no grid.

    Raises:
        ParseError: no such cut or transform.
    """
    if transform not in TRANSFORMS:
        raise ParseError(f"a crop is transformed by one of {', '.join(TRANSFORMS)}, got {transform!r}")
    picture = cut_object(scene, q, cut)
    if picture is None or not picture.size:
        return None
    result = TRANSFORMS[transform][1](picture)
    if not (0 < result.shape[0] <= MAX_SIDE and 0 < result.shape[1] <= MAX_SIDE):
        return None
    return seal(np.ascontiguousarray(result))


def take(scene: Scene, taken: NDArray[np.bool_], cut: str, transform: str) -> Grid:
    """Return the one picture that all taken objects give.

    Raises:
        PrimitiveError: no object is taken, or they differ.
    """
    pictures = [crop(scene, q, cut, transform) for q in np.flatnonzero(taken).tolist()]
    found = {grid_key(picture): picture for picture in pictures if picture is not None}
    if len(found) != 1:
        raise PrimitiveError(f"the rules must take one picture, got {len(found)}")
    return next(iter(found.values()))


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) < 4:
        raise ParseError(f"{FORM} takes a segmentation, a cut, a transform, rules and a default")
    segmentation, cut, transform = (read_text(argument) for argument in arguments[:3])
    scene = scene_of(grid, segmentation)
    chosen = choose(*read_rules(arguments[3:]), scene)
    return take(scene, np.array([choice == TAKE for choice in chosen]), cut, transform)
