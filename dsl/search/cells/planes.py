"""Planes of one image: named uint8 ``(H, W)`` arrays in groups, computed when asked for and kept for reuse.

A color plane holds 0..9 or 10 for "no color", a number plane 0..254 or 255 for "none", a flag plane 0 or 1. Every group
has a fixed list of planes, so that the planes of several images stand in the same rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import NUM_COLORS, Grid, seal
from dsl.kernels import planes as kernels
from dsl.kernels import planes_objects as objects
from dsl.kernels.bitsets import COLOR_PLANE, FLAG_PLANE, NUMBER_PLANE
from dsl.search.cells.outlines import Outlines, describe_outlines
from dsl.search.cells.predicates import NO_COLOR, Plane, PlaneSpec

Block = NDArray[np.uint8]
"""Planes of a group, ``(k, H, W)``."""

SEGMENTATIONS: dict[str, tuple[bool, bool, bool, float]] = {
    "m4": (False, True, False, 0.0),
    "m8": (True, True, True, 0.5),
    "x8": (True, False, True, 0.5),
    "x4": (True, False, False, 1.0),
}
"""Ways to cut an image into components: leave out background, one color, over corners, extra bits.

``m4`` cuts all cells, background too, into areas of one color; ``m8`` takes filled cells of one color, ``x8`` and
``x4`` filled cells of any color.
"""

_CACHED_IMAGES = 96


@dataclass(frozen=True, eq=False)
class Components:
    """Components of an image under one segmentation.

    Attributes:
        labels: ``(H, W)`` component of each cell, -1 for none.
        table: ``(n, PROPERTIES)``, columns named in ``dsl.kernels.planes_objects``.
        inside: ``(n, 10)`` cells of each color in it.
        outside: ``(n, 10)`` edges that it shares with each color.
    """

    labels: NDArray[np.int32]
    table: NDArray[np.int64]
    inside: NDArray[np.int64]
    outside: NDArray[np.int64]

    def filled(self, background: int) -> NDArray[np.int64]:
        """Return the indices of components that are not background."""
        return np.flatnonzero(self.table[:, objects.COLOR] != background)

    @cached_property
    def outlines(self) -> Outlines:
        """Ends, corners and shapes of the components."""
        return describe_outlines(self.labels, self.table)


class Image:
    """A grid with what its planes are computed from, each part computed once."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.shape = grid.shape
        self.background = background_color(grid)
        self._components: dict[str, Components] = {}
        self._blocks: dict[str, Block] = {}

    @cached_property
    def color_counts(self) -> NDArray[np.int64]:
        """Cells of each color, ``(10,)``."""
        return np.bincount(self.grid.ravel(), minlength=NUM_COLORS)

    @cached_property
    def ranked_colors(self) -> list[int]:
        """Colors present except the background, most cells first."""
        counts = self.color_counts
        order = np.argsort(-counts, kind="stable").tolist()
        return [color for color in order if counts[color] and color != self.background]

    @cached_property
    def rays(self) -> tuple[Block, Block, Block]:
        """Colors, steps and changes seen in 8 directions."""
        return kernels.rays(self.grid, self.background)

    def components(self, segmentation: str) -> Components:
        """Return the components under a segmentation of ``SEGMENTATIONS``."""
        if segmentation not in self._components:
            skip_background, one_color, diagonal, _ = SEGMENTATIONS[segmentation]
            labels, count = objects.label(self.grid, skip_background, one_color, diagonal, self.background)
            inside, outside = objects.contacts(self.grid, labels, count)
            table = objects.properties(self.grid, labels, inside, outside, self.background)
            self._components[segmentation] = Components(labels, table, inside, outside)
        return self._components[segmentation]

    def block(self, group: "Group") -> Block:
        """Return the planes of a group, ``(k, H, W)``."""
        if group.name not in self._blocks:
            block = group.compute(self)
            assert block.shape == (len(group.specs), *self.shape), f"{group.name}: {block.shape}"
            self._blocks[group.name] = block
        return self._blocks[group.name]

    def plane(self, name: str) -> Plane:
        """Return one plane by name; raises ``KeyError`` if there is none."""
        group, index = plane_index()[name]
        plane: Plane = self.block(group)[index]
        return plane


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Planes that are computed together.

    Attributes:
        name: unique.
        specs: the planes in order.
        compute: returns their values on an image.
        pairs: names of planes to compare for equal colors, with the cost of the comparison.
        basic: whether engines with many images (the autoregressive one) use it too.
    """

    name: str
    specs: tuple[PlaneSpec, ...]
    compute: Callable[[Image], Block]
    pairs: tuple[tuple[str, str, float], ...] = ()
    basic: bool = True


def color(name: str, cost: float) -> PlaneSpec:
    """Describe a color plane."""
    return PlaneSpec(name, COLOR_PLANE, cost)


def number(name: str, cost: float) -> PlaneSpec:
    """Describe a number plane."""
    return PlaneSpec(name, NUMBER_PLANE, cost)


def flag(name: str, cost: float) -> PlaneSpec:
    """Describe a flag plane."""
    return PlaneSpec(name, FLAG_PLANE, cost)


def stack(planes: Sequence[NDArray[np.generic] | int], shape: tuple[int, int]) -> Block:
    """Stack planes and constants into one uint8 block."""
    block = np.empty((len(planes), *shape), np.uint8)
    for k, plane in enumerate(planes):
        block[k] = plane
    return block


def background_color(grid: Grid) -> int:
    """Return the color taken for background: 0 if it covers a quarter or more, else the most common color."""
    counts = np.bincount(grid.ravel(), minlength=NUM_COLORS)
    return 0 if counts[0] * 4 >= grid.size else int(counts.argmax())


def image_of(grid: Grid) -> Image:
    """Return the image of a grid, from the cache if it was seen lately."""
    return _image((grid.shape[0], grid.shape[1]), grid.tobytes())


@lru_cache(maxsize=_CACHED_IMAGES)
def _image(shape: tuple[int, int], data: bytes) -> Image:
    return Image(seal(np.frombuffer(data, np.uint8).reshape(shape)))


@lru_cache(maxsize=1)
def all_groups() -> tuple[Group, ...]:
    """Return every group, in a fixed order."""
    from dsl.search.cells import (
        features,
        features_axis,
        features_derived,
        features_objects,
        features_outlines,
        features_panels,
        features_places,
    )

    local = (features, features_objects, features_outlines, features_axis, features_places)
    return tuple(group for module in (*local, features_panels, features_derived) for group in module.GROUPS)


@lru_cache(maxsize=1)
def plane_index() -> dict[str, tuple[Group, int]]:
    """Return the group and row of each plane by name."""
    return {spec.name: (group, k) for group in all_groups() for k, spec in enumerate(group.specs)}


def get_plane_spec(name: str) -> PlaneSpec:
    """Return the description of a plane by name; raises ``KeyError`` if there is none."""
    group, index = plane_index()[name]
    return group.specs[index]


def require_color_planes(plane: Plane) -> None:
    """Refuse a copied plane that has no color somewhere."""
    if (plane >= NO_COLOR).any():
        raise PrimitiveError("the rules copy from a plane that has no color at some cell")
