"""Programs of the value graph.

::

    pipe(input, "keep #3", "split objects", "pick most cells", "crop")

runs its steps one after the other on a root, a grid program; the value is the last picture's cells. A step that needs
the output's size says how to find it: ``"fit to height*2 x 3"``.

::

    black_canvas("height*2", "3")

is a black grid of a predicted size, for ``cover``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import Grid, as_grid, seal
from dsl.kernels import value_graph as kernel
from dsl.program import Call, Literal, Program, evaluate, form, text_literal
from dsl.search.cells.shape import ShapeGuess, parse_side, side_length
from dsl.search.graph.build import Sizes, make_graph, read_picture
from dsl.search.graph.operations import OUTPUT, Operation, operation_of_text

_ONE_RUN = Sizes(nodes=4, values=2048, cells=900 * 256, items=4096, stats=1024, memos=4)
_SEPARATOR = " x "


def pipe(root: Program, steps: Sequence[Operation], guess: ShapeGuess | None) -> Program:
    """Write the program of steps on a root."""
    if not steps:
        return root
    return Call("pipe", (root, *(text_literal(_step_text(step, guess)) for step in steps)))


def black_canvas(guess: ShapeGuess) -> Program:
    """Write the program of a black grid of a predicted size."""
    return Call("black_canvas", (text_literal(str(guess.height)), text_literal(str(guess.width))))


def _step_text(step: Operation, guess: ShapeGuess | None) -> str:
    if not step.needs_output:
        return step.text
    assert guess is not None
    return f"{step.text}{guess.height}{_SEPARATOR}{guess.width}"


@form("black_canvas")
def _black_canvas(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) != 2 or not all(isinstance(argument, Literal) for argument in arguments):
        raise PrimitiveError('black_canvas takes two sides such as "height*2" and "3"')
    height, width = (str(argument).strip('"') for argument in arguments)
    return seal(np.zeros(_size(height, width, grid), np.uint8))


@form("pipe")
def _pipe(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if not arguments:
        raise PrimitiveError("pipe takes a grid and steps")
    root = evaluate(arguments[0], grid)
    if not isinstance(root, np.ndarray) or root.dtype != np.uint8:
        raise PrimitiveError(f"the root of a pipe must be a grid, got {type(root).__name__}")
    steps, frames = [], np.zeros((len(arguments), 4), np.int64)
    frames[:, :2] = grid.shape
    for k, argument in enumerate(arguments[1:]):
        if not isinstance(argument, Literal) or not isinstance(argument.value, str):
            raise PrimitiveError(f"a step of a pipe is a text, got {argument}")
        text, _, size = argument.value.partition(OUTPUT)
        if size and _SEPARATOR in size:
            height, width = size.split(_SEPARATOR, 1)
            frames[k, 2:] = _size(height, width, grid)
            steps.append(operation_of_text(text + OUTPUT))
        else:
            steps.append(operation_of_text(argument.value))
    checked = as_grid(root)  # the kernels write up to 900 cells without looking
    return _run(np.array(checked), steps, frames, grid)


def _run(root: NDArray[np.uint8], steps: Sequence[Operation], frames: NDArray[np.int64], grid: Grid) -> Grid:
    graph = make_graph(1, frames[:1], [grid], steps, [0.0] * len(steps), _ONE_RUN)
    value = int(kernel.intern_picture(graph, root.ravel(), 0, root.shape[0], root.shape[1], 0, 0, 0))
    for k, step in enumerate(steps):
        if step.on != graph.kinds[value]:
            raise PrimitiveError(f"step {step.text!r} does not follow {steps[k - 1].text if k else 'a grid'!r}")
        graph.frames[0] = frames[k]
        value = int(kernel.apply(graph, value, k, 0))
        if value < 0:
            raise PrimitiveError(f"step {step.text!r} has no result")
    if graph.kinds[value] != kernel.PICTURE:
        raise PrimitiveError("a pipe must end with a picture, not with a list")
    return read_picture(graph, value).cells


def _size(height: str, width: str, grid: Grid) -> tuple[int, int]:
    return side_length(parse_side(height), grid), side_length(parse_side(width), grid)
