"""Merging: every rule is order-independent, and hierarchical voting equals the published rule where nothing is tied."""

import itertools
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.grid import as_grid, grid_from_text, grid_key, grid_to_text, same_grid
from dsl.search.plausibility import WEIGHTS
from dsl.task import Example, Task
from ensemble.config import MergeConfig
from ensemble.errors import ConfigError
from ensemble.merge import (
    DOUBT,
    MOST_UNLIKELY,
    OWN_ESTIMATE,
    RULES,
    TEMPER,
    evidence_of,
    get_rule,
    hierarchical_vote,
    is_judged,
    log_odds,
    merge,
    support_of,
)
from ensemble.selector import FEATURES
from ensemble.types import Candidate, Provenance
from ensemble.voting import _top_three

TASK = Task("t", (Example(grid_from_text("1"), grid_from_text("1")),), (grid_from_text("1"), grid_from_text("2")))


def symbolic(text, *, cost=10.0, verified=True, program=None, fits=None, draws=1, test_index=0):
    fits = (3 if verified else 1) if fits is None else fits
    name = program or f"p{cost}"
    where = Provenance("symbolic", "symbolic", "image", name, cost, verified, fits, draws=draws)
    return Candidate("t", test_index, grid_from_text(text), -cost, where)


def neural(text, *, view="identity", log_score=-1.0, draws=1, test_index=0):
    where = Provenance("neural", "neural", "decode", view=view, adapted=True, draws=draws)
    return Candidate("t", test_index, grid_from_text(text), log_score, where)


def other(text):
    return Candidate("t", 0, grid_from_text(text), 0.0, Provenance("identity", "identity"))


def chosen(candidates, rule="lexicographic"):
    return [
        grid_to_text(grid) for grid in merge(TASK, candidates, MergeConfig(rule=rule, invariants=False)).attempts[0]
    ]


def judged(text, log_score):
    where = Provenance("neural", "neural", "judge", adapted=True, draws=0)
    return Candidate("t", 0, grid_from_text(text), log_score, where)


def test_the_network_decides_between_programs_that_are_about_as_likely():
    programs = [symbolic("1", cost=0.5), symbolic("2", cost=1.5), symbolic("3", cost=9)]
    assert chosen(programs, "likeliest") == ["1", "2"]
    assert chosen([*programs, judged("1", -9.0), judged("2", -2.0), judged("3", -2.0)], "likeliest") == ["2", "1"]
    assert chosen([*programs, judged("1", -9.0), judged("2", -8.5), judged("3", -99.0)], "likeliest") == ["1", "2"]
    sure = [symbolic("1", cost=0.005), *programs[1:]]
    assert chosen([*sure, judged("1", -9.0), judged("2", -2.0), judged("3", -2.0)], "likeliest") == ["1", "2"]


def test_what_the_network_had_no_time_to_judge_is_neither_favored_nor_ruled_out():
    programs = [symbolic("1", cost=0.5), symbolic("2", cost=1.0), symbolic("3", cost=1.5)]
    assert chosen([*programs, judged("1", -9.0), judged("3", -2.0)], "likeliest") == ["3", "2"]


@pytest.mark.parametrize("rule", ["lexicographic", "program_first", "one_slot_each", "hierarchical", "flat"])
def test_judging_alone_takes_no_place(rule):
    pool = [symbolic("1", cost=0.5), symbolic("2", cost=1.0), neural("3"), neural("3", view="transpose")]
    assert chosen([*pool, judged("2", -0.1)], rule) == chosen(pool, rule)


def test_shorter_verified_program_comes_first():
    assert chosen([symbolic("1", cost=20), symbolic("2", cost=5)]) == ["2", "1"]


def test_agreement_of_distinct_programs_outweighs_one_shorter_program():
    three = [symbolic("1", cost=10, program=f"p{i}") for i in range(3)]
    assert chosen([*three, symbolic("2", cost=9)]) == ["1", "2"]


