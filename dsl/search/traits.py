"""What can be said of an output, or of an output and its input, in one word or number.

Its shape and colors, how many things are in it, what was changed: ``dsl.search.invariants`` asks which of these are the
same for all demonstrations.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dsl.grid import NUM_COLORS, Grid
from dsl.symmetry import TRANSFORMS

Traits = dict[str, Any]
"""Hashable values by name; None where a trait does not apply."""

_SYMMETRIES = {
    "after a quarter turn": "rotate_90",
    "after a half turn": "rotate_180",
    "left and right": "flip_left_right",
    "up and down": "flip_up_down",
    "over the diagonal": "transpose",
    "over the other diagonal": "anti_transpose",
}
_ALL_NEIGHBORS = np.ones((3, 3), np.int64)


class _View:
    """A grid and what its traits are made of."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.counts = np.bincount(grid.ravel(), minlength=NUM_COLORS)
        self.ground = int(self.counts.argmax())
        """The most frequent color."""
        self.colors = frozenset(np.flatnonzero(self.counts).tolist())
        self.colored = int(grid.size - self.counts[self.ground])

    @cached_property
    def things(self) -> list[tuple[tuple[slice, ...], NDArray[np.bool_]]]:
        """Box and mask of each connected set of equal cells that are not of the ground."""
        found = []
        for color in self.colors - {self.ground}:
            labels, _ = ndimage.label(self.grid == color, _ALL_NEIGHBORS)
            found += [(box, labels[box] == k) for k, box in enumerate(ndimage.find_objects(labels), 1)]
        return found

    @cached_property
    def outlines(self) -> frozenset[tuple[tuple[int, ...], bytes]]:
        """The things' masks, wherever they are."""
        return frozenset((mask.shape, mask.tobytes()) for _, mask in self.things)


def traits_of(source: Grid, output: Grid) -> Traits:
    """Return the traits of an output, and those of it and its input."""
    before, after = _View(source), _View(output)
    traits = _traits_of_output(after) | _traits_of_both(before, after)
    if source.shape == output.shape:
        traits |= _traits_of_change(before, after)
    return traits


def _traits_of_output(view: _View) -> Traits:
    grid, colored = view.grid, view.grid != view.ground
    height, width = grid.shape
    ground, ground_pieces = ndimage.label(~colored)
    at_edge = {*ground[0].tolist(), *ground[-1].tolist(), *ground[:, 0].tolist(), *ground[:, -1].tolist()} - {0}
    side_neighbors = sum(ndimage.label(grid == color)[1] for color in view.colors - {view.ground})
    sizes = [int(mask.sum()) for _, mask in view.things]
    edges = colored[0].any(), colored[-1].any(), colored[:, 0].any(), colored[:, -1].any()
    traits: Traits = {
        "shape": grid.shape,
        "height": height,
        "width": width,
        "square": height == width,
        "one line": min(grid.shape) == 1,
        "odd sides": (height % 2, width % 2),
        "colors": view.colors,
        "number of colors": len(view.colors),
        "one color": len(view.colors) == 1,
        "ground": view.ground,
        "black": 0 in view.colors,
        "first cell": int(grid[0, 0]),
        "cells of each color": tuple(view.counts.tolist()),
        "colored cells": view.colored,
        "things": len(view.things),
        "at most one thing": len(view.things) < 2,
        "pieces": ndimage.label(colored, _ALL_NEIGHBORS)[1],
        "single cells": 1 in sizes,
        "things of one size": len(set(sizes)) < 2,
        "joined at corners": side_neighbors > len(view.things),
        "all boxes": all(bool(mask.all()) for _, mask in view.things),
        "ground pieces": ground_pieces,
        "holes": ground_pieces - len(at_edge),
        "any holes": ground_pieces > len(at_edge),
        "rows of one color": bool((grid == grid[:, :1]).all()),
        "columns of one color": bool((grid == grid[:1]).all()),
        "edges reached": tuple(map(bool, edges)),
        "empty rows": bool((~colored).all(1).any()),
        "empty columns": bool((~colored).all(0).any()),
    }
    for name, turn in _SYMMETRIES.items():
        traits[f"same {name}"] = np.array_equal(TRANSFORMS[turn](grid), grid)
    return traits


