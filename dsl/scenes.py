"""Random structured grids: noise, objects, lines, symmetric patterns, panels, tilings, nested boxes and the like.

The grids of one task share a style (what is drawn, colors, sizes), as those of a real task do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid, seal

_Canvas = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SceneStyle:
    """What the grids of one task have in common.

    Attributes:
        kind: name of a painter, one of ``SCENE_KINDS``.
        background: color of empty cells.
        colors: colors of what is drawn, the background not among them.
        heights: fewest and most rows.
        widths: fewest and most columns.
        square: whether width equals height.
        density: share of cells that noise fills, 0..1.
        count: most objects, lines or panels a side, at least 1.
    """

    kind: str
    background: int
    colors: tuple[int, ...]
    heights: tuple[int, int]
    widths: tuple[int, int]
    square: bool
    density: float
    count: int


def draw_style(rng: Generator, max_side: int) -> SceneStyle:
    """Draw a style for grids with sides of at most ``max_side``, which is 3..30."""
    background = 0 if rng.random() < 0.85 else int(rng.integers(NUM_COLORS))
    others = [color for color in range(NUM_COLORS) if color != background]
    num_colors = (1, 2, 2, 3, 3, 4, 5)[int(rng.integers(7))]
    colors = tuple(others[int(i)] for i in rng.permutation(len(others))[:num_colors])
    return SceneStyle(
        kind=SCENE_KINDS[int(rng.integers(len(SCENE_KINDS)))],
        background=background,
        colors=colors,
        heights=_draw_range(rng, max_side),
        widths=_draw_range(rng, max_side),
        square=bool(rng.random() < 0.5),
        density=float(rng.choice((0.1, 0.2, 0.35, 0.5, 0.7, 1.0))),
        count=int(rng.integers(1, 6)),
    )


def _draw_range(rng: Generator, max_side: int) -> tuple[int, int]:
    """Draw fewest and most cells of a side: one size for a third of the styles, small grids as often as large."""
    most = int(rng.integers(3, max_side + 1))
    if rng.random() < 0.35:
        return most, most
    return max(2, most - int(rng.integers(1, 6))), most


def draw_scene(rng: Generator, style: SceneStyle) -> Grid:
    """Draw one grid of a style."""
    height = int(rng.integers(style.heights[0], style.heights[1] + 1))
    width = height if style.square else int(rng.integers(style.widths[0], style.widths[1] + 1))
    canvas = np.full((height, width), style.background, np.uint8)
    return seal(_PAINTERS[style.kind](rng, style, canvas))


def _color(rng: Generator, style: SceneStyle) -> int:
    return style.colors[int(rng.integers(len(style.colors)))]


def _noise(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    drawn = np.array(style.colors, np.uint8)[rng.integers(len(style.colors), size=canvas.shape)]
    return np.where(rng.random(canvas.shape) < style.density, drawn, canvas)


def _place(rng: Generator, canvas: _Canvas, patch: _Canvas, background: int) -> bool:
    """Paint a patch at a place that leaves a free cell around it, if ten draws find one."""
    height, width = patch.shape
    if height > canvas.shape[0] or width > canvas.shape[1]:
        return False
    for _ in range(10):
        top = int(rng.integers(canvas.shape[0] - height + 1))
        left = int(rng.integers(canvas.shape[1] - width + 1))
        around = canvas[max(0, top - 1) : top + height + 1, max(0, left - 1) : left + width + 1]
        if (around == background).all():
            canvas[top : top + height, left : left + width] = patch
            return True
    return False


def _shape(rng: Generator, style: SceneStyle, most: int) -> _Canvas:
    """Draw a patch: a box, a frame, a cross, a line, or a grown blob, of one color or with a marked cell."""
    height, width = int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))
    patch = np.full((height, width), style.background, np.uint8)
    color, draw = _color(rng, style), rng.random()
    if draw < 0.3:
        patch[:] = color
    elif draw < 0.5:
        patch[[0, -1]] = color
        patch[:, [0, -1]] = color
    elif draw < 0.6:
        patch[height // 2] = color
        patch[:, width // 2] = color
    else:
        patch[_blob(rng, height, width)] = color
    if rng.random() < 0.2:
        patch[int(rng.integers(height)), int(rng.integers(width))] = _color(rng, style)
    return patch


def _blob(rng: Generator, height: int, width: int) -> NDArray[np.bool_]:
    """Grow a connected set of cells from the middle to about two thirds of the box."""
    cells = np.zeros((height, width), np.bool_)
    r, c = height // 2, width // 2
    cells[r, c] = True
    for step in rng.integers(4, size=2 * height * width).tolist():
        r = min(height - 1, max(0, r + (1, -1, 0, 0)[step]))
        c = min(width - 1, max(0, c + (0, 0, 1, -1)[step]))
        cells[r, c] = True
        if 3 * cells.sum() >= 2 * height * width:
            break
    return cells


def _objects(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    most = max(1, min(canvas.shape) // 2)
    for _ in range(1 + int(rng.integers(style.count))):
        _place(rng, canvas, _shape(rng, style, most), style.background)
    return canvas


def _copies(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Place one shape several times, in several colors."""
    shape = _shape(rng, style, max(1, min(canvas.shape) // 3)) != style.background
    for _ in range(2 + int(rng.integers(style.count))):
        _place(rng, canvas, np.where(shape, _color(rng, style), style.background).astype(np.uint8), style.background)
    return canvas


def _specks(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Place objects among single cells of one color."""
    canvas = _objects(rng, style, canvas)
    return np.where(rng.random(canvas.shape) < 0.12, np.uint8(_color(rng, style)), canvas)


def _lines(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    height, width = canvas.shape
    for _ in range(1 + int(rng.integers(style.count))):
        color, direction = _color(rng, style), int(rng.integers(4))
        r, c = int(rng.integers(height)), int(rng.integers(width))
        if direction == 0:
            canvas[r] = color
        elif direction == 1:
            canvas[:, c] = color
        else:
            length = np.arange(-max(height, width), max(height, width))
            rows, columns = r + length, c + (length if direction == 2 else -length)
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            canvas[rows[inside], columns[inside]] = color
    return canvas


def _symmetric(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Mirror noise over one axis or both, sometimes with a hole cut out."""
    height, width = canvas.shape
    canvas = _noise(rng, style, canvas)
    axes = int(rng.integers(1, 4))
    if axes & 1:
        canvas[:, width - width // 2 :] = canvas[:, : width // 2][:, ::-1]
    if axes & 2:
        canvas[height - height // 2 :] = canvas[: height // 2][::-1]
    if rng.random() < 0.3 and min(height, width) > 3:
        top, left = int(rng.integers(height - 2)), int(rng.integers(width - 2))
        canvas[top : top + 2, left : left + 2] = _color(rng, style)
    return canvas


def _panels(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Cut the grid into equal panels by lines of one color and fill them with noise of the others."""
    down, across = (1, 2, 2, 3)[int(rng.integers(4))], (1, 2, 2, 3)[int(rng.integers(4))]
    panel_height = max(1, (canvas.shape[0] - down + 1) // down)
    panel_width = max(1, (canvas.shape[1] - across + 1) // across)
    shape = down * (panel_height + 1) - 1, across * (panel_width + 1) - 1
    line, *rest = style.colors
    filling = SceneStyle(
        style.kind, style.background, tuple(rest) or style.colors, style.heights, style.widths, False, 0.5, 1
    )
    canvas = _noise(rng, filling, np.full(shape, style.background, np.uint8))
    canvas[panel_height :: panel_height + 1] = line
    canvas[:, panel_width :: panel_width + 1] = line
    return canvas[: style.heights[1], : style.widths[1]]


def _tiling(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Repeat a small motif over the grid, sometimes with a hole."""
    height, width = canvas.shape
    motif = _noise(rng, style, np.full(tuple(rng.integers(1, 4, size=2)), style.background, np.uint8))
    canvas = np.tile(motif, (height // motif.shape[0] + 1, width // motif.shape[1] + 1))[:height, :width]
    if rng.random() < 0.4:
        top, left = int(rng.integers(height)), int(rng.integers(width))
        canvas[top : top + 2, left : left + 3] = style.background
    return canvas


def _blocks(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Enlarge small noise by a whole factor."""
    factor = int(rng.integers(2, 4))
    small = canvas[: max(1, canvas.shape[0] // factor), : max(1, canvas.shape[1] // factor)]
    return (
        _noise(rng, style, small).repeat(factor, axis=0).repeat(factor, axis=1)[: style.heights[1], : style.widths[1]]
    )


def _nested(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Draw boxes within boxes, each of one color."""
    for inset in range((min(canvas.shape) + 1) // 2):
        height, width = canvas.shape
        canvas[inset : height - inset, inset : width - inset] = _color(rng, style)
        if rng.random() < 0.3:
            break
    return canvas


def _stripes(rng: Generator, style: SceneStyle, canvas: _Canvas) -> _Canvas:
    """Give every row, or every column, one color."""
    colors = np.array((style.background, *style.colors), np.uint8)
    if rng.random() < 0.5:
        canvas[:] = colors[rng.integers(len(colors), size=canvas.shape[0])][:, None]
    else:
        canvas[:] = colors[rng.integers(len(colors), size=canvas.shape[1])]
    return canvas


_PAINTERS: dict[str, Callable[[Generator, SceneStyle, _Canvas], _Canvas]] = {
    "noise": _noise,
    "objects": _objects,
    "copies": _copies,
    "specks": _specks,
    "lines": _lines,
    "symmetric": _symmetric,
    "panels": _panels,
    "tiling": _tiling,
    "blocks": _blocks,
    "nested": _nested,
    "stripes": _stripes,
}

SCENE_KINDS: tuple[str, ...] = ("objects", "objects", "noise", *(kind for kind in _PAINTERS if kind != "objects"))
"""Painters to draw from; objects and noise more often."""
