"""The same task seen under the symmetries of the square.

An engine whose planes, scan orders and ties are not symmetric learns other rules from the turned task; what it predicts
in many views hangs less on accidents. The program form is::

    viewed("rotate_90", program)

It turns the input, runs the inner program, and turns the answer back.
"""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import Grid, seal
from dsl.program import Call, Literal, Program, form, run, text_literal
from dsl.task import Example, Task

TRANSFORMS: MappingProxyType[str, Callable[[Grid], NDArray[np.uint8]]] = MappingProxyType(
    {
        "identity": lambda grid: grid,
        "transpose": lambda grid: grid.T,
        "rotate_180": lambda grid: grid[::-1, ::-1],
        "flip_left_right": lambda grid: grid[:, ::-1],
        "rotate_90": lambda grid: grid[::-1].T,
        "anti_transpose": lambda grid: grid[::-1, ::-1].T,
        "flip_up_down": lambda grid: grid[::-1],
        "rotate_270": lambda grid: grid[:, ::-1].T,
    }
)
"""The 8 symmetries of the square; rotations are clockwise."""

SYMMETRIES = tuple(name for name in TRANSFORMS if name != "identity")
"""Those that change something, the most different first."""

_INVERSES = MappingProxyType({"rotate_90": "rotate_270", "rotate_270": "rotate_90"})


def transform(grid: Grid, name: str) -> Grid:
    """Apply one of the ``TRANSFORMS``."""
    return seal(np.ascontiguousarray(TRANSFORMS[name](grid)))


def inverse_name(name: str) -> str:
    """Return the transform that undoes another."""
    return _INVERSES.get(name, name)


def view_of(task: Task, name: str) -> Task:
    """Return the task with every grid transformed."""
    train = tuple(Example(transform(e.input, name), transform(e.output, name)) for e in task.train)
    return Task(task.task_id, train, tuple(transform(grid, name) for grid in task.test_inputs))


def viewed(name: str, program: Program) -> Program:
    """Return a program for the raw task from one for a view."""
    return Call("viewed", (text_literal(name), program))


@form("viewed")
def _viewed(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) != 2 or not isinstance(arguments[0], Literal) or arguments[0].value not in TRANSFORMS:
        raise PrimitiveError(f"viewed takes one of {', '.join(TRANSFORMS)} and a program")
    name = str(arguments[0].value)
    return transform(run(arguments[1], transform(grid, name)), inverse_name(name))