def test_the_same_program_twice_is_no_agreement():
    twice = [symbolic("1", cost=10, program="p") for _ in range(3)]
    assert chosen([*twice, symbolic("2", cost=9)]) == ["2", "1"]


def test_second_attempt_goes_to_the_other_family():
    assert chosen([symbolic("1", cost=3), symbolic("2", cost=4), neural("3")]) == ["1", "3"]


def test_second_attempt_differs_from_the_first():
    assert chosen([symbolic("1"), neural("1", draws=5), neural("2")]) == ["1", "2"]


def test_agreeing_families_leave_the_second_place_to_the_next_program():
    assert chosen([symbolic("1", cost=3), symbolic("2", cost=4), neural("1")]) == ["1", "2"]


def test_votes_outrank_a_program_that_misses_a_demonstration():
    assert chosen([symbolic("1", verified=False), neural("2"), neural("3", view="transpose")]) == ["2", "3"]


def test_program_that_misses_a_demonstration_fills_a_free_place():
    assert chosen([symbolic("1", verified=False), neural("2")]) == ["2", "1"]
    assert chosen([symbolic("1", cost=2, fits=1, verified=False), symbolic("2", fits=2, verified=False)]) == ["2", "1"]


def test_log_score_breaks_a_tie_of_votes():
    assert chosen([neural("1", log_score=-9), neural("2", log_score=-1)]) == ["2", "1"]


def test_draws_count_as_votes():
    assert chosen([neural("1", log_score=-9, draws=3), neural("2", draws=2)]) == ["1", "2"]


def test_solvers_of_neither_family_come_last():
    assert chosen([other("9"), neural("2")]) == ["2", "9"]


def test_test_inputs_are_merged_apart_and_none_is_an_empty_tuple():
    prediction = merge(TASK, [neural("4", test_index=1)], MergeConfig())
    assert prediction.attempts[0] == ()
    assert [grid_to_text(grid) for grid in prediction.attempts[1]] == ["4"]


def test_program_first_ignores_the_network_when_a_program_passes():
    pool = [symbolic("1", draws=1, cost=2), symbolic("2", draws=4), neural("3", draws=9)]
    assert chosen(pool, "program_first") == ["2", "1"]


def test_the_likeliest_grid_is_a_cheap_program_or_what_the_network_is_sure_of():
    views = [neural("3", view=view, log_score=-0.1) for view in "abc"] + [neural("4", view="d", log_score=-2.0)]
    assert chosen([symbolic("1", cost=0.1), symbolic("2", cost=5), *views], "likeliest") == ["1", "3"]
    assert chosen([symbolic("1", cost=2), symbolic("2", cost=2.5), *views[:3]], "likeliest") == ["3", "1"]
    assert chosen([symbolic("1", cost=0.1), symbolic("2", cost=1.5), views[3]], "likeliest") == ["1", "4"]
    assert chosen([symbolic("1", cost=0.1), symbolic("2", cost=1.0), views[3]], "likeliest") == ["1", "2"]
    unsure = [neural("3", view=view, log_score=-9.0) for view in "abc"]
    assert chosen([symbolic("1", cost=2), symbolic("2", cost=2.5), *unsure], "likeliest") == ["1", "2"]


def test_a_grid_of_both_halves_is_likelier_than_either_says():
    views = [neural("2", view="a", log_score=-0.1), neural("3", view="b", log_score=-0.1)]
    assert chosen([symbolic("1", cost=0.4), symbolic("2", cost=1.6), *views], "likeliest") == ["2", "1"]


def test_program_first_votes_when_no_program_passes():
    assert chosen([symbolic("1", verified=False), neural("3"), neural("3", view="x")], "program_first") == ["3"]


def test_flat_counts_votes_only():
    assert chosen([symbolic("1"), neural("2", draws=2, log_score=-50)], "flat") == ["2", "1"]


def test_log_likelihood_ignores_votes():
    pool = [neural("1", log_score=-0.2, view=view) for view in "abc"] + [neural("2", log_score=-0.1)]
    assert chosen(pool, "log_likelihood") == ["2", "1"]


