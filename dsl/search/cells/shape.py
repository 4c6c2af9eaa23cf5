"""Predict the shape of the output from numbers of the input.

A side is a constant, ``number + k``, ``number * p/q + k``, or ``number * number``; the text of a side reads the same:
``3``, ``height``, ``x8.count+1``, ``width*3/2-1``, ``height*colors``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import MAX_SIDE, Grid
from dsl.search.cells.numbers import Numbers, shape_numbers
from dsl.task import Task

_FACTORS = ("colors", "m8.count", "x8.count", "filled", "m8.singles", "height", "width", "panels.down", "panels.across")
_TWINS = (("height", "width"), ("down", "across"), ("row", "column"), ("rows", "columns"))
_MAX_SIDES = 60
_SAME_SHAPE_COST = -0.5

_SIDE = re.compile(
    r"(?P<name>[a-z_][\w.#]*?)"
    r"(?:\*(?P<factor>[a-z][\w.#]*)|\*(?P<num>\d{1,4})(?:/(?P<den>[1-9]\d{0,3}))?)?(?P<plus>[+-]\d{1,4})?",
    re.ASCII,
)
_CONSTANT = re.compile(r"\d{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Side:
    """A rule for one side of the output: ``number * scale * factor + plus``; a constant has no number.

    Attributes:
        cost: description length in bits.
    """

    cost: float
    number: str | None
    scale: Fraction = Fraction(1)
    plus: int = 0
    factor: str | None = None

    @property
    def is_plain(self) -> bool:
        """Tell whether the side is the number itself."""
        return self.scale == 1 and self.plus == 0 and self.factor is None

    def __str__(self) -> str:
        if self.number is None:
            return str(self.plus)
        text = self.number
        if self.factor is not None:
            text += f"*{self.factor}"
        elif self.scale != 1:
            text += f"*{self.scale}"
        return text + (f"{self.plus:+d}" if self.plus else "")

    def value(self, numbers: Numbers) -> int | None:
        """Return the side's length on an image, or None if it has no whole positive value of at most 30."""
        if self.number is None:
            return self.plus if 1 <= self.plus <= MAX_SIDE else None
        if self.number not in numbers or (self.factor is not None and self.factor not in numbers):
            return None
        length, rest = divmod(numbers[self.number][1] * self.scale.numerator, self.scale.denominator)
        length += self.plus
        if self.factor is not None:
            length *= numbers[self.factor][1]
        return length if rest == 0 and 1 <= length <= MAX_SIDE else None


@dataclass(frozen=True, slots=True)
class ShapeGuess:
    """A predicted output shape.

    Attributes:
        cost: description length in bits.
        height: rule for the number of rows.
        width: rule for the number of columns.
        shapes: ``(H, W)`` per test input.
    """

    cost: float
    height: Side
    width: Side
    shapes: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return f"{self.height} x {self.width}"


def parse_side(text: str) -> Side:
    """Read a side from its text; raises ``ParseError``."""
    if _CONSTANT.fullmatch(text):
        return Side(0.0, None, plus=int(text))
    match = _SIDE.fullmatch(text)
    if match is None:
        raise ParseError(f"a side must read like '3', 'height+1' or 'width*3/2', got {text!r}")
    scale = Fraction(int(match["num"] or 1), int(match["den"] or 1))
    return Side(0.0, match["name"], scale, int(match["plus"] or 0), match["factor"])


def side_length(side: Side, grid: Grid) -> int:
    """Return a side's length on an input grid; raises ``PrimitiveError`` if it has none."""
    length = side.value(shape_numbers(grid))
    if length is None:
        raise PrimitiveError(f"{side} is no side of 1..{MAX_SIDE} on this grid")
    return length


