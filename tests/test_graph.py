import numpy as np
import pytest

from dsl.errors import DslError, GridError, ParseError
from dsl.grid import Grid, grid_from_text
from dsl.kernels.cover import greedy_cover
from dsl.kernels.value_graph import NODES, PICTURE
from dsl.kernels.value_pieces import IN_PLACE
from dsl.program import _FORMS, evaluate, parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.graph.build import read_picture
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


def test_a_pipe_refuses_a_root_that_is_too_large(monkeypatch):
    monkeypatch.setitem(_FORMS, "too_large", lambda arguments, grid: np.zeros((32, 32), np.uint8))
    with pytest.raises(GridError, match=r"sides must be 1\.\.30, got 32x32"):
        evaluate(parse("pipe(too_large())"), SPOTS)


@pytest.mark.parametrize(
    ("step", "grid", "expected"),
    [
        ("stamp", "12000/10000/00002/00000", "00000/00000/00012/00010"),
        ("stamp", "12000/10000/00022/00022", "00000/00000/01122/01122"),
        ("stamp", "1200000/1300000/0000000/0000023", "0000000/0000000/0000011/0000023"),
        ("stamp", "12000/10000/00000/00042/00000", "00000/00000/00000/00042/00040"),
        ("stamp mirrored", "12000/10000/00020/00000", "00000/00000/00021/00001"),
        ("stamp loose", "10100/00000/20000/00000/00002", "00000/00000/00001/00000/00002"),
        ("stamp boxes", "111000/121000/111300/000000/000020/000000", "000000/000000/000300/000111/000121/000111"),
        ("rectangles", "110222/110222/003000", "000222/000222/000000"),
        ("rectangles 2", "11110/11112/00022/00000", "11110/11110/00000/00000"),
    ],
)
def test_parts_are_found_again(step, grid, expected):
    found = run_text(f'pipe(input, "{step}")', grid_from_text(grid))
    assert np.array_equal(found, grid_from_text(expected))


@pytest.mark.parametrize(
    ("join", "grid", "expected"),
    [
        ("centered", "03000/33300/03001", "030/313/030"),
        ("shared color", "1900/0000/0092", "192"),
        ("stamp cells", "12000/03000/00000/00044/00040", "1122/1020/0033/0030"),
        ("arrange", "04022/44002/00000/30011/33010", "1122/1002/3004/3344"),
        ("into frame", "777702/700700/700702/777700", None),
        ("into frame", "7777002/7007020/7007000/7777000", "7777/7027/7207/7777"),
    ],
)
def test_things_are_laid_over_each_other(join, grid, expected):
    program = f'pipe(input, "split objects", "join {join}")'
    if expected is None:
        with pytest.raises(DslError, match="no result"):
            run_text(program, grid_from_text(grid))
        return
    assert np.array_equal(run_text(program, grid_from_text(grid)), grid_from_text(expected))


@pytest.mark.parametrize(
    ("step", "grid", "expected"),
    [
        ("symmetrize found left-right", "01022/00100/00000", "01022/00100/00000"),
        ("symmetrize found left-right", "00121/00300/00120", "00121/00303/00121"),
        ("symmetrize found up-down", "000/220/300/020", "000/220/300/220"),
        ("period rising", "1200/2000/0003/0000", "1231/2312/3123/1231"),
        ("slant forward", "12/34", "012/340"),
        ("scale down 2 loose", "1000/0003/0200/0000", "13/20"),
        ("tile down input", "000/010/200", "000/010/200"),
    ],
)
def test_pictures_change_as_the_step_says(step, grid, expected):
    assert np.array_equal(run_text(f'pipe(input, "{step}")', grid_from_text(grid)), grid_from_text(expected))


def test_a_cut_part_is_tiled_along_one_side_only():
    found = run_text('pipe(input, "crop", "tile down input")', grid_from_text("0000/0000/0010/0020"))
    assert np.array_equal(found, grid_from_text("0010/0020/0010/0020"))


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
    graph, checked = engine.graph, 0
    for node in range(0, int(graph.state[NODES]), 7):
        values = graph.node_values[node].tolist()
        if min(values) < 0 or graph.kinds[values[0]] != PICTURE:
            continue
        program = parse(str(engine.program(node)))
        for example, value in zip(task.train, values, strict=False):
            assert np.array_equal(run(program, example.input), read_picture(graph, value).cells)
        checked += 1
    assert checked > 100


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


def drawn(cells: Grid, top: int, left: int, shape: tuple[int, int]) -> Grid:
    """Lay a picture on black ground, cell by cell."""
    ground = np.zeros(shape, np.uint8)
    for r, c in np.ndindex(*cells.shape):
        if 0 <= r + top < shape[0] and 0 <= c + left < shape[1]:
            ground[r + top, c + left] = cells[r, c]
    return ground


