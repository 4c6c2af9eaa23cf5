"""Solutions are ranked by how likely they are right, on one scale."""

import numpy as np
import pytest

from dsl.grid import grid_from_text
from dsl.program import parse
from dsl.search.ranking import CLEAR, WEIGHTS, Field, rank
from dsl.search.solution import Solution
from dsl.task import Example, Task

GRID = grid_from_text("12/34")
TASK = Task("made", (Example(GRID, GRID), Example(GRID, GRID)), (GRID,))


def solution(cost: float, support: float | None = 1.0, fits: int = 2, engine: str = "cells") -> Solution:
    return Solution(parse("input"), (GRID,), cost, fits, engine, support)


def odds_of(one: Solution) -> float:
    return rank([one], TASK)[0].log_odds


def test_features_are_those_that_have_weights() -> None:
    assert set(Field([solution(3.0)], TASK).features(solution(3.0))) == set(WEIGHTS)


def test_rivals_are_other_predictions_of_the_family_that_cost_little_more() -> None:
    def predicting(text: str, cost: float) -> Solution:
        return Solution(parse("input"), (grid_from_text(text),), cost, 2, "cells")

    near, far = predicting("11/11", 8.0), predicting("22/22", 30.0)
    values = [Field(rivals, TASK).features(rivals[0])["rivals"] for rivals in ([near], [near, far])]
    assert values == [0.0, 0.0]
    close = [near, predicting("33/33", 9.0), predicting("44/44", 10.0), predicting("44/44", 11.0), far]
    assert Field(close, TASK).features(near)["rivals"] == pytest.approx(np.log2(3))


def test_more_bits_are_less_likely() -> None:
    odds = [odds_of(solution(bits)) for bits in (-5.0, 5.0, 19.0, 21.0, 60.0)]
    assert odds == sorted(odds, reverse=True)


def test_foretelling_demonstrations_is_more_likely() -> None:
    odds = [odds_of(solution(10.0, support)) for support in (1.0, 0.5, 0.0)]
    assert odds == sorted(odds, reverse=True)
    assert odds[0] > odds[2]


def test_a_missed_demonstration_costs_odds() -> None:
    assert odds_of(solution(5.0, fits=1)) < odds_of(solution(5.0))


def test_the_second_answer_of_a_family_is_less_likely_than_its_bits_alone_say() -> None:
    first, second = solution(4.0), solution(5.0, engine="autoregressive")
    ranked = rank([second, first], TASK)
    assert [entry.solution for entry in ranked] == [first, second]
    assert ranked[1].log_odds < odds_of(second)


def test_the_first_answer_of_another_family_is_not_a_second_answer() -> None:
    ranked = rank([solution(4.0), solution(5.0, engine="objects")], TASK)
    assert ranked[1].log_odds > odds_of(ranked[1].solution)  # the families agree


def test_two_families_that_agree_on_a_short_program_are_clear() -> None:
    ranked = rank([solution(0.0), solution(1.0, engine="objects")], TASK)
    assert ranked[0].log_odds > CLEAR
