import json

import pytest

from dsl.grid import grid_key
from ensemble.config import Config, InferenceConfig, NeuralConfig, SymbolicConfig
from ensemble.data import hash_of_task
from ensemble.pipeline import Observer, kill_seconds, run, seconds_for
from ensemble.recorder import open_recorder
from ensemble.store import open_run
from ensemble.types import Candidate, Provenance
from tests.fakes import DIARY, FakeSolver, InlineExecutor, make_fake
from tests.tasks import small_set
from tests.test_store import info_of

CONFIG = Config(solvers=("symbolic", "neural"))
IDS = ("ok-a", "ok-b", "ok-c", "raise-d")


def solve(folder, *, ids=IDS, config=CONFIG, slots=1, observer=None, stop_after=None, factory=make_fake):
    """Solve fake tasks and return outcome and run; ``stop_after`` jobs the run is told to stop."""
    dataset = small_set(ids)
    keys = {name: f"{name} {config.seconds}" for name in config.solvers}
    recorder = open_recorder(folder, info_of(dataset, config=config.model_dump(mode="json"), solver_keys=keys))
    executor = InlineExecutor(slots, factory)
    polls = iter(range(stop_after)) if stop_after is not None else None
    try:
        return run(
            dataset.tasks,
            config,
            recorder,
            executor,
            observer=observer,
            should_stop=lambda: polls is not None and next(polls, None) is None,
        )
    finally:
        assert executor.is_closed
        recorder.close()


def submission(folder):
    return (folder / "submission.json").read_bytes()


def test_every_solver_runs_once_on_every_task(tmp_path, monkeypatch):
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    outcome = solve(tmp_path / "run")
    assert (outcome.done, outcome.failed, outcome.interrupted) == (4, 2, False)
    assert sorted((tmp_path / "diary").read_text().splitlines()) == sorted(
        f"{solver} {name}" for solver in CONFIG.solvers for name in IDS
    )


class Judging(FakeSolver):
    """Give back the drafts, in their order."""

    def solve_after(self, task, budget, drafts):
        for test_index, grids in enumerate(drafts):
            for rank, grid in enumerate(grids):
                where = Provenance("neural", "neural", "judge", draws=0)
                yield Candidate(task.task_id, test_index, grid, -1.0 - rank, where)


def make_judging(name, config):
    return Judging(name) if name == "neural" else make_fake(name, config)


def test_a_later_solver_hears_what_the_earlier_ones_propose(tmp_path):
    for solvers in (("symbolic", "neural"), ("neural", "symbolic")):
        config = Config(solvers=solvers, neural=NeuralConfig(inference=InferenceConfig(max_drafts=1)))
        folder = tmp_path / solvers[0]
        solve(folder, ids=("ok-a",), config=config, factory=make_judging)
        with open_run(folder) as opened:
            found = opened.candidates("ok-a")
        proposed = [c for c in found if c.provenance.solver == "symbolic"]
        judged = [c for c in found if c.provenance.draws == 0]
        if solvers[0] == "symbolic":
            assert len(judged) == 1
            assert grid_key(judged[0].grid) in {grid_key(c.grid) for c in proposed}
        else:
            assert len(found) == 4
            assert not judged


class Timed(FakeSolver):
    """Note what time each job has."""

    def solve(self, task, budget):
        Timed.seconds.append((self.name, task.task_id, budget.seconds))
        return super().solve(task, budget)


def test_shared_time_goes_to_the_network_after_all_searches(tmp_path):
    config = Config(solvers=CONFIG.solvers, seconds=40, share_time=True)
    Timed.seconds = []
    outcome = solve(tmp_path, ids=IDS[:3], config=config, slots=2, factory=lambda name, _: Timed(name))
    assert (outcome.done, outcome.failed, outcome.interrupted) == (3, 0, False)
    assert [name for name, _, _ in Timed.seconds] == ["symbolic"] * 3 + ["neural"] * 3
    # Two begin at once; what the first to end leaves over goes to the third.
    given = sorted(seconds for name, _, seconds in Timed.seconds if name == "neural")
    assert given == pytest.approx([40, 40, 80], rel=0.05)