def test_pieces_are_the_pictures_drawn_on_the_outputs_frame():
    task = task_of(("0120/0020/3000", "120/002/300"), ("0000/0300/0330", "300/330/000"))
    engine = GraphEngine(task, 1 << 28)
    meter = Meter(Budget(60.0, nodes=10**6))
    engine.grow(meter, 8_000)
    list(engine.proposals(meter))
    pieces = engine._pieces
    outputs = [pair.output for pair in task.train]
    assert pieces.count > 100
    seen = set()
    for (node, way), colored, equal in zip(
        pieces.sources[: pieces.count].tolist(), pieces.colored, pieces.equal, strict=False
    ):
        laid, right = [], []
        for value, output in zip(engine.graph.node_values[node].tolist(), outputs, strict=False):
            picture = read_picture(engine.graph, value)
            top, left = (picture.top, picture.left) if way == IN_PLACE else (0, 0)
            cells = drawn(picture.cells, top, left, output.shape)
            laid.append(np.packbits(cells.ravel() != 0, bitorder="little"))
            right.append(np.packbits(cells.ravel() == output.ravel(), bitorder="little"))
        for bits, words in ((laid, colored), (right, equal)):
            assert [part.tobytes() for part in bits] == [
                word.tobytes()[: len(part)] for part, word in zip(bits, words, strict=True)
            ]
        key = colored.tobytes() + equal.tobytes()
        assert key not in seen
        seen.add(key)


def test_exact_pieces_are_found_where_there_is_no_room_for_more():
    task = task_of(("0120/0020/3000", "0210/0200/0003"), ("0000/0300/0330", "0000/0030/0330"))

    def exact(room):
        engine = GraphEngine(task, 1 << 28)
        if room is not None:
            engine._pieces.sources = engine._pieces.sources[:room]
        engine.grow(Meter(Budget(60.0, nodes=10**6)), 8_000)
        return engine._pieces.count, engine._pieces.exact[: engine._pieces.exact_count].tolist()

    (count, all_of_them), (few, found) = exact(None), exact(5)
    assert (count > 100, few) == (True, 5)
    assert found == all_of_them != []


def test_a_program_for_a_dearer_shape_costs_more():
    """Outputs as large as their inputs are always 3 x 3 as well, but for the test input."""
    pairs = [("012/300/000", "012/300/000"), ("450/006/000", "450/006/000")]
    task = Task("t", task_of(*pairs).train, (grid_from_text("1200/0000/0030/0000"),))
    engine = GraphEngine(task, 1 << 26)
    assert [guess.shapes for guess in engine._guesses] == [((4, 4),), ((3, 3),)]
    meter = Meter(Budget(60.0, nodes=10**6))
    engine.grow(meter, 2_000)
    costs = {False: [], True: []}
    for proposal in engine.proposals(meter):
        text = str(proposal.program)
        if "pipe" not in text:
            costs["black_canvas" in text].append(proposal.cost)
    assert costs[True]
    assert min(costs[True]) >= min(costs[False]) + engine._guesses[1].cost - engine._guesses[0].cost


def cover_slowly(colored, equal, paints, black, subset, care, limit):
    """Choose the piece and mode of the largest gain, step by step, on sets of cells."""
    open_cells, chosen = set(subset), []
    while open_cells - black:
        best = (0, None, None)
        for k, (lays, rights) in enumerate(zip(colored, equal, strict=True)):
            modes = [(lays, rights), (open_cells - lays, rights), (open_cells, rights), *((lays, p) for p in paints)]
            for mode, (cells, right) in enumerate(modes):
                cells = cells & open_cells
                if cells <= right and len(cells & care) > best[0]:
                    best = (len(cells & care), k, mode)
        if best[1] is None or len(chosen) == limit:
            return chosen, False
        chosen.append([best[1], best[2]])
        lays = colored[best[1]]
        open_cells -= {1: open_cells - lays, 2: open_cells}.get(best[2], lays)
    return chosen, True


@pytest.mark.parametrize("seed", range(40))
def test_greedy_covering_chooses_as_its_slow_twin(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.choice([5, 64, 70]))
    target = rng.integers(0, 3, size)
    pieces = [
        np.where(rng.random(size) < 0.5, target, rng.integers(0, 3, size) * (rng.random(size) < 0.3)) for _ in range(9)
    ]
    pieces += [np.where(rng.random(size) < 0.5, target, 0) for _ in range(3)]

    def words(cells):
        padded = np.zeros((size + 63) // 64 * 64, np.bool_)
        padded[:size] = cells
        return np.packbits(padded, bitorder="little").view(np.uint64)

    def cells_of(mask):
        return set(np.flatnonzero(mask).tolist())

    subset, care = rng.random(size) < 0.9, rng.random(size) < 0.7
    care &= subset
    stacked = [np.array([words(p != 0) for p in pieces]), np.array([words(p == target) for p in pieces])]
    paints = np.array([words(target == color) for color in (1, 2)])
    chosen, done = greedy_cover(*stacked, paints, words(target == 0), words(subset), words(care), 4)
    expected, whole = cover_slowly(
        [cells_of(p != 0) for p in pieces],
        [cells_of(p == target) for p in pieces],
        [cells_of(target == color) for color in (1, 2)],
        cells_of(target == 0),
        cells_of(subset),
        cells_of(care),
        4,
    )
    assert chosen.tolist() == expected
    assert done == whole
