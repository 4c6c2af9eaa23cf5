import json
import sqlite3
import stat

import pytest

from dsl.grid import as_grid
from ensemble.config import Config
from ensemble.errors import RunError
from ensemble.files import replace_file
from ensemble.recorder import open_recorder
from ensemble.store import JobKey, open_run
from ensemble.types import Candidate, Prediction, Provenance
from tests.tasks import small_set, write_folder

KEY = JobKey("task_0", "hash", "identity", "key")


def info_of(dataset, **changes):
    return {
        "format": 1,
        "status": "running",
        "target": dataset.target,
        "solutions": None,
        "data_hash": dataset.data_hash,
        "task_ids": list(dataset.task_ids),
        "config": Config(solvers=("identity",)).model_dump(mode="json"),
        "solver_keys": {"identity": "key"},
        "plugins": [],
        **changes,
    }


@pytest.fixture
def dataset():
    return small_set(["task_0", "task_1"], tests=2)


@pytest.fixture
def recorder(tmp_path, dataset):
    opened = open_recorder(tmp_path / "run", info_of(dataset))
    yield opened
    opened.close()


def candidate(cell=1, **provenance):
    where = Provenance(**{"solver": "identity", "family": "identity", **provenance})
    return Candidate("task_0", 1, as_grid([[cell, 0]]), -0.1 - cell / 3, where)


def test_candidates_come_back_as_they_were(recorder):
    rich = candidate(
        3,
        engine="image",
        program='f("x", #3)',
        cost=7.5,
        verified=True,
        fits=3,
        view="rot90",
        adapted=False,
        steps=0,
        draws=4,
        breaks=("colors", "shape"),
    )
    job = recorder.begin(KEY)
    recorder.add(job, [rich, candidate(2)])
    recorder.add(job, [candidate(1)])
    recorder.finish(job, seconds=1.5, peak_bytes=7, error=None)
    with open_run(recorder.folder) as run:
        found = run.candidates("task_0")
    assert [c.grid.tolist() for c in found] == [[[3, 0]], [[2, 0]], [[1, 0]]]
    assert found[0].provenance == rich.provenance
    assert found[0].log_score == rich.log_score
    assert found[0].test_index == 1
    assert not found[0].grid.flags.writeable


def test_job_rows_tell_time_memory_and_error(recorder):
    job = recorder.begin(KEY)
    recorder.add(job, [candidate()])
    recorder.finish(job, seconds=1.5, peak_bytes=7, error="ValueError: bad\nTraceback")
    with open_run(recorder.folder) as run:
        (row,) = run.jobs()
    assert (row.status, row.seconds, row.peak_bytes, row.candidates) == ("failed", 1.5, 7, 1)
    assert row.error == "ValueError: bad\nTraceback"


def test_candidates_of_an_unfinished_job_do_not_count(recorder):
    recorder.add(recorder.begin(KEY), [candidate()])
    with open_run(recorder.folder) as run:
        assert run.candidates("task_0") == ()
        assert run.jobs()[0].status == "running"


def test_another_try_replaces_the_first(recorder):
    for cell in (1, 2):
        job = recorder.begin(KEY)
        recorder.add(job, [candidate(cell)])
        recorder.finish(job, seconds=1.0, peak_bytes=None, error="no" if cell == 1 else None)
    with open_run(recorder.folder) as run:
        assert [c.grid.tolist() for c in run.candidates("task_0")] == [[[2, 0]]]
        assert len(run.jobs()) == 1


def test_jobs_of_other_settings_are_kept_and_not_mixed(tmp_path, dataset):
    for key, cell in (("old", 1), ("new", 2)):
        opened = open_recorder(tmp_path, info_of(dataset, solver_keys={"identity": key}))
        job = opened.begin(JobKey("task_0", "hash", "identity", key))
        opened.add(job, [candidate(cell)])
        opened.finish(job, seconds=1.0, peak_bytes=None, error=None)
        opened.publish()
        opened.close()
        with open_run(tmp_path) as run:
            assert [c.grid.tolist() for c in run.candidates("task_0")] == [[[cell, 0]]]
    opened = open_recorder(tmp_path, info_of(dataset, solver_keys={"identity": "old"}))
    assert opened.finished(JobKey("task_0", "hash", "identity", "old")) == ("done", 1.0)
    opened.close()


def test_unfinished_jobs_are_dropped_when_a_run_is_taken_up(tmp_path, dataset):
    first = open_recorder(tmp_path, info_of(dataset))
    first.add(first.begin(KEY), [candidate()])
    first.close()
    second = open_recorder(tmp_path, info_of(dataset))
    assert second.finished(KEY) is None
    assert second.candidates(KEY) == []
    second.close()


def test_a_closed_run_is_one_database_file_that_a_read_only_folder_can_hold(tmp_path, dataset):
    open_recorder(tmp_path, info_of(dataset)).close()
    assert sorted(path.name for path in tmp_path.glob("results.sqlite*")) == ["results.sqlite"]
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with open_run(tmp_path) as run:
            assert run.jobs() == ()
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_run_loads_its_tasks_again_and_checks_them(tmp_path):
    from ensemble.data import load_tasks

    folder = write_folder(tmp_path / "data", 3)
    dataset = load_tasks(folder).select(["task_1"])
    open_recorder(tmp_path / "run", info_of(dataset)).close()
    with open_run(tmp_path / "run") as run:
        assert run.dataset().task_ids == ("task_1",)
        assert set(run.dataset().answers) == {"task_1"}
    write_folder(folder, 4)
    with open_run(tmp_path / "run") as run, pytest.raises(RunError, match="restore that data"):
        run.dataset()


