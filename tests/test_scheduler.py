import math

import numpy as np
import pytest

from dsl import registry
from dsl.grid import Grid, as_grid, same_grid
from dsl.program import fits, parse, run
from dsl.registry import all_primitives, primitive
from dsl.search import scheduler
from dsl.search.budget import Budget
from dsl.search.found import Found, missed_examples
from dsl.search.proposal import Proposal
from dsl.search.scheduler import answers, synthesize
from dsl.search.solution import Solution
from dsl.task import Example, Task

BUDGET = Budget(seconds=20.0, nodes=6000)


def task_of(text, *, pairs=3, size=(4, 5), colors=(0, 1, 2), seed=0):
    """Return a task whose outputs a program gives on random inputs, and the answer."""
    rng = np.random.default_rng(seed)
    grids = [as_grid(rng.choice(colors, size)) for _ in range(pairs + 1)]
    program = parse(text)
    train = tuple(Example(grid, run(program, grid)) for grid in grids[:-1])
    return Task("made", train, (grids[-1],)), run(program, grids[-1])


@pytest.mark.parametrize(
    "text",
    [
        "flip_left_right(transpose(input))",
        "crop_to_content(keep_color(input, #2))",
        'cover(input, "colored", keep_color(input, #1), #3, flip_top_bottom(input))',
    ],
)
def test_a_made_up_program_is_found_again(text):
    task, answer = task_of(text)
    assert same_grid(answers(synthesize(task, BUDGET), 0)[0], answer)


def test_every_solution_reruns_from_its_text_to_its_outputs():
    task, _ = task_of("transpose(replace_color(input, #1, #2))")
    for solution in synthesize(task, BUDGET):
        program = parse(str(solution.program))
        for grid, output in zip(task.test_inputs, solution.outputs, strict=True):
            assert output is None or same_grid(run(program, grid), output)
        everything = fits(program, ((example.input, example.output) for example in task.train))
        assert everything == (solution.fits == len(task.train))


def test_solutions_are_ranked_by_the_odds_that_they_are_right():
    task, _ = task_of('cover(input, "colored", keep_color(input, #1), #3, flip_top_bottom(input))')
    solutions = synthesize(task, BUDGET)
    order = [solution.log_odds for solution in solutions]
    assert {solution.fits for solution in solutions} > {2}
    assert order == sorted(order, reverse=True)


def test_an_image_program_that_a_cheaper_one_contradicts_without_a_demonstration_has_less_support():
    task, _ = task_of("flip_left_right(input)")
    found = Found(task)
    found.propose([Proposal(parse("flip_left_right(input)"), 4.0, "pipe")])
    assert found.ranked()[0].support == 1.0
    rival = Solution(parse("input"), (task.test_inputs[0],), 3.0, 2, "pipe")
    found = Found(task, misses={1: rival})
    found.propose([Proposal(parse("flip_left_right(input)"), 4.0, "pipe")])
    assert found.ranked()[0].stability == pytest.approx(2 / 3)
    assert found.ranked()[0].support == pytest.approx(2 / 3)


def test_a_node_budget_gives_the_same_solutions_every_time():
    task, _ = task_of("crop_to_content(remove_color(input, #1))", seed=3)
    first, second = (
        [(str(s.program), s.cost, s.fits) for s in synthesize(task, Budget(seconds=s, nodes=4000))] for s in (1e-6, 60)
    )
    assert first == second


def test_the_clock_ends_a_search_that_finds_nothing():
    rng = np.random.default_rng(1)
    grids = [as_grid(rng.integers(0, 10, (6, 6))) for _ in range(7)]
    task = Task("noise", tuple(Example(a, b) for a, b in zip(grids[:3], grids[3:6], strict=True)), (grids[6],))
    solutions = synthesize(task, Budget(seconds=0.5))
    assert all(solution.fits < 3 for solution in solutions)


def test_every_solution_is_announced_as_it_is_found():
    task, _ = task_of("flip_left_right(input)")
    announced = []
    solutions = synthesize(task, BUDGET, announced.append)
    assert {str(s.program) for s in announced} >= {str(s.program) for s in solutions}


def test_a_program_that_fits_no_demonstration_is_no_solution():
    task, _ = task_of("flip_left_right(input)")
    found = Found(task)
    found.propose([Proposal(parse("flip_top_bottom(input)"), 4.0, "image")])
    assert not found.ranked()
    found.propose([Proposal(parse("flip_left_right(input)"), 4.0, "image")])
    assert found.ranked()[0].fits == 3
    assert missed_examples(parse("flip_top_bottom(input)"), task) == [0, 1, 2]


