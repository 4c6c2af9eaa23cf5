"""The learner finds exact lists, keeps rival hypotheses apart, and names them so that they can be read back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dsl.errors import ParseError
from dsl.kernels.bitsets import COLOR_PLANE, FLAG_PLANE, NUMBER_PLANE
from dsl.search.budget import Budget, Meter
from dsl.search.cells.learner import Learner, Limits
from dsl.search.cells.predicates import Items, PlaneSpec, build_predicates, parse_predicate

SPECS = (
    PlaneSpec("own", COLOR_PLANE, 0.5),
    PlaneSpec("other", COLOR_PLANE, 3.0),
    PlaneSpec("size", NUMBER_PLANE, 3.5),
    PlaneSpec("edge", FLAG_PLANE, 3.0),
)
KINDS = {spec.name: spec.kind for spec in SPECS}
TRAIN, TEST = 90, 40


def make_items(seed: int) -> Items:
    rng = np.random.default_rng(seed)
    columns = TRAIN + TEST
    rows = [
        rng.integers(0, 3, columns),
        rng.integers(0, 3, columns),
        rng.integers(0, 5, columns),
        rng.integers(0, 2, columns),
    ]
    return Items(np.stack(rows).astype(np.uint8), SPECS, ((0, 1, 4.0),), TRAIN)


def free_meter() -> Meter:
    return Meter(Budget(60.0, nodes=10**6))


def hidden_rule(items: Items) -> NDArray[np.uint8]:
    own, other, size, edge = items.planes
    return np.where(size <= 1, other, np.where(edge == 1, 7, own)).astype(np.uint8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_every_list_is_exact_on_the_demonstrations(seed: int) -> None:
    items = make_items(seed)
    target = hidden_rule(items)[:TRAIN]
    learner = Learner(items, target, Limits(depth=4))
    lists = learner.search(free_meter())
    assert lists
    planes = dict(zip((spec.name for spec in SPECS), items.planes[:, :TRAIN], strict=True))
    for found in lists[:30]:
        rules, default = learner.describe(found)
        out, left = np.full(TRAIN, 10), np.ones(TRAIN, bool)
        for predicate, source in (*rules, (None, default)):
            mask = left if predicate is None else left & predicate.mask(planes.__getitem__)
            values = np.full(TRAIN, int(source[1:])) if source[0] == "#" else planes[source]
            out[mask] = values[mask]
            left = left & ~mask
        np.testing.assert_array_equal(out, target)


def test_the_hidden_rule_is_found_and_predicts_unseen_cells() -> None:
    items = make_items(1)
    truth = hidden_rule(items)
    learner = Learner(items, truth[:TRAIN], Limits(depth=4))
    lists = learner.search(free_meter())
    np.testing.assert_array_equal(learner.predict(lists[:1])[0], truth[TRAIN:])


def test_lists_come_in_order_of_cost() -> None:
    items = make_items(2)
    lists = Learner(items, hidden_rule(items)[:TRAIN], Limits()).search(free_meter())
    costs = [found.cost for found in lists]
    assert costs == sorted(costs)


def test_predicates_that_differ_only_on_test_cells_stay_apart() -> None:
    train = np.tile(np.array([0, 1], np.uint8), 8)
    planes = np.stack([np.append(train, [0, 0]), np.append(train, [1, 0]), np.append(1 - train, [1, 1])])
    specs = tuple(PlaneSpec(name, FLAG_PLANE, cost) for name, cost in (("a", 1.0), ("b", 2.0), ("c", 3.0)))
    table = build_predicates(Items(planes, specs, (), len(train)), 100)
    assert table.rows[:, 0].tolist() == [0, 1]  # c is the complement of a everywhere
    assert table.representatives.tolist() == [0]


def test_written_planes_are_never_joined_with_others() -> None:
    train = np.tile(np.array([0, 1], np.uint8), 8)
    planes = np.stack([np.append(train, 0), np.append(train, 0)])
    specs = (PlaneSpec("a", FLAG_PLANE, 1.0), PlaneSpec("written", FLAG_PLANE, 2.0))
    table = build_predicates(Items(planes, specs, (), len(train), frozenset({1})), 100)
    assert table.rows[:, 0].tolist() == [0, 1]


def test_a_spent_meter_ends_the_search() -> None:
    items = make_items(3)
    meter = Meter(Budget(60.0, nodes=1))
    meter.spend(1)
    assert Learner(items, hidden_rule(items)[:TRAIN], Limits()).search(meter) == []


@pytest.mark.parametrize(
    "text",
    ["edge", "not edge", "own == #3", "own == none", "not size <= 4", "size >= 2", "size == none", "own == other"],
)
def test_a_predicate_reads_back_from_its_text(text: str) -> None:
    assert str(parse_predicate(text, KINDS.__getitem__)) == text


@pytest.mark.parametrize("text", ["", "height", "own = 3", "size <= wide", "own == #3 and edge"])
def test_a_text_that_is_no_predicate_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_predicate(text, KINDS.__getitem__)