def test_submission_is_complete_before_anything_is_solved(recorder, dataset):
    recorder.submit(dataset.tasks, {})
    written = json.loads((recorder.folder / "submission.json").read_text())
    assert written == {name: [{"attempt_1": [[0]], "attempt_2": [[0]]}] * 2 for name in ("task_0", "task_1")}


def test_submission_has_two_attempts_for_every_test_input(recorder, dataset):
    one, two = as_grid([[1]]), as_grid([[2]])
    recorder.submit(dataset.tasks, {"task_1": Prediction("task_1", ((one,), (two, one)))})
    written = json.loads((recorder.folder / "submission.json").read_text())["task_1"]
    assert written == [{"attempt_1": [[1]], "attempt_2": [[0]]}, {"attempt_1": [[2]], "attempt_2": [[1]]}]


def test_missing_answers_are_never_filled_from_the_data_set(recorder, dataset):
    recorder.submit(dataset.tasks, {})
    text = (recorder.folder / "submission.json").read_text()
    assert all(json.dumps(grid.tolist()) not in text for grids in dataset.answers.values() for grid in grids)


def test_folder_of_another_data_set_is_refused_and_left_alone(tmp_path, dataset):
    open_recorder(tmp_path, info_of(dataset)).close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RunError, match=r"holds a run of small .* another folder with -o, or start over with --fresh"):
        open_recorder(tmp_path, info_of(small_set(["other"])))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_folder_with_other_files_is_refused_even_fresh(tmp_path, dataset):
    (tmp_path / "thesis.tex").write_text("dear")
    for fresh in (False, True):
        with pytest.raises(RunError, match=r"is not a run folder and holds other files \(thesis.tex\)"):
            open_recorder(tmp_path, info_of(dataset), fresh=fresh)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.tex"]


def test_fresh_removes_the_run_and_nothing_else(tmp_path, dataset):
    first = open_recorder(tmp_path, info_of(dataset))
    first.finish(first.begin(KEY), seconds=1.0, peak_bytes=None, error=None)
    first.close()
    (tmp_path / "notes.txt").write_text("mine")
    second = open_recorder(tmp_path, info_of(dataset), fresh=True)
    assert second.finished(KEY) is None
    second.close()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_folder_in_use_is_refused(recorder, dataset):
    with pytest.raises(RunError, match="is in use by another 'solve'"):
        open_recorder(recorder.folder, info_of(dataset))


@pytest.mark.parametrize("place", ["file", "below/file/run"])
def test_folder_that_cannot_be_made_is_one_line(tmp_path, dataset, place):
    path = tmp_path / place
    target = path if place == "file" else path.parent
    target.parent.mkdir(exist_ok=True)
    target.write_text("")
    with pytest.raises(RunError, match="cannot write the run folder") as caught:
        open_recorder(path, info_of(dataset))
    assert "\n" not in str(caught.value)
    assert "-o" in str(caught.value)


def test_full_disk_is_one_line_and_keeps_what_was_there(recorder):
    done = recorder.begin(KEY)
    recorder.add(done, [candidate()])
    recorder.finish(done, seconds=1.0, peak_bytes=None, error=None)
    pages = recorder._connection.execute("PRAGMA page_count").fetchone()[0]
    recorder._connection.execute(f"PRAGMA max_page_count = {pages}")
    other = recorder.begin(JobKey("task_1", "hash", "identity", "key"))
    with pytest.raises(RunError, match="full; what was finished is kept: make room") as caught:
        recorder.add(other, [candidate(program="x" * 1000)] * 1000)
    assert "\n" not in str(caught.value)
    with open_run(recorder.folder) as run:
        assert len(run.candidates("task_0")) == 1
    assert sqlite3.connect(recorder.folder / "results.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_failed_replacement_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    replace_file(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"is not a run folder: it has no run.json"):
        open_run(tmp_path)


def test_first_start_that_was_cut_off_is_begun_again(tmp_path, dataset, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(RunError, match="give the same command again"):
            open_recorder(tmp_path, info_of(dataset))
    (tmp_path / "run.json.part").write_text("{")
    assert not (tmp_path / "run.json").exists()
    open_recorder(tmp_path, info_of(dataset)).close()
    assert (tmp_path / "run.json").exists()


def test_damaged_database_is_one_line(recorder, dataset):
    job = recorder.begin(KEY)
    recorder.add(job, [candidate(program="x" * 5000)])
    recorder.finish(job, seconds=1.0, peak_bytes=None, error=None)
    recorder.close()
    results = recorder.folder / "results.sqlite"
    content = bytearray(results.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    results.write_bytes(content)
    for read in (lambda: open_run(recorder.folder).candidates("task_0"), lambda: open_run(recorder.folder).jobs()):
        with pytest.raises(RunError, match=r"cannot read .*results\.sqlite: .*malformed"):
            read()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1, "target": "tasks"}'])
def test_run_json_of_another_format_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run\.json"):
        open_run(tmp_path)
