"""Complete a partly hidden image by its own symmetry or period; the form ``complete`` and the search for it.

``complete("mirror", "#3", "whole")`` fills the cells of color 3 from their mirror images; ``"background"`` hides the
background instead, ``"rarest"`` the color of fewest cells; ``"hidden"`` in place of ``"whole"`` returns only the box of
the cells that were hidden.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import NUM_COLORS, Grid, same_grid, seal
from dsl.kernels import planes_completion as kernels
from dsl.program import Call, Literal, Program, form, text_literal
from dsl.search.budget import Meter
from dsl.search.cells.answers import outputs_key, run_or_none
from dsl.search.cells.planes import background_color, image_of
from dsl.search.cells.predicates import constant_color
from dsl.search.cells.remainders import fill_by_remainder
from dsl.search.solution import Solution
from dsl.task import Task

FORM = "complete"
BACKGROUND, RAREST = "background", "rarest"
REMAINDER, OVER_LINES = "remainder", "over_lines"
MIRRORS = {
    "mirror": 0b0011,
    "mirror_all": 0b1111,
    "mirror_lr": 0b0001,
    "mirror_ud": 0b0010,
    "transpose": 0b0100,
    "antitranspose": 0b1000,
    "diagonals": 0b1100,
}
"""Kinds of reflections that are used together, as bits."""


@dataclass(frozen=True, slots=True)
class _Period:
    """Shifts to use: those whose agreeing pairs cover a share of the visible cells, along one axis or any."""

    min_share: float
    down: bool = True
    right: bool = True


PERIODS = {
    "period": _Period(0.5),
    "period_loose": _Period(0.2),
    "period_looser": _Period(0.1),
    "period_down": _Period(0.15, right=False),
    "period_right": _Period(0.15, down=False),
}
_ORDER = (
    "mirror",
    "mirror_all",
    "period",
    "period_loose",
    "period_looser",
    "mirror_lr",
    "mirror_ud",
    "transpose",
    "antitranspose",
    "diagonals",
    "period_down",
    "period_right",
    REMAINDER,
    OVER_LINES,
)
_BITS_PER_CHOICE = 0.3
_NODES_PER_TRY = 2


class Completer:
    """Completions of one grid under one hidden color; what several ways need is computed once."""

    def __init__(self, grid: Grid, hidden: int, min_pairs: int) -> None:
        self.grid = grid
        self.hidden = hidden
        self.min_pairs = min_pairs
        self._axes: kernels.Table | None = None
        self._shifts: kernels.Table | None = None

    def complete(self, way: str) -> Grid | None:
        """Return the completed grid, or None if the way fills no cell."""
        if not (self.grid == self.hidden).any():
            return None
        if way == REMAINDER:
            return fill_by_remainder(self.grid, self.hidden)
        if way == OVER_LINES:
            return self._over_lines()
        out, filled = self._mirrored(MIRRORS[way]) if way in MIRRORS else self._shifted(PERIODS[way])
        return seal(out) if filled else None

    def _mirrored(self, kinds: int) -> tuple[kernels.Cells, bool]:
        if self._axes is None:
            self._axes = kernels.best_axes(self.grid, self.hidden)
        return kernels.fill_symmetric(self.grid, self.hidden, self._axes, kinds, self.min_pairs)

    def _over_lines(self) -> Grid | None:
        """Mirror over the one full row and the one full column of a color that is not hidden."""
        axes = np.zeros((4, 2), np.int64)
        for kind, lines in ((0, self.grid.T), (1, self.grid)):
            full = np.flatnonzero((lines == lines[:, :1]).all(axis=1) & (lines[:, 0] != self.hidden))
            if len(full) == 1:
                axes[kind] = 2 * full[0], 1
        out, filled = kernels.fill_symmetric(self.grid, self.hidden, axes, MIRRORS["mirror"], 1)
        return seal(out) if filled else None

    def _shifted(self, period: _Period) -> tuple[kernels.Cells, bool]:
        if self._shifts is None:
            self._shifts = kernels.valid_shifts(self.grid, self.hidden)
        visible = int((self.grid != self.hidden).sum())
        keep = self._shifts[:, 2] >= period.min_share * visible
        if not period.right:
            keep &= self._shifts[:, 1] == 0
        if not period.down:
            keep &= self._shifts[:, 0] == 0
        return kernels.fill_shifted(self.grid, self.hidden, self._shifts[keep])


def completer(grid: Grid, hidden: int | None) -> Completer:
    """Return what completes a grid; ``hidden`` None hides its background."""
    return _completer((grid.shape[0], grid.shape[1]), grid.tobytes(), hidden)


@lru_cache(maxsize=64)
def _completer(shape: tuple[int, int], data: bytes, hidden: int | None) -> Completer:
    grid = seal(np.frombuffer(data, np.uint8).reshape(shape))
    if hidden is None:
        return Completer(grid, background_color(grid), 3)
    return Completer(grid, hidden, max(8, grid.size // 8))


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    values = [argument.value for argument in arguments if isinstance(argument, Literal)]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != 3 or len(arguments) != 3 or texts[0] not in _ORDER or texts[2] not in ("whole", "hidden"):
        got = ", ".join(map(str, arguments))
        raise ParseError(f"{FORM} takes a way, a hidden color and 'whole' or 'hidden', got {got}")
    way, hidden_text, part = texts
    work = completer(grid, _read_hidden(hidden_text, grid))
    completed = work.complete(way)
    if completed is None:
        raise PrimitiveError(f"{way} fills no cell of color {work.hidden}")
    if part == "whole":
        return completed
    rows = np.flatnonzero((grid == work.hidden).any(axis=1))
    columns = np.flatnonzero((grid == work.hidden).any(axis=0))
    return seal(completed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _read_hidden(text: str, grid: Grid) -> int | None:
    """Return the hidden color, None for the background."""
    if text == BACKGROUND:
        return None
    if text == RAREST:
        ranked = image_of(grid).ranked_colors
        if not ranked:
            raise PrimitiveError("no color but the background could be hidden")
        return ranked[-1]
    color = constant_color(text)
    if color is None:
        raise ParseError(f"hidden color must be '{BACKGROUND}', '{RAREST}' or '#' and a digit, got {text!r}")
    return color


def completion_program(way: str, hidden: str, part: str) -> Program:
    """Write the program that completes its input."""
    return Call(FORM, (text_literal(way), text_literal(hidden), text_literal(part)))


def solve_completion(task: Task, meter: Meter) -> list[Solution]:
    """Return the completions that give every demonstration's output, best first, one per distinct prediction."""
    everywhere = [*(example.input for example in task.train), *task.test_inputs]
    hidden_colors = [f"#{c}" for c in range(NUM_COLORS) if all((grid == c).any() for grid in everywhere)]
    solutions: dict[object, Solution] = {}
    folds = _Folds(task)
    choices = [(way, hidden) for way in _ORDER for hidden in (*hidden_colors, BACKGROUND, RAREST)]
    for rank, (way, hidden) in enumerate(choices):
        if meter.exhausted:
            break
        meter.spend(_NODES_PER_TRY)
        for part in ("whole", "hidden"):
            program = completion_program(way, hidden, part)
            if folds.misses(program):
                continue
            outputs = tuple(run_or_none(program, grid) for grid in task.test_inputs)
            found = Solution(program, outputs, _BITS_PER_CHOICE * (rank + 1), len(task.train), "completion")
            solutions.setdefault(outputs_key(outputs), found)
    return [replace(found, support=folds.support) for found in solutions.values()]


class _Folds:
    """Which demonstrations the first completion that fits all the others gives too."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._first: dict[int, bool] = {}
        """Whether the demonstration is given by the first completion that gives all others."""

    def misses(self, program: Program) -> int:
        """Count the demonstrations that a program does not give, two at most; later programs rank lower."""
        missed: list[int] = []
        for fold, example in enumerate(self._task.train):
            result = run_or_none(program, example.input)
            if result is None or not same_grid(result, example.output):
                missed.append(fold)
            if len(missed) == 2:
                return 2
        for fold in missed or range(len(self._task.train)):
            self._first.setdefault(fold, not missed)
        return len(missed)

    @property
    def support(self) -> float | None:
        """Return the share of demonstrations that are given by the first completion that fits the others."""
        return sum(self._first.values()) / len(self._task.train) if len(self._task.train) > 1 else None
