"""Real worker processes: slow to start, so each test asks them several things."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from ensemble.config import Config
from ensemble.data import load_tasks
from ensemble.errors import RunError
from ensemble.executors import Ended, Found, LocalExecutor, Started
from ensemble.launch import Launch, launch
from ensemble.store import open_run
from ensemble.types import Budget
from ensemble.worker import Job, Setup
from tests.fakes import DIARY, make_fake, make_refused
from tests.tasks import small_task, task_json, write_json

CONFIG = Config(solvers=("identity",))
PATIENCE = 120.0
HANGING_SECONDS = 5.0
"""Time of a job that hangs: enough that a fresh worker on a busy machine has come to it."""


def run_jobs(task_ids, *, workers=1, memory_bytes=4 * 2**30, factory=make_fake, logs=None):
    """Run one job for each id and return its events; ends after ``PATIENCE`` whatever happens."""
    executor = LocalExecutor(workers, Setup(CONFIG, factory), memory_bytes=memory_bytes, logs=logs)
    bounds = [HANGING_SECONDS if task_id.startswith("hang") else 60.0 for task_id in task_ids]
    waiting = [
        Job(i, small_task(task_id), "identity", Budget(1.0), bound)
        for i, (task_id, bound) in enumerate(zip(task_ids, bounds, strict=True))
    ]
    events = {i: [] for i in range(len(waiting))}
    deadline = time.monotonic() + PATIENCE
    try:
        while any(not isinstance(e[-1], Ended) if e else True for e in events.values()):
            assert time.monotonic() < deadline, events
            while waiting and executor.has_free_slot():
                executor.submit(waiting.pop(0))
            for event in executor.poll(0.1):
                events[event.job].append(event)
    finally:
        executor.close()
    return [events[i] for i in range(len(events))]


def test_bad_jobs_end_alone_and_the_others_go_on(tmp_path):
    """A solver that raises, dies or hangs fails its own job with a reason, and a fresh worker takes the next."""
    jobs = run_jobs(["ok-1", "raise-2", "die-3", "hang-4", "ok-5"], logs=tmp_path)
    errors = [events[-1].error for events in jobs]
    assert errors[0] is None
    assert errors[1].startswith("ArithmeticError: no luck\nTraceback")
    assert errors[2].startswith("WorkerDied: the worker was ended by SIGABRT")
    assert "in _die" in errors[2], "the log says where it died"
    assert errors[3].startswith("TimeLimit: ended after 5.")
    assert "in _hang" in errors[3], "the log says where it hung"
    assert errors[4] is None
    for events in jobs:
        assert isinstance(events[0], Started)
        assert isinstance(events[1], Found), "what was found before the end is kept"
    assert [event.candidate.log_score for event in jobs[4][1:-1]] == [-1.0, -2.0]
    assert jobs[0][-1].peak_bytes > 2**20


def test_worker_over_its_memory_is_ended():
    (events,) = run_jobs(["grow-1"], memory_bytes=300 * 2**20)
    assert events[-1].error.startswith("MemoryLimit: the worker held 0.")
    assert "(--memory-gb)" in events[-1].error
    assert events[-1].seconds < 30


def test_worker_that_does_not_come_up_is_replaced(monkeypatch):
    monkeypatch.setattr("ensemble.worker_handle.START_SECONDS", 0.0)
    with pytest.raises(RunError, match="worker processes do not start within"):
        run_jobs(["ok-1"])


def test_solver_that_cannot_be_built_stops_the_run():
    with pytest.raises(RunError, match="there is no such model"):
        run_jobs(["ok-1"], factory=make_refused)


def test_solver_that_breaks_while_it_is_built_stops_the_run_with_one_line():
    with pytest.raises(RunError, match=r"^solver 'identity' cannot be built: RuntimeError: CUDA is out of order$"):
        run_jobs(["ok-1", "ok-2"], factory=make_broken)


def make_broken(name, config):
    raise RuntimeError("CUDA is out of order\nand more")


def test_workers_have_one_thread_and_read_only_grids(tmp_path):
    before = dict(os.environ)
    (events,) = run_jobs(["ok-1"], factory=make_witness, logs=tmp_path)
    assert events[-1].error is None
    assert dict(os.environ) == before
    assert "threads 1 writeable False" in (tmp_path / "worker-0.log").read_text()


class Witness:
    name = "identity"

    def solve(self, task, budget):
        print(f"threads {os.environ['OMP_NUM_THREADS']} writeable {task.test_inputs[0].flags.writeable}")
        return []


def make_witness(name, config):
    return Witness()


def write_tasks(folder, task_ids):
    for i, task_id in enumerate(task_ids):
        write_json(folder / f"{task_id}.json", task_json(1 + i % 9))
    return folder


SOLVE = """
import sys
from pathlib import Path
from ensemble.config import Config
from ensemble.data import load_tasks
from ensemble.launch import Launch, launch
from tests.fakes import make_fake

