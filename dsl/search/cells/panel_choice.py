"""Ways to choose one panel of several by what the panels hold."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Parts = list[NDArray[np.uint8]]


def _filled_counts(parts: Parts, background: int) -> NDArray[np.int64]:
    return np.array([int((part != background).sum()) for part in parts])


def _color_counts(parts: Parts, background: int) -> NDArray[np.int64]:
    return np.array([len(set(part.ravel().tolist()) - {background}) for part in parts])


def _copies(parts: Parts, background: int) -> NDArray[np.int64]:
    contents = [(part.shape, part.tobytes()) for part in parts]
    return np.array([contents.count(content) for content in contents])


def _shape_copies(parts: Parts, background: int) -> NDArray[np.int64]:
    return _copies([(part != background).astype(np.uint8) for part in parts], background)


def _symmetries(parts: Parts, background: int) -> NDArray[np.int64]:
    turns = (np.fliplr, np.flipud, np.transpose)
    return np.array([sum(np.array_equal(turn(part), part) for turn in turns) for part in parts])


def _sizes(parts: Parts, background: int) -> NDArray[np.int64]:
    return np.array([part.size for part in parts])


PANEL_SELECTORS: dict[str, Callable[[Parts, int], NDArray[np.int64]]] = {
    "fullest": _filled_counts,
    "emptiest": lambda parts, background: -_filled_counts(parts, background),
    "most_colors": _color_counts,
    "fewest_colors": lambda parts, background: -_color_counts(parts, background),
    "rarest": lambda parts, background: -_copies(parts, background),
    "rarest_shape": lambda parts, background: -_shape_copies(parts, background),
    "symmetric": _symmetries,
    "asymmetric": lambda parts, background: -_symmetries(parts, background),
    "largest": _sizes,
    "smallest": lambda parts, background: -_sizes(parts, background),
}
"""Scores of panels; the panel with the one highest score is chosen."""


def select_panel(selector: str, parts: Parts, background: int) -> int | None:
    """Return the number of the one panel with the highest score; None if several have it."""
    scores = PANEL_SELECTORS[selector](parts, background)
    best = np.flatnonzero(scores == scores.max())
    return int(best[0]) if len(best) == 1 else None