def test_shared_time_is_taken_up_where_a_stopped_run_left_it(tmp_path):
    config = Config(solvers=CONFIG.solvers, seconds=40, share_time=True)
    Timed.seconds = []
    ids = ("ok-a", "ok-b", "ok-c")
    assert solve(tmp_path, ids=ids, config=config, stop_after=5, factory=lambda name, _: Timed(name)).interrupted
    outcome = solve(tmp_path, ids=ids, config=config, factory=lambda name, _: Timed(name))
    assert (outcome.done, outcome.interrupted) == (3, False)
    done = [(name, task_id) for name, task_id, _ in Timed.seconds]
    assert len(done) == len(set(done)) == 6


def test_only_a_network_at_the_end_can_share_time():
    for solvers in (("symbolic",), ("neural",), ("neural", "symbolic")):
        with pytest.raises(ValueError, match="share_time needs 'neural' as the last"):
            Config(solvers=solvers, share_time=True)


def test_result_does_not_depend_on_the_order_of_arrival(tmp_path):
    for slots in (1, 3, 8):
        solve(tmp_path / str(slots), slots=slots)
    assert submission(tmp_path / "1") == submission(tmp_path / "3") == submission(tmp_path / "8")
    runs = [open_run(tmp_path / slots) for slots in ("1", "8")]
    try:
        first, other = ([c.provenance.solver for c in run.candidates("ok-a")] for run in runs)
    finally:
        for opened in runs:
            opened.close()
    assert first == other == ["symbolic", "symbolic", "neural", "neural"]


def test_failing_job_is_a_row_with_its_traceback_and_its_candidates_count(tmp_path):
    solve(tmp_path)
    with open_run(tmp_path) as opened:
        rows = {(row.task_id, row.solver): row for row in opened.jobs()}
        kept = opened.candidates("raise-d")
    row = rows["raise-d", "symbolic"]
    assert row.status == "failed"
    assert row.error.startswith("ArithmeticError: no luck\nTraceback")
    assert len(kept) == 2
    assert json.loads(submission(tmp_path))["raise-d"][0]["attempt_1"] == kept[0].grid.tolist()


def test_candidate_for_another_task_fails_the_job(tmp_path):
    outcome = solve(tmp_path, ids=("wrong-a",))
    assert outcome.failed == 2
    with open_run(tmp_path) as opened:
        assert "gave a candidate for another task" in opened.jobs()[0].error
        assert len(opened.candidates("wrong-a")) == 4


def test_stopped_run_goes_on_and_ends_as_if_it_had_not_stopped(tmp_path, monkeypatch):
    solve(tmp_path / "whole", ids=IDS[:3])
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    for jobs in (1, 2):
        assert solve(tmp_path / "run", ids=IDS[:3], stop_after=jobs).interrupted
        assert set(json.loads(submission(tmp_path / "run"))) == set(IDS[:3])
    assert not solve(tmp_path / "run", ids=IDS[:3]).interrupted
    assert submission(tmp_path / "run") == submission(tmp_path / "whole")
    begun = (tmp_path / "diary").read_text().splitlines()
    assert len(begun) == len(set(begun)) == 6


def test_finished_run_does_nothing_again(tmp_path, monkeypatch):
    solve(tmp_path / "run", ids=IDS[:3])
    before = submission(tmp_path / "run")
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    assert solve(tmp_path / "run", ids=IDS[:3]).done == 3
    assert not (tmp_path / "diary").exists()
    assert submission(tmp_path / "run") == before


def test_failed_jobs_are_tried_again(tmp_path, monkeypatch):
    solve(tmp_path / "run")
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    assert solve(tmp_path / "run").failed == 2
    assert sorted((tmp_path / "diary").read_text().splitlines()) == ["neural raise-d", "symbolic raise-d"]


def test_the_network_judges_anew_where_an_earlier_solver_is_tried_again(tmp_path, monkeypatch):
    def fail_of(broken):
        class Failing(FakeSolver):
            def solve(self, task, budget):
                yield from super().solve(task, budget)
                if self.name in broken:
                    raise ArithmeticError("no luck")

        return lambda name, _: Failing(name)

    assert solve(tmp_path / "run", ids=IDS[:2], factory=fail_of({"symbolic"})).failed == 2
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    assert solve(tmp_path / "run", ids=IDS[:2], factory=fail_of({"neural"})).failed == 2
    assert len((tmp_path / "diary").read_text().splitlines()) == 4
    assert solve(tmp_path / "run", ids=IDS[:2]).failed == 0
    assert (tmp_path / "diary").read_text().splitlines()[4:] == ["neural ok-a", "neural ok-b"]


