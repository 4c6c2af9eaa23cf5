"""The form ``cell_rules``: a canvas, rules in order, and a default, as a program.

``cell_rules("same", when("m8.largest", "own"), when("not x8.at_edge", "#3"), "ray_up")`` paints each cell of the canvas
by the first rule whose predicate holds there; a rule copies a color plane (``"own"``) or paints a constant (``"#3"``).

A program may stand in place of a canvas (its grid is the base) and of a copied plane. In place of a predicate stand
``equal_own(program)``, ``filled(program)`` and ``is_color(program, "#3")``; ``unless`` negates them.
"""

from collections.abc import Callable

import numpy as np

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import Grid, seal
from dsl.kernels.bitsets import COLOR_PLANE, EQUAL, SAME
from dsl.program import Call, FormFunction, Literal, Program, form, run, text_literal
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.canvas_text import open_canvas
from dsl.search.cells.planes import require_color_planes
from dsl.search.cells.predicates import NO_COLOR, Plane, Predicate, constant_color, parse_predicate

FORM = "cell_rules"
WHEN, UNLESS = "when", "unless"
EQUAL_OWN, FILLED, IS_COLOR = "equal_own", "filled", "is_color"

ProgramNames = dict[str, Program]
"""Programs by the names that planes made from them have in predicates and expressions."""


def write_program(
    canvas: str | Program, rules: tuple[tuple[Predicate, str], ...], default: str, programs: ProgramNames | None = None
) -> Program:
    """Write learned rules as a program; names in ``programs`` are replaced by the programs that they stand for."""
    known = programs or {}
    first = text_literal(canvas) if isinstance(canvas, str) else canvas
    body = tuple(_write_rule(predicate, known, _write_source(source, known)) for predicate, source in rules)
    return Call(FORM, (first, *body, _write_source(default, known)))


def _write_source(name: str, known: ProgramNames) -> Program:
    return known.get(name) or text_literal(name)


def _write_rule(predicate: Predicate, known: ProgramNames, source: Program) -> Program:
    return write_condition(predicate, known, source)


def write_condition(predicate: Predicate, known: ProgramNames, *body: Program) -> Program:
    """Write ``when`` or ``unless`` with a predicate and a body."""
    nested = known.get(predicate.plane)
    other = known.get(predicate.other) if predicate.other is not None else None
    if nested is None and other is None:
        return Call(WHEN, (text_literal(str(predicate)), *body))
    if predicate.relation == EQUAL:
        assert nested is not None
        condition = Call(IS_COLOR, (nested, text_literal(f"#{predicate.value}")))
    elif other is not None:
        condition = Call(EQUAL_OWN, (other,))
    else:
        assert nested is not None
        condition = Call(FILLED, (nested,))
    holds = predicate.negated if condition.name == FILLED else not predicate.negated
    return Call(WHEN if holds else UNLESS, (condition, *body))


class Scene:
    """A canvas on one input, with planes by name, made of programs too."""

    def __init__(self, canvas: Program, grid: Grid) -> None:
        self.grid = grid
        if isinstance(canvas, Literal) and isinstance(canvas.value, str):
            self.canvas = open_canvas(canvas.value, grid)
        else:
            self.canvas = Canvas(run(canvas, grid))

    def plane(self, name: str) -> Plane:
        """Return a plane by name; raises ``ParseError`` if there is none."""
        try:
            return self.canvas.plane(name)
        except KeyError:
            raise ParseError(f"no plane {name!r} on this canvas") from None

    def source(self, program: Program) -> Plane:
        """Return what a rule copies: a named color plane, a constant, or the grid of a program."""
        if not isinstance(program, Literal) or not isinstance(program.value, str):
            values = run(program, self.grid)
            if values.shape != self.canvas.shape:
                raise PrimitiveError(f"a copied grid must have the canvas's shape, got {values.shape}")
            return values
        text = program.value
        constant = constant_color(text)
        if constant is not None:
            return np.full(self.canvas.shape, constant, np.uint8)
        if self._kind_of(text) != COLOR_PLANE:
            raise ParseError(f"only color planes can be copied, got {text!r}")
        return self.plane(text)

    def _kind_of(self, name: str) -> int:
        try:
            return self.canvas.kind_of(name)
        except KeyError:
            raise ParseError(f"no plane {name!r} on this canvas") from None

    def condition(self, program: Program) -> tuple[Predicate, Callable[[str], Plane]]:
        """Return the predicate of a rule and the planes that it reads."""
        if isinstance(program, Literal) and isinstance(program.value, str):
            return parse_predicate(program.value, self.canvas.kind_of), self.plane
        if not isinstance(program, Call) or not program.arguments:
            raise ParseError(f"a condition is a text, {EQUAL_OWN}, {FILLED} or {IS_COLOR}, got {program}")
        nested = self.source(program.arguments[0])

        def plane(name: str) -> Plane:
            return nested if name == "" else self.plane(name)

        if program.name == EQUAL_OWN:
            return Predicate("own", SAME, 0, "", kind=COLOR_PLANE), plane
        if program.name == FILLED:
            return Predicate("background", SAME, 0, "", negated=True, kind=COLOR_PLANE), plane
        if program.name == IS_COLOR and len(program.arguments) == 2:
            wanted = program.arguments[1]
            value = constant_color(wanted.value) if isinstance(wanted, Literal) else None
            if value is None:
                raise ParseError(f'{IS_COLOR} takes a program and a text such as "#3", got {wanted}')
            return Predicate("", EQUAL, value, kind=COLOR_PLANE), plane
        raise ParseError(f"a condition is a text, {EQUAL_OWN}, {FILLED} or {IS_COLOR}, got {program}")

    def where(self, rule: Call) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """Return where the condition of a ``when`` or ``unless`` holds."""
        predicate, plane = self.condition(rule.arguments[0])
        mask = predicate.mask(plane)
        return ~mask if rule.name == UNLESS else mask


def is_rule(program: Program) -> bool:
    """Tell whether a program is a ``when`` or ``unless`` with a condition and a source."""
    return isinstance(program, Call) and program.name in (WHEN, UNLESS) and len(program.arguments) == 2


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) < 2 or not all(is_rule(rule) for rule in arguments[1:-1]):
        raise ParseError(f"{FORM} takes a canvas, rules {WHEN}(condition, source), and a source for all other cells")
    scene = Scene(arguments[0], grid)
    out = np.full(scene.canvas.shape, NO_COLOR, np.uint8)
    left = np.ones(scene.canvas.shape, bool)
    for rule in arguments[1:-1]:
        assert isinstance(rule, Call)
        chosen = left & scene.where(rule)
        out[chosen] = scene.source(rule.arguments[1])[chosen]
        left &= ~chosen
    out[left] = scene.source(arguments[-1])[left]
    require_color_planes(out)
    return seal(out)


def _only_inside(name: str) -> FormFunction:
    def refuse(arguments: tuple[Program, ...], grid: Grid) -> None:
        raise PrimitiveError(f"{name} has a meaning only inside {FORM}, got it alone with {len(arguments)} arguments")

    return refuse


for _name in (WHEN, UNLESS, EQUAL_OWN, FILLED, IS_COLOR):
    form(_name)(_only_inside(_name))
