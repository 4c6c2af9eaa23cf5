import pytest

from dsl.grid import as_grid
from dsl.program import Input, parse
from dsl.search.pool import Pool
from dsl.search.solution import Solution


def solution(color, cost, support=None, program=None):
    return Solution(program or Input(), (as_grid([[color]]),), cost, 2, "cells", support)


def by_color(pool):
    return {int(s.outputs[0][0, 0]): s for s in pool.merged()}


def test_one_run_keeps_its_bits():
    pool = Pool()
    pool.add([solution(1, 10.0), solution(2, 12.0)])
    assert {color: s.cost for color, s in by_color(pool).items()} == {1: 10.0, 2: 12.0}


def test_what_every_run_predicts_keeps_its_bits_and_what_one_of_four_predicts_costs_four_more():
    pool = Pool()
    for run in range(4):
        pool.add([solution(1, 10.0), *([solution(2, 10.0)] if run == 0 else [])])
    costs = {color: s.cost for color, s in by_color(pool).items()}
    assert costs == {1: pytest.approx(10.0), 2: pytest.approx(14.0)}


def test_the_cheapest_program_is_shown_with_the_best_support_measured():
    pool = Pool()
    pool.add([solution(1, 12.0, 0.5)])
    pool.add([solution(1, 9.0, None, parse("transpose(input)"))])
    merged = by_color(pool)[1]
    assert str(merged.program) == "transpose(input)"
    assert merged.support == 0.5


def test_a_run_without_a_solution_counts():
    pool = Pool()
    pool.add([solution(1, 10.0)])
    pool.add([])
    assert by_color(pool)[1].cost == pytest.approx(12.0)
