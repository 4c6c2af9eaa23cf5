import pytest

from dsl.grid import Grid, as_grid
from dsl.program import Input, evaluate, parse
from dsl.registry import all_primitives, get_primitive, primitive
from dsl.search.grammar import MAX_PRODUCTIONS_PER_PRIMITIVE, MAX_SLOTS, palette, productions
from dsl.task import Example, Task
from dsl.types import Color, Kind


def of(name, colors=(0, 3, 5)):
    return productions(colors, [get_primitive(name)])


def test_every_pair_of_palette_colors_is_one_production():
    texts = {str(production.program([Input()])) for production in of("replace_color") if len(production.slots) == 1}
    assert len(texts) == 9
    assert "replace_color(input, #3, #5)" in texts


def test_a_color_parameter_may_be_left_open_for_a_computed_color():
    slots = {production.slots for production in of("replace_color")}
    assert slots == {(Kind.GRID,), (Kind.GRID, Kind.COLOR)}


def test_more_choices_cost_more_bits():
    few, many = of("keep_color", (0, 3)), of("keep_color", (0, 1, 2, 3))
    assert many[0].cost - few[0].cost == pytest.approx(1.0)


def test_bound_function_agrees_with_the_printed_program():
    grid = as_grid([[3, 0, 5], [0, 3, 0]])
    for production in of("replace_color"):
        if production.slots == (Kind.GRID,):
            program = parse(str(production.program([Input()])))
            assert (production.function()(grid) == evaluate(program, grid)).all()


def test_open_slots_are_one_or_two_and_never_numbers_beside_a_constant_image():
    for production in productions((0, 1)):
        assert 1 <= len(production.slots) <= MAX_SLOTS


def test_constants_of_one_primitive_are_bounded():
    counts = {}
    for production in productions(tuple(range(10))):
        counts[production.primitive.name] = counts.get(production.primitive.name, 0) + 1
    assert max(counts.values()) <= MAX_PRODUCTIONS_PER_PRIMITIVE
    assert len(counts) > 0.9 * len(all_primitives())


def test_a_primitive_defined_by_a_user_takes_part():
    @primitive(name="test_grammar_paint_corner", cost=2)
    def paint_corner(grid: Grid, color: Color) -> Grid:
        """Paint the first cell."""
        result = grid.copy()
        result[0, 0] = color
        return result

    found = [production for production in productions((1, 2)) if production.primitive.function is paint_corner]
    assert [str(production.program([Input()])) for production in found if len(production.slots) == 1] == [
        "test_grammar_paint_corner(input, #1)",
        "test_grammar_paint_corner(input, #2)",
    ]


def test_palette_holds_colors_of_inputs_and_outputs_but_not_of_test_inputs():
    task = Task("t", (Example(as_grid([[7, 0]]), as_grid([[4, 0]])),), (as_grid([[9]]),))
    assert palette(task) == (0, 4, 7)
