"""Planes of panels: each cell tells where its panel stands, what the panel holds, and what others hold at its place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS
from dsl.kernels.planes import NO_COLOR, NONE
from dsl.search.cells.panel_choice import select_panel
from dsl.search.cells.panels import Panels, find_blocks
from dsl.search.cells.planes import Block, Group, Image, color, flag, number

_NUMBERS = (
    "row",
    "column",
    "inner_row",
    "inner_column",
    "count",
    "rank",
    "colors",
    "row_back",
    "column_back",
    "checker",
)
_COLORS = (
    "majority",
    "minority",
    "same_place_in_fullest",
    "fullest_as_map",
    "same_place_in_first",
    "fullest_majority",
    "above",
    "below",
    "before",
    "after",
    "overlay",
)
_FLAGS = ("line", "fullest", "emptiest", "middle", "only_of_majority")
_CHOSEN = ("emptiest", "most_colors", "fewest_colors", "rarest", "rarest_shape", "symmetric", "asymmetric")
"""Ways to choose a panel, named in ``PANEL_SELECTORS``."""
_NEIGHBORS = {"above": (-1, 0), "below": (1, 0), "before": (0, -1), "after": (0, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    cells: NDArray[np.uint8]
    tally: NDArray[np.int64]
    place: tuple[slice, slice]
    majority: int

    @property
    def count(self) -> int:
        return int(self.tally.sum())


def _panel_planes(image: Image) -> Block:
    planes: dict[str, NDArray[np.uint8]] = {name: np.full(image.shape, NONE, np.uint8) for name in _NUMBERS}
    planes |= {f"c.{name}": np.full(image.shape, NO_COLOR, np.uint8) for name in _COLORS}
    planes |= {f"f.{name}": np.zeros(image.shape, np.uint8) for name in _FLAGS}
    planes |= {f"{name}_as_map": np.full(image.shape, NO_COLOR, np.uint8) for name in _CHOSEN}
    planes |= {f"same_place_in_{name}": np.full(image.shape, NO_COLOR, np.uint8) for name in _CHOSEN}
    found = find_blocks(image.grid, image.background)
    if found is not None and found.rows and found.columns:
        _fill(planes, image, found)
    return np.stack(list(planes.values()))


def _fill(planes: dict[str, NDArray[np.uint8]], image: Image, found: Panels) -> None:
    panels = _describe(image, found)
    planes["f.line"][found.lines] = 1
    counts = {key: panel.count for key, panel in panels.items()}
    fullest = panels[max(counts, key=lambda key: counts[key])]
    levels = sorted(set(counts.values()), reverse=True)
    majorities = [panel.majority for panel in panels.values()]
    overlay = _overlay(panels, image.background)
    for key, panel in panels.items():
        _fill_place(planes, key, panel, found)
        planes["count"][panel.place] = min(panel.count, NONE - 1)
        planes["rank"][panel.place] = levels.index(panel.count)
        planes["colors"][panel.place] = int((panel.tally > 0).sum())
        planes["c.majority"][panel.place] = panel.majority
        present = [c for c in range(NUM_COLORS) if panel.tally[c]]
        planes["c.minority"][panel.place] = min(present, key=lambda c: panel.tally[c]) if present else image.background
        if panel.cells.shape == fullest.cells.shape:
            planes["c.same_place_in_fullest"][panel.place] = fullest.cells
        if key[0] < fullest.cells.shape[0] and key[1] < fullest.cells.shape[1]:
            planes["c.fullest_as_map"][panel.place] = fullest.cells[key]
        if panel.cells.shape == panels[0, 0].cells.shape:
            planes["c.same_place_in_first"][panel.place] = panels[0, 0].cells
        planes["c.fullest_majority"][panel.place] = fullest.majority
        for name, (down, right) in _NEIGHBORS.items():
            other = panels.get((key[0] + down, key[1] + right))
            if other is not None:
                planes[f"c.{name}"][panel.place] = other.majority
        if overlay is not None:
            planes["c.overlay"][panel.place] = overlay
        planes["f.fullest"][panel.place] = panel.count == levels[0]
        planes["f.emptiest"][panel.place] = panel.count == levels[-1]
        planes["f.only_of_majority"][panel.place] = majorities.count(panel.majority) == 1
    for name in _CHOSEN:
        best = select_panel(name, [panel.cells for panel in panels.values()], image.background)
        if best is not None:
            _show_chosen(planes, name, list(panels.values())[best].cells, panels)


def _show_chosen(
    planes: dict[str, NDArray[np.uint8]], name: str, chosen: NDArray[np.uint8], panels: dict[tuple[int, int], _Panel]
) -> None:
    """Show what a chosen panel holds at the place of each cell, and at the place of each panel among all panels."""
    for key, panel in panels.items():
        if panel.cells.shape == chosen.shape:
            planes[f"same_place_in_{name}"][panel.place] = chosen
        if key[0] < chosen.shape[0] and key[1] < chosen.shape[1]:
            planes[f"{name}_as_map"][panel.place] = chosen[key]


def _describe(image: Image, found: Panels) -> dict[tuple[int, int], _Panel]:
    panels = {}
    for a, (top, bottom) in enumerate(found.rows):
        for b, (left, right) in enumerate(found.columns):
            place = (slice(top, bottom), slice(left, right))
            tally = np.bincount(image.grid[place].ravel(), minlength=NUM_COLORS)
            tally[image.background] = 0
            majority = int(tally.argmax()) if tally.any() else image.background
            panels[a, b] = _Panel(image.grid[place], tally, place, majority)
    return panels


def _fill_place(planes: dict[str, NDArray[np.uint8]], key: tuple[int, int], panel: _Panel, found: Panels) -> None:
    height, width = panel.cells.shape
    last = len(found.rows) - 1, len(found.columns) - 1
    planes["row"][panel.place] = key[0]
    planes["column"][panel.place] = key[1]
    planes["inner_row"][panel.place] = np.arange(height)[:, None]
    planes["inner_column"][panel.place] = np.arange(width)[None]
    planes["row_back"][panel.place] = last[0] - key[0]
    planes["column_back"][panel.place] = last[1] - key[1]
    planes["checker"][panel.place] = sum(key) % 2
    planes["f.middle"][panel.place] = 2 * key[0] == last[0] and 2 * key[1] == last[1]


def _overlay(panels: dict[tuple[int, int], _Panel], background: int) -> NDArray[np.uint8] | None:
    """Return the largest filled color at each place over all panels, or None if their shapes differ."""
    if len({panel.cells.shape for panel in panels.values()}) != 1:
        return None
    cells = np.stack([panel.cells for panel in panels.values()]).astype(np.int16)
    filled = cells != background
    return np.where(filled.any(axis=0), np.where(filled, cells, -1).max(axis=0), background).astype(np.uint8)


PANELS = Group(
    "panels",
    (
        *(number(f"panel.{name}", 4.0) for name in _NUMBERS),
        *(color(f"panel.{name}", 4.0) for name in _COLORS),
        *(flag(f"panel.{name}", 3.5) for name in _FLAGS),
        *(color(f"panel.{name}_as_map", 4.5) for name in _CHOSEN),
        *(color(f"panel.same_place_in_{name}", 4.5) for name in _CHOSEN),
    ),
    _panel_planes,
    basic=False,
)

GROUPS = (PANELS,)
