"""Commands that read stored runs: they need neither a solver nor torch."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ensemble.data import DataSet
    from ensemble.scoring import Score
    from ensemble.store import Run
    from ensemble.types import Candidate, Prediction

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RunFolder = Annotated[Path, typer.Argument(help="Run folder.")]


def score(
    result: Annotated[Path, typer.Argument(help="Run folder or submission.json.")],
    target: Annotated[str | None, typer.Argument(help="Data set with the answers; a run folder names its own.")] = None,
    solutions: Annotated[Path | None, typer.Option(help="Kaggle solutions file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Score a run or a submission: pass@1, pass@2, oracle, under the three rules in use."""
    _print(
        _score_file(result, target, solutions) if result.is_file() else _score_run(result, target, solutions), as_json
    )


def _score_run(folder: Path, target: str | None, solutions: Path | None) -> "Score":
    from ensemble.scoring import score as compute
    from ensemble.store import open_run

    with open_run(folder) as run:
        dataset = run.dataset()
        if target is not None or solutions is not None:
            dataset = _other_answers(dataset, target, solutions)
        candidates = {task_id: run.candidates(task_id) for task_id in run.task_ids}
        return compute(run.task_ids, predictions_of(run), candidates, dataset.answers)


def _other_answers(dataset: "DataSet", target: str | None, solutions: Path | None) -> "DataSet":
    from ensemble.data import hash_of_tasks, load_tasks
    from ensemble.errors import DataError

    other = load_tasks(target or dataset.target, solutions=solutions).select(dataset.task_ids)
    if hash_of_tasks(other.tasks) != hash_of_tasks(dataset.tasks):
        raise DataError(f"{other.name} has other tasks under the same ids than the run was made with")
    return other


def _score_file(path: Path, target: str | None, solutions: Path | None) -> "Score":
    from ensemble.data import load_tasks
    from ensemble.errors import ConfigError
    from ensemble.scoring import read_submission
    from ensemble.scoring import score as compute

    if target is None:
        raise ConfigError("a submission does not name its data set: score submission.json TARGET")
    dataset = load_tasks(target, solutions=solutions)
    return compute(dataset.task_ids, read_submission(path), None, dataset.answers)


def predictions_of(run: "Run") -> "dict[str, Prediction]":
    """Merge the stored candidates of every task by the run's own rule."""
    from ensemble.merge import merge

    return {task.task_id: merge(task, run.candidates(task.task_id), run.config.merge) for task in run.dataset().tasks}


def _print(result: Any, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result.as_json(), indent=1))
    else:
        typer.echo(result.markdown() if hasattr(result, "markdown") else result.table())


def print_result(run: "Run") -> None:
    """Print what a finished run solved: by each family of solvers, by that family only, and by all together."""
    from ensemble.merge import merge, proposed_by
    from ensemble.scoring import markdown_table
    from ensemble.scoring import score as compute

    dataset = run.dataset()
    pool = {task_id: run.candidates(task_id) for task_id in run.task_ids}
    families = list(dict.fromkeys(c.provenance.family for found in pool.values() for c in found))
    parts: dict[str, Mapping[str, Sequence[Candidate]]] = {
        name: {task_id: proposed_by(name, found) for task_id, found in pool.items()}
        for name in families
        if len(families) > 1
    }
    scores = {}
    for name, part in {**parts, "ensemble": pool}.items():
        attempts = {task.task_id: merge(task, part[task.task_id], run.config.merge) for task in dataset.tasks}
        scores[name] = compute(run.task_ids, attempts, part, dataset.answers)
    alone = [score.solved("pass@2") for name, score in scores.items() if name != "ensemble"]
    rows = []
    for name, score in scores.items():
        figures = [str(score.figure(level, "task")) for level in ("pass@1", "pass@2", "oracle")]
        only = sum(own and sum(others) == 1 for own, *others in zip(score.solved("pass@2"), *alone, strict=True))
        rows.append([name, *figures, str(only) if name != "ensemble" else ""])
    typer.echo(markdown_table(["tasks solved", "pass@1", "pass@2", "oracle", "only by it"], rows))


def ablate(run: RunFolder, as_json: JsonFlag = False) -> None:
    """Score every part and every merge rule on a run's stored candidates; nothing is solved again."""
    from ensemble.ablation import ablate as compute
    from ensemble.store import open_run

    with open_run(run) as opened:
        _print(compute(opened), as_json)


def compare(
    run_a: Annotated[Path, typer.Argument(help="First run folder.")],
    run_b: Annotated[Path, typer.Argument(help="Second run folder.")],
    as_json: JsonFlag = False,
) -> None:
    """Compare two runs on the tasks that both were asked for."""
    from ensemble.ablation import compare as compute
    from ensemble.store import open_run

    with open_run(run_a) as first, open_run(run_b) as second:
        _print(compute(first, second), as_json)


def report(
    run: RunFolder,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="HTML file; RUN/report.html by default.")] = None,
) -> None:
    """Write one HTML page about a run: tables, every task, every attempt."""
    from ensemble.report import write_report
    from ensemble.store import open_run

    path = out or run / "report.html"
    with open_run(run) as opened:
        write_report(opened, path)
    typer.echo(path)


def export(
    run: RunFolder,
    form: Annotated[str, typer.Option("--format", help="kaggle (submission), csv or parquet (every candidate).")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File; in the run folder by default.")] = None,
) -> None:
    """Write a run's attempts or candidates for other tools."""
    from ensemble.export import FORMATS, export_run
    from ensemble.store import open_run

    with open_run(run) as opened:
        typer.echo(export_run(opened, form, out or run / FORMATS.get(form, "")))


def validate(
    submission: Annotated[Path, typer.Argument(help="submission.json")],
    target: Annotated[str, typer.Argument(help="Data set that it answers.")],
) -> None:
    """Check that a submission is complete and well formed for a data set; exit code 1 if it is not."""
    from ensemble.data import load_tasks
    from ensemble.scoring import validate_submission

    dataset = load_tasks(target)
    problems = validate_submission(submission, dataset)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{submission}: valid, all {len(dataset.tasks)} tasks of {dataset.name}")
