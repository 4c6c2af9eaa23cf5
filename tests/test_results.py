"""The figures in README.md and benchmarks/RESULTS.md are those of the result files that they name."""

import json
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from ensemble.statistics import wilson_interval

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FIGURE = re.compile(r"(\d+)/(\d+) = ([\d.]+) %\*{0,2} \(([\d.]+) to ([\d.]+)\)")
FILE = re.compile(r"`(\w+\.jsonl?)`")
ROWS = [
    (line, match, FILE.findall(line))
    for document in ("README.md", "benchmarks/RESULTS.md")
    for line in (ROOT / document).read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and (match := FIGURE.search(line))
]


def solved_in(value: Any) -> Iterator[int]:
    """Yield the numbers of tasks solved in two attempts that a result file has, in either of its layouts."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "pass@2":
                yield inner if isinstance(inner, int) else inner["task"]["n"]
            else:
                yield from solved_in(inner)


def solved_by_lines(path: Path, total: int) -> Iterator[int]:
    """Yield the numbers of tasks solved under each key of a file of lines that measures so many tasks."""
    lines = [line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()) if "task_id" in line]
    for key in {line["key"] for line in lines}:
        mine = [line for line in lines if line["key"] == key]
        if len(mine) == total:
            yield sum(line["solved_top2"] for line in mine)


@pytest.mark.parametrize(("row", "figure", "files"), ROWS, ids=[row[:80] for row, *_ in ROWS])
def test_a_figure_is_that_of_its_files(row: str, figure: re.Match[str], files: list[str]) -> None:
    solved, total = int(figure[1]), int(figure[2])
    low, high = (100 * bound for bound in wilson_interval(solved, total))
    assert [float(text) for text in figure.groups()[2:]] == pytest.approx([100 * solved / total, low, high], abs=0.0501)
    if not files:
        assert "the same" in row
        return
    paths = [RESULTS / name for name in files]
    known = [
        set(solved_by_lines(path, total) if path.suffix == ".jsonl" else solved_in(json.loads(path.read_text())))
        for path in paths
    ]
    if len(known) == 1:
        assert solved in known[0]
    else:
        assert any(solved == one + other for one in known[0] for other in known[1])


def test_there_are_figures() -> None:
    assert len(ROWS) > 20


def cells_of_rows(first: str) -> list[tuple[list[str], str]]:
    """Return the cells and the result file of each row of the table in RESULTS.md whose header begins so."""
    lines = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    begin = next(k for k, line in enumerate(lines) if line.startswith(first)) + 2
    rows = takewhile(lambda line: line.startswith("|"), lines[begin:])
    return [([cell.strip() for cell in row.strip("|").split("|")], FILE.findall(row)[0]) for row in rows]


def number(value: Any) -> int:
    return int(value if isinstance(value, int) else value["task"]["n"])


@pytest.mark.parametrize(("cells", "file"), cells_of_rows("| network | machine"))
def test_a_merged_row_is_that_of_its_ablation(cells: list[str], file: str) -> None:
    rows = json.loads((RESULTS / file.replace(".json", "_ablation.json")).read_text())["rows"]
    symbolic, ensemble = rows["symbolic"], rows["ensemble"]
    against = symbolic.get("mcnemar against ensemble") or symbolic["against_ensemble"]["mcnemar"]
    first, oracle = number(ensemble["pass@1"]), number(ensemble["oracle"])
    expected = [f"{first}, {oracle}", str(against["only_right"]), str(against["only_left"])]
    assert [cells[3], *cells[5:8]] == [str(number(symbolic["pass@2"])), *expected]
    assert float(cells[8]) == pytest.approx(against["p_value"], rel=0.13)
    assert cells[9] == str(number(rows["neural"]["pass@2"]))


@pytest.mark.parametrize(("cells", "file"), cells_of_rows("| machine |"))
def test_a_curve_is_that_of_its_file(cells: list[str], file: str) -> None:
    curve = json.loads((RESULTS / file).read_text())["solved by processor seconds"]
    assert cells[1:8] == [str(curve[point]) for point in ("0.125", "0.25", "0.5", "1.0", "2.0", "4.0", "8.0")]