def test_answers_are_distinct_and_best_first():
    task, answer = task_of("flip_left_right(input)")
    grids = answers(synthesize(task, BUDGET), 0, 5)
    assert same_grid(grids[0], answer)
    assert len({grid.tobytes() for grid in grids}) == len(grids)


@pytest.fixture
def every_step(monkeypatch):
    """Let a search of few nodes come to all steps: short rounds, and no end before the budget's."""
    monkeypatch.setattr(scheduler, "FIRST_ROUND", 300)
    monkeypatch.setattr(scheduler, "CLEAR", math.inf)
    monkeypatch.setattr(scheduler, "CERTAIN", math.inf)


def right_programs(inputs, rule):
    """Return the texts of all solutions found that give every output of a rule; the last input is the test's.

    Each solution is run again from its text.
    """
    train = tuple(Example(grid, as_grid(rule(grid))) for grid in inputs[:-1])
    task = Task("made", train, (inputs[-1],))
    pairs = [*((example.input, example.output) for example in train), (inputs[-1], as_grid(rule(inputs[-1])))]
    announced, right = [], []
    synthesize(task, Budget(60.0, nodes=40_000), announced.append)
    for solution in announced:
        program = parse(str(solution.program))
        assert same_grid(run(program, inputs[-1]), solution.outputs[0])
        if fits(program, iter(pairs)):
            right.append(str(program))
    return right


def spotted(seed, ground, colors, share, shape=(6, 7)):
    """Return a grid of one color with cells of others at random."""
    rng = np.random.default_rng(seed)
    return as_grid(np.where(rng.random(shape) < share, rng.choice(colors, shape), ground))


@pytest.mark.usefixtures("every_step")
def test_a_colored_ground_is_seen_as_black():
    def mirror(grid):
        ground = np.bincount(grid.ravel()).argmax()
        return np.where((grid == ground) & (grid[:, ::-1] != ground), 5, grid)

    inputs = [spotted(seed, ground, (1, 2, 3), 0.25) for seed, ground in enumerate((8, 4, 7, 6))]
    texts = right_programs(inputs, mirror)
    assert any(text.startswith('with_roles("ground", cover(') for text in texts)
    assert any(text.startswith('with_roles("ground", cell_rules(') for text in texts)


@pytest.mark.usefixtures("every_step")
def test_what_hangs_on_the_rank_of_a_color_is_found_in_a_view_of_roles():
    rng = np.random.default_rng(3)
    inputs = []
    for common, rare in ((1, 2), (3, 4), (6, 5), (8, 9)):
        grid = np.where(rng.random((5, 6)) < 0.5, common, 0)
        inputs.append(as_grid(np.where(rng.random((5, 6)) < 0.2, rare, grid)))
    odd = iter((2, 4, 5, 9))
    rare_of = {grid.tobytes(): next(odd) for grid in inputs}

    def mirror(grid):
        kept = np.where(grid == rare_of[grid.tobytes()], grid, 0)
        return np.maximum(kept, kept[:, ::-1])

    texts = right_programs(inputs, mirror)
    assert texts
    assert all(text.startswith('with_roles("') for text in texts)


@pytest.mark.usefixtures("every_step")
def test_rules_of_the_turned_task_are_turned_back():
    inputs = [spotted(seed, 0, (1, 2, 3), 0.2) for seed in range(4)]
    texts = right_programs(inputs, lambda grid: np.where(grid == 2, 4, grid))
    turned = [text for text in texts if text.startswith("viewed(")]
    assert any("cell_rules" in text for text in turned)
    assert any("object_rules" in text for text in turned)


@pytest.mark.usefixtures("every_step")
def test_a_primitive_from_outside_is_searched_with(monkeypatch):
    all_primitives()
    monkeypatch.setattr(registry, "_PRIMITIVES", dict(registry._PRIMITIVES))

    @primitive(cost=3)
    def sample_sheared(grid: Grid) -> Grid:
        """Roll each row by the square of its number."""
        return as_grid(np.stack([np.roll(row, k * k) for k, row in enumerate(grid)]))

    inputs = [spotted(seed, 0, range(5), 1.0, (5, 7)) for seed in range(4)]
    texts = right_programs(inputs, sample_sheared)
    assert "sample_sheared(input)" in texts
    assert all("sample_sheared" in text for text in texts)
