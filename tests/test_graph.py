import numpy as np
import pytest

from dsl.errors import DslError, ParseError
from dsl.grid import Grid, grid_from_text
from dsl.kernels.value_graph import NODES
from dsl.program import parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.graph.engine import GraphEngine
from dsl.search.graph.operations import all_operations, operation_of_text, role_colors
from dsl.task import Example, Task

SPOTS = grid_from_text("0000/0120/0020/3000")


def run_text(text: str, grid: Grid = SPOTS) -> Grid:
    return run(parse(text), grid)


def task_of(*pairs: tuple[str, str], tests: tuple[str, ...] = ()) -> Task:
    examples = tuple(Example(grid_from_text(a), grid_from_text(b)) for a, b in pairs)
    return Task("made", examples, tuple(map(grid_from_text, tests)) or (examples[0].input,))


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ('pipe(input, "keep #2", "crop")', "2/2"),
        ('pipe(input, "keep main", "crop")', "2/2"),
        ('pipe(input, "split objects", "pick most cells", "crop")', "12/02"),
        ('pipe(input, "split colors", "order cells falling", "join color row")', "213"),
        ('pipe(input, "keep #3", "smear up")', "3000/3000/3000/3000"),
        ('pipe(input, "crop", "fit input")', "0000/0120/0020/3000"),
        ('pipe(input, "keep #1", "crop", "fit to height*2 x 3")', "000/010/000/000/000/000/000/000"),
        ('pipe(input, "each turn 90")', None),
        ('black_canvas("2", "width")', "0000/0000"),
        ('cover(input, "colored", pipe(input, "keep #1"), #5, pipe(input, "keep #2"))', "0000/0150/0050/0000"),
    ],
)
def test_programs_of_the_graph_run(program, expected):
    if expected is None:
        with pytest.raises(DslError, match="does not follow"):
            run_text(program)
        return
    assert np.array_equal(run_text(program), grid_from_text(expected))
    assert str(parse(program)) == program


def test_every_step_reads_back_and_a_wrong_one_is_refused():
    for operation in all_operations((1, 2), in_output=True):
        assert operation_of_text(operation.text) == operation
    with pytest.raises(ParseError, match="no step"):
        operation_of_text("keep #0")


def test_roles_are_colors_by_count_with_ties_to_the_lower_number():
    assert role_colors(SPOTS).tolist() == [2, 1, 1]
    assert role_colors(grid_from_text("00/00")).tolist() == [0, 0, 0]


def test_growth_is_the_same_in_one_go_and_in_small_steps():
    task = task_of(("0120/0020", "12/02"), ("0000/0300/0330", "30/33"))
    grown = []
    for step in (40_000, 1_000):
        engine = GraphEngine(task, 1 << 28)
        meter = Meter(Budget(60.0, nodes=40_000))
        while not meter.exhausted:
            engine.grow(meter, step)
        grown.append(engine.graph.node_values[: engine.graph.state[NODES]])
    shorter = min(map(len, grown))
    assert shorter > 5_000
    assert np.array_equal(grown[0][:shorter], grown[1][:shorter])


def test_every_node_prints_a_program_that_gives_its_value():
    task = task_of(("0120/0020/3000", "12/02"), ("0000/0300/0330", "30/33"))
    engine = GraphEngine(task, 1 << 28)
    engine.grow(Meter(Budget(60.0, nodes=20_000)), 20_000)
    images = engine.images()
    assert len(images) > 1000
    for program, _, grids in images[::7]:
        for example, grid in zip(task.train, grids, strict=False):
            assert np.array_equal(run(parse(str(program)), example.input), grid)


def test_no_two_nodes_are_equal_on_all_images():
    task = task_of(("0120/0020/3000", "12/02"), ("0000/0300/0330", "30/33"))
    engine = GraphEngine(task, 1 << 28)
    engine.grow(Meter(Budget(60.0, nodes=30_000)), 30_000)
    values = engine.graph.node_values[: engine.graph.state[NODES]]
    assert len(np.unique(values, axis=0)) == len(values)


def test_an_exact_chain_and_a_cover_of_pieces_are_proposed():
    chain = task_of(("0120/0020/3000", "12/02"), ("0000/0300/0330", "30/33"))
    cover = task_of(("0100/0002", "0500/0052"), ("0001/2000", "0005/2500"))
    for task, engine_name in ((chain, "pipe"), (cover, "cover")):
        engine = GraphEngine(task, 1 << 28)
        meter = Meter(Budget(60.0, nodes=10**6))
        engine.grow(meter, 50_000)
        exact = [
            proposal
            for proposal in engine.proposals(meter)
            if all(np.array_equal(run(proposal.program, pair.input), pair.output) for pair in task.train)
        ]
        assert engine_name in {proposal.engine for proposal in exact}


def test_a_full_graph_ends_the_search_without_an_error():
    task = task_of(("0120/0020/3000", "12/02"), ("0000/0300/0330", "30/33"))
    engine = GraphEngine(task, 1 << 21)
    engine.grow(Meter(Budget(60.0, nodes=10**6)), 10**6)
    assert engine.finished
    assert list(engine.proposals(Meter(Budget(60.0)))) is not None
