"""Invertible views of a task: 8 dihedral transforms, color permutations, demonstration orders.

The same view turns inputs and outputs alike, so a rule stays a rule, and what a solver finds in a view is turned back
exactly (augment, infer, reverse, vote: Cole & Osman 2023; Akyürek et al. 2024, section 4).
"""

from dataclasses import dataclass

import numpy as np

from dsl.grid import NUM_COLORS, Grid
from dsl.symmetry import TRANSFORMS, inverse_name, transform
from dsl.task import Example, Task

DIHEDRAL: tuple[str, ...] = tuple(TRANSFORMS)
"""The 8 symmetries of the square; rotations are clockwise."""

SAME_COLORS: tuple[int, ...] = tuple(range(NUM_COLORS))


@dataclass(frozen=True, slots=True)
class View:
    """One invertible way to look at a task.

    Attributes:
        dihedral: one of ``DIHEDRAL``.
        colors: new color of each color 0..9, a permutation.
        order: order of the demonstrations, a permutation of their indices; None keeps it.
    """

    dihedral: str = "identity"
    colors: tuple[int, ...] = SAME_COLORS
    order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.dihedral not in TRANSFORMS:
            raise ValueError(f"view must be one of {', '.join(DIHEDRAL)}, got {self.dihedral!r}")
        if sorted(self.colors) != list(SAME_COLORS):
            raise ValueError(f"colors must be a permutation of 0..9, got {self.colors}")
        if self.order is not None and sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"order must be a permutation of 0..{len(self.order) - 1}, got {self.order}")

    @property
    def name(self) -> str:
        """Return the name that stands in a candidate's provenance: the dihedral transform."""
        return self.dihedral

    def grid(self, grid: Grid) -> Grid:
        """Return a grid as this view shows it."""
        return transform(np.array(self.colors, np.uint8)[grid], self.dihedral)

    def undo(self, grid: Grid) -> Grid:
        """Return a grid of this view in the task's own frame."""
        return transform(np.argsort(self.colors).astype(np.uint8)[grid], inverse_name(self.dihedral))

    def example(self, example: Example) -> Example:
        """Return a demonstration as this view shows it."""
        return Example(self.grid(example.input), self.grid(example.output))

    def examples(self, examples: tuple[Example, ...]) -> tuple[Example, ...]:
        """Return demonstrations as this view shows them, in its order."""
        order = range(len(examples)) if self.order is None else self.order
        if len(order) != len(examples):
            raise ValueError(f"view orders {len(order)} demonstrations, got {len(examples)}")
        return tuple(self.example(examples[k]) for k in order)

    def task(self, task: Task) -> Task:
        """Return a task as this view shows it."""
        return Task(task.task_id, self.examples(task.train), tuple(self.grid(grid) for grid in task.test_inputs))


IDENTITY = View()


def draw_colors(rng: np.random.Generator, *, keep_zero: bool) -> tuple[int, ...]:
    """Draw a color permutation; ``keep_zero`` leaves 0, most often the background, where it is."""
    if keep_zero:
        return (0, *(int(color) + 1 for color in rng.permutation(NUM_COLORS - 1)))
    return tuple(int(color) for color in rng.permutation(NUM_COLORS))


def draw_view(
    rng: np.random.Generator, num_examples: int, *, dihedral: str | None = None, keep_zero: bool = True
) -> View:
    """Draw a view: dihedral transform (unless named), colors and order of ``num_examples`` demonstrations."""
    name = DIHEDRAL[int(rng.integers(len(DIHEDRAL)))] if dihedral is None else dihedral
    order = tuple(int(k) for k in rng.permutation(num_examples))
    return View(name, draw_colors(rng, keep_zero=keep_zero), order)


def inference_views(count: int, num_examples: int, seed: int, *, keep_zero: bool = True) -> tuple[View, ...]:
    """Return the views to decode: the task as it is, the other dihedral transforms, then more draws of all 8.

    Every view but the first has a color permutation and a demonstration order of its own. A longer list begins with
    the shorter ones of the same seed.
    """
    rng = np.random.default_rng(seed)
    drawn = (
        draw_view(rng, num_examples, dihedral=DIHEDRAL[k % len(DIHEDRAL)], keep_zero=keep_zero) for k in range(1, count)
    )
    return (IDENTITY, *drawn)
