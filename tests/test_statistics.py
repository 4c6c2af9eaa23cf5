"""Intervals and tests against scipy and against arithmetic that fits on a napkin."""

import pytest
from scipy.stats import binomtest

from ensemble.statistics import mcnemar, paired_bootstrap, wilson_interval


@pytest.mark.parametrize(("successes", "total"), [(0, 1), (1, 1), (0, 400), (400, 400), (247, 400), (3, 7)])
def test_wilson_interval_equals_scipy(successes, total):
    expected = binomtest(successes, total).proportion_ci(method="wilson")
    assert wilson_interval(successes, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_of_a_sum_of_fractions_lies_between_its_neighbors():
    low, high = wilson_interval(2.5, 10)
    assert wilson_interval(2, 10)[0] < low < wilson_interval(3, 10)[0]
    assert wilson_interval(2, 10)[1] < high < wilson_interval(3, 10)[1]


@pytest.mark.parametrize(("successes", "total"), [(1, 0), (-1, 3), (4, 3)])
def test_wilson_interval_refuses_impossible_counts(successes, total):
    with pytest.raises(ValueError, match="successes <= total"):
        wilson_interval(successes, total)


def test_mcnemar_looks_at_discordant_tasks_only():
    left, right = [True] * 5 + [False] * 20, [False] * 5 + [False] * 20
    test = mcnemar(left, right)
    assert (test.only_left, test.only_right) == (5, 0)
    assert test.p_value == pytest.approx(2 * 0.5**5)


def test_mcnemar_of_equal_systems_is_one():
    assert mcnemar([True, False], [True, False]).p_value == 1.0


def test_mcnemar_refuses_different_tasks():
    with pytest.raises(ValueError, match="longer than"):
        mcnemar([True], [True, False])


def test_paired_bootstrap_covers_the_mean_and_is_reproducible():
    left, right = [1.0] * 30 + [0.0] * 70, [1.0] * 10 + [0.0] * 90
    first = paired_bootstrap(left, right, seed=3)
    assert first.mean == pytest.approx(0.2)
    assert 0.1 < first.low < 0.2 < first.high < 0.3
    assert first == paired_bootstrap(left, right, seed=3)


def test_paired_bootstrap_is_narrower_than_chance_when_tasks_agree():
    agreeing = [1.0] * 50 + [0.0] * 50
    one_more = [*agreeing[:-1], 1.0]
    difference = paired_bootstrap(one_more, agreeing)
    assert 0 <= difference.low < difference.high < 0.05


def test_paired_bootstrap_without_any_difference_is_a_point():
    difference = paired_bootstrap([1.0, 0.5], [1.0, 0.5])
    assert (difference.mean, difference.low, difference.high) == (0, 0, 0)


def test_paired_bootstrap_needs_the_same_tasks():
    with pytest.raises(ValueError, match="same tasks"):
        paired_bootstrap([1.0], [1.0, 0.0])