def predict_shapes(task: Task, max_guesses: int = 5) -> list[ShapeGuess]:
    """Return guesses of the test outputs' shapes, cheapest first, each with other shapes; empty if no rule fits."""
    known = [shape_numbers(example.input) for example in task.train]
    asked = [shape_numbers(grid) for grid in task.test_inputs]
    heights = fit_sides(known, [example.output.shape[0] for example in task.train], asked)
    widths = fit_sides(known, [example.output.shape[1] for example in task.train], asked)
    height_texts, width_texts = (
        [_without_axis(str(side), axis) for side, _ in sides] for axis, sides in enumerate((heights, widths))
    )
    joined = [
        (_joint_cost(height, width, height_text == width_text), height, width, down, across)
        for (height, down), height_text in zip(heights, height_texts, strict=True)
        for (width, across), width_text in zip(widths, width_texts, strict=True)
    ]
    joined.sort(key=lambda entry: entry[0])
    distinct: dict[object, ShapeGuess] = {}
    for cost, height, width, down, across in joined:
        if (down, across) not in distinct:
            distinct[down, across] = ShapeGuess(cost, height, width, tuple(zip(down, across, strict=True)))
            if len(distinct) == max_guesses:
                break
    return list(distinct.values())


def expected_shapes(task: Task) -> tuple[tuple[int, int], ...]:
    """Return the test outputs' shapes by the cheapest guess; empty if no rule fits."""
    return next((guess.shapes for guess in predict_shapes(task, max_guesses=1)), ())


def fit_sides(
    known: Sequence[Numbers], lengths: Sequence[int], asked: Sequence[Numbers]
) -> list[tuple[Side, tuple[int, ...]]]:
    """Return the rules that give every demonstration's side, with their values on the test inputs, cheapest first."""
    sides = [Side(1.0, None, plus=lengths[0])] if len(set(lengths)) == 1 else []
    for name, (cost, _) in known[0].items():
        if not all(name in numbers for numbers in (*known, *asked)):
            continue
        values = [numbers[name][1] for numbers in known]
        sides += _linear(name, cost, values, lengths)
        if name in ("height", "width"):
            for factor in _FACTORS:
                if all(factor in numbers for numbers in known):
                    others = [numbers[factor][1] for numbers in known]
                    if all(a * b == length for a, b, length in zip(values, others, lengths, strict=True)):
                        sides.append(Side(cost + 4.0, name, factor=factor))
    fitting = []
    for side in sorted(sides, key=lambda side: side.cost):
        values = [value for numbers in asked if (value := side.value(numbers)) is not None]
        if len(values) == len(asked):
            fitting.append((side, tuple(values)))
    return fitting[:_MAX_SIDES]


def _linear(name: str, cost: float, values: Sequence[int], lengths: Sequence[int]) -> list[Side]:
    sides = []
    gaps = {length - value for value, length in zip(values, lengths, strict=True)}
    if len(gaps) == 1:
        gap = gaps.pop()
        sides.append(Side(cost + min(2 * abs(gap), 2 + abs(gap)), name, plus=gap))
    if min(values) <= 0:
        return sides
    for plus in (0, -1, 1, 2):
        ratios = {Fraction(length - plus, value) for value, length in zip(values, lengths, strict=True)}
        if len(ratios) == 1:
            ratio = ratios.pop()
            if ratio > 0 and ratio != 1:
                extra = 5.0 if plus else 2.0 if name in ("height", "width") else 4.0
                sides.append(Side(cost + extra, name, ratio, plus))
    return sides


def _joint_cost(height: Side, width: Side, twins: bool) -> float:
    """Return the bits of both sides; the same rule on both axes is cheaper, the input's own shape cheapest."""
    if height.number == "height" and height.is_plain and width.number == "width" and width.is_plain:
        return _SAME_SHAPE_COST
    cost = height.cost + width.cost
    return cost - 1.5 - 0.5 * min(height.cost, width.cost) if twins else cost


def _without_axis(text: str, axis: int) -> str:
    """Replace the words of an axis (0 rows, 1 columns) by a mark, so that the same rule on both axes reads the same."""
    for words in _TWINS:
        text = re.sub(rf"\b{words[axis]}\b", "&", text)
    return text
