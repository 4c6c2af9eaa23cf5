"""The search for object programs: known rules are found again, programs tell the truth, work is bounded."""

import numpy as np
import pytest

from dsl.errors import DslError
from dsl.grid import Grid, grid_from_text, same_grid, seal
from dsl.program import fits, parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.objects import solve_objects
from dsl.search.objects.properties import object_planes, plane_specs
from dsl.search.objects.segments import Scene
from dsl.task import Example, Task

NODES = 50_000


def random_grid(rng: np.random.Generator) -> Grid:
    """Draw up to six separate rectangles of several sizes and colors on an empty ground."""
    grid = np.zeros((12, 12), np.uint8)
    for top in (0, 4, 8):
        for left in (0, 6):
            if rng.random() < 0.8:
                height, width = rng.integers(1, 4), rng.integers(1, 5)
                grid[top : top + height, left : left + width] = rng.integers(1, 6)
    grid[8, 0] = grid[8, 0] or 1
    return seal(grid)


def task_of(program: str, seed: int = 0) -> tuple[Task, list[Grid]]:
    """Make a task of a program, with its answers."""
    rng = np.random.default_rng(seed)
    rule = parse(program)
    pairs: list[Example] = []
    while len(pairs) < 6:
        grid = random_grid(rng)
        try:
            pairs.append(Example(grid, run(rule, grid)))
        except DslError:
            continue
    return Task("made", tuple(pairs[:4]), tuple(p.input for p in pairs[4:])), [p.output for p in pairs[4:]]


def solves(task: Task, answers: list[Grid]) -> bool:
    solutions = solve_objects(task, Meter(Budget(60.0, nodes=NODES)))
    return any(
        all(output is not None and same_grid(output, answer) for output, answer in zip(s.outputs, answers, strict=True))
        for s in solutions[:2]
    )


@pytest.mark.parametrize(
    "program",
    [
        'object_rules("components", when("max_size", "recolor #8"), "stay")',
        'object_rules("components", when("full_box", "delete"), "stay")',
        'object_rules("components", "slide down")',
        'object_rules("components", when("color == #1", "delete"), when("color == #2", "to_edge right"), "stay")',
        'object_rules("components", "fill frame #9")',
        'object_rules("components", when("wide", "ray down blocked cells own"), "stay")',
        'object_rules("components", "stamp 9")',
        'crop_rules("components", "box", "kept", when("max_size", "take"), "leave")',
        'stack_objects("components", "color", "kept", "down", "size", "falling", "take")',
        'count_objects("components", "row", 0, 0, #7, #0, "take")',
        'count_objects("components", "fill_rows", 1, 9, #7, #0, when("at_edge", "take"), "leave")',
    ],
)
def test_known_rules_are_found_again(program: str) -> None:
    assert any(solves(*task_of(program, seed)) for seed in range(2))


def test_two_actions_are_joined_where_neither_does_all() -> None:
    rule = parse('object_rules("sprites", "fill box #3 & ray sides blocked gaps #3")')
    sources = ("00000000/01110000/01000000/01110000", "1111/1001/1001/1011/0000/0000", "00111/00001/00101/00111/00000")
    grids = [grid_from_text(source) for source in sources]
    task = Task("open boxes", tuple(Example(grid, run(rule, grid)) for grid in grids[:2]), (grids[2],))
    assert solves(task, [run(rule, grids[2])])


def test_programs_fit_and_predict_what_they_say() -> None:
    task, _ = task_of('object_rules("components", when("max_size", "recolor #8"), "stay")')
    solutions = solve_objects(task, Meter(Budget(60.0, nodes=NODES)))
    assert solutions
    for solution in solutions:
        program = parse(str(solution.program))
        assert fits(program, ((pair.input, pair.output) for pair in task.train))
        assert solution.fits == len(task.train)
        for grid, output in zip(task.test_inputs, solution.outputs, strict=True):
            assert output is not None
            assert same_grid(run(program, grid), output)


def test_predictions_are_distinct_and_sorted_by_cost() -> None:
    task, _ = task_of('object_rules("components", when("size == 4", "recolor #8"), "stay")')
    solutions = solve_objects(task, Meter(Budget(60.0, nodes=NODES)))
    keys = [tuple(None if grid is None else grid.tobytes() for grid in s.outputs) for s in solutions]
    assert len(set(keys)) == len(keys)
    assert [s.cost for s in solutions] == sorted(s.cost for s in solutions)


@pytest.mark.parametrize("nodes", [1, 300, NODES])
def test_a_bound_on_nodes_gives_the_same_result_whatever_the_clock_says(nodes: int) -> None:
    task, _ = task_of('object_rules("components", when("max_size", "slide down"), "stay")')
    runs = []
    for seconds in (1e-9, 60.0):
        meter = Meter(Budget(seconds, nodes=nodes))
        runs.append(([(str(s.program), s.cost) for s in solve_objects(task, meter)], meter.nodes))
    assert runs[0] == runs[1]


def test_a_spent_clock_ends_the_search() -> None:
    task, _ = task_of('object_rules("components", "slide down")')
    meter = Meter(Budget(1e-9))
    assert solve_objects(task, meter) == []
    assert meter.nodes <= 1


def test_noise_has_no_object_program() -> None:
    rng = np.random.default_rng(5)
    grids = [seal(rng.integers(0, 10, (9, 9)).astype(np.uint8)) for _ in range(7)]
    task = Task("noise", tuple(Example(grids[k], grids[k + 1]) for k in (0, 2, 4)), (grids[6],))
    assert solve_objects(task, Meter(Budget(60.0, nodes=NODES))) == []


def test_a_test_input_of_texture_ends_without_a_prediction() -> None:
    task, _ = task_of('object_rules("components", "slide down")')
    texture = grid_from_text("/".join(["10" * 10, "00" * 10] * 10))
    assert solve_objects(Task("made", task.train, (texture,)), Meter(Budget(60.0, nodes=NODES))) == []


def test_there_is_one_plane_for_each_description() -> None:
    scene = Scene(grid_from_text("1100/0000/0220/0003"), "components")
    planes = object_planes(scene)
    assert planes.shape == (len(plane_specs()), scene.count)
    assert len({spec.name for spec in plane_specs()}) == len(plane_specs())


def test_extremes_and_commonness_are_those_of_the_numbers() -> None:
    scene = Scene(grid_from_text("1100/0000/0220/0000/0003"), "components")
    names = [spec.name for spec in plane_specs()]
    planes = object_planes(scene)

    def row(name: str) -> list[int]:
        return [int(value) for value in planes[names.index(name)]]

    assert row("size") == [2, 2, 1]
    assert row("max_size") == [1, 1, 0]
    assert row("only_size") == [0, 0, 1]
    assert row("common_size") == [1, 1, 0]
    assert row("color") == [1, 2, 3]
    assert row("from_top") == [0, 1, 2]
