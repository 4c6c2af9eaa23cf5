import json
import os
import signal
import subprocess
import sys

import pytest

from dsl.program import parse
from dsl.search.graph.operations import OUTPUT, operation_of_text
from ensemble.cli import main
from tests.tasks import task_json, write_folder, write_json


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """Solve three tasks with the identity solver, once for all tests that read a run."""
    folder = tmp_path_factory.mktemp("cli")
    write_folder(folder / "tasks", 3)
    command = [sys.executable, "-m", "ensemble", "solve", str(folder / "tasks"), "--solvers", "identity"]
    result = subprocess.run(
        [*command, "-o", str(folder / "run"), "--workers", "1"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return folder, result


def run(capsys, *arguments):
    """Run a command line in this process; return exit code, standard output and standard error."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys, *arguments):
    """Return the one line of a command that must be refused."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1, err
    return err


def content_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_solve_prints_the_result_and_keeps_progress_apart(solved):
    _, result = solved
    assert "| ensemble" in result.stdout
    assert "0/3" in result.stdout
    assert result.stderr.startswith("3 tasks\n1/3 tasks")
    assert "not a benchmark" not in result.stderr


def test_a_setting_counts_where_it_has_a_flag_too(solved, capsys, tmp_path):
    arguments = ("solve", solved[0] / "tasks", "--set", 'solvers=["identity"]', "--set", "seed=3", "--workers", 1)
    assert run(capsys, *arguments, "-o", tmp_path / "one")[0] == 0
    assert json.loads((tmp_path / "one/run.json").read_text())["seed"] == 3
    assert run(capsys, *arguments, "--seed", 4, "-o", tmp_path / "two")[0] == 0
    assert json.loads((tmp_path / "two/run.json").read_text())["seed"] == 4


def test_tasks_of_which_only_some_have_answers_are_solved_without_a_score(capsys, tmp_path):
    write_json(tmp_path / "tasks/known.json", task_json())
    write_json(tmp_path / "tasks/open.json", task_json(answers=False))
    arguments = ("--solvers", "identity", "-o", tmp_path / "run", "--workers", 1)
    code, out, err = run(capsys, "solve", tmp_path / "tasks", *arguments)
    assert (code, out) == (0, "")
    assert err.endswith(f"run: {tmp_path / 'run'}\n")


def test_run_folder_holds_what_the_design_promises(solved):
    folder, _ = solved
    info = json.loads((folder / "run/run.json").read_text())
    assert info["status"] == "done"
    assert info["target"] == str(folder / "tasks")
    assert info["task_ids"] == ["task_0", "task_1", "task_2"]
    for key in ("data_hash", "language_hash", "model_hash", "config", "seed", "machine", "versions", "solver_keys"):
        assert key in info
    assert info["versions"]["numpy"]
    assert len(json.loads((folder / "run/submission.json").read_text())) == 3


def test_score_json_has_every_level_and_rule(solved, capsys):
    folder, _ = solved
    code, out, _ = run(capsys, "score", folder / "run", "--json")
    figures = json.loads(out)
    assert code == 0
    assert set(figures) == {"pass@1", "pass@2", "oracle"}
    assert set(figures["pass@2"]) == {"task", "mean_fraction", "output"}
    assert set(figures["pass@2"]["task"]) == {"n", "of", "ci"}


def test_submission_is_scored_like_its_run(solved, capsys):
    folder, _ = solved
    of_run = json.loads(run(capsys, "score", folder / "run", "--json")[1])
    of_file = json.loads(run(capsys, "score", folder / "run/submission.json", folder / "tasks", "--json")[1])
    assert of_file["pass@2"] == of_run["pass@2"]


@pytest.mark.parametrize("command", ["score", "ablate"])
def test_tables_are_printed_as_text_too(solved, capsys, command):
    code, out, _ = run(capsys, command, solved[0] / "run")
    assert code == 0
    assert "pass@2" in out


def test_ablate_and_compare_print_json(solved, capsys):
    path = solved[0] / "run"
    assert "solved_by" in json.loads(run(capsys, "ablate", path, "--json")[1])
    assert "mcnemar" in json.loads(run(capsys, "compare", path, path, "--json")[1])


def test_validate_accepts_the_submission_and_names_what_is_missing(solved, capsys, tmp_path):
    folder, _ = solved
    assert run(capsys, "validate", folder / "run/submission.json", folder / "tasks")[0] == 0
    write_folder(tmp_path, 4)
    code, out, _ = run(capsys, "validate", folder / "run/submission.json", tmp_path)
    assert (code, out) == (1, "task task_3 is missing\n")


def test_export_writes_each_format(solved, capsys, tmp_path):
    path = solved[0] / "run"
    code, out, _ = run(capsys, "export", path, "--format", "csv", "-o", tmp_path / "all.csv")
    assert (code, out) == (0, f"{tmp_path / 'all.csv'}\n")
    header, first, *_ = (tmp_path / "all.csv").read_text().splitlines()
    assert header.startswith("task_id,test_index,solver,family")
    assert first.startswith("task_0,0,identity,identity")
    run(capsys, "export", path, "--format", "kaggle", "-o", tmp_path / "submission.json")
    assert (tmp_path / "submission.json").read_text() == (path / "submission.json").read_text()


def test_report_and_explain_read_the_run(solved, capsys, tmp_path):
    path = solved[0] / "run"
    assert run(capsys, "report", path, "-o", tmp_path / "page.html")[0] == 0
    assert "task_1" in (tmp_path / "page.html").read_text()
    code, out, _ = run(capsys, "explain", path, "task_1", "--digits")
    assert code == 0
    assert "identity" in out


def test_show_draws_digits_where_colors_would_not_show(solved, capsys):
    code, out, _ = run(capsys, "show", solved[0] / "tasks/task_1.json")
    assert code == 0
    assert "\x1b" not in out
    assert "2 0" in out


def test_show_hides_answers_unless_asked(solved, capsys):
    path = solved[0] / "tasks/task_1.json"
    assert run(capsys, "show", path)[1] != run(capsys, "show", path, "--answers")[1]
    assert "?" in run(capsys, "show", path)[1]


def test_show_finds_a_bundled_task_by_its_bare_id(capsys):
    assert run(capsys, "show", "007bbfb7")[1] == run(capsys, "show", "arc-agi-1/training:007bbfb7")[1]


def test_data_commands(solved, capsys, tmp_path):
    assert "arc-agi-1/training" in run(capsys, "data", "list")[1]
    assert "data hash" in run(capsys, "data", "info", solved[0] / "tasks")[1]
    code, out, _ = run(capsys, "data", "check", solved[0] / "tasks", write_folder(tmp_path, 1))
    assert code == 1
    assert "task_0 and task_0 share" in out


SOLVE = "solve {tasks} --solvers identity -o {tmp}/new "
BAD_INPUTS = {
    "no target": ("solve", "Missing argument 'target' (see arc-ensemble solve --help)"),
    "unknown command": ("slove", "No such command 'slove'"),
    "unknown flag": (SOLVE + "--sed 1", "No such option: --sed"),
    "unknown data set": ("solve arc-agi-1/evalution", "did you mean 'arc-agi-1/evaluation'?"),
    "unknown id": (SOLVE + "--ids task_0,tsk_1", "no task 'tsk_1' in tasks (did you mean"),
    "not JSON": ("solve {tmp}/text.json", "is not JSON"),
    "missing keys": ("solve {tmp}/keys.json", "key 'test' is missing"),
    "ragged rows": ("solve {tmp}/ragged.json", "train[1].output: grid rows must have equal length"),
    "value of 10": ("solve {tmp}/ten.json", "train[0].output: grid cells must be 0..9, got 10 at row 0, column 1"),
    "31x31": ("solve {tmp}/large.json", "sides must be 1..30, got 31x31"),
    "empty task": ("solve {tmp}/empty.json", "key 'train' is missing, found no keys"),
    "zero seconds": (SOLVE + "--seconds 0", "setting 'seconds': input should be greater than 0, got 0.0"),
    "seconds is text": (SOLVE + "--seconds long", "Invalid value for '--seconds'"),
    "zero workers": (SOLVE + "--workers 0", "Invalid value for '--workers'"),
    "no solver": ("solve {tasks} --solvers neutral", "unknown solver 'neutral'"),
    "solver twice": ("solve {tasks} --solvers identity,identity", "solvers must differ"),
    "no such device": ("solve {tasks} --device tpu -o {tmp}/new", "setting 'neural.device'"),
    "device of no solver": (SOLVE + "--device cpu", "--device is for the solver 'neural', which --solvers identity"),
    "nodes of no solver": (SOLVE + "--nodes 5", "--nodes is for the solver 'symbolic'"),
    "replay without replay": (SOLVE + "--replay {run}", "--replay is for the solver 'replay'"),
    "replay of itself": ("solve {tasks} --solvers replay --replay {run} -o {run} --fresh", "cannot replay itself"),
    "no end of memory": (SOLVE + "--memory-gb inf", "setting 'memory_gb': input should be a finite number"),
    "no such preset": (SOLVE + "--preset fast", "unknown preset 'fast'; known: quick"),
    "no such executor": (SOLVE + "--executor slurm", "unknown executor 'slurm'; known: local, ray"),
    "no such rule": (SOLVE + "--set merge.rule=loud", "unknown merge rule 'loud'"),
    "no such setting": (SOLVE + "--set sed=1", "unknown setting 'sed' (did you mean 'seed'?)"),
    "setting without value": (SOLVE + "--set seed", "--set must be KEY=VALUE"),
    "bad shard": (SOLVE + "--shard 3/2", "--shard must be I/N"),
    "empty shard": (SOLVE + "--ids task_0 --shard 2/2", "no task is left"),
    "replay of nothing": ("solve {tasks} --solvers replay", "needs a run folder"),
    "no configuration": (SOLVE + "--config {tmp}/none.toml", "cannot read the configuration"),
    "configuration is no TOML": (SOLVE + "--config {tmp}/bad.toml", "is not TOML"),
    "unknown key": (SOLVE + "--config {tmp}/unknown.toml", "unknown setting 'secnds' (did you mean 'seconds'?)"),
    "no plugin": (SOLVE + "--plugin {tmp}/none.py", "plugin must be a Python file"),
    "no plugin, no folder": ("solve {tasks} --solvers identity --plugin {tmp}/none.py", "none.py cannot be read"),
    "plugin fails": (SOLVE + "--plugin {tmp}/fails.py", "fails: ModuleNotFoundError"),
    "run folder is a file": ("solve {tasks} --solvers identity -o {tmp}/text.json", "cannot write the run folder"),
    "run folder of others": ("solve {tasks} --solvers identity -o {tasks}", "holds other files (task_0.json)"),
    "run of other data": ("solve {tasks}:task_0 --solvers identity -o {run}", "holds a run of"),
    "score without target": ("score {run}/submission.json", "a submission does not name its data set"),
    "score nothing": ("score {tmp}/none", "is not a run folder"),
    "score no submission": ("score {tmp}/text.json {tasks}", "is not JSON"),
    "ablate no run": ("ablate {tasks}", "is not a run folder"),
    "unknown task": ("explain {run} task_9", "no task 'task_9'"),
    "unknown format": ("export {run} --format xml", "unknown format 'xml'"),
    "several tasks": ("show {tasks}", "has 3 tasks; name one"),
    "unknown bare id": ("show 00000000", "no bundled data set has a task '00000000'"),
    "unknown primitive": ("dsl show flap", "no primitive 'flap'"),
    "unknown concept": ("dsl list --concept colr", "unknown concept 'colr' (did you mean 'color'?)"),
    "check of nothing": ("data check {tasks} {tmp}/none", "unknown data set"),
}


def write_bad_files(folder):
    (folder / "text.json").write_text("{")
    (folder / "unknown.toml").write_text("secnds = 1\n")
    (folder / "bad.toml").write_text("seconds = \n")
    (folder / "fails.py").write_text("import nowhere_to_be_found\n")
    ragged, ten, large = task_json(), task_json(), task_json()
    ragged["train"][1]["output"] = [[1], [1, 2]]
    ten["train"][0]["output"] = [[0, 10]]
    large["train"][0]["input"] = [[0] * 31] * 31
    keys = {"train": task_json()["train"]}
    for name, value in {"ragged": ragged, "ten": ten, "large": large, "keys": keys, "empty": {}}.items():
        write_json(folder / f"{name}.json", value)


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_one_line_and_changes_nothing(solved, capsys, tmp_path, monkeypatch, name):
    folder, _ = solved
    write_bad_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = content_of(folder), content_of(tmp_path)
    command, message = BAD_INPUTS[name]
    places = {"tasks": folder / "tasks", "run": folder / "run", "tmp": tmp_path}
    assert message in refused(capsys, *(part.format(**places) for part in command.split()))
    assert (content_of(folder), content_of(tmp_path)) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_run_folder_without_permission_is_one_line(solved, capsys, tmp_path):
    tmp_path.chmod(0o500)
    line = refused(capsys, "solve", solved[0] / "tasks", "--solvers", "identity", "-o", tmp_path / "run")
    assert "Permission denied" in line


def test_a_solver_that_cannot_be_built_spoils_no_earlier_run(solved, capsys, tmp_path):
    folder, _ = solved
    before = {name: (folder / "run" / name).read_bytes() for name in ("run.json", "submission.json")}
    arguments = ("--solvers", "replay", "--replay", tmp_path, "-o", folder / "run", "--workers", 1)
    code, _, err = run(capsys, "solve", folder / "tasks", *arguments)
    assert code == 2
    assert f"error: {tmp_path} is not a run folder" in err
    assert {name: (folder / "run" / name).read_bytes() for name in before} == before
    assert run(capsys, "score", folder / "run")[0] == 0


def test_replay_gives_the_candidates_of_another_run(solved, capsys, tmp_path):
    folder, _ = solved
    arguments = ("--solvers", "replay", "--replay", folder / "run", "-o", tmp_path / "run", "--workers", 1)
    assert run(capsys, "solve", folder / "tasks", *arguments)[0] == 0
    assert (tmp_path / "run/submission.json").read_bytes() == (folder / "run/submission.json").read_bytes()
    assert "identity,identity" in export_csv(capsys, tmp_path / "run")
    # The source is opened for writing again, with nothing to do, and another time is asked for.
    assert run(capsys, "solve", folder / "tasks", "--solvers", "identity", "-o", folder / "run")[0] == 0
    code, _, err = run(capsys, "solve", folder / "tasks", *arguments, "--seconds", 5)
    assert (code, err.splitlines()[0]) == (0, "3 tasks, 3 of them done before")


def test_shards_become_one_run(solved, capsys, tmp_path):
    folder, _ = solved
    shards = []
    for part in ("1/2", "2/2"):
        shards += ["--replay", tmp_path / part.replace("/", "-")]
        arguments = ("--solvers", "identity", "--shard", part, "-o", shards[-1], "--workers", 1)
        assert run(capsys, "solve", folder / "tasks", *arguments)[0] == 0
    assert len(json.loads((shards[1] / "submission.json").read_text())) == 2
    arguments = ("--solvers", "replay", *shards, "-o", tmp_path / "run", "--workers", 1)
    assert run(capsys, "solve", folder / "tasks", *arguments)[0] == 0
    assert (tmp_path / "run/submission.json").read_bytes() == (folder / "run/submission.json").read_bytes()


def export_csv(capsys, path):
    run(capsys, "export", path, "--format", "csv", "-o", path / "all.csv")
    return (path / "all.csv").read_text()


def test_limit_says_that_it_is_no_benchmark_and_the_default_folder_is_found_again(
    solved, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = ("solve", solved[0] / "tasks", "--solvers", "identity", "--limit", 1, "--workers", 1)
    code, _, err = run(capsys, *arguments)
    assert code == 0
    assert err.count("not a benchmark result") == 2
    (path,) = (tmp_path / "runs").iterdir()
    assert f"run: runs/{path.name}" in err
    assert "1 of them done before" in run(capsys, *arguments)[2]


def test_interrupt_saves_what_is_done_and_the_same_command_goes_on(tmp_path):
    tasks = write_folder(tmp_path / "tasks", 100)
    command = [
        sys.executable,
        "-m",
        "ensemble",
        "solve",
        str(tasks),
        "--solvers",
        "identity",
        "-o",
        str(tmp_path / "run"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not process.stderr.readline().startswith("2/100"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "the same command continues" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "run/run.json").read_text())["status"] == "interrupted"
    assert len(json.loads((tmp_path / "run/submission.json").read_text())) == 100
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert " of them done before" in again.stderr


def test_version_is_that_of_the_package(capsys):
    from importlib.metadata import version

    assert run(capsys, "--version")[:2] == (0, f"{version('arc-ensemble')}\n")


@pytest.mark.parametrize(
    "command", ["", "solve", "score", "data", "data check", "dsl", "dsl check", "pretrain", "doctor"]
)
def test_every_command_has_help(capsys, command):
    code, out, err = run(capsys, *command.split(), "--help")
    assert (code, err) == (0, "")
    assert "Usage: arc-ensemble" in out


def test_debug_shows_the_traceback(tmp_path):
    from ensemble.errors import RunError

    with pytest.raises(RunError):
        main(["--debug", "score", str(tmp_path)])


def test_doctor_prints_json(capsys):
    findings = json.loads(run(capsys, "doctor", "--json")[1])
    assert findings["cores"] >= 1
    assert findings["numpy"]
    assert findings["primitives"] > 0


@pytest.mark.slow
def test_search_bound_by_nodes_does_not_depend_on_the_number_of_workers(capsys, tmp_path):
    for workers in (1, 2):
        arguments = ("--solvers", "symbolic", "--nodes", 100, "--limit", 2, "--workers", workers)
        assert run(capsys, "solve", "arc-agi-1/fit", *arguments, "-o", tmp_path / str(workers))[0] == 0
    assert export_csv(capsys, tmp_path / "1") == export_csv(capsys, tmp_path / "2")
    assert (tmp_path / "1/submission.json").read_bytes() == (tmp_path / "2/submission.json").read_bytes()


def test_every_listed_step_with_a_size_filled_in_reads_back(capsys):
    code, out, _ = run(capsys, "dsl", "steps")
    assert code == 0
    listed = [line.split(None, 2)[2] for line in out.splitlines()]
    assert "split objects" in listed
    for text in listed:
        filled = text.replace("HEIGHT x WIDTH", "3 x width*2")
        operation_of_text(text.removesuffix("HEIGHT x WIDTH"))
        assert str(parse(f'pipe(input, "{filled}")')) == f'pipe(input, "{filled}")'
        assert text.endswith("HEIGHT x WIDTH") == (OUTPUT in text)
