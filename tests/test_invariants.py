"""Traits of outputs, invariants of demonstrations, and what breaking them costs a candidate."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dsl.grid import as_grid, grid_from_text
from dsl.program import parse
from dsl.search.found import Found
from dsl.search.invariants import Invariants
from dsl.search.plausibility import MOST_NATS, OTHER_SHAPE, OTHER_SHAPE_NATS, PATH, WEIGHTS, lost_nats
from dsl.search.solution import Solution
from dsl.search.traits import changes_of, traits_of
from dsl.task import Example, Task
from ensemble.config import MergeConfig
from ensemble.data import load_tasks
from ensemble.examine import examined
from ensemble.merge import evidence_of, heard, log_odds, merge
from ensemble.types import Candidate, Provenance


def pair(source, output):
    return Example(grid_from_text(source), grid_from_text(output))


RECOLORED = (pair("110/000/002", "330/000/002"), pair("000/101/000", "000/303/000"))
"""Ones become threes."""


def broken(train, source, output):
    return Invariants(train).broken(grid_from_text(source), grid_from_text(output))


def test_a_right_output_breaks_nothing_that_tells():
    names = broken(RECOLORED, "010/000/020", "030/000/020")
    assert lost_nats(names) < lost_nats(broken(RECOLORED, "010/000/020", "010/000/020"))
    assert not {"changes", "stays", "same shape", "all things stay"} & set(names)


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("010/000/020", "any change"),
        ("330/000/020", "changed colors"),
        ("030/000/030", "change never shown"),
        ("030/000/070", "color from nowhere"),
        ("03/02", "same shape"),
        ("330/000/020", "stays"),
        ("330/000/002", "an output again"),
        ("030/000/000", "as many of"),
    ],
)
def test_a_wrong_output_breaks_what_was_the_same_everywhere(output, name):
    assert name in broken(RECOLORED, "010/000/020", output)


def test_numbers_outside_of_those_shown_are_named_by_side():
    train = (pair("1", "11/00"), pair("2", "22/22"))
    assert "far above: width" in broken(train, "3", "3333333")
    assert "above: width" in broken(train, "3", "333")
    assert "below: height" in broken(train, "3", "33")


def test_one_demonstration_has_no_invariants():
    names = broken(RECOLORED[:1], "010/000/020", "020/000/010")
    assert set(names) <= {"change never shown", "color never in an output", "color from nowhere"}


def test_outputs_of_the_demonstrations_break_nothing_of_their_own():
    for task in load_tasks("arc-agi-1/dev").tasks[:25]:
        invariants = Invariants(task.train)
        for example in task.train:
            assert set(invariants.broken(example.input, example.output)) <= {"an output again"}, task.task_id


def test_right_outputs_lose_less_than_inputs_given_back():
    dataset = load_tasks("arc-agi-1/dev")
    lost = []
    for task in dataset.tasks[:40]:
        invariants, source = Invariants(task.train), task.test_inputs[0]
        grids = dataset.answers[task.task_id][0], source
        lost.append([lost_nats(invariants.broken(source, grid)) for grid in grids])
    right, same = np.array(lost).T
    assert right.mean() < 1.0 < 3.0 < same.mean()


def test_traits_are_what_their_names_say():
    traits = traits_of(as_grid([[0, 0, 0, 0], [0, 1, 0, 0]]), as_grid([[5, 5, 5, 0], [5, 0, 5, 0], [5, 5, 5, 0]]))
    wanted = {
        "shape": (3, 4),
        "same shape": False,
        "things": 1,
        "ground": 5,
        "number of colors": 2,
        "new colors": frozenset({5}),
        "lost colors": frozenset({1}),
        "more colors": 0,
        "same up and down": True,
        "same left and right": False,
        "holds input": False,
        "height to height": 1.5,
        "edges reached": (True, True, False, True),
    }
    assert {name: traits[name] for name in wanted} == {**wanted, "things": 2}
    ring = as_grid([[0, 0, 0, 0, 0], [0, 4, 4, 4, 0], [0, 4, 0, 4, 0], [0, 4, 4, 4, 0], [0, 0, 0, 0, 0]])
    inside = traits_of(ring, ring)
    assert (inside["holes"], inside["any holes"], inside["things"], inside["all boxes"]) == (1, True, 1, False)
    assert inside["any change"] is False
    assert all(inside[f"stays {color}"] for color in (0, 4))


def test_changes_are_from_which_color_to_which():
    assert changes_of(grid_from_text("12/34"), grid_from_text("13/31")) == {(2, 3), (4, 1)}


def test_weights_ship_with_their_record_and_only_take():
    stored = json.loads(PATH.read_text(encoding="utf-8"))
    assert stored["invariants"] | {OTHER_SHAPE: OTHER_SHAPE_NATS} == WEIGHTS
    assert min(WEIGHTS.values()) > 0
    assert set(stored["record"]["checked"]) == {"dev", "new, held out"}


def test_losses_add_up_to_a_bound():
    weights = {"a": 1.0, "b": 0.5, "c": 99.0}
    assert lost_nats([], weights) == 0.0
    assert lost_nats(["a", "b", "not known"], weights) == 1.5
    assert lost_nats(["a", "c"], weights) == MOST_NATS


TASK = Task("t", RECOLORED, (grid_from_text("010/000/020"),))
RIGHT, SAME = "030/000/020", "010/000/020"


def program(text, cost=1.0):
    where = Provenance("symbolic", "symbolic", "cells", f"p{text}", cost, verified=True, fits=2)
    return Candidate("t", 0, grid_from_text(text), -cost, where)


def test_a_grid_of_the_network_with_another_shape_than_the_rule_for_shapes_gives_loses_odds():
    """Outputs are as wide as the input has colored cells: no trait of one output alone tells that."""
    train = (pair("10/01", "55"), pair("111/000", "555"), pair("1", "5"), pair("11/11", "5555"))
    task = Task("t", train, (grid_from_text("101/010/111"),))
    drawn = [
        Candidate("t", 0, grid_from_text(text), -1.0, Provenance("neural", "neural")) for text in ("55555", "555555")
    ]
    breaks = [candidate.provenance.breaks for candidate in examined(task, drawn)]
    assert [OTHER_SHAPE in names for names in breaks] == [True, False]
    assert lost_nats([OTHER_SHAPE]) == OTHER_SHAPE_NATS
    (best, second) = merge(task, drawn, MergeConfig()).attempts[0]
    assert (best.shape, second.shape) == ((1, 6), (1, 5))


def test_without_a_rule_for_shapes_none_is_another():
    train = (pair("1", "12/34"), pair("1", "123"))
    task = Task("t", train, (grid_from_text("1"),))
    (found,) = examined(task, [Candidate("t", 0, grid_from_text("1"), -1.0, Provenance("neural", "neural"))])
    assert OTHER_SHAPE not in found.provenance.breaks


def test_candidates_are_examined_once():
    first, second = examined(TASK, [program(SAME), program(RIGHT)])
    assert "any change" in first.provenance.breaks
    assert "any change" not in second.provenance.breaks
    kept = replace(first, provenance=replace(first.provenance, breaks=("known",)))
    assert next(examined(TASK, [kept])) is kept


def test_a_grid_that_breaks_invariants_comes_behind_one_that_does_not():
    pool = [program(SAME, cost=0.9), program(RIGHT, cost=1.0)]
    on, off = MergeConfig(), MergeConfig(invariants=False)
    assert [merge(TASK, pool, config).attempts[0][0].tolist() for config in (on, off)] == [
        grid_from_text(text).tolist() for text in (RIGHT, SAME)
    ]
    assert all(c.provenance.breaks is None for c in heard(TASK, list(heard(TASK, pool, on)), off))


def test_what_is_lost_is_lost_of_the_log_odds():
    pool = list(heard(TASK, [program(SAME), program(RIGHT)], MergeConfig()))
    odds, plain = log_odds(pool), log_odds([program(SAME), program(RIGHT)])
    evidence = evidence_of(pool)
    for key, said in evidence.items():
        assert odds[key] == pytest.approx(plain[key] - said.broken)
    assert max(said.broken for said in evidence.values()) > 0.5


def test_the_search_does_not_trust_what_breaks_invariants():
    def odds_of(text):
        found = Found(TASK)
        output = grid_from_text(text)
        found.accept([Solution(parse("input"), (output,), 5.0, 2, "image")])
        return found.log_odds, found.ranked()[0].log_odds

    (right, plain), (same, plain_same) = odds_of(RIGHT), odds_of(SAME)
    assert plain == plain_same
    assert same < right <= plain
