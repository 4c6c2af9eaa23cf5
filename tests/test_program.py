"""Programs print, parse back to themselves, and run; errors say where."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsl.program
from dsl.errors import DslError, ParseError, PrimitiveError
from dsl.grid import as_grid, grid_from_text, seal
from dsl.program import (
    Call,
    Input,
    Literal,
    Program,
    bool_literal,
    color_literal,
    fits,
    form,
    grid_literal,
    int_literal,
    is_form,
    parse,
    run,
    text_literal,
)
from dsl.registry import all_primitives
from dsl.sample import draw_program

GRID = grid_from_text("012/300")

grid_values = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 9), min_size=width, max_size=width), min_size=1, max_size=4)
)
literals = st.one_of(
    st.integers(-999, 999).map(int_literal),
    st.booleans().map(bool_literal),
    st.integers(0, 9).map(color_literal),
    st.text(st.characters(exclude_characters='"\n', exclude_categories=("Cs",))).map(text_literal),
    grid_values.map(lambda rows: grid_literal(seal(np.array(rows, np.uint8)))),
)
names = st.sampled_from(["cover", "cell_rules"])
"""Forms: they judge their arguments when they run, so that any parts make a program text."""
programs = st.recursive(
    st.just(Input()) | literals,
    lambda parts: st.builds(Call, names, st.lists(parts, max_size=4).map(tuple)),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(programs)
def test_programs_parse_back_to_themselves(program: Program) -> None:
    assert parse(str(program)) == program


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rotate_90()", "takes 1 arguments, got 0"),
        ("rotate_90(input, input)", "takes 1 arguments, got 2"),
        ("rotate_90(#3)", "must be grid, got color: #3"),
        ("keep_color(input, 3)", "must be color, got int: 3"),
        ("rotate_90(components(input))", "must be grid, got objects: components(input)"),
    ],
)
def test_primitives_take_what_their_signature_says(text: str, reason: str) -> None:
    with pytest.raises(ParseError, match=re.escape(reason)):
        parse(text)


@settings(deadline=None)
@given(st.integers(0, 2**32), grid_values)
def test_well_typed_programs_have_a_grid_or_no_result(seed: int, rows: list[list[int]]) -> None:
    program = draw_program(np.random.default_rng(seed), max_depth=4)
    try:
        output = run(program, as_grid(rows))
    except DslError:
        return
    np.testing.assert_array_equal(output, run(parse(str(program)), as_grid(rows)))


def test_spaces_do_not_matter() -> None:
    assert parse(" keep_color( input ,#2)\n") == parse("keep_color(input, #2)")


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), ("-2", -2), ("true", True), ("false", False), ("#3", 3), ('"a b"', "a b"), ('""', "")],
)
def test_constants_have_their_values(text: str, value: Any) -> None:
    literal = parse(text)
    assert isinstance(literal, Literal)
    assert literal.value == value
    assert type(literal.value) is type(value)


def test_grid_constants_are_grids() -> None:
    assert run(parse("[12/34]"), GRID).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text ends inside a program"),
        ("rotate_90(input", "missing ')'"),
        ("rotate_90(input) input", "text goes on after the program: 'input'"),
        ("rotate_90(input input)", "expected ',' or ')', got 'input'"),
        ("rotate_90(,)", "expected a name or a constant, got ','"),
        ("rotate_90", "expected '(' after 'rotate_90'"),
        ("turn_round(input)", "no primitive 'turn_round'"),
        ("rotate_90(input) ?", "cannot read"),
        ("größe(input)", "cannot read 'öße(input)'"),
        ("\N{ARABIC-INDIC DIGIT THREE}", "cannot read"),
        ("[12/3]", "row 0 has 2 cells and row 1 has 1"),
        ("[12/]", "rows of digits separated by '/'"),
    ],
)
def test_parse_errors_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_text_constants_hold_no_quotes() -> None:
    with pytest.raises(ParseError, match="no quotes or line breaks"):
        text_literal('say "so"')


def test_run_gives_the_output_grid() -> None:
    assert run(parse("rotate_180(keep_color(input, #3))"), GRID).tolist() == [[0, 0, 3], [0, 0, 0]]


def test_run_refuses_what_is_no_grid() -> None:
    with pytest.raises(PrimitiveError, match="a program must return a grid, got int"):
        run(parse("count_color(input, #3)"), GRID)
    with pytest.raises(DslError, match="got bool"):
        run(parse("content_cells(input)"), GRID)


@pytest.mark.parametrize(
    "text",
    [
        'cell_rules("split 0 2", "own")',
        'cell_rules("split -1 2", "own")',
        'cell_rules("shrink 2 0", "own")',
        'cell_rules("tile -1 2", "own")',
        'cell_rules("blank height*3/0 3", "own")',
        'cell_rules("blank 99 99", "own")',
        'cell_rules("blank ² 3", "own")',
        'cell_rules("same", "#300")',
        'cell_rules("same", "#²")',
        'cell_rules("same", when("row == ²", "own"), "own")',
        'cell_rules("same", when(is_color(input, 3), "own"), "own")',
        'cell_rules("same", when(is_color(input, "red"), "own"), "own")',
        'cell_rules("same", when(is_color(input, input), "own"), "own")',
        'complete([12/34], "#3", "whole")',
        'complete("mirror", [12/34], "whole")',
        'complete("mirror", "#3", [12/34])',
        'complete("mirror", 3, "whole")',
        'write_cells([12], "own")',
        'write_cells("as_is", [12])',
        'write_cells("as_is", when("written_up == #99999999999999999999", "own"), "own")',
        "viewed([12/34], input)",
        'cover(input, "whole", 3)',
        'cover(input, "whole", "x")',
        'black_canvas("height*3/0", "1")',
        'count_objects("components", "fill_rows", 1, 5, 300, #0, "take")',
        'count_objects("components", "fill_rows", 1, 5, -1, #0, "take")',
        'object_rules("components", "recolor #²")',
        'object_rules("components", "move 99999999999999999999 0")',
        'object_rules("components", "shift up 99999999999999999999")',
        'object_rules("tiles ²x2", "stay")',
        "roll(input, 99999999999999999999, 1)",
    ],
)
def test_a_malformed_program_raises_an_error_of_the_language(text: str) -> None:
    with pytest.raises(DslError):
        run(parse(text), grid_from_text("1000/0220/0003/3000"))


def test_cells_may_be_written_from_a_constant_grid() -> None:
    assert run(parse('write_cells("as_is", [12/34])'), grid_from_text("55/55")).tolist() == [[1, 2], [3, 4]]


def test_fits_means_every_pair_exactly() -> None:
    flip = parse("flip_left_right(input)")
    pairs = [(GRID, grid_from_text("210/003"))]
    assert fits(flip, iter(pairs))
    assert not fits(flip, iter([*pairs, (GRID, GRID)]))
    assert not fits(parse("left_half([1])"), iter(pairs))


def test_forms_do_not_hide_primitives() -> None:
    """A form is looked up first: a primitive of its name could never run."""
    assert is_form("pipe")
    assert not [entry.name for entry in all_primitives() if is_form(entry.name)]


def test_forms_evaluate_their_arguments_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    parse("input")
    monkeypatch.setattr(dsl.program, "_FORMS", dict(dsl.program._FORMS))

    @form("sample_quote")
    def quote(arguments: tuple[Program, ...], grid: Any) -> Any:
        return grid if str(arguments[0]) == "rotate_90(input)" else None

    program = parse("sample_quote(rotate_90(input))")
    assert str(program) == "sample_quote(rotate_90(input))"
    assert run(program, GRID) is not None
    assert run(program, GRID).tolist() == GRID.tolist()
