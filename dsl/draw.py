"""Drawing without dependencies: the one palette, terminal text and SVG."""

from html import escape

from dsl.grid import Grid
from dsl.task import Task

PALETTE: tuple[str, ...] = (
    "#000000", "#0074D9", "#FF4136", "#2ECC40", "#FFDC00",
    "#AAAAAA", "#F012BE", "#FF851B", "#7FDBFF", "#870C25",
)  # fmt: skip
"""Official ARC-AGI colors 0..9 (fchollet/ARC-AGI, apps/css/common.css)."""


def text_of_grid(grid: Grid, *, digits: bool = False) -> str:
    """Draw a grid for a terminal: two columns a cell in 24-bit color, or digits."""
    if digits:
        return "\n".join(" ".join(str(cell) for cell in row) for row in grid.tolist())
    return "\n".join("".join(_block(cell) for cell in row) + "\x1b[0m" for row in grid.tolist())


def _block(cell: int) -> str:
    color = PALETTE[cell]
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"\x1b[48;2;{red};{green};{blue}m  "


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
