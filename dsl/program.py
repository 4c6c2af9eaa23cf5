"""Programs: the one text form that every search engine's answer prints to, parses from and runs by.

Grammar::

    program = call | input | literal
    call    = name "(" [program {"," program}] ")"
    input   = "input"
    literal = int | "true" | "false" | "#" digit | '"' text '"' | "[" rows of digits, "/" between "]"

A call's name is a primitive (``dsl.registry``) or a form: a name with its own evaluation rule, such as
``cell_rules``, that an engine registers with :func:`form`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsl.errors import DslError, GridError, ParseError, PrimitiveError
from dsl.grid import Grid, as_grid, grid_from_text, grid_to_text
from dsl.registry import get_primitive
from dsl.types import Kind


@dataclass(frozen=True, slots=True)
class Input:
    """The grid a program is run on."""

    def __str__(self) -> str:
        return "input"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: int, bool, color, text or grid (the grid held as text, so that literals compare and hash)."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def value(self) -> Any:
        """Return the constant itself."""
        if self.text in ("true", "false"):
            return self.text == "true"
        if self.text.startswith("#"):
            return int(self.text[1:])
        if self.text.startswith('"'):
            return self.text[1:-1]
        if self.text.startswith("["):
            return grid_from_text(self.text[1:-1])
        return int(self.text)


@dataclass(frozen=True, slots=True)
class Call:
    """A primitive or form applied to arguments."""

    name: str
    arguments: "tuple[Program, ...]"

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


Program = Input | Literal | Call

MAX_DIGITS = 9
"""Digits of a whole number: what arrays hold in any of their types of 32 bits and more."""

FormFunction = Callable[[tuple[Program, ...], Grid], Any]
_FORMS: dict[str, FormFunction] = {}


def form(name: str) -> Callable[[FormFunction], FormFunction]:
    """Register an evaluation rule ``rule(arguments, input) -> value`` under a name of the language."""

    def register(rule: FormFunction) -> FormFunction:
        _FORMS[name] = rule
        return rule

    return register


def is_form(name: str) -> bool:
    """Tell whether a name is a form's, of whatever engine."""
    return _form(name) is not None


def int_literal(value: int) -> Literal:
    """Write an integer constant."""
    return Literal(str(int(value)))


def bool_literal(value: bool) -> Literal:
    """Write a truth constant."""
    return Literal("true" if value else "false")


def color_literal(color: int) -> Literal:
    """Write a color constant, 0..9."""
    return Literal(f"#{int(color)}")


def text_literal(text: str) -> Literal:
    """Write a text constant, without quotes or line breaks in it."""
    if '"' in text or "\n" in text:
        raise ParseError(f"a text constant holds no quotes or line breaks, got {text!r}")
    return Literal(f'"{text}"')


def grid_literal(grid: Grid) -> Literal:
    """Write a grid constant."""
    return Literal(f"[{grid_to_text(grid)}]")


def evaluate(program: Program, grid: Grid) -> Any:
    """Return the value of a program on an input grid, of whatever kind it is.

    Raises:
        DslError: some call has no result.
    """
    if isinstance(program, Input):
        return grid
    if isinstance(program, Literal):
        return program.value
    rule = _form(program.name)
    if rule is not None:
        return rule(program.arguments, grid)
    function = get_primitive(program.name).function
    return function(*(evaluate(argument, grid) for argument in program.arguments))


def run(program: Program, grid: Grid) -> Grid:
    """Return the output grid of a program on an input grid.

    Raises:
        DslError: some call has no result, or the value is no grid.
    """
    value = evaluate(program, grid)
    if not isinstance(value, np.ndarray):
        raise PrimitiveError(f"a program must return a grid, got {type(value).__name__} from {str(program)[:60]}")
    return as_grid(value)


def fits(program: Program, examples: Iterator[tuple[Grid, Grid]]) -> bool:
    """Tell whether a program gives every pair's output exactly."""
    try:
        return all(np.array_equal(run(program, source), target) for source, target in examples)
    except DslError:
        return False


