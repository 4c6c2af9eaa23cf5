import io

import pytest

from dsl.grid import as_grid
from ensemble.config import Config
from ensemble.executors import Ended
from ensemble.progress import LiveProgress, PlainProgress, duration, is_solved, make_progress
from ensemble.types import Candidate, Prediction, Provenance
from tests.tasks import small_set

DATA = small_set(["a", "b"], tests=1)


def candidate(task_id, grid, family):
    return Candidate(task_id, 0, as_grid(grid), -1.0, Provenance(family, family))


def plain():
    stream = io.StringIO()
    return PlainProgress(Config(), DATA.answers, stream), stream


def finish(progress, task, *candidates):
    attempts = tuple(found.grid for found in candidates)
    progress.task_done(task, candidates, Prediction(task.task_id, (attempts,)))


def test_plain_lines_say_who_solves_what():
    progress, stream = plain()
    progress.begin(2, 0)
    progress.job_started(0, "a", "symbolic")
    first, second = DATA.tasks
    right = DATA.answers["a"][0]
    finish(progress, first, candidate("a", right, "neural"), candidate("a", [[5]], "symbolic"))
    finish(progress, second, candidate("b", [[5]], "symbolic"))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "2 tasks"
    assert lines[1].startswith("1/2 tasks | solved ensemble 1, neural 1 | ")
    assert lines[1].endswith(" left | a: solved by neural")
    assert lines[2] == "2/2 tasks | solved ensemble 1, neural 1 | b: not solved"


def test_failures_are_said_at_once_and_counted():
    progress, stream = plain()
    progress.begin(2, 0)
    progress.job_ended("a", "neural", Ended(1, 2.0, None, "ValueError: no\nTraceback ..."))
    assert "a: neural failed: ValueError: no\n" in stream.getvalue()
    assert "1 failed" in progress.summary()


def test_unknown_answers_are_not_judged():
    stream = io.StringIO()
    progress = PlainProgress(Config(), {}, stream)
    progress.begin(1, 0)
    finish(progress, DATA.tasks[0], candidate("a", [[5]], "symbolic"))
    assert stream.getvalue().splitlines()[-1] == "1/1 tasks | a: answered"


def test_restored_tasks_are_counted_without_lines_and_do_not_bend_the_estimate():
    progress, stream = plain()
    progress.begin(2, 1)
    finish(progress, DATA.tasks[0], candidate("a", [[5]], "symbolic"))
    assert stream.getvalue() == "2 tasks, 1 of them done before\n"
    assert progress.seconds_left is None


def clocked(monkeypatch, **settings):
    now = [1000.0]
    monkeypatch.setattr("ensemble.progress.time.monotonic", lambda: now[0])
    progress = PlainProgress(Config(**settings), {}, io.StringIO())
    progress.begin(5, 0)
    now[0] += 500.0  # compiling
    progress.job_started(0, "a", "symbolic")
    progress.job_started(1, "b", "symbolic")
    now[0] += 6.0
    progress.job_ended("a", "symbolic", Ended(1, 6.0, None, None))
    finish(progress, DATA.tasks[0])
    return progress


def test_the_time_left_is_that_of_the_tasks_done_so_far_without_compiling(monkeypatch):
    assert clocked(monkeypatch, seconds=80.0).seconds_left == pytest.approx(6.0 * 4)
    assert clocked(monkeypatch, seconds=1.0, nodes=10).seconds_left == pytest.approx(6.0 * 4)


def test_the_time_left_is_not_above_what_the_tasks_left_may_take(monkeypatch):
    assert clocked(monkeypatch, seconds=10.0).seconds_left == pytest.approx(10.0 * 4 / 2)


def test_tasks_that_share_their_time_take_all_of_it_the_longest_last(monkeypatch):
    for seconds in (8.0, 80.0):
        shared = clocked(monkeypatch, seconds=seconds, share_time=True)
        assert shared.seconds_left == pytest.approx((seconds * 5 - 6.0) / 2)


def test_both_outputs_of_a_task_must_be_right():
    data = small_set(["a"], tests=2)
    right, wrong = data.answers["a"][0], as_grid([[5]])
    assert is_solved(Prediction("a", ((wrong, right), (right,))), data.answers)
    assert not is_solved(Prediction("a", ((wrong, right), (wrong,))), data.answers)
    assert not is_solved(Prediction("a", ((), (right,))), data.answers)


def test_durations_are_for_people():
    assert [duration(seconds) for seconds in (42, 600, 12600)] == ["42 s", "10 min", "3.5 h"]


def test_only_a_terminal_gets_the_live_table():
    observer, _ = make_progress(Config(), {}, stream=io.StringIO())
    assert isinstance(observer, PlainProgress)


def test_live_table_shows_totals_and_workers(capsys):
    from rich.console import Console

    progress = LiveProgress(Config(), DATA.answers)
    progress.begin(2, 0)
    progress.job_started(0, "a", "symbolic")
    progress.job_started(1, "b", "neural")
    progress.job_ended("b", "neural", Ended(1, 2.0, None, None))
    console = Console(file=io.StringIO(), width=100)
    console.print(progress._draw())
    progress.close()
    text = console.file.getvalue()
    assert "0/2 tasks" in text
    assert "worker 0  a  symbolic" in text
    assert "worker 1" not in text
    assert "0/2 tasks" in capsys.readouterr().err