if __name__ == "__main__":
    options = Launch(Path(sys.argv[2]), workers=2, factory=make_fake)
    launch(load_tasks(sys.argv[1]), Config(solvers=("identity",)), options)
"""


def test_killed_run_leaves_no_process_and_continues_to_the_same_submission(tmp_path, monkeypatch):
    tasks = write_tasks(tmp_path / "tasks", [f"slow-{i}" for i in range(12)])
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    parent = subprocess.Popen([sys.executable, "-c", SOLVE, str(tasks), str(tmp_path / "run")])
    wait_until(lambda: count_done(tmp_path / "run") >= 3)
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    done_before = count_done(tmp_path / "run")
    options = Launch(tmp_path / "run", workers=1, factory=make_fake)
    outcome = launch(load_tasks(tasks), CONFIG, options)
    assert (outcome.done, outcome.failed) == (12, 0)
    monkeypatch.delenv(DIARY)
    launch(load_tasks(tasks), CONFIG, replace(options, folder=tmp_path / "whole", workers=2))
    assert (tmp_path / "run/submission.json").read_bytes() == (tmp_path / "whole/submission.json").read_bytes()
    begun = (tmp_path / "diary").read_text().splitlines()
    assert 3 <= done_before < 12
    assert len(begun) <= 12 + 2, "only the two tasks in work at the kill are begun again"


def count_done(folder):
    try:
        with open_run(folder) as run:
            return sum(row.status == "done" for row in run.jobs())
    except RunError:
        return 0


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_interrupt_of_all_processes_at_any_moment_of_a_start_ends_the_run_in_order(tmp_path):
    """A terminal sends Ctrl-C to the workers too, also while they are still importing."""
    tasks = write_tasks(tmp_path / "tasks", [f"slow-{i}" for i in range(40)])
    for i, delay in enumerate((0.05, 0.3, 0.6)):
        command = [sys.executable, "-m", "ensemble", "solve", str(tasks), "--solvers", "identity", "--workers", "2"]
        process = subprocess.Popen(
            [*command, "-o", str(tmp_path / f"run-{i}")], start_new_session=True, stderr=subprocess.PIPE, text=True
        )
        while len(psutil.Process(process.pid).children(recursive=True)) < 2:  # the tracker of resources, and a worker
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in err) == (130, False), err


def test_ray_that_is_not_installed_is_one_line(monkeypatch):
    from ensemble.errors import ConfigError
    from ensemble.ray_executor import RayExecutor

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'arc-ensemble\[ray\]', or --executor local"):
        RayExecutor(1, Setup(CONFIG, make_fake))


PLUGIN = '''
from dsl import Grid, primitive


@primitive(cost=2)
def primitive_of_a_test(grid: Grid) -> Grid:
    """Keep a grid as it is."""
    return grid
'''


def test_workers_load_plugins(tmp_path):
    path = tmp_path / "worker_plugin.py"
    path.write_text(PLUGIN)
    executor = LocalExecutor(1, Setup(CONFIG, make_plugin_user, (path,)), memory_bytes=2**32)
    executor.submit(Job(0, small_task("ok-1"), "identity", Budget(1.0), 60.0))
    events = []
    try:
        wait_until(lambda: events.extend(executor.poll(0.1)) or (events and isinstance(events[-1], Ended)))
    finally:
        executor.close()
    assert events[-1].error is None


class PluginUser:
    name = "identity"

    def solve(self, task, budget):
        from dsl.registry import get_primitive

        assert get_primitive("primitive_of_a_test").cost == 2
        return []


def make_plugin_user(name, config):
    return PluginUser()
