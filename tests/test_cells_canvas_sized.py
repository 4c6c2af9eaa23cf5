"""Canvases of a predicted shape show rankings and bars of the input."""

import pytest

from dsl.grid import grid_from_text, grid_to_text
from dsl.program import parse, run
from dsl.search.cells.canvas_text import open_canvas

GRID = grid_from_text("11200/11000/00033/00400")
N = 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("color.at_row", [[1] * 3, [3] * 3, [2] * 3]),
        ("any_color.at_column", [[0, 1, 3]] * 3),
        ("any_color.at_index", [[0, 1, 3], [2, 4, N], [N] * 3]),
        ("any_color.winding", [[0, 1, 3], [N, 4, 2], [N] * 3]),
        ("m8.by_left.at_index", [[1, 2, 4], [3, N, N], [N] * 3]),
        ("m8.by_top.winding", [[1, 2, 3], [N, N, 4], [N] * 3]),
        ("m8.largest.by_left.at_column", [[1, N, N]] * 3),
        ("input.corner", [[1, N, 0], [N] * 3, [0, N, 0]]),
        ("any_bar.down", [[1, 1, 1], [1, 1, 1], [1, 1, 0]]),
        ("any_bar.right", [[1, 1, 1], [1, 1, 1], [1, 1, 0]]),
        ("any_bar.up", [[1, 1, 0], [1, 1, 1], [1, 1, 1]]),
    ],
)
def test_a_layer_shows_what_its_name_says(name: str, expected: list[list[int]]) -> None:
    assert open_canvas("blank 3 3", GRID).plane(name).tolist() == expected


def test_sides_may_count_the_largest_components_and_all_colors() -> None:
    program = parse('cell_rules("blank most_any_cells any_colors", when("any_bar.down", "any_color.at_column"), "#9")')
    assert grid_to_text(run(program, grid_from_text("112/133"))) == "132/139/199"
    assert open_canvas("blank m8.largest 2", grid_from_text("1010/0000/1103/0003")).shape == (2, 2)
