"""The form ``count_objects``: an output that shows how many objects of a kind the image has.

``count_objects("components", "fill_rows", 1, 5, #1, #0, when("square", "take"), "leave")`` counts the objects taken,
and fills so many cells of a 1 by 5 canvas with color 1 on color 0. The layouts ``row``, ``column``, ``square`` and
``diagonal`` take their size from the number; their sides are written as 0.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import MAX_SIDE, NUM_COLORS, Grid, same_grid, seal
from dsl.program import Call, Program, color_literal, evaluate, form, int_literal, text_literal
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote
from dsl.search.objects.rules import choose, read_rules, read_text
from dsl.search.objects.segments import SEGMENTATION_BITS, Scene, scene_of
from dsl.search.objects.subsets import TAKE, Subsets, find_subsets, split_scenes
from dsl.task import Task

FORM = "count_objects"

Order = Callable[[int, int], NDArray[np.int64]]
"""Returns for a canvas ``(h, w)`` the place of each cell in the order of filling, ``(h, w)``."""


def _by_rows(height: int, width: int) -> NDArray[np.int64]:
    return np.arange(height * width).reshape(height, width)


def _by_columns(height: int, width: int) -> NDArray[np.int64]:
    return np.arange(height * width).reshape(width, height).T


def _along_diagonal(height: int, width: int) -> NDArray[np.int64]:
    places = np.full((height, width), height * width)
    np.fill_diagonal(places, np.arange(min(height, width)))
    return places


FIXED: dict[str, tuple[float, Order]] = {
    "fill_rows": (2.0, _by_rows),
    "fill_columns": (2.5, _by_columns),
    "fill_diagonal": (3.0, _along_diagonal),
}
"""Layouts on a canvas of constant size, with their bits."""

GROWING: dict[str, tuple[float, Callable[[int], tuple[int, int]], Order]] = {
    "row": (1.5, lambda number: (1, number), _by_rows),
    "column": (1.5, lambda number: (number, 1), _by_rows),
    "square": (2.5, lambda number: (number, number), _by_rows),
    "diagonal": (2.5, lambda number: (number, number), _along_diagonal),
}
"""Layouts whose size is the number, with their bits and sides; all but the diagonal are filled throughout."""


@dataclass(frozen=True, slots=True)
class Chart:
    """How a number is drawn: a layout, its size (0 by 0 if the number gives it), a color, and the color beneath."""

    layout: str
    height: int
    width: int
    color: int
    ground: int

    @property
    def bits(self) -> float:
        """Return the description length."""
        return (FIXED[self.layout][0] + 3.0 if self.layout in FIXED else GROWING[self.layout][0]) + 5.0

    def draw(self, number: int) -> Grid:
        """Draw a number.

        Raises:
            ParseError: no such layout.
            PrimitiveError: the size is no grid's.
        """
        if self.layout in FIXED:
            height, width, order = self.height, self.width, FIXED[self.layout][1]
        elif self.layout in GROWING:
            height, width = GROWING[self.layout][1](number)
            order = GROWING[self.layout][2]
        else:
            raise ParseError(f"layout must be one of {', '.join((*FIXED, *GROWING))}, got {self.layout!r}")
        if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
            raise PrimitiveError(f"a chart has 1..{MAX_SIDE} rows and columns, got {height}x{width}")
        filled = number * number if self.layout == "square" else number
        return seal(np.where(order(height, width) < filled, np.uint8(self.color), np.uint8(self.ground)))

    def write(self) -> tuple[Program, ...]:
        """Write the chart as arguments of the form."""
        sides = (int_literal(self.height), int_literal(self.width))
        return (text_literal(self.layout), *sides, color_literal(self.color), color_literal(self.ground))


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) < 7:
        raise ParseError(f"{FORM} takes a segmentation, a layout, two sides, two colors, rules and a default")
    numbers = [evaluate(argument, grid) for argument in arguments[2:6]]
    if not all(isinstance(number, int) for number in numbers):
        raise ParseError(f"{FORM} takes whole numbers as sides and colors, got {', '.join(map(str, arguments[2:6]))}")
    chart = Chart(read_text(arguments[1]), *numbers)
    if not (0 <= chart.color < NUM_COLORS and 0 <= chart.ground < NUM_COLORS):
        raise ParseError(f"a chart's colors are 0..{NUM_COLORS - 1}, got {chart.color} and {chart.ground}")
    scene = scene_of(grid, read_text(arguments[0]))
    return chart.draw(choose(*read_rules(arguments[6:]), scene).count(TAKE))


def vote_counts(task: Task, segmentation: str, scenes: list[Scene], meter: Meter) -> list[Vote]:
    """Return the predictions of all counts under a segmentation that give every demonstration's output."""
    outputs = [example.output for example in task.train]
    votes: list[Vote] = []
    subsets: Subsets | None = None
    for chart in propose_charts(outputs):
        needed = [_shown(chart, output) for output in outputs]
        if None in needed or len(set(needed)) == 1:
            continue
        meter.spend(1)
        subsets = subsets or find_subsets(scenes, len(outputs))
        votes.extend(_votes_for(chart, np.array(needed), segmentation, scenes, subsets))
    return votes


def propose_charts(outputs: Sequence[Grid]) -> Iterator[Chart]:
    """Yield the charts that outputs of few colors could be."""
    present = [np.flatnonzero(np.bincount(output.ravel(), minlength=NUM_COLORS)).tolist() for output in outputs]
    used = sorted(set().union(*present))
    shapes = {output.shape for output in outputs}
    if len(used) > 2 or max(output.size for output in outputs) == 1:
        return
    colors = [color for color in used if color] or used
    for color in colors:
        ground = next((other for other in used if other != color), 0)
        if len(shapes) == 1:
            height, width = outputs[0].shape
            yield from (Chart(layout, height, width, color, ground) for layout in FIXED)
        else:
            yield from (Chart(layout, 0, 0, color, ground) for layout in GROWING)


def _shown(chart: Chart, output: Grid) -> int | None:
    """Return the number that a chart draws as this output, or None."""
    number = max(output.shape) if chart.layout in GROWING else int((output == chart.color).sum())
    return number if same_grid(chart.draw(number), output) else None


def _votes_for(
    chart: Chart, needed: NDArray[np.int64], segmentation: str, scenes: list[Scene], subsets: Subsets
) -> Iterator[Vote]:
    counts = np.stack([part.sum(axis=1) for part in split_scenes(subsets.chosen, scenes)], axis=1)
    for k in np.flatnonzero((counts[:, : len(needed)] == needed).all(axis=1)).tolist():
        outputs = tuple(_draw(chart, number) for number in counts[k, len(needed) :].tolist())

        def write(k: int = k) -> Program:
            return Call(FORM, (text_literal(segmentation), *chart.write(), *subsets.write(k)))

        yield Vote(SEGMENTATION_BITS[segmentation] + chart.bits + float(subsets.bits[k]), outputs, write)


def _draw(chart: Chart, number: int) -> Grid | None:
    try:
        return chart.draw(number)
    except PrimitiveError:
        return None
