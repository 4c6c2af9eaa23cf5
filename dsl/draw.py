"""Drawing without dependencies: the one palette, terminal text and SVG."""

from collections.abc import Sequence
from html import escape

from dsl.grid import Grid
from dsl.task import Task

RESET = "\x1b[0m"
ARROW = " → "

PALETTE: tuple[str, ...] = (
    "#000000", "#0074D9", "#FF4136", "#2ECC40", "#FFDC00",
    "#AAAAAA", "#F012BE", "#FF851B", "#7FDBFF", "#870C25",
)  # fmt: skip
"""Official ARC-AGI colors 0..9 (fchollet/ARC-AGI, apps/css/common.css)."""


def text_of_grid(grid: Grid, *, digits: bool = False, dense: bool = False) -> str:
    """Draw a grid for a terminal, in 24-bit color or as digits.

    Args:
        grid: what to draw.
        digits: no color codes: for files, plain terminals and ``NO_COLOR``.
        dense: one column a cell instead of two; colors then take half a line a row.
    """
    if digits:
        return "\n".join(("" if dense else " ").join(map(str, row)) for row in grid.tolist())
    if not dense:
        return "\n".join(_row_of_blocks(row) for row in grid.tolist())
    rows = grid.tolist()
    return "\n".join(_two_rows(rows[r], rows[r + 1] if r + 1 < len(rows) else None) for r in range(0, len(rows), 2))


def _row_of_blocks(row: list[int]) -> str:
    return "".join(f"\x1b[48;2;{_rgb(cell)}m  " for cell in row) + RESET


def _two_rows(upper: list[int], lower: list[int] | None) -> str:
    """Draw two rows of a grid in one line: the upper one as ink, the lower one as paper."""
    papers = ["49" if lower is None else f"48;2;{_rgb(cell)}" for cell in (lower or upper)]
    return "".join(f"\x1b[38;2;{_rgb(ink)};{paper}m▀" for ink, paper in zip(upper, papers, strict=True)) + RESET


def _rgb(cell: int) -> str:
    color = PALETTE[cell]
    return ";".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))


def text_of_task(
    task: Task, answers: Sequence[Grid] | None = None, digits: bool = False, *, max_columns: int = 80
) -> str:
    """Draw a task for a terminal: a line of numbers and the grids side by side for each pair.

    Args:
        task: what to draw.
        answers: right outputs of this task, one per test input; None draws a question mark.
        digits: digits instead of colors.
        max_columns: width of the terminal; a task that is wider is drawn at one column a cell.
    """
    tests: Sequence[Grid | None] = [None] * len(task.test_inputs) if answers is None else answers
    pairs: list[tuple[str, Grid, Grid | None]] = [
        (f"demonstration {i}", pair.input, pair.output) for i, pair in enumerate(task.train, 1)
    ]
    pairs += [
        (f"test input {i}", grid, truth) for i, (grid, truth) in enumerate(zip(task.test_inputs, tests, strict=True), 1)
    ]
    dense = any(
        _columns(source, digits, False) + len(ARROW) + _columns(target, digits, False) > max_columns
        for _, source, target in pairs
    )
    drawn = [f"{name}: {_sizes(source, target)}\n{_side_by_side(source, target, digits, dense)}"
             for name, source, target in pairs]  # fmt: skip
    return "\n\n".join([f"task {task.task_id}", *drawn])


def _sizes(source: Grid, target: Grid | None) -> str:
    shown = "?" if target is None else f"{target.shape[0]}x{target.shape[1]}"
    return f"{source.shape[0]}x{source.shape[1]}{ARROW}{shown}"


def _columns(grid: Grid | None, digits: bool, dense: bool) -> int:
    if grid is None:
        return 1
    width = int(grid.shape[1])
    return width if dense else 2 * width - digits


def _side_by_side(source: Grid, target: Grid | None, digits: bool, dense: bool) -> str:
    left = text_of_grid(source, digits=digits, dense=dense).split("\n")
    right = ["?"] if target is None else text_of_grid(target, digits=digits, dense=dense).split("\n")
    height = max(len(left), len(right))
    blank = " " * _columns(source, digits, dense)
    lines = []
    for r in range(height):
        first = left[r] if r < len(left) else blank
        arrow = ARROW if r == (min(len(left), len(right)) - 1) // 2 else " " * len(ARROW)
        second = right[r] if r < len(right) else ""
        lines.append(f"{first}{arrow}{second}".rstrip(" "))
    return "\n".join(lines)


def svg_of_grid(grid: Grid, *, cell: int = 12) -> str:
    """Draw a grid as SVG, one run-length path for each color; ``cell`` is the side of a cell in pixels."""
    height, width = grid.shape
    paths: dict[int, list[str]] = {}
    for r, row in enumerate(grid.tolist()):
        start = 0
        for c in range(1, width + 1):
            if c == width or row[c] != row[start]:
                paths.setdefault(row[start], []).append(f"M{start} {r}h{c - start}v1h{start - c}z")
                start = c
    drawn = "".join(f'<path fill="{PALETTE[color]}" d="{"".join(parts)}"/>' for color, parts in sorted(paths.items()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * cell}" height="{height * cell}" '
        f'viewBox="0 0 {width} {height}" shape-rendering="crispEdges" role="img" '
        f'aria-label="{height}x{width} grid">{drawn}</svg>'
    )


def html_of_task(task: Task) -> str:
    """Draw a task for a notebook: demonstration pairs in a row, then the test inputs."""
    cells = [f"{svg_of_grid(pair.input)} → {svg_of_grid(pair.output)}" for pair in task.train]
    cells += [f"{svg_of_grid(grid)} → ?" for grid in task.test_inputs]
    drawn = "".join(f'<div style="margin:4px 12px 4px 0">{cell}</div>' for cell in cells)
    return f'<div><b>{escape(task.task_id)}</b><div style="display:flex;flex-wrap:wrap">{drawn}</div></div>'
