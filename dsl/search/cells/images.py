"""Images that another search offers: they stand as color planes beside the engine's own, and as canvases."""

from collections.abc import Sequence
from dataclasses import dataclass

from dsl.grid import Grid
from dsl.program import Program
from dsl.search.cells.planes import color
from dsl.search.cells.predicates import PlaneSpec

ExtraImage = tuple[Program, float, tuple[Grid, ...]]
"""A program, its cost in bits, and its grid on every image of the task, demonstrations first."""

MAX_EXTRAS = 520


@dataclass(frozen=True, slots=True, eq=False)
class Extras:
    """Offered images that have the shapes of a canvas, cheapest first, equal ones once."""

    specs: tuple[PlaneSpec, ...]
    grids: tuple[tuple[Grid, ...], ...]
    programs: dict[str, Program]

    def pairs(self) -> list[tuple[str, str, float]]:
        """Return the comparisons of each image with the background and with the cell itself."""
        found = [(spec.name, "background", spec.cost + 1.5) for spec in self.specs]
        return found + [("own", spec.name, spec.cost + 2.0) for spec in self.specs]


def extras_on(shapes: Sequence[tuple[int, ...]], extra: Sequence[ExtraImage]) -> Extras:
    """Choose the offered images whose shapes are ``shapes``."""
    chosen: dict[tuple[bytes, ...], ExtraImage] = {}
    for image in sorted(extra, key=lambda image: image[1]):
        if [grid.shape for grid in image[2]] == list(shapes):
            chosen.setdefault(tuple(grid.tobytes() for grid in image[2]), image)
            if len(chosen) == MAX_EXTRAS:
                break
    images = list(chosen.values())
    specs = tuple(color(f"program {k}", cost) for k, (_, cost, _) in enumerate(images))
    programs = {spec.name: program for spec, (program, _, _) in zip(specs, images, strict=True)}
    return Extras(specs, tuple(grids for _, _, grids in images), programs)
