"""Panels of an image: the rectangles between full lines of one color."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """Rectangles between separating lines.

    Attributes:
        color: color of the lines.
        rows: first row and end of each band of panels, from the top.
        columns: first column and end of each band, from the left.
        lines: bool ``(H, W)``, True on the lines.
    """

    color: int
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    lines: NDArray[np.bool_]

    def parts(self, grid: Grid) -> list[list[NDArray[np.uint8]]]:
        """Cut the panels out, by band of rows."""
        return [[grid[top:bottom, left:right] for left, right in self.columns] for top, bottom in self.rows]

    @property
    def equal_sized(self) -> bool:
        """Tell whether there are several panels, all of one size."""
        heights = {bottom - top for top, bottom in self.rows}
        widths = {right - left for left, right in self.columns}
        return len(self.rows) * len(self.columns) > 1 and len(heights) == 1 and len(widths) == 1


def find_panels(grid: Grid) -> Panels | None:
    """Cut a grid at the full lines of the first color that leaves several panels of equal size."""
    for line_color in range(NUM_COLORS):
        panels = _cut(grid, line_color)
        if panels is not None and panels.equal_sized:
            return panels
    return None


def find_blocks(grid: Grid, background: int) -> Panels | None:
    """Cut a grid at full lines into panels of any size; at background lines only where they part inner cells."""
    fallback = None
    for line_color in range(NUM_COLORS):
        panels = _cut(grid, line_color)
        if panels is None:
            continue
        if line_color != background:
            return panels
        if not _has_outer_line(panels.lines):
            fallback = panels
    return fallback


def _has_outer_line(lines: NDArray[np.bool_]) -> bool:
    return bool(lines[0].all() or lines[-1].all() or lines[:, 0].all() or lines[:, -1].all())


def _cut(grid: Grid, line_color: int) -> Panels | None:
    here = grid == line_color
    rows: NDArray[np.bool_] = here.all(axis=1)
    columns: NDArray[np.bool_] = here.all(axis=0)
    if not (rows.any() or columns.any()) or rows.sum() > len(rows) // 2 or columns.sum() > len(columns) // 2:
        return None
    return Panels(line_color, _spans(rows), _spans(columns), rows[:, None] | columns[None])


def _spans(lines: NDArray[np.bool_]) -> tuple[Span, ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[True], lines, [True]]).astype(np.int8)))
    return tuple((int(edges[k]), int(edges[k + 1])) for k in range(0, len(edges), 2))
