"""Invertible views of a task: 8 dihedral transforms, color permutations, demonstration orders.

The same view turns inputs and outputs alike, so a rule stays a rule, and what a solver finds in a view is turned back
exactly (augment, infer, reverse, vote: Cole & Osman 2023; Akyürek et al. 2024, section 4).
"""

from dataclasses import dataclass

import numpy as np

from dsl.grid import NUM_COLORS, Grid
from dsl.symmetry import TRANSFORMS, inverse_name, transform
from dsl.task import Example, Task
from ensemble.config import InferenceConfig

DIHEDRAL: tuple[str, ...] = tuple(TRANSFORMS)
"""The 8 symmetries of the square; rotations are clockwise."""

SAME_COLORS: tuple[int, ...] = tuple(range(NUM_COLORS))


@dataclass(frozen=True, slots=True)
class View:
    """One invertible way to look at a task.

    Attributes:
        dihedral: one of ``DIHEDRAL``.
        colors: new color of each color 0..9, a permutation.
        order: indices of the demonstrations that it shows, in this order; None shows all as they are.
    """

    dihedral: str = "identity"
    colors: tuple[int, ...] = SAME_COLORS
    order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.dihedral not in TRANSFORMS:
            raise ValueError(f"view must be one of {', '.join(DIHEDRAL)}, got {self.dihedral!r}")
        if sorted(self.colors) != list(SAME_COLORS):
            raise ValueError(f"colors must be a permutation of 0..9, got {self.colors}")
        if self.order is not None and (len(set(self.order)) != len(self.order) or min(self.order, default=0) < 0):
            raise ValueError(f"order must name each demonstration once at most, got {self.order}")

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
        """Return the demonstrations that this view shows, as it shows them, in its order."""
        order = range(len(examples)) if self.order is None else self.order
        if max(order, default=-1) >= len(examples):
            raise ValueError(f"view shows demonstration {max(order)}, got {len(examples)} demonstrations")
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


PAPER_TURNS = ("transpose", "flip_left_right", "flip_up_down", "rotate_90", "rotate_180")
PAPER_ORDERS = 2
"""Orders of each context of the identity view beside its own."""


def paper_views(num_examples: int, seed: int) -> tuple[View, ...]:
    """Return the views of Akyürek et al. 2024: three of each context as it is, and five turned ones.

    As in training, a context leaves one demonstration out, unless there is only one, and colors are never changed
    (``inference/preprocess.py`` of their code). The first context as it is comes first, then a context under each turn,
    then the others.
    """
    rng = np.random.default_rng(seed)
    contexts = [tuple(k for k in range(num_examples) if k != left) for left in range(num_examples)]
    if num_examples == 1:
        contexts = [(0,)]
    as_they_are = [
        View(order=order)
        for context in contexts
        for order in (context, *(tuple(map(int, rng.permutation(context))) for _ in range(PAPER_ORDERS)))
    ]
    turned = [View(turn, order=contexts[int(rng.integers(len(contexts)))]) for turn in PAPER_TURNS]
    return (as_they_are[0], *turned, *as_they_are[1:])


def views_for(inference: InferenceConfig, num_examples: int, seed: int) -> tuple[View, ...]:
    """Return the views that the settings ask for; a longer list begins with what comes first with less time."""
    if inference.view_set == "paper":
        return paper_views(num_examples, seed)
    return inference_views(inference.views, num_examples, seed)