def test_more_tasks_may_be_asked_of_the_same_folder(tmp_path, monkeypatch):
    whole = small_set(IDS[:3])
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    for ids in (IDS[:1], IDS[:3]):
        part = whole.select(ids)
        info = info_of(part, config=CONFIG.model_dump(mode="json"), solver_keys=dict.fromkeys(CONFIG.solvers, "key"))
        recorder = open_recorder(tmp_path / "run", info)
        run(part.tasks, CONFIG, recorder, InlineExecutor(1))
        recorder.close()
    begun = (tmp_path / "diary").read_text().splitlines()
    assert len(begun) == len(set(begun)) == 6
    assert set(json.loads(submission(tmp_path / "run"))) == set(IDS[:3])


def test_merging_again_by_another_rule_solves_nothing_again(tmp_path, monkeypatch):
    solve(tmp_path / "run", ids=IDS[:1])
    monkeypatch.setenv(DIARY, str(tmp_path / "diary"))
    solve(tmp_path / "run", ids=IDS[:1], config=Config(solvers=CONFIG.solvers, merge={"rule": "flat"}))
    assert not (tmp_path / "diary").exists()


def test_jobs_remember_the_content_of_their_task(tmp_path):
    solve(tmp_path, ids=IDS[:2])
    with open_run(tmp_path) as opened:
        assert opened.task_hashes() == {task.task_id: hash_of_task(task) for task in small_set(IDS[:2]).tasks}


def test_observer_hears_everything(tmp_path):
    class Witness(Observer):
        def __init__(self):
            self.heard = []

        def begin(self, total, restored):
            self.heard.append(("begin", total, restored))

        def job_started(self, slot, task_id, solver):
            self.heard.append(("started", task_id, solver))

        def job_ended(self, task_id, solver, event):
            self.heard.append(("ended", task_id, solver))

        def task_done(self, task, candidates, prediction):
            self.heard.append(("done", task.task_id, len(candidates)))

    witness = Witness()
    solve(tmp_path, ids=("ok-a",), observer=witness)
    assert witness.heard == [
        ("begin", 1, 0),
        ("started", "ok-a", "symbolic"),
        ("ended", "ok-a", "symbolic"),
        ("started", "ok-a", "neural"),
        ("ended", "ok-a", "neural"),
        ("done", "ok-a", 4),
    ]


@pytest.mark.parametrize(
    ("solvers", "solver", "spent", "seconds"),
    [
        (("symbolic",), "symbolic", 0.0, 100.0),
        (("neural",), "neural", 0.0, 100.0),
        (("symbolic", "neural"), "symbolic", 0.0, 25.0),
        (("symbolic", "neural"), "neural", 10.0, 90.0),
        (("symbolic", "neural"), "neural", 60.0, 75.0),
        (("neural", "symbolic"), "neural", 0.0, 75.0),
        (("neural", "symbolic"), "symbolic", 75.0, 25.0),
    ],
)
def test_the_network_gets_what_the_search_leaves_of_a_tasks_time(solvers, solver, spent, seconds):
    assert seconds_for(Config(solvers=solvers, seconds=100), solver, spent) == seconds


@pytest.mark.parametrize(
    ("seconds", "first", "search"), [(4, 6, 3), (8, 6, 6), (12, 6, 6), (40, 6, 10), (8, 0, 2), (8, 100, 6)]
)
def test_of_a_short_time_the_search_has_the_first_seconds(seconds, first, search):
    symbolic = SymbolicConfig(first_seconds=first)
    config = Config(solvers=("symbolic", "neural"), seconds=seconds, symbolic=symbolic)
    assert seconds_for(config, "symbolic", 0.0) == pytest.approx(search)
    assert seconds_for(config, "neural", search) == pytest.approx(seconds - search)
    assert seconds_for(config, "neural", 1.0) == pytest.approx(seconds - 1.0)
    assert seconds_for(Config(solvers=("symbolic",), seconds=seconds, symbolic=symbolic), "symbolic", 0.0) == seconds


def test_a_bound_on_work_is_not_cut_by_the_clock():
    by_clock, by_work = Config(seconds=10), Config(seconds=10, nodes=1000)
    assert kill_seconds(by_clock, "symbolic", 10.0) == 25.0
    assert kill_seconds(by_work, "symbolic", 10.0) > 600
    assert kill_seconds(by_work, "neural", 10.0) == 25.0
