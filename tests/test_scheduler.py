import numpy as np
import pytest

from dsl.grid import as_grid, same_grid
from dsl.program import fits, parse, run
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
