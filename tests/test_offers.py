import math

import numpy as np
import pytest

from dsl.grid import as_grid, same_grid
from dsl.kernels.value_graph import LIMIT_DEMONSTRATIONS, NODES, PICTURE
from dsl.kernels.value_pieces import count_nodes
from dsl.program import parse, run
from dsl.search.bits import log2_factorial
from dsl.search.budget import Budget, Meter
from dsl.search.graph.build import read_picture
from dsl.search.graph.engine import GraphEngine
from dsl.search.graph.offers import QUOTAS
from dsl.search.objects import action_images
from dsl.search.offers import OUTCOMES, UNCHANGED, Quotas, choose, outcomes
from dsl.task import Example, Task


def made(seed=0, shape=(5, 6)):
    rng = np.random.default_rng(seed)
    grids = [as_grid(rng.choice([0, 0, 0, 1, 2], shape)) for _ in range(4)]
    outputs = [as_grid(np.where(grid == 1, 3, grid)) for grid in grids]
    return Task("made", tuple(map(Example, grids[:3], outputs[:3])), (grids[3],))


@pytest.fixture(scope="module")
def engine():
    engine = GraphEngine(made(), 64 << 20)
    engine.grow(Meter(Budget(60.0, nodes=3000)), 3000)
    return engine


def naive_counts(graph, node, task, labels):
    values = graph.node_values[node].tolist()
    if min(values) < 0 or graph.kinds[values[0]] != PICTURE:
        return -1, None
    pictures = [read_picture(graph, value).cells for value in values[: graph.limits[LIMIT_DEMONSTRATIONS]]]
    if any(cells.shape != example.output.shape for cells, example in zip(pictures, task.train, strict=True)):
        return -1, None
    cells = np.concatenate([picture.ravel() for picture in pictures])
    outputs = np.concatenate([example.output.ravel() for example in task.train])
    return int((cells != outputs).sum()), np.bincount(labels[cells != 0], minlength=11).tolist()


def test_nodes_are_counted_like_their_pictures(engine):
    graph, task = engine.graph, engine.task
    count = int(graph.state[NODES])
    labels = outcomes(task)
    sides = np.zeros((4, 2), np.int64)
    sides[:3] = [example.output.shape for example in task.train]
    wrong, inside = np.empty(count, np.int32), np.empty((count, 11), np.int32)
    outputs = np.concatenate([example.output.ravel() for example in task.train])
    count_nodes(graph, count, outputs, labels, sides, wrong, inside)
    checked = 0
    for node in range(0, count, 3):
        expected, counts = naive_counts(graph, node, task, labels)
        assert wrong[node] == expected
        if counts is not None:
            assert inside[node].tolist() == counts
            checked += 1
    assert checked > 20


def test_outcomes_tell_kept_cells_from_changed_ones():
    task = made()
    labels = outcomes(task)
    inputs = np.concatenate([example.input.ravel() for example in task.train])
    assert set(labels[inputs == 1]) == {3}
    assert set(labels[inputs != 1]) == {UNCHANGED}


def test_outputs_of_other_sizes_are_their_own_outcomes():
    task = Task("t", (Example(as_grid([[1, 2]]), as_grid([[1]])),), (as_grid([[2, 1]]),))
    assert outcomes(task).tolist() == [1]


def test_offered_pictures_have_the_outputs_sizes_and_come_cheapest_first(engine):
    images = engine.images()
    costs = [cost for _, cost, _ in images]
    assert costs == sorted(costs)
    assert len(images) <= QUOTAS.cheap + QUOTAS.near + QUOTAS.telling
    for _, _, grids in images:
        assert [grid.shape for grid in grids[:3]] == [example.output.shape for example in engine.task.train]


def test_pictures_are_chosen_for_being_cheap_for_being_near_and_for_telling_outcomes_apart():
    labels = np.array([UNCHANGED] * 8 + [3] * 8, np.uint8)
    costs = np.array([1.0, 9.0, 9.0, 9.0])
    wrong = np.array([8, 8, 1, 8], np.int32)
    inside = np.zeros((4, OUTCOMES), np.int32)
    inside[:, UNCHANGED], inside[:, 3] = [4, 4, 4, 0], [4, 4, 4, 8]
    quotas = [Quotas(1, 0, 0), Quotas(0, 1, 0), Quotas(0, 0, 1), Quotas(1, 1, 1)]
    chosen = [choose(costs, wrong, inside, labels, each).tolist() for each in quotas]
    assert chosen == [[0], [2], [3], [0, 2, 3]]


def test_images_of_actions_rerun_from_their_programs():
    task = made(shape=(7, 8))
    images = action_images(task, Meter(Budget(60.0)))
    assert images
    for program, _, grids in images[::7]:
        for source, grid in zip([*(e.input for e in task.train), *task.test_inputs], grids, strict=True):
            assert same_grid(run(parse(str(program)), source), grid)


def test_there_are_no_images_of_actions_where_the_shape_changes():
    task = Task("t", (Example(as_grid([[1, 2]]), as_grid([[1]])),), (as_grid([[2, 1]]),))
    assert action_images(task, Meter(Budget(60.0))) == []


def test_a_picture_that_is_wrong_everywhere_is_not_near():
    labels = np.array([UNCHANGED] * 8 + [3] * 8, np.uint8)
    wrong = np.array([16, 15, 8, 1, 0], np.int32)
    inside = np.zeros((5, OUTCOMES), np.int32)
    order = [choose(np.ones(5), wrong, inside, labels, Quotas(0, quota, 0)).tolist() for quota in range(1, 5)]
    assert order == [[4], [3, 4], [2, 3, 4], [1, 2, 3, 4]]


@pytest.mark.parametrize("cells", [600, 67 * 900, 300 * 900])
def test_pictures_are_chosen_alike_however_many_cells_the_demonstrations_have(cells):
    labels = np.array([UNCHANGED, 3], np.uint8).repeat(cells // 2)
    costs = np.array([1.0, 9.0, 9.0])
    wrong = np.array([cells // 2, 1, cells // 2], np.int32)
    inside = np.zeros((3, OUTCOMES), np.int32)
    inside[:, UNCHANGED], inside[:, 3] = [cells // 4, cells // 4, 0], [cells // 4, cells // 4, cells // 2]
    chosen = [choose(costs, wrong, inside, labels, quotas).tolist() for quotas in (Quotas(0, 1, 0), Quotas(0, 0, 1))]
    assert chosen == [[1], [2]]


@pytest.mark.parametrize("number", [0, 1, 59_999, 60_000, 10**6])
def test_the_bits_of_an_order_are_those_of_all_its_permutations(number):
    assert log2_factorial(np.array([0, number], np.int32))[1] == pytest.approx(math.lgamma(number + 1) / math.log(2))