def test_log_likelihood_multiplies_over_solvers():
    pool = [symbolic("1", cost=1), symbolic("2", cost=2), neural("2", log_score=-0.1), neural("3", log_score=-0.2)]
    assert chosen(pool, "log_likelihood")[0] == "2"


def test_votes_and_likelihood_weighs_one_vote_as_one_nat():
    two = [neural("1", log_score=-3.0, view=view) for view in "ab"]
    assert chosen([*two, neural("2", log_score=-2.1)], "votes_and_likelihood") == ["1", "2"]
    assert chosen([*two, neural("2", log_score=-1.9)], "votes_and_likelihood") == ["2", "1"]


def test_one_slot_each_gives_the_program_the_first_place():
    pool = [symbolic("1", verified=False), neural("2", draws=9), neural("3", draws=8)]
    assert chosen(pool, "one_slot_each") == ["1", "2"]


def test_unknown_rule_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'flat'"):
        get_rule("flatt")


@pytest.mark.parametrize(("task_id", "test_index"), [("other", 0), ("t", 2), ("t", -1)])
def test_candidate_of_another_task_is_refused(task_id, test_index):
    wrong = Candidate(task_id, test_index, grid_from_text("1"), 0.0, Provenance("neural", "neural"))
    with pytest.raises(ValueError, match="candidates must be for task t, test inputs"):
        merge(TASK, [wrong], MergeConfig())


