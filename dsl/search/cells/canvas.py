"""Canvases: images of the output's shape, made from the input, on which cell rules work."""

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import grid_key
from dsl.kernels.bitsets import COLOR_PLANE
from dsl.search.cells.features_places import corner_colors
from dsl.search.cells.planes import Image, color, get_plane_spec, image_of
from dsl.search.cells.predicates import NO_COLOR, Plane, PlaneSpec

_MAX_COMPARED_LAYERS = 6

INPUT_COLORS = tuple(color(f"input.{name}", 3.0) for name in ("background", "common_1", "common_2", "rarest"))
"""Planes of one color each, taken from the whole input, that every canvas but the input itself has."""

INPUT_CORNER = color("input.corner", 4.0)
"""Plane of the color that the whole input has in the corner of the cell's quadrant."""

INPUT_LAYERS = (*INPUT_COLORS, INPUT_CORNER)

Layer = tuple[PlaneSpec, NDArray[np.generic]]


class Canvas:
    """A base image with layers: further planes of its shape that the base alone does not show."""

    def __init__(self, base: NDArray[np.uint8], layers: list[Layer] | None = None) -> None:
        if not base.size:
            raise PrimitiveError("a canvas needs at least one cell")
        self.image: Image = image_of(base)
        self.specs: tuple[PlaneSpec, ...] = tuple(spec for spec, _ in layers or ())
        self._layers: dict[str, Plane] = {
            spec.name: np.ascontiguousarray(np.broadcast_to(values, base.shape), dtype=np.uint8)
            for spec, values in layers or ()
        }

    def show_input(self, image: Image) -> None:
        """Add the colors that stand out in the whole input, and those of its corners, as further layers."""
        ranked = image.ranked_colors
        colors = (image.background, *ranked[:2]) + (NO_COLOR,) * (2 - len(ranked[:2]))
        colors += (ranked[-1] if ranked else NO_COLOR,)
        for spec, value in zip(INPUT_COLORS, colors, strict=True):
            self._layers[spec.name] = np.full(self.shape, value, np.uint8)
        self._layers[INPUT_CORNER.name] = corner_colors(image.grid, self.image.shape)
        self.specs = (*self.specs, *INPUT_LAYERS)

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns of the canvas, and so of the output."""
        return self.image.shape

    @property
    def key(self) -> tuple[object, ...]:
        """What canvases that show the same have in common: the base and the layers but those of the whole input."""
        own = (spec.name for spec in self.specs if spec not in INPUT_LAYERS)
        return grid_key(self.image.grid), *((name, self._layers[name].tobytes()) for name in own)

    def plane(self, name: str) -> Plane:
        """Return a layer or a plane of the base by name; raises ``KeyError``."""
        layer = self._layers.get(name)
        return self.image.plane(name) if layer is None else layer

    def kind_of(self, name: str) -> int:
        """Return the kind of a plane by name; raises ``KeyError``."""
        for spec in self.specs:
            if spec.name == name:
                return spec.kind
        return get_plane_spec(name).kind

    def pairs(self) -> list[tuple[str, str, float]]:
        """Return the comparisons that layers add: with the background, with the cell itself, and among each other."""
        colored = [s for s in self.specs if s.kind == COLOR_PLANE and s not in INPUT_LAYERS]
        found = [(spec.name, "background", spec.cost + 1.5) for spec in colored]
        found += [("own", spec.name, spec.cost + 2.0) for spec in self.specs if spec.kind == COLOR_PLANE]
        if len(colored) <= _MAX_COMPARED_LAYERS:
            for k, first in enumerate(colored):
                found += [(first.name, second.name, first.cost + second.cost + 1.0) for second in colored[k + 1 :]]
        return found
