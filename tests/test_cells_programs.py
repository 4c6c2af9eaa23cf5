"""Cell rules solve tasks of known rules; every program prints, parses, and runs alone to the same grids."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import Grid, as_grid, grid_from_text, grid_to_text, same_grid, seal
from dsl.program import parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.cells import solve_cells
from dsl.search.cells.answers import vote_bits
from dsl.search.cells.autoregressive import ORIENTATIONS, oriented, restored
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.canvas_text import open_canvas
from dsl.search.cells.proposals import propose_canvases
from dsl.search.solution import Solution
from dsl.task import Example, Task

Rule = Callable[[Grid], NDArray[np.uint8]]


def scattered(seed: int, height: int = 8, width: int = 8) -> Grid:
    rng = np.random.default_rng(seed)
    return seal(np.where(rng.random((height, width)) < 0.3, rng.integers(1, 5, (height, width)), 0).astype(np.uint8))


def walled(seed: int) -> Grid:
    grid = scattered(seed, 4, 9).copy()
    grid[grid > 0] = 2
    grid[:, 4] = 5
    return seal(grid)


def mosaic(seed: int) -> Grid:
    rng = np.random.default_rng(seed)
    quarter = rng.integers(1, 9, (5, 5))
    half = np.concatenate([quarter, quarter[::-1]])
    whole = np.concatenate([half, half[:, ::-1]], axis=1)
    r, c = rng.integers(0, 6, 2)
    whole[r : r + 3, c : c + 4] = 0
    return seal(whole.astype(np.uint8))


def unhide(grid: Grid) -> NDArray[np.uint8]:
    sideways = np.maximum(grid, grid[:, ::-1])
    return np.maximum(sideways, sideways[::-1])


def sparse(seed: int) -> Grid:
    grid = scattered(seed, 5, 4)
    return seal(np.pad(grid, ((1 + seed % 3, 4 - seed % 3), (2, 3))))


def crop_like(grid: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def crop(grid: Grid) -> NDArray[np.uint8]:
    return crop_like(grid, grid > 0)


def pour(grid: Grid) -> NDArray[np.uint8]:
    """Pour water of color 8 from color 1: it spreads down and to the right, around what stands in its way."""
    out = grid.copy()
    for r, c in np.argwhere(grid == 0).tolist():
        if (r and out[r - 1, c] in (1, 8)) or (c and out[r, c - 1] == 8):
            out[r, c] = 8
    return out


TASKS: dict[str, tuple[Callable[[int], Grid], Rule]] = {
    "recolor": (scattered, lambda grid: np.where(grid == 2, 7, grid)),
    "mirror": (scattered, lambda grid: grid[:, ::-1]),
    "fill lonely": (scattered, lambda grid: np.where((grid == 0) & (grid == np.roll(grid, 1, 1)), 8, grid)),
    "both panels": (walled, lambda grid: np.where((grid[:, :4] == 2) & (grid[:, 5:] == 2), 3, 0)),
    "scale": (lambda seed: scattered(seed, 3, 4), lambda grid: grid.repeat(2, 0).repeat(2, 1)),
    "tile": (lambda seed: scattered(seed, 3, 3), lambda grid: np.tile(grid, (2, 3))),
    "box": (sparse, crop),
    "complete": (mosaic, unhide),
    "restore": (mosaic, lambda grid: crop_like(unhide(grid), grid == 0)),
    "pour": (scattered, pour),
}
SOLVED = tuple(name for name in TASKS if name != "fill lonely")


def make_task(name: str) -> tuple[Task, Grid]:
    make, rule = TASKS[name]
    train = tuple(Example(make(seed), as_grid(rule(make(seed)))) for seed in range(4))
    return Task(name, train, (make(9),)), as_grid(rule(make(9)))


def free_meter() -> Meter:
    return Meter(Budget(60.0, nodes=10**6))


@pytest.fixture(scope="module")
def solved() -> dict[str, list[Solution]]:
    return {name: solve_cells(make_task(name)[0], free_meter()) for name in TASKS}


@pytest.mark.parametrize("name", SOLVED)
def test_a_task_of_a_known_rule_is_solved(name: str, solved: dict[str, list[Solution]]) -> None:
    answer = make_task(name)[1]
    first = solved[name][0].outputs[0]
    assert first is not None
    assert same_grid(first, answer)


@pytest.mark.parametrize("name", TASKS)
def test_a_program_read_from_its_text_gives_the_same_grids(name: str, solved: dict[str, list[Solution]]) -> None:
    task = make_task(name)[0]
    for solution in solved[name]:
        program = parse(str(solution.program))
        assert program == solution.program
        assert all(same_grid(run(program, example.input), example.output) for example in task.train)
        for grid, output in zip(task.test_inputs, solution.outputs, strict=True):
            assert output is not None
            assert same_grid(run(program, grid), output)


def test_every_kind_of_engine_takes_part(solved: dict[str, list[Solution]]) -> None:
    assert {solutions[0].engine for solutions in solved.values() if solutions} == {
        "cells",
        "completion",
        "autoregressive",
    }


def test_predictions_are_distinct_and_best_first(solved: dict[str, list[Solution]]) -> None:
    for solutions in solved.values():
        costs = [solution.cost for solution in solutions]
        assert costs == sorted(costs)
        outputs = [solution.outputs[0].tobytes() for solution in solutions if solution.outputs[0] is not None]
        assert len(set(outputs)) == len(outputs)


def test_a_search_by_nodes_repeats_itself_and_stops_in_time() -> None:
    task = make_task("fill lonely")[0]
    texts = []
    for _ in range(2):
        meter = Meter(Budget(60.0, nodes=500))
        texts.append([str(solution.program) for solution in solve_cells(task, meter)])
        assert meter.nodes < 1500
    assert texts[0] == texts[1]


def test_an_offered_image_serves_as_expression_and_predicate() -> None:
    inputs = [scattered(seed) for seed in range(5)]
    program = parse('write_cells("as_is", when("column == 0", "#0"), when("row == 0", "#0"), "near_up_left")')
    shifted = tuple(run(program, grid) for grid in inputs)
    outputs = [
        as_grid(np.where((moved > 2) & (moved != grid), 6, moved)) for moved, grid in zip(shifted, inputs, strict=True)
    ]
    examples = tuple(Example(grid, output) for grid, output in zip(inputs[:4], outputs[:4], strict=True))
    task = Task("offered", examples, (inputs[4],))
    best = solve_cells(task, free_meter(), [(program, 4.0, shifted)])[0]
    assert "near_up_left" in str(best.program)
    assert best.outputs[0] is not None
    assert same_grid(best.outputs[0], outputs[4])
    assert same_grid(run(parse(str(best.program)), inputs[4]), outputs[4])


def test_an_offered_image_serves_as_canvas() -> None:
    inputs = [scattered(seed, 4 + seed, 6) for seed in range(5)]
    program = parse('cell_rules("same", "mirror_ud")')
    crops = tuple(seal(run(program, grid)[:3].copy()) for grid in inputs)
    task = Task("crop", tuple(Example(*pair) for pair in zip(inputs[:4], crops[:4], strict=True)), (inputs[4],))
    proposals = propose_canvases(task, 50, [(program, 4.0, crops)])
    assert proposals[-1].canvas == program


def test_canvases_that_differ_in_a_layer_only_are_all_proposed() -> None:
    source = grid_from_text("0000000/0222220/0223220/0222220/0000000")
    asked = grid_from_text("000000/222220/232220/000000")
    task = Task("crop", (Example(source, seal(source[1:4, 1:6].copy())),), (asked,))
    found = {str(proposal.canvas): proposal.canvases[0] for proposal in propose_canvases(task, 50)}
    many, one = found["object m8 largest"], found["object x8 largest"]
    assert same_grid(many.image.grid, one.image.grid)
    assert many.plane("alone").tolist() != one.plane("alone").tolist()
    assert "object m4 largest" not in found  # shows what the first shows


def test_canvases_of_the_same_cells_in_another_shape_are_told_apart() -> None:
    assert Canvas(np.zeros((1, 4), np.uint8)).key != Canvas(np.zeros((2, 2), np.uint8)).key


def test_programs_stand_inside_rules() -> None:
    grid = grid_from_text("120/000/300")
    canvas = 'cell_rules("same", "mirror_lr")'
    text = f'cell_rules("same", when(equal_own({canvas}), "own"), unless(filled({canvas}), "#7"), {canvas})'
    assert run(parse(text), grid).tolist() == [[7, 2, 7 - 6], [0, 0, 0], [7, 0, 3]]
    assert run(parse(f'cell_rules({canvas}, when(is_color({canvas}, "#2"), "#5"), "own")'), grid).tolist() == [
        [0, 5, 1],
        [0, 0, 0],
        [0, 0, 3],
    ]


@pytest.mark.parametrize(
    "text",
    [
        'cell_rules("same")',
        'cell_rules("round", "own")',
        'cell_rules("same", when("no_such_plane", "own"), "own")',
        'cell_rules("same", "no_such_plane")',
        'cell_rules("same", "m8.size")',
        'cell_rules("same", "own", "own")',
        'write_cells("upward", "own")',
        'write_cells("as_is", when("written_up <= 3", "own"), "own")',
        'complete("mirror", "red", "whole")',
        'complete("sideways", "#3", "whole")',
        "cell_rules()",
        "complete()",
    ],
)
def test_a_program_without_meaning_says_so(text: str) -> None:
    with pytest.raises(ParseError):
        run(parse(text), grid_from_text("10/02"))


@pytest.mark.parametrize(
    "text",
    [
        'cell_rules("panels", "own")',
        'cell_rules("same", "ray_up")',
        'complete("mirror", "#7", "whole")',
        'when("own", "own")',
    ],
)
def test_a_program_without_a_result_on_this_input_says_so(text: str) -> None:
    with pytest.raises(PrimitiveError):
        run(parse(text), grid_from_text("10/02"))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_orientations_are_undone(orientation: str) -> None:
    grid = grid_from_text("123/456")
    assert same_grid(restored(oriented(grid, orientation), orientation), grid)


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ('complete("remainder", "background", "whole")', "123000/230000/300000", "123123/231231/312312"),
        ('complete("remainder", "#0", "whole")', "4400/5500/4400/5500/0000", "4444/5555/4444/5555/4444"),
        ('complete("over_lines", "background", "whole")', "10500/55555/00500/00500", "10501/55555/10501/00500"),
        ('complete("mirror_lr", "rarest", "hidden")', "102301/110011/333333/101101", "3"),
    ],
)
def test_hidden_cells_are_completed(text: str, source: str, expected: str) -> None:
    assert grid_to_text(run(parse(text), grid_from_text(source))) == expected


def test_completions_are_found_before_the_time_is_spent_on_rules() -> None:
    task, answer = make_task("complete")
    found = solve_cells(task, Meter(Budget(60.0, nodes=400)))
    assert any(same_grid(output, answer) for s in found for output in s.outputs if output is not None)


PICTURE = grid_from_text("1020/0505/1030/0000")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("same", "1020/0505/1030/0000"),
        ("split 2 2", "10/05"),
        ("shrink 2 2", "12/13"),
        ("box", "1020/0505/1030"),
        ("box #5", "505"),
        ("box inside", "50"),
        ("object m8 bottom inside", None),
        ("object x4 right", "5"),
        ("tile 1 2", "10201020/05050505/10301030/00000000"),
        ("blank colors height*1/2", "00/00/00/00"),
        ("blank 1 m8.count", "000000"),
        ("panels", None),
    ],
)
def test_a_canvas_is_made_from_the_input(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(PrimitiveError):
            open_canvas(text, PICTURE)
    else:
        assert same_grid(open_canvas(text, PICTURE).image.grid, grid_from_text(expected))


@pytest.mark.parametrize(
    "text", ["tile 2", "object m9 largest", "object m8 nicest", "box 5 inside out", "blank height+ 3"]
)
def test_a_text_that_is_no_canvas_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        open_canvas(text, PICTURE)


def test_votes_add_up() -> None:
    assert vote_bits([6.0]) == 6.0
    assert vote_bits([6.0, 6.0]) == pytest.approx(4.0)
    assert vote_bits([6.0, 60.0]) == pytest.approx(6.0, abs=1e-6)
