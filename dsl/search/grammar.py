"""Productions: primitives with their constants filled in, ready to be applied to computed values.

A primitive with color, int or bool parameters gives one production for every choice of constants, and further
productions in which a color or int is left open for a computed value (``most_common_color(input)``). Search only ever
applies productions with one or two open slots.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from dsl.grid import NUM_COLORS
from dsl.program import Call, Literal, Program, bool_literal, color_literal, int_literal
from dsl.registry import Primitive, all_primitives
from dsl.task import Task
from dsl.types import Kind

MAX_SLOTS = 2
MAX_PRODUCTIONS_PER_PRIMITIVE = 128
"""Constants of one primitive beyond this many combinations are cut off, last parameters first."""

SCALARS = (Kind.COLOR, Kind.INT, Kind.BOOL)


@dataclass(frozen=True, slots=True)
class Production:
    """A primitive with some parameters bound to constants.

    Attributes:
        primitive: the function and its type.
        bound: for each parameter its constant, or None where a computed value goes.
        cost: description length in bits: the primitive's cost and the choice of the constants.
    """

    primitive: Primitive
    bound: tuple[Literal | None, ...]
    cost: float

    @property
    def slots(self) -> tuple[Kind, ...]:
        """Return the kinds of the open parameters, in order."""
        return tuple(
            kind for kind, constant in zip(self.primitive.parameters, self.bound, strict=True) if constant is None
        )

    def program(self, arguments: Sequence[Program]) -> Call:
        """Return the call with programs in the open slots."""
        rest = iter(arguments)
        filled = tuple(next(rest) if constant is None else constant for constant in self.bound)
        return Call(self.primitive.name, filled)

    def function(self) -> Callable[..., Any]:
        """Return a function of the open slots only."""
        inner = self.primitive.function
        if all(constant is None for constant in self.bound):
            return inner
        values = [None if constant is None else constant.value for constant in self.bound]
        slots = [i for i, constant in enumerate(self.bound) if constant is None]
        if slots == [0]:
            tail = tuple(values[1:])
            return lambda value: inner(value, *tail)

        def call(*arguments: Any) -> Any:
            filled = list(values)
            for slot, argument in zip(slots, arguments, strict=True):
                filled[slot] = argument
            return inner(*filled)

        return call


def palette(task: Task) -> tuple[int, ...]:
    """Return the colors of the demonstrations, inputs and outputs, in ascending order."""
    seen = [False] * NUM_COLORS
    for example in task.train:
        for grid in (example.input, example.output):
            for color in set(grid.ravel().tolist()):
                seen[color] = True
    return tuple(color for color in range(NUM_COLORS) if seen[color])


def productions(colors: Sequence[int], primitives: Sequence[Primitive] | None = None) -> tuple[Production, ...]:
    """Return every production of one or two open slots, cheapest first within each primitive.

    Args:
        colors: colors that are tried as constants.
        primitives: the language; every registered primitive if not given.
    """
    found: list[Production] = []
    for entry in all_primitives() if primitives is None else primitives:
        found.extend(_of_primitive(entry, tuple(colors))[:MAX_PRODUCTIONS_PER_PRIMITIVE])
    return tuple(found)


def _of_primitive(entry: Primitive, colors: tuple[int, ...]) -> list[Production]:
    options: list[list[tuple[Literal | None, float]]] = []
    for kind, choices in zip(entry.parameters, entry.choices, strict=True):
        constants = _constants(kind, choices, colors)
        bits = math.log2(max(1, len(constants)))
        tried: list[tuple[Literal | None, float]] = [(constant, bits) for constant in constants]
        if _may_be_computed(entry, kind, choices):
            tried.append((None, 0.0))
        options.append(tried)
    found: list[Production] = []
    for combination in product(*options):
        bound = tuple(constant for constant, _ in combination)
        if 1 <= sum(constant is None for constant in bound) <= MAX_SLOTS and _has_image_slot(entry, bound):
            found.append(Production(entry, bound, entry.cost + sum(bits for _, bits in combination)))
    found.sort(key=lambda production: (len(production.slots), production.cost))
    return found


def _may_be_computed(entry: Primitive, kind: Kind, choices: tuple[int, ...] | None) -> bool:
    """Tell whether search fills a parameter with computed values: of several integers with choices it does not."""
    if kind is Kind.BOOL:
        return False
    return kind is not Kind.INT or choices is None or entry.parameters.count(Kind.INT) == 1


def _constants(kind: Kind, choices: tuple[int, ...] | None, colors: tuple[int, ...]) -> list[Literal]:
    if kind is Kind.COLOR:
        return [color_literal(color) for color in colors]
    if kind is Kind.INT and choices is not None:
        return [int_literal(choice) for choice in choices]
    if kind is Kind.BOOL:
        return [bool_literal(False), bool_literal(True)]
    return []


def _has_image_slot(entry: Primitive, bound: tuple[Literal | None, ...]) -> bool:
    """Tell whether an open slot takes more than a number, or the primitive is made of numbers alone."""
    open_kinds = [kind for kind, constant in zip(entry.parameters, bound, strict=True) if constant is None]
    only_scalars = all(kind in SCALARS for kind in entry.parameters)
    return only_scalars or any(kind not in SCALARS for kind in open_kinds)
