"""Hierarchical voting over augmented views (Akyürek et al. 2024; ekinakyurek/marc, ``arclib/voting.py``).

Each view nominates three grids, and so does a pseudo-view that holds all votes; the nominations are then counted. On
inputs where no count is tied the result equals the published code. Ties, which that code leaves to hash order, are
broken here by votes of the identity view, then by all votes, then by the grid itself.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from dsl.grid import Grid, GridKey, as_grid, grid_key, seal

IDENTITY_VIEW = "identity"

TieBreak = Callable[[GridKey], tuple[int, ...]]


def hierarchical_vote(votes: Sequence[tuple[str, Grid]]) -> tuple[Grid, Grid]:
    """Return the two grids that win the vote, best first; both are the same grid if nothing else was proposed.

    Args:
        votes: name of the view and grid in the task's own frame, one entry per vote, at least one; whatever ``as_grid``
            takes is a grid here. The view ``identity`` decides ties.

    Raises:
        ValueError: there are no votes.
        GridError: one is no grid.
    """
    if not votes:
        raise ValueError("a vote needs at least one grid, got none")
    by_view: dict[str, list[Grid]] = {}
    everything: list[Grid] = []
    for view, voted in votes:
        grid = as_grid(voted)
        by_view.setdefault(view, []).append(grid)
        everything.append(grid)
    of_identity = Counter(grid_key(grid) for grid in by_view.get(IDENTITY_VIEW, ()))
    of_all = Counter(grid_key(grid) for grid in everything)

    def prefer(key: GridKey) -> tuple[int, ...]:
        return of_identity[key], of_all[key]

    nominated = _top_three(everything, prefer)
    for view in sorted(by_view):
        nominated += _top_three(by_view[view], prefer)
    first, second, _ = _top_three(nominated, prefer)
    return first, second


def _top_three(grids: Sequence[Grid], prefer: TieBreak) -> list[Grid]:
    """Return the three most frequent grids; missing ones are composed of the most frequent rows, then columns."""
    known = {grid_key(grid): grid for grid in grids}
    counts = Counter(grid_key(grid) for grid in grids)
    ranked = sorted(counts, key=lambda key: (-counts[key], *(-votes for votes in prefer(key)), key))
    top = [known[key] for key in ranked[:3]]
    if len(known) == 1:
        return top * 3
    if len(top) < 3:
        by_rows = _majority_of_rows(grids)
        seen = {grid_key(grid) for grid in top}
        top.append(by_rows if grid_key(by_rows) not in seen else _majority_of_columns(grids))
    return top


def _majority_of_rows(grids: Sequence[Grid]) -> Grid:
    """Compose a grid of the most frequent shape from the most frequent row at each height.

    As in the published code, every grid of that width takes part as far down as it reaches.
    """
    shapes = Counter(grid.shape for grid in grids)
    height, width = min(shapes, key=lambda shape: (-shapes[shape], shape))
    fitting = [grid for grid in grids if grid.shape[1] == width]
    rows = []
    for r in range(height):
        counts = Counter(grid[r].tobytes() for grid in fitting if r < grid.shape[0])
        rows.append(min(counts, key=lambda row: (-counts[row], row)))
    return seal(np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(height, width))


def _majority_of_columns(grids: Sequence[Grid]) -> Grid:
    return seal(_majority_of_rows([seal(grid.T) for grid in grids]).T)
