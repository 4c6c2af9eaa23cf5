"""Scores under the three rules, and the Kaggle form in and out."""

import json

import pytest

from dsl.grid import grid_from_text, grid_to_text
from dsl.task import Example, Task
from ensemble.data import DataSet
from ensemble.errors import DataError, RunError
from ensemble.scoring import read_submission, score, validate_submission, write_submission
from ensemble.types import Candidate, Prediction, Provenance

ANSWERS = {
    "one": (grid_from_text("1"),),
    "two": (grid_from_text("1"), grid_from_text("22")),
    "three": (grid_from_text("3"), grid_from_text("3"), grid_from_text("3")),
}
ASKED = tuple(ANSWERS)


def prediction(task_id, *outputs):
    return Prediction(task_id, tuple(tuple(grid_from_text(text) for text in texts.split()) for texts in outputs))


def candidate(task_id, text, test_index=0):
    return Candidate(task_id, test_index, grid_from_text(text), 0.0, Provenance("neural", "neural"))


def numbers(result, level):
    figures = result.as_json()[level]
    return [(figures[rule]["n"], figures[rule]["of"]) for rule in ("task", "mean_fraction", "output")]


def test_three_rules_count_the_same_attempts_differently():
    attempts = {"one": prediction("one", "1"), "two": prediction("two", "1", "9")}
    assert numbers(score(ASKED, attempts, None, ANSWERS), "pass@2") == [(1, 3), (1.5, 3), (2, 6)]


def test_second_attempt_counts_at_pass_2_only():
    result = score(["one"], {"one": prediction("one", "9 1")}, None, ANSWERS)
    assert [numbers(result, level)[0] for level in ("pass@1", "pass@2")] == [(0, 1), (1, 1)]


def test_third_attempt_never_counts():
    result = score(["one"], {"one": prediction("one", "8 9 1")}, None, ANSWERS)
    assert numbers(result, "pass@2")[0] == (0, 1)


def test_missing_task_is_wrong_and_stays_in_the_denominator():
    assert numbers(score(ASKED, {}, None, ANSWERS), "pass@2") == [(0, 3), (0, 3), (0, 6)]


def test_output_without_attempts_is_wrong():
    result = score(["two"], {"two": prediction("two", "1", "")}, None, ANSWERS)
    assert numbers(result, "pass@2") == [(0, 1), (0.5, 1), (1, 2)]


def test_right_cells_in_another_shape_are_wrong():
    result = score(["two"], {"two": prediction("two", "1", "2/2")}, None, ANSWERS)
    assert numbers(result, "pass@2")[2] == (1, 2)


def test_oracle_looks_at_the_candidates_of_the_right_test_input():
    candidates = {"two": [candidate("two", "1"), candidate("two", "22", 0), candidate("two", "9", 1)]}
    assert numbers(score(["two"], {}, candidates, ANSWERS), "oracle") == [(0, 1), (0.5, 1), (1, 2)]


def test_oracle_is_never_below_the_attempts():
    result = score(["one"], {"one": prediction("one", "1")}, {}, ANSWERS)
    assert numbers(result, "oracle")[0] == (1, 1)


def test_oracle_is_null_without_candidates():
    result = score(ASKED, {}, None, ANSWERS)
    assert result.as_json()["oracle"] is None
    assert "oracle" not in result.table()


def test_figures_have_wilson_intervals():
    figure = score(["one"], {"one": prediction("one", "1")}, None, ANSWERS).as_json()["pass@1"]["task"]
    assert figure["ci"] == pytest.approx([0.2065493143772375, 1.0])


def test_table_is_aligned_and_shows_counts():
    lines = score(ASKED, {"one": prediction("one", "1")}, {}, ANSWERS).table().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "1/3 = 33.3% (6.1% to 79.2%)" in lines[2]


