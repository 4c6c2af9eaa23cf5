"""Explanations: who voted for what, and what the leading program computes."""

import pytest

from dsl.grid import grid_from_text
from ensemble.errors import DataError
from ensemble.explain import explain, trace
from tests.fake_run import decoded, program, small_run


def test_attempts_are_shown_with_votes_and_truth():
    text = explain(small_run(), "both")
    assert "task both: 3 candidates, merged by rule 'likeliest'" in text
    assert "attempt 1, right: 3 votes, right at 61% by its own odds\n2 1\n4 3" in text
    assert "neural, views and log scores: identity (-1.00), transpose (-1.00)" in text
    assert "symbolic (image), fits all demonstrations, 4.0 bits: flip_left_right(input)" in text


def test_what_is_not_submitted_is_shown_too():
    pool = [decoded("both", f"{i}", view=f"view_{i}") for i in range(9)]
    text = explain(small_run(pool=pool), "both")
    assert text.count("attempt 1, wrong") == text.count("attempt 2, wrong") == 1
    assert text.count("not submitted, wrong") == 3
    assert "... and 4 other grids" in text


def test_what_a_grid_breaks_is_said():
    assert "  breaks what all demonstrations have in common: " in explain(
        small_run(pool=[decoded("both", "1")]), "both"
    )


def test_unadapted_votes_are_told_apart():
    text = explain(small_run(pool=[decoded("both", "1", adapted=False)]), "both")
    assert "neural without test-time training, views" in text


def test_steps_of_training_are_said():
    text = explain(small_run(pool=[decoded("both", "1", adapted=True, steps=40)]), "both")
    assert "neural after 40 steps of test-time training, views" in text


def test_without_answers_nothing_is_called_right_or_wrong():
    text = explain(small_run(answers={}), "both")
    assert "right:" not in text
    assert "wrong" not in text


def test_failed_solver_is_named_with_its_error():
    assert "neural: failed, 1.0 s, MemoryError: too large" in explain(small_run(), "programs")


def test_task_without_candidates_is_explained():
    assert "no candidates" in explain(small_run(pool=[]), "both")


def test_leading_program_is_the_shortest_that_fits():
    pool = [
        program("both", "21/43", "flip_left_right(input)", cost=9.0),
        program("both", "12/34", "input", cost=1.0, verified=False),
    ]
    assert "steps of flip_left_right(input)" in explain(small_run(pool=pool), "both")


def test_unknown_task_is_refused():
    with pytest.raises(DataError, match="did you mean 'both'"):
        explain(small_run(), "bath")


def test_trace_goes_from_the_inner_steps_out():
    assert trace("rotate_90(flip_left_right(input))", grid_from_text("12/34")) == [
        "1. flip_left_right(input)", "   grid 2x2", "   2 1", "   4 3",
        "2. rotate_90(flip_left_right(input))", "   grid 2x2", "   4 2", "   3 1",
    ]  # fmt: skip


def test_trace_shows_every_kind_of_value():
    text = "\n".join(trace("object_cells(largest(components(input)), input)", grid_from_text("10/02")))
    assert "objects\n   object 1x1 at row 0, column 0" in text
    assert "mask 2x2\n   1 0\n   0 0" in text


def test_trace_shows_a_shared_step_once():
    assert sum("rotate_90" in line for line in trace("beside(rotate_90(input), rotate_90(input))", GRID)) == 2


def test_trace_does_not_run_what_a_form_keeps_to_itself():
    steps = trace('with_roles("count 0", flip_left_right(input))', GRID)
    assert [line for line in steps if line[0].isdigit()] == ['1. with_roles("count 0", flip_left_right(input))']


def test_trace_of_an_assembled_program_shows_its_pieces():
    steps = trace('cover(input, "whole", flip_left_right(input))', GRID)
    assert steps[0] == "1. flip_left_right(input)"


def test_trace_reports_a_step_without_result():
    assert trace("scale_up(input, 30)", GRID)[1].startswith("   no result: ")


def test_trace_reports_a_program_of_another_language():
    assert trace("no_such_primitive(input)", GRID)[0].startswith("cannot be read any more: no primitive")


GRID = grid_from_text("12/34")
