"""Color roles: the same task with colors named by rank instead of by value.

Where the odd color differs from pair to pair, a program over fixed colors cannot point at it. A normalization keeps the
colors that mean the same in every pair and renames the others, image by image, to their rank by a feature (Wind 2020,
``normalizeCols``). The program form is::

    with_roles("count 05", program)

It renames the input's colors other than 0 and 5 by falling count, runs the inner program, and renames the answer back.

The engines take black for the ground that things lie on. ``with_roles("ground", program)`` is for pairs whose ground
has another color: it swaps that color, the input's most common one, with black.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import NUM_COLORS, Grid, seal
from dsl.kernels.colors import color_counts
from dsl.program import Call, Literal, Program, form, run, text_literal
from dsl.task import Example, Task

ROLE_COST = 6.0
"""Bits of naming a normalization."""


def _by_count(grid: Grid) -> NDArray[np.int64]:
    return -color_counts(grid).astype(np.int64)


def _by_rarity(grid: Grid) -> NDArray[np.int64]:
    return color_counts(grid).astype(np.int64)


def _by_first_cell(grid: Grid) -> NDArray[np.int64]:
    first = np.zeros(NUM_COLORS, np.int64)
    cells = grid.ravel()
    for color in range(NUM_COLORS):
        first[color] = int((cells == color).argmax())
    return first


_FEATURES: dict[str, Callable[[Grid], NDArray[np.int64]]] = {
    "count": _by_count,
    "rarity": _by_rarity,
    "place": _by_first_cell,
}
FEATURES = tuple(_FEATURES)
GROUND = "ground"


@dataclass(frozen=True, slots=True)
class Roles:
    """A rule that renames colors.

    Attributes:
        feature: what ranks the colors that are not fixed: falling ``count``, rising count (``rarity``), or the
            ``place`` of the first cell in reading order. ``ground`` ranks none: it swaps the most common color and
            black.
        fixed: colors that keep their names, ascending; none with ``ground``.
    """

    feature: str
    fixed: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.feature} {''.join(map(str, self.fixed))}".rstrip()

    def names(self, grid: Grid) -> NDArray[np.uint8]:
        """Return the new name of every color for an input ``(10,)``, a permutation."""
        counts = color_counts(grid)
        if self.feature == GROUND:
            table = np.arange(NUM_COLORS, dtype=np.uint8)
            ground = int(counts.argmax())
            table[[0, ground]] = ground, 0
            return table
        scores = _FEATURES[self.feature](grid)
        free = [color for color in range(NUM_COLORS) if color not in self.fixed]
        ranked = sorted(free, key=lambda color: (counts[color] == 0, scores[color] if counts[color] else 0, color))
        table = np.arange(NUM_COLORS, dtype=np.uint8)
        table[ranked] = free
        return table


def find_roles(task: Task) -> list[Roles]:
    """Return the normalizations that rename some pair's colors unlike another's, one for each distinct renaming."""
    fixed = _fixed_colors(task)
    images = [example.input for example in task.train] + list(task.test_inputs)
    found: list[Roles] = []
    seen: set[bytes] = set()
    for feature in FEATURES:
        roles = Roles(feature, fixed)
        tables = [roles.names(image) for image in images]
        key = b"".join(table.tobytes() for table in tables)
        if key not in seen and any(not np.array_equal(table, tables[0]) for table in tables):
            seen.add(key)
            found.append(roles)
    return found


def find_ground(task: Task) -> Roles | None:
    """Return the rule that makes the ground black where that changes every demonstration, else None."""
    roles = Roles(GROUND)
    return roles if all(roles.names(example.input)[0] for example in task.train) else None


def _fixed_colors(task: Task) -> tuple[int, ...]:
    """Return black, the colors of every output, and the colors that only outputs have."""
    inputs = [set(example.input.ravel().tolist()) for example in task.train]
    outputs = [set(example.output.ravel().tolist()) for example in task.train]
    in_any_input = set().union(*inputs)
    fixed = {0} | set.intersection(*outputs) | (set().union(*outputs) - in_any_input)
    return tuple(sorted(fixed))


def normalize(task: Task, roles: Roles) -> Task:
    """Return the task with its colors renamed image by image; outputs follow their inputs."""
    train = []
    for example in task.train:
        table = roles.names(example.input)
        train.append(Example(seal(table[example.input]), seal(table[example.output])))
    return Task(task.task_id, tuple(train), tuple(seal(roles.names(grid)[grid]) for grid in task.test_inputs))


def with_roles(roles: Roles, program: Program) -> Program:
    """Return a program for the raw task from one for the normalized task."""
    return Call("with_roles", (text_literal(str(roles)), program))


@form("with_roles")
def _with_roles(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) != 2 or not isinstance(arguments[0], Literal):
        raise PrimitiveError('with_roles takes a text such as "count 05" and a program')
    roles = _read_roles(str(arguments[0].value))
    table = roles.names(grid)
    back = np.argsort(table).astype(np.uint8)
    return seal(back[run(arguments[1], seal(table[grid]))])


def _read_roles(text: str) -> Roles:
    feature, _, fixed = text.partition(" ")
    if feature not in (*FEATURES, GROUND) or not all("0" <= digit <= "9" for digit in fixed):
        raise PrimitiveError(f"roles are one of {', '.join((*FEATURES, GROUND))} and digits, got {text!r}")
    return Roles(feature, tuple(int(digit) for digit in fixed))
