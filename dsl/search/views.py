"""The same task seen under the symmetries of the square.

An engine whose planes, scan orders and ties are not symmetric learns other rules from the turned task; what it predicts
in many views hangs less on accidents. The program form is::

    viewed("rotate_90", program)

It turns the input, runs the inner program, and turns the answer back.
"""

from dsl.errors import PrimitiveError
from dsl.grid import Grid
from dsl.program import Call, Literal, Program, form, run, text_literal
from dsl.symmetry import TRANSFORMS, inverse_name, transform
from dsl.task import Example, Task

SYMMETRIES = (
    "transpose",
    "rotate_180",
    "flip_left_right",
    "rotate_90",
    "anti_transpose",
    "flip_up_down",
    "rotate_270",
)
"""Those that change something, the most different first."""


def view_of(task: Task, name: str) -> Task:
    """Return the task with every grid transformed."""
    train = tuple(Example(transform(e.input, name), transform(e.output, name)) for e in task.train)
    return Task(task.task_id, train, tuple(transform(grid, name) for grid in task.test_inputs))


def viewed(name: str, program: Program) -> Program:
    """Return a program for the raw task from one for a view."""
    return Call("viewed", (text_literal(name), program))


@form("viewed")
def _viewed(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    name = arguments[0].value if arguments and isinstance(arguments[0], Literal) else None
    if len(arguments) != 2 or not isinstance(name, str) or name not in TRANSFORMS:
        raise PrimitiveError(f"viewed takes one of {', '.join(TRANSFORMS)} and a program")
    return transform(run(arguments[1], transform(grid, name)), inverse_name(name))
