"""Grids as small indexed images for a page that needs no other file."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.draw import PALETTE
from dsl.grid import Grid
from dsl.task import Task

MAX_PIXELS = 160
"""Side that the largest grid of a task is drawn with, as far as cells of 5 to 20 pixels allow."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A grid to draw.

    Attributes:
        source: indexed PNG as a data address, one pixel a cell.
        height: rows.
        width: columns.
        cell: side of a cell in pixels.
        outline: SVG path around the cells that differ from the truth; empty without any.
    """

    source: str
    height: int
    width: int
    cell: int
    outline: str = ""


def cell_pixels(task: Task) -> int:
    """Return the side of a cell that a task is drawn with: 5 to 20 pixels, smaller for larger grids."""
    grids = [*task.test_inputs, *(grid for pair in task.train for grid in (pair.input, pair.output))]
    largest = max(int(side) for grid in grids for side in grid.shape)
    return max(5, min(20, MAX_PIXELS // largest))


def picture(grid: Grid, cell: int, truth: Grid | None = None) -> Picture:
    """Draw a grid, with the cells outlined that differ from a truth of the same shape."""
    height, width = (int(side) for side in grid.shape)
    outline = "" if truth is None else _outline(grid != truth)
    return Picture(png_address(grid), height, width, cell, outline)


def png_address(grid: Grid) -> str:
    """Return a grid as a ``data:`` address of an indexed PNG, one pixel a cell."""
    from PIL import Image

    image = Image.frombytes("P", (grid.shape[1], grid.shape[0]), grid.tobytes())
    image.putpalette([int(color[i : i + 2], 16) for color in PALETTE for i in (1, 3, 5)])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True, bits=4)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _outline(cells: NDArray[np.bool_]) -> str:
    """Return an SVG path of the edges between chosen cells and others, in cell units."""
    padded = np.pad(cells, 1)
    across = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    return "".join(f"M{c} {r}h1" for r, c in across.tolist()) + "".join(f"M{c} {r}v1" for r, c in down.tolist())
