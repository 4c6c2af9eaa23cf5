"""The 23 invertible transformations of tasks in Akyürek et al. 2024 (arXiv 2411.07279), appendix B and released code.

Each acts on inputs and outputs alike, so that a rule stays a rule of the same kind. Those that enlarge a grid may pass
the longest side that is allowed; whoever applies one drops such tasks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import MAX_SIDE, Grid, seal
from dsl.symmetry import inverse_name, transform
from dsl.task import Example

MAX_SHIFT = 4
"""Random translations are shorter than this."""

Change = Callable[[Grid], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Transformation:
    """An invertible change of grids.

    Attributes:
        name: as in the paper's code, in this project's terms.
        apply: returns the changed grid, whose sides may exceed 30.
        undo: turns the changed grid back.
    """

    name: str
    apply: Change
    undo: Change

    def then(self, other: "Transformation") -> "Transformation":
        """Return this transformation followed by another."""
        return Transformation(
            f"{self.name}, {other.name}",
            lambda grid: other.apply(self.apply(grid)),
            lambda grid: self.undo(other.undo(grid)),
        )


def symmetry(name: str) -> Transformation:
    """Return a symmetry of the square."""
    return Transformation(name, lambda grid: transform(grid, name), lambda grid: transform(grid, inverse_name(name)))


def reflect(axis: int, *, before: bool) -> Transformation:
    """Put a grid's mirror image behind it along an axis (0: rows), or ``before`` it."""

    def apply(grid: Grid) -> NDArray[np.uint8]:
        parts = (grid, np.flip(grid, axis))
        return np.concatenate(parts[::-1] if before else parts, axis)

    def undo(grid: Grid) -> NDArray[np.uint8]:
        return np.split(grid, 2, axis)[1 if before else 0]

    return Transformation(f"reflect {'before' if before else 'after'} axis {axis}", apply, undo)


def enlarge(rows: int, columns: int) -> Transformation:
    """Draw each cell as a block of rows and columns."""
    return Transformation(
        f"enlarge {rows}x{columns}",
        lambda grid: grid.repeat(rows, 0).repeat(columns, 1),
        lambda grid: grid[::rows, ::columns],
    )


def repeat(rows: int, columns: int) -> Transformation:
    """Lay copies of a grid below and beside it."""
    return Transformation(
        f"repeat {rows}x{columns}",
        lambda grid: np.tile(grid, (rows, columns)),
        lambda grid: grid[: grid.shape[0] // rows, : grid.shape[1] // columns],
    )


def translate(down: int, right: int) -> Transformation:
    """Shift a grid; what leaves it on one side comes back on the other."""
    return Transformation(
        f"translate {down},{right}",
        lambda grid: np.roll(grid, (down, right), (0, 1)),
        lambda grid: np.roll(grid, (-down, -right), (0, 1)),
    )


_SYMMETRIES = ("rotate_90", "rotate_180", "rotate_270", "flip_up_down", "flip_left_right", "transpose")


def paper_transformations(rng: np.random.Generator) -> tuple[Transformation, ...]:
    """Return the 23 transformations; one of them, the translation, is drawn."""
    down, right = (int(shift) for shift in rng.integers(MAX_SHIFT, size=2))
    symmetries = [symmetry(name) for name in _SYMMETRIES]
    double = enlarge(2, 2)
    return (
        *symmetries,
        *(reflect(axis, before=before) for before in (True, False) for axis in (0, 1)),
        translate(down, right),
        double,
        enlarge(2, 1),
        enlarge(1, 2),
        *(turn.then(double) for turn in symmetries),
        repeat(2, 1),
        repeat(1, 2),
        repeat(2, 2),
    )


def transform_examples(examples: tuple[Example, ...], change: Transformation) -> tuple[Example, ...] | None:
    """Return pairs with changed inputs and outputs; None if a side would exceed 30."""
    changed = []
    for example in examples:
        grids = change.apply(example.input), change.apply(example.output)
        if any(max(grid.shape) > MAX_SIDE for grid in grids):
            return None
        changed.append(Example(*(seal(np.ascontiguousarray(grid, np.uint8)) for grid in grids)))
    return tuple(changed)