@pytest.mark.parametrize(
    ("asked", "attempts", "message"),
    [
        ([], {}, "no task to score"),
        (["one", "one"], {}, "task one is asked for twice"),
        (["one", "four"], {}, "no answers for 1 of the 2 tasks asked for, such as four"),
        (["one"], {"two": prediction("two", "1", "1")}, "prediction for task 'two', which is not among the 1 tasks"),
        (["two"], {"two": prediction("two", "1")}, "task two has 2 test outputs, the prediction has 1"),
    ],
)
def test_what_would_change_the_denominator_is_refused(asked, attempts, message):
    with pytest.raises(DataError, match=message):
        score(asked, attempts, None, ANSWERS)


def dataset():
    pair = Example(grid_from_text("1"), grid_from_text("1"))
    tasks = tuple(Task(name, (pair,), tuple(grid_from_text("1") for _ in grids)) for name, grids in ANSWERS.items())
    return DataSet("small", "small", None, tasks, ANSWERS, "0" * 16)


def test_submission_reads_back_what_was_written(tmp_path):
    path = tmp_path / "submission.json"
    attempts = {"two": prediction("two", "12/34 5", "")}
    write_submission(path, attempts, {"one": 1, "two": 2})
    value = json.loads(path.read_text())
    assert list(value) == ["one", "two"]
    assert value["two"][0] == {"attempt_1": [[1, 2], [3, 4]], "attempt_2": [[5]]}
    back = read_submission(path)
    assert [[grid_to_text(grid) for grid in output] for output in back["two"].attempts] == [["12/34", "5"], ["0", "0"]]
    assert list(tmp_path.iterdir()) == [path]


def test_written_submission_is_valid(tmp_path):
    path = tmp_path / "submission.json"
    write_submission(path, {}, {task_id: len(grids) for task_id, grids in ANSWERS.items()})
    assert validate_submission(path, dataset()) == []


def test_writing_refuses_tasks_and_outputs_that_do_not_belong(tmp_path):
    with pytest.raises(ValueError, match="task one, which is not asked for"):
        write_submission(tmp_path / "s.json", {"one": prediction("one", "1")}, {"two": 2})
    with pytest.raises(ValueError, match="needs 2 outputs, its prediction has 1"):
        write_submission(tmp_path / "s.json", {"two": prediction("two", "1")}, {"two": 2})
    with pytest.raises(RunError, match="cannot write"):
        write_submission(tmp_path / "no" / "s.json", {}, {"two": 2})


GOOD = {"attempt_1": [[1]], "attempt_2": [[2]]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must be an object of task ids, got \\[\\]"),
        ({"one": {}}, "task one: must be a list with one entry per test input, got {}"),
        ({"one": []}, "task one: must be a list with one entry per test input, got \\[\\]"),
        ({"one": [[[1]]]}, "task one, test input 0: must be an object with attempt_1 and attempt_2"),
        ({"one": [{"attempt_1": [[1]]}]}, "task one, test input 0: attempt_2 is missing"),
        ({"one": [GOOD | {"attempt_3": [[1]]}]}, "unknown key 'attempt_3', two attempts are allowed"),
        ({"one": [GOOD, GOOD | {"attempt_2": [[1], [10]]}]}, "test input 1: attempt_2: .* got 10 at row 1, column 0"),
        ({"one": [GOOD | {"attempt_1": []}]}, "attempt_1: grid must be a non-empty list of rows"),
    ],
)
def test_broken_submission_is_refused_with_the_place(tmp_path, value, message):
    path = tmp_path / "submission.json"
    path.write_text(json.dumps(value))
    with pytest.raises(DataError, match=message):
        read_submission(path)
    assert len(validate_submission(path, dataset())) >= 1


def test_task_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "submission.json"
    path.write_text('{"one": [], "one": []}')
    with pytest.raises(DataError, match="'one' stands twice"):
        read_submission(path)


def test_validation_lists_every_problem(tmp_path):
    path = tmp_path / "submission.json"
    path.write_text(json.dumps({"one": [GOOD, GOOD], "four": [GOOD], "two": [GOOD, {"attempt_1": [[1]]}]}))
    assert validate_submission(path, dataset()) == [
        "task two, test input 1: attempt_2 is missing",
        "task three is missing",
        "task one needs 1 outputs, got 2",
        "task four is not in small",
    ]