GRIDS = st.sampled_from(["1", "2", "3", "12", "21", "1/2", "11/22", "12/21"])
POOLS = st.lists(
    st.one_of(
        st.builds(
            symbolic,
            GRIDS,
            cost=st.sampled_from([3.0, 3.1, 7.7]),
            verified=st.booleans(),
            program=st.sampled_from("abc"),
            draws=st.integers(1, 3),
        ),
        st.builds(
            neural,
            GRIDS,
            view=st.sampled_from(["identity", "transpose", "rotate_90"]),
            log_score=st.sampled_from([-0.1, -0.2, -0.3]),
            draws=st.integers(1, 3),
        ),
        st.builds(judged, GRIDS, log_score=st.sampled_from([-0.1, -7.0, -90.0])),
        st.builds(other, GRIDS),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("rule", sorted(RULES))
@settings(deadline=None, max_examples=60)
@given(pool=POOLS, seed=st.integers(0, 10**6))
def test_order_of_candidates_never_matters(rule, pool, seed):
    shuffled = random.Random(seed).sample(pool, len(pool))
    assert chosen(pool, rule) == chosen(shuffled, rule)


@pytest.mark.parametrize("rule", ["likeliest", "learned"])
def test_order_does_not_matter_where_runs_disagree_on_what_a_grid_breaks(rule):
    whole, apart = (broken(symbolic("1", cost=1.0), breaks) for breaks in ((), tuple(WEIGHTS)))
    orders = itertools.permutations([whole, apart, symbolic("2", cost=2.0)])
    assert {grid_to_text(RULES[rule](order)[0]) for order in orders} == {"2"}


def broken(candidate, breaks):
    return replace(candidate, provenance=replace(candidate.provenance, breaks=breaks))


def test_programs_beyond_the_floor_of_the_odds_are_ranked_by_cost():
    assert chosen([symbolic("1", cost=40), symbolic("2", cost=30), symbolic("3", cost=14)], "likeliest") == ["3", "2"]


def test_the_solver_identity_is_no_vote_of_the_identity_view():
    copied = Candidate("t", 0, grid_from_text("9"), -1.0, Provenance("identity", "identity"))
    votes = [copied, neural("3", view="a"), neural("4", view="b")]
    assert chosen(votes, "hierarchical") == ["3", "4"]


def test_hierarchical_vote_takes_arrays_of_any_integers():
    votes = [("identity", np.array([[1, 2]])), ("identity", np.array([[1, 3]])), ("a", [[1, 2]])]
    assert [grid_to_text(grid) for grid in hierarchical_vote(votes)] == ["12", "13"]


@pytest.mark.parametrize("rule", sorted(RULES))
@settings(deadline=None, max_examples=60)
@given(pool=POOLS)
def test_attempts_differ_and_are_at_most_two(rule, pool):
    attempts = chosen(pool, rule)
    assert len(attempts) <= 2
    assert len(set(attempts)) == len(attempts)


def test_support_adds_up_who_proposed_a_grid():
    pool = [symbolic("1", cost=4, program="p"), symbolic("1", cost=4, program="q"), neural("1", draws=2), neural("2")]
    first, second = support_of(pool).values()
    assert (first.votes, first.fits, first.evidence) == (4, 3, -3.0)
    assert (second.votes, second.fits, second.evidence) == (1, -1, -np.inf)


class TiedError(Exception):
    """The published code would decide by hash order."""


def top(items, count=1):
    ordered = Counter(items).most_common(count + 1)
    votes = [n for _, n in ordered]
    if len(set(votes)) < len(votes):
        raise TiedError
    return [item for item, _ in ordered[:count]]


def lines(grids):
    (height, width) = top([(len(grid), len(grid[0])) for grid in grids])[0]
    return tuple(top([grid[r] for grid in grids if len(grid) > r and len(grid[r]) == width])[0] for r in range(height))


def three(grids, tolerate_tie_for_second=False):
    """Restate arclib/voting.py on tuples of rows; refuse what it leaves to hash order."""
    ordered = Counter(grids).most_common()
    if tolerate_tie_for_second and len(ordered) > 2 and ordered[1][1] == ordered[2][1]:
        if ordered[0][1] == ordered[1][1] or (len(ordered) > 3 and ordered[3][1] == ordered[2][1]):
            raise TiedError
        return [item for item, _ in ordered[:3]]
    best = top(grids, 3)
    while len(best) < 3:
        by_rows = lines(grids)
        by_columns = tuple(zip(*lines([tuple(zip(*grid, strict=True)) for grid in grids]), strict=True))
        best.append(by_rows if by_rows not in best else by_columns)
    return best


def published(votes):
    views = {}
    for view, grid in votes:
        views.setdefault(view, []).append(grid)
    views["all"] = [grid for _, grid in votes]
    nominated = [grid for grids in views.values() for grid in three(grids)]
    first, second, third = three(nominated, tolerate_tie_for_second=True)
    if nominated.count(second) == nominated.count(third) and second != third:
        mine, theirs = (views.get("identity", []).count(grid) for grid in (second, third))
        if mine == theirs:
            raise TiedError
        second = second if mine > theirs else third
    return first, second


def random_votes(rng):
    height, width = (int(n) for n in rng.integers(1, 4, 2))
    truth = rng.integers(0, 3, (height, width))
    pool = [truth]
    for _ in range(int(rng.integers(0, 4))):
        changed = truth.copy() if rng.random() < 0.8 else rng.integers(0, 3, (height + 1, width))
        changed[rng.integers(len(changed)), rng.integers(width)] = rng.integers(0, 4)
        pool.append(changed)
    votes = []
    for view in ["identity", "transpose", "flip_rows", "rotate_180"][: int(rng.integers(1, 5))]:
        for _ in range(int(rng.integers(1, 8))):
            votes.append((view, pool[min(int(rng.geometric(0.5)) - 1, len(pool) - 1)]))
    return votes


def test_hierarchical_vote_equals_the_published_rule_where_nothing_is_tied():
    rng = np.random.default_rng(0)
    compared = second_differs = 0
    for _ in range(2000):
        votes = random_votes(rng)
        try:
            expected = published([(view, tuple(map(tuple, grid.tolist()))) for view, grid in votes])
        except TiedError:
            continue
        compared += 1
        second_differs += expected[0] != expected[1]
        got = hierarchical_vote([(view, as_grid(grid)) for view, grid in votes])
        assert [grid.tolist() for grid in got] == [[list(row) for row in grid] for grid in expected]
    assert compared > 300
    assert second_differs > 100


def ballots(text):
    """Read ``view:grid*count`` entries."""
    entries = [entry.replace("*", ":").split(":") for entry in text.split()]
    return [(view, grid_from_text(grid)) for view, grid, count in entries for _ in range(int(count))]


def test_identity_votes_break_a_tie_for_second_place():
    votes = ballots("a:1*9 a:2*2 identity:1*5 identity:3*2 b:1*9 b:2*1 b:3*1")
    flipped = [(view, as_grid(5 - grid) if int(grid[0, 0]) in (2, 3) else grid) for view, grid in votes]
    assert [grid_to_text(g) for g in hierarchical_vote(votes)] == ["1", "3"]
    assert [grid_to_text(g) for g in hierarchical_vote(flipped)] == ["1", "2"]


def test_a_view_with_one_vote_nominates_it_three_times():
    first, second = hierarchical_vote(ballots("a:1*2 a:2*1 b:2*1 c:2*1"))
    assert (grid_to_text(first), grid_to_text(second)) == ("2", "1")


def test_third_nomination_is_composed_of_rows_when_two_grids_are_proposed():
    grids = [grid_from_text("12/30"), grid_from_text("10/34")]
    assert [grid_to_text(grid) for grid in _top_three(grids, lambda key: ())] == ["10/34", "12/30", "10/30"]


def test_rows_of_a_taller_grid_take_part_as_far_as_the_shape_reaches():
    grids = [grid_from_text("12/34"), grid_from_text("10/30/55")]
    assert grid_to_text(_top_three(grids, lambda key: ())[2]) == "10/30"


def test_one_vote_fills_both_places_and_none_is_refused():
    first, second = hierarchical_vote(ballots("identity:7*1"))
    assert same_grid(first, second)
    with pytest.raises(ValueError, match="at least one grid"):
        hierarchical_vote([])


def test_log_odds_are_those_of_the_program_less_the_networks_doubt():
    programs = [symbolic("1", cost=1.0), symbolic("2", cost=2.0)]
    alone = log_odds(programs)
    assert [alone[grid_key(grid_from_text(text))] for text in "12"] == pytest.approx([0.0, np.log(1 / 3)])
    both = log_odds([*programs, judged("1", -3.0), judged("2", -1.0)])
    assert [both[grid_key(grid_from_text(text))] for text in "12"] == pytest.approx([-2.0 * DOUBT, np.log(1 / 3)])
    assert log_odds([judged("1", -1.0), other("2")]) == {}


def test_evidence_is_what_each_half_says():
    pool = [symbolic("1", cost=1.0), symbolic("2", cost=2.0, verified=False), judged("1", -30.0), judged("2", -1.0)]
    pool += [neural("2", view="a"), neural("3", view="b", log_score=-0.5)]
    known = {text: evidence_of(pool)[grid_key(grid_from_text(text))] for text in "123"}
    assert [known[text].program for text in "123"] == [0.5, 0.25, 0.0]
    assert [known[text].fits for text in "123"] == [True, False, False]
    assert [known[text].doubt for text in "123"] == pytest.approx([MOST_UNLIKELY, 0.0, 0.0])
    assert [known[text].by_program for text in "123"] == [True, True, False]
    estimates = [0.0, OWN_ESTIMATE * np.exp(-TEMPER), OWN_ESTIMATE * np.exp(-0.5 * TEMPER)]
    assert [known[text].estimate for text in "123"] == pytest.approx(estimates)
    assert set(known["1"].features()) == set(FEATURES)


def test_judgements_of_large_tasks_are_not_heard():
    pool = [symbolic("1", cost=0.5), symbolic("2", cost=1.0), judged("1", -9.0), judged("2", -1.0)]
    limits = [MergeConfig(max_judged_cells=cells, invariants=False) for cells in (3, 2)]
    assert [is_judged(TASK, limit) for limit in limits] == [True, False]
    first = [grid_to_text(merge(TASK, pool, limit).attempts[0][0]) for limit in limits]
    assert first == ["2", "1"]
