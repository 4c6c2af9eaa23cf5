"""A run folder's reading side, held in memory, with candidates made up by hand."""

from dataclasses import dataclass, field
from pathlib import Path

from dsl.grid import grid_from_text
from dsl.task import Example, Task
from ensemble.config import Config
from ensemble.data import DataSet
from ensemble.store import JobRow
from ensemble.types import Candidate, Provenance


def task(task_id, *, test_inputs=("12/34",), pair=("12/34", "21/43"), num_pairs=2):
    example = Example(grid_from_text(pair[0]), grid_from_text(pair[1]))
    return Task(task_id, (example,) * num_pairs, tuple(grid_from_text(text) for text in test_inputs))


def program(task_id, grid, text="input", *, cost=4.0, verified=True, test_index=0, draws=1):
    where = Provenance("symbolic", "symbolic", "image", text, cost, verified, 2 if verified else 1, draws=draws)
    return Candidate(task_id, test_index, grid_from_text(grid), -cost, where)


def decoded(task_id, grid, *, view="identity", adapted=True, steps=None, log_score=-1.0, test_index=0):
    where = Provenance("neural", "neural", "decode", view=view, adapted=adapted, steps=steps)
    return Candidate(task_id, test_index, grid_from_text(grid), log_score, where)


@dataclass
class FakeRun:
    """What scoring, ablation, report and explanation read of a run."""

    tasks: list
    answers: dict
    pool: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    config: Config = field(default_factory=Config)
    path: Path = Path("run")
    info: dict = field(default_factory=dict)

    def dataset(self):
        answers = {name: tuple(grid_from_text(text) for text in grids) for name, grids in self.answers.items()}
        return DataSet("fake", "fake", None, tuple(self.tasks), answers, "0" * 16)

    def candidates(self, task_id):
        return tuple(candidate for candidate in self.pool if candidate.task_id == task_id)

    def jobs(self):
        return tuple(self.rows)


def job(task_id, solver, *, seconds=1.0, status="done", error=None):
    return JobRow(task_id, solver, status, seconds, 2**20, error, 1)


def small_run(**changes):
    """Return four tasks: solved by both halves, by programs only, by the network only, and by neither."""
    names = ("both", "neither", "network", "programs")
    values = {
        "tasks": [task(name) for name in names],
        "answers": {name: ["21/43"] for name in names},
        "pool": [
            program("both", "21/43", "flip_left_right(input)"),
            decoded("both", "21/43"),
            decoded("both", "21/43", view="transpose"),
            program("programs", "21/43", "flip_left_right(input)"),
            decoded("programs", "99/99"),
            decoded("network", "21/43", view="transpose"),
            decoded("network", "34/12", log_score=-0.5),
            program("neither", "12/34"),
        ],
        "rows": [
            *(job(name, "symbolic", seconds=2.0) for name in names),
            *(job(name, "neural", seconds=4.0) for name in names[:3]),
            job("programs", "neural", status="failed", error="MemoryError: too large\nTraceback: <line 7>"),
        ],
    }
    return FakeRun(**(values | changes))
