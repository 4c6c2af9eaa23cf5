"""A BIG-Bench Hard run in a folder: every task by every method, kept as soon as it is done.

The folder holds ``bbh.json`` (settings) and ``answers.jsonl`` (one line for a task and a method). The same command goes
on where it stopped, and other methods or tasks may join later.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ensemble.bbh.questions import BbhTask, is_right
from ensemble.bbh.settings import METHODS, BbhConfig, Method
from ensemble.config import keep_settings
from ensemble.errors import RunError
from ensemble.scoring import markdown_table
from ensemble.statistics import paired_bootstrap, wilson_interval


@dataclass(frozen=True, slots=True)
class Row:
    """One task by one method.

    Attributes:
        task: its name.
        method: how it was asked.
        digest: of the examples shown and the questions asked, of all tasks where one training is shared.
        answers: what the model wrote.
        right: whether each is right.
        losses: of the first and the last step of training, in nats per token of an answer; empty without.
        seconds: wall time, a shared training left out.
    """

    task: str
    method: str
    digest: str
    answers: tuple[str, ...]
    right: tuple[bool, ...]
    losses: tuple[float, ...]
    seconds: float

    @property
    def share(self) -> float:
        """Return the share of right answers."""
        return sum(self.right) / len(self.right)


def run(
    folder: Path,
    tasks: Sequence[BbhTask],
    config: BbhConfig,
    methods: Sequence[Method],
    device: str,
    say: Callable[[str], None],
) -> list[Row]:
    """Answer what is not answered yet, and return all rows of these tasks and methods.

    Args:
        folder: of the run; made if needed.
        tasks: with what they show and ask.
        config: settings of the run.
        methods: how to ask.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        say: takes a line when a task is done.

    Raises:
        ConfigError: the folder was begun with other settings.
        RunError: a line of the folder's answers cannot be read.
        ModelError: the model cannot be loaded, or a sequence does not fit into memory.
    """
    keep_settings(config, folder / "bbh.json")
    path = folder / "answers.jsonl"
    found = {(row.task, row.method, row.digest): row for row in read_rows(path)}
    own = {task.name: _digest(asdict(task)) for task in tasks}
    shared = {name: _digest([digest, own]) for name, digest in own.items()}
    wanted = [
        (task, method, (shared if method == "shared" else own)[task.name]) for method in methods for task in tasks
    ]
    missing = [key for key in wanted if (key[0].name, *key[1:]) not in found]
    if missing:
        for row in _answer(missing, tasks, config, device):
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")
            found[row.task, row.method, row.digest] = row
            say(f"{row.task} {row.method}: {sum(row.right)} of {len(row.right)}, {row.seconds:.0f} s")
    return [found[task.name, method, digest] for task, method, digest in wanted]


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file, without a last line that was not written to its end; none if there is no file.

    Raises:
        RunError: another line cannot be read.
    """
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    whole, _, rest = text.rpartition("\n")
    if rest:  # a process that was killed; the line is written anew
        path.write_text(whole + "\n" if whole else "", encoding="utf-8")
    rows = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            value: dict[str, Any] = json.loads(line)
            lists = {key: tuple(part) for key, part in value.items() if isinstance(part, list)}
            rows.append(Row(**(value | lists)))
        except (ValueError, TypeError) as error:
            raise RunError(f"{path}, line {number} is not an answer of this program: {error}") from None
    return rows


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _answer(
    missing: Iterable[tuple[BbhTask, Method, str]], tasks: Sequence[BbhTask], config: BbhConfig, device: str
) -> Iterator[Row]:
    from ensemble.bbh.asking import Asker, load, trained_on
    from ensemble.bbh.text import Writer
    from ensemble.model import resolve_device

    model, tokenizer = load(config.model, resolve_device(device))
    writer = Writer(tokenizer)
    with ExitStack() as shared:
        report = None
        for task, method, digest in missing:
            begun = time.monotonic()
            with ExitStack() as training:
                losses: list[float] = []
                if method == "shared":
                    if report is None:
                        report = shared.enter_context(trained_on(model, tasks, writer, config))
                        begun = time.monotonic()
                    losses = report.losses
                elif method == "ttt":
                    losses = training.enter_context(trained_on(model, [task], writer, config)).losses
                shown = () if method == "zero_shot" else task.shown
                answers = Asker(model, tokenizer, shown, config).answers(task.asked)
            right = tuple(is_right(answer, question) for answer, question in zip(answers, task.asked, strict=True))
            ends = (losses[0], losses[-1]) if losses else ()
            seconds = time.monotonic() - begun
            yield Row(task.name, method, digest, tuple(answers), right, ends, seconds)


@dataclass(frozen=True, slots=True)
class Summary:
    """Shares of right answers by task and method, and their means over tasks, as the paper reports them."""

    rows: tuple[Row, ...]

    def _by_method(self) -> dict[str, dict[str, Row]]:
        table: dict[str, dict[str, Row]] = {}
        for method in METHODS:
            rows = {row.task: row for row in self.rows if row.method == method}
            if rows:
                table[method] = rows
        return table

    def as_json(self) -> dict[str, Any]:
        """Return counts with Wilson's 95 % intervals by method and task; means, and what they differ by from asking
        behind the examples without training, with a bootstrap over tasks."""
        result: dict[str, Any] = {}
        table = self._by_method()
        for method, rows in table.items():
            counts = {name: (sum(row.right), len(row.right)) for name, row in rows.items()}
            result[method] = {
                "tasks": {name: {"n": n, "of": of, "ci": wilson_interval(n, of)} for name, (n, of) in counts.items()},
                "mean": math.fsum(row.share for row in rows.values()) / len(rows),
            }
            base = table.get("in_context", {})
            if method != "in_context" and set(base) == set(rows):
                names = sorted(rows)
                pair = [rows[name].share for name in names], [base[name].share for name in names]
                result[method]["gain over in_context"] = paired_bootstrap(*pair).as_json()
        return result

    def __str__(self) -> str:
        """Return a Markdown table of percentages."""
        table = self._by_method()
        names = sorted({name for rows in table.values() for name in rows})
        body = [
            [name, *(_percent(rows[name].share) if name in rows else "" for rows in table.values())] for name in names
        ]
        means = [math.fsum(row.share for row in rows.values()) / len(rows) for rows in table.values()]
        return markdown_table(["task", *table], [*body, ["mean of tasks", *map(_percent, means)]])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