_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>-?\d+|\#\d|"[^"\n]*"|\[[\d/]+\])|(?P<name>[A-Za-z_]\w*)|(?P<mark>[(),]))""", re.ASCII
)


def parse(text: str) -> Program:
    """Read a program from its text; ``parse(str(program)) == program``.

    Raises:
        ParseError: the text is not of the language, or names no primitive or form.
    """
    tokens = list(_tokens(text))
    program, position = _parse_at(tokens, 0, text)
    if position != len(tokens):
        raise ParseError(f"text goes on after the program: {tokens[position][1]!r} in {text[:80]!r}")
    return program


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ParseError(f"cannot read {text[position : position + 20]!r} at character {position}")
        kind = match.lastgroup
        assert kind is not None
        yield kind, match.group(kind)
        position = match.end()


def _parse_at(tokens: list[tuple[str, str]], position: int, text: str) -> tuple[Program, int]:
    if position >= len(tokens):
        raise ParseError(f"text ends inside a program: {text[:80]!r}")
    kind, token = tokens[position]
    if kind == "mark":
        raise ParseError(f"expected a name or a constant, got {token!r} in {text[:80]!r}")
    if kind == "literal":
        return _checked_literal(token), position + 1
    if token in ("true", "false"):
        return Literal(token), position + 1
    if token == "input":
        return Input(), position + 1
    if position + 1 >= len(tokens) or tokens[position + 1][1] != "(":
        raise ParseError(f"expected '(' after {token!r} in {text[:80]!r}")
    return _parse_call(token, tokens, position + 2, text)


def _parse_call(name: str, tokens: list[tuple[str, str]], position: int, text: str) -> tuple[Program, int]:
    if _form(name) is None:
        try:
            get_primitive(name)
        except DslError as error:
            raise ParseError(str(error)) from None
    arguments: list[Program] = []
    while position < len(tokens) and tokens[position][1] != ")":
        if arguments:
            if tokens[position][1] != ",":
                raise ParseError(f"expected ',' or ')', got {tokens[position][1]!r} in {text[:80]!r}")
            position += 1
        argument, position = _parse_at(tokens, position, text)
        arguments.append(argument)
    if position >= len(tokens):
        raise ParseError(f"missing ')' in {text[:80]!r}")
    _check_arguments(name, arguments)
    return Call(name, tuple(arguments)), position + 1


def _check_arguments(name: str, arguments: list[Program]) -> None:
    """Compare the arguments of a primitive with its signature; a form judges its own."""
    if _form(name) is not None:
        return
    entry = get_primitive(name)
    kinds = [_kind_of(argument) for argument in arguments]
    if len(kinds) != len(entry.parameters):
        raise ParseError(f"{entry.signature} takes {len(entry.parameters)} arguments, got {len(kinds)}")
    for place, (kind, wanted) in enumerate(zip(kinds, entry.parameters, strict=True), start=1):
        if kind not in (None, wanted):
            got = str(arguments[place - 1])[:40]
            raise ParseError(f"argument {place} of {entry.signature} must be {wanted}, got {kind}: {got}")


def _kind_of(program: Program) -> str | None:
    """Return the kind of a program's value as far as its text tells; None for a form."""
    if isinstance(program, Input):
        return Kind.GRID
    if isinstance(program, Call):
        return None if _form(program.name) is not None else get_primitive(program.name).result
    kinds = {"#": Kind.COLOR, "[": Kind.GRID, '"': "text", "t": Kind.BOOL, "f": Kind.BOOL}
    return kinds.get(program.text[0], Kind.INT)


def _checked_literal(token: str) -> Literal:
    literal = Literal(token)
    digits = token.removeprefix("-")
    if digits.isdigit() and len(digits) > MAX_DIGITS:
        raise ParseError(f"a whole number has at most {MAX_DIGITS} digits, got {token[:40]}")
    try:
        literal.value  # noqa: B018  (evaluated for its errors)
    except GridError as error:
        raise ParseError(str(error)) from None
    return literal


def _form(name: str) -> FormFunction | None:
    import dsl.search.forms  # noqa: F401  (the engines register their forms)

    return _FORMS.get(name)