def _traits_of_both(before: _View, after: _View) -> Traits:
    (height, width), (old_height, old_width) = after.grid.shape, before.grid.shape
    traits: Traits = {
        "same shape": (height, width) == (old_height, old_width),
        "height to height": height / old_height,
        "width to width": width / old_width,
        "height less height": height - old_height,
        "width less width": width - old_width,
        "smaller": after.grid.size < before.grid.size,
        "colors of input": after.colors <= before.colors,
        "all colors of input": before.colors <= after.colors,
        "new colors": after.colors - before.colors,
        "lost colors": before.colors - after.colors,
        "more colors": len(after.colors) - len(before.colors),
        "ground of input": after.ground == before.ground,
        "has ground of input": before.ground in after.colors,
        "cells of input": np.array_equal(after.counts, before.counts),
        "counts of input": bool((np.sort(after.counts) == np.sort(before.counts)).all()),
        "as many colored cells": after.colored == before.colored,
        "more things": len(after.things) - len(before.things),
        "outlines of input": after.outlines <= before.outlines,
        "all outlines of input": before.outlines <= after.outlines,
        "rows of input": _rows_within(after.grid, before.grid) if width == old_width else None,
        "columns of input": _rows_within(after.grid.T, before.grid.T) if height == old_height else None,
    }
    for color in before.colors | after.colors:
        traits[f"as many of {color}"] = bool(before.counts[color] == after.counts[color])
    if not traits["same shape"]:
        traits["part of input"] = _is_within(after.grid, before.grid)
        traits["holds input"] = _is_within(before.grid, after.grid)
    return traits


def _rows_within(part: Grid, whole: Grid) -> bool:
    return {row.tobytes() for row in part} <= {row.tobytes() for row in whole}


def _is_within(part: Grid, whole: Grid) -> bool:
    """Tell whether a grid is somewhere in another."""
    if part.shape[0] > whole.shape[0] or part.shape[1] > whole.shape[1]:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.shape)
    return bool((windows == part).all((2, 3)).any())


def _traits_of_change(before: _View, after: _View) -> Traits:
    source, output = before.grid, after.grid
    changed = source != output
    old, new = source[changed].tolist(), output[changed].tolist()
    pieces = ndimage.label(changed, _ALL_NEIGHBORS)[1]
    edge = changed[0].any() or changed[-1].any() or changed[:, 0].any() or changed[:, -1].any()
    becomes = {(a, b) for a, b in zip(source.ravel().tolist(), output.ravel().tolist(), strict=True)}
    stays = [bool((output[box] == source[box])[mask].all()) for box, mask in before.things]
    traits: Traits = {
        "any change": bool(changed.any()),
        "changed cells": len(old),
        "changed pieces": pieces,
        "one changed piece": pieces < 2,
        "changed piece of each thing": pieces == len(before.things),
        "changed colors": frozenset(old),
        "colors of changes": frozenset(new),
        "changes": changes_of(source, output),
        "one changed color": len(set(old)) < 2,
        "one color of changes": len(set(new)) < 2,
        "only ground changed": set(old) <= {before.ground},
        "changed to ground only": set(new) <= {before.ground},
        "changed to colors of input": set(new) <= before.colors,
        "change at edge": bool(edge),
        "colors renamed": len(becomes) == len(before.colors),
        "all things stay": all(stays),
        "any thing stays": any(stays),
    }
    for color in before.colors:
        traits[f"stays {color}"] = bool((output[source == color] == color).all())
    for color in after.colors:
        traits[f"never new {color}"] = bool((source[output == color] == color).all())
    return traits


def changes_of(source: Grid, output: Grid) -> frozenset[tuple[int, int]]:
    """Return which colors became which others, for grids of one shape."""
    changed = source != output
    return frozenset(zip(source[changed].tolist(), output[changed].tolist(), strict=True))
