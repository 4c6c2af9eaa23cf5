"""Legends pair colors; cell rules and object rules recolor by them."""

import pytest

from dsl.grid import grid_from_text, grid_to_text
from dsl.program import parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.cells import CellConfig, solve_cells
from dsl.search.cells.planes import Image
from dsl.task import Example, Task

N = 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1200/0000/0040", [N, 2, 1, N, N, N, N, N, N, N]),
        ("1300/2400/5600/0001", [N, 3, 4, 1, 2, 6, 5, N, N, N]),
        ("12500/34600/00001", [N, 3, 4, 1, 2, 6, 5, N, N, N]),
        ("1200/0000/0013", [N, N, 1, 1, N, N, N, N, N, N]),
        ("1200/3400/0000", [N] * 10),
        ("1100/0000/0022", [N] * 10),
    ],
)
def test_a_legend_pairs_colors(text: str, expected: list[int]) -> None:
    grid = grid_from_text(text)
    plane = Image(grid).plane("legend")
    assert [int(plane[grid == c][0]) if (grid == c).any() else N for c in range(10)] == expected


def test_objects_take_the_color_that_a_legend_pairs_with_theirs() -> None:
    program = parse('object_rules("sprites", when("size == 2", "stay"), "recolor legend")')
    assert grid_to_text(run(program, grid_from_text("120000/000000/002200/002000"))) == "120000/000000/001100/001000"


def test_rules_with_a_legend_are_found() -> None:
    shown = [
        ("120000/000000/002200/002000", "120000/000000/001100/001000"),
        ("000330/000030/000000/350000", "000550/000050/000000/350000"),
        ("440000/400000/000000/000084", "880000/800000/000000/000084"),
    ]
    examples = tuple(Example(grid_from_text(source), grid_from_text(target)) for source, target in shown)
    task = Task("legend", examples, (grid_from_text("000000/066600/000000/000076"),))
    best = solve_cells(task, Meter(Budget(20.0)), config=CellConfig(only_rules=True))[0]
    assert best.outputs[0] is not None
    assert grid_to_text(best.outputs[0]) == "000000/077700/000000/000076"
