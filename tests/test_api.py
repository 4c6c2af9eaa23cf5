import re
from pathlib import Path

import pytest

import ensemble
from ensemble import Result, Solver, load_tasks
from ensemble.errors import ConfigError
from ensemble.store import open_run
from tests.tasks import small_set, small_task, write_folder

README = Path(__file__).parents[1] / "README.md"


def test_package_offers_what_the_readme_shows():
    assert ensemble.__all__ == ["Result", "Solver", "load_tasks"]
    with pytest.raises(AttributeError, match="has no attribute 'solve'"):
        _ = ensemble.solve


def test_the_lines_of_python_in_the_readme_run():
    (block,) = re.findall(r"```python\n(from ensemble import .*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert "seconds=10" in block
    names = {}
    exec(block.replace("seconds=10", "seconds=3"), names)
    answer = load_tasks("arc-agi-1/training").answers["00d62c1b"][0]
    assert any((grid == answer).all() for grid in names["result"].attempts[0] if grid.shape == answer.shape)
    assert names["result"].candidates[0].provenance.program


def test_solver_returns_candidates_and_attempts():
    task = small_task(tests=2)
    result = Solver(solvers=["identity"]).solve(task)
    assert isinstance(result, Result)
    assert [candidate.test_index for candidate in result.candidates] == [0, 1]
    assert [attempts[0].tolist() for attempts in result.attempts] == [grid.tolist() for grid in task.test_inputs]
    assert repr(result) == "<Result task: 2 candidates, 2/2 answered>"


def test_programs_are_those_that_fit_everything_shortest_first():
    from ensemble.types import Candidate, Prediction, Provenance

    task = small_task()

    def candidate(program, cost, verified=True):
        where = Provenance("symbolic", "symbolic", "image", program, cost, verified, 2)
        return Candidate(task.task_id, 0, task.test_inputs[0], -cost, where)

    found = (candidate("long", 9.0), candidate("wrong", 1.0, verified=False), candidate("short", 2.0))
    assert Result(task, found, Prediction(task.task_id, ((),))).programs == ("short", "long")


def test_result_and_data_set_draw_themselves():
    task = small_task()
    drawn = Solver(solvers=["identity"]).solve(task)._repr_html_()
    assert drawn.count("<svg") == 2
    assert "task" in small_set(["a"])._repr_html_()


def test_settings_are_checked():
    assert Solver(["identity"], seconds=5, seed=3, merge={"rule": "flat"}).config.merge.rule == "flat"
    with pytest.raises(ConfigError, match=r"unknown setting 'secnds' \(did you mean 'seconds'\?\)"):
        Solver(["identity"], secnds=5)
    with pytest.raises(ConfigError, match="unknown merge rule"):
        Solver(["identity"], merge={"rule": "loud"})


def test_run_writes_the_same_folder_as_the_command_line(tmp_path):
    dataset = load_tasks(write_folder(tmp_path / "tasks", 2))
    folder = Solver(["identity"]).run(dataset, tmp_path / "run", workers=1)
    with open_run(folder) as run:
        assert run.info["status"] == "done"
        assert len(run.candidates("task_1")) == 1
