"""Which canvases have the right shape on every demonstration of a task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dsl.errors import PrimitiveError
from dsl.grid import NUM_COLORS, Grid
from dsl.program import Program
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.canvas_crops import RANKED
from dsl.search.cells.canvas_parts import MAX_PARTS
from dsl.search.cells.canvas_text import open_canvas
from dsl.search.cells.images import ExtraImage
from dsl.search.cells.numbers import SELECTORS
from dsl.search.cells.panel_choice import PANEL_SELECTORS
from dsl.search.cells.shape import predict_shapes
from dsl.task import Task

_MAX_OFFERED = 3
_OFFERED_COST = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class ProposedCanvas:
    """A canvas for a task.

    Attributes:
        canvas: its text, or the program that makes its base.
        cost: description length in bits.
        canvases: one per image, demonstrations first.
    """

    canvas: str | Program
    cost: float
    canvases: tuple[Canvas, ...]


def propose_canvases(task: Task, max_canvases: int, extra: Sequence[ExtraImage] = ()) -> list[ProposedCanvas]:
    """Return canvases of the outputs' shapes, in order of preference; equal ones once.

    Args:
        task: the task.
        max_canvases: number of canvases returned at most.
        extra: images whose programs may serve as canvases too, after the others.
    """
    found: list[ProposedCanvas] = []
    seen: set[tuple[object, ...]] = set()
    for canvas, cost, canvases in (*_described(task), *_offered(task, extra)):
        key = tuple(c.key for c in canvases)
        if key in seen:
            continue
        seen.add(key)
        found.append(ProposedCanvas(canvas, cost, canvases))
        if len(found) == max_canvases:
            break
    return found


def _described(task: Task) -> Iterator[tuple[str, float, tuple[Canvas, ...]]]:
    for text, cost in _candidates(task):
        canvases = _open_everywhere(text, task)
        if canvases is not None:
            yield text, cost, canvases


def _offered(task: Task, extra: Sequence[ExtraImage]) -> Iterator[tuple[Program, float, tuple[Canvas, ...]]]:
    shapes = [example.output.shape for example in task.train]
    if shapes == [example.input.shape for example in task.train]:
        return
    fitting = [image for image in extra if [grid.shape for grid in image[2][: len(shapes)]] == shapes]
    for program, cost, grids in sorted(fitting, key=lambda image: image[1])[:_MAX_OFFERED]:
        yield program, cost + _OFFERED_COST, tuple(Canvas(grid) for grid in grids)


def _candidates(task: Task) -> Iterator[tuple[str, float]]:
    inputs = [example.input for example in task.train]
    outputs = [example.output for example in task.train]
    same_shape = all(source.shape == target.shape for source, target in zip(inputs, outputs, strict=True))
    yield "same", 0.0
    if not same_shape:
        yield "transposed", 0.5
    yield "panels", 1.0
    yield from _by_ratio(inputs, outputs)
    yield "blocks", 2.0
    if not same_shape:
        yield from ((f"lattice {name}", 2.5) for name in ("m8", "x8"))
    yield from _crops()
    if same_shape and len({target.shape for target in outputs}) > 1:
        return
    if not same_shape:
        yield from _of_crops(inputs, outputs)
    for guess in predict_shapes(task, max_guesses=1):
        yield f"blank {guess.height} {guess.width}", 3.0
        if not same_shape:
            yield f"padded {guess.height} {guess.width}", 2.5


def _crops() -> Iterator[tuple[str, float]]:
    for wanted in ("", *(f" #{c}" for c in range(NUM_COLORS))):
        yield f"box{wanted}", 2.0
        yield f"box{wanted} inside", 3.0
    for ranked in RANKED:
        yield f"box {ranked}", 2.5
        yield f"box {ranked} inside", 3.5
    for name in PANEL_SELECTORS:
        yield f"panel {name}", 3.0
    for segmentation in ("m8", "m4", "x8", "x4"):
        for selector in SELECTORS:
            yield f"object {segmentation} {selector}", 4.0
            yield f"object {segmentation} {selector} inside", 5.0


def _of_crops(inputs: Sequence[Grid], outputs: Sequence[Grid]) -> Iterator[tuple[str, float]]:
    """Yield crops that are then tiled, cut or shrunk to the outputs' shapes."""
    for text, cost in _crops():
        if text.endswith("inside"):
            continue
        try:
            bases = [open_canvas(text, grid).image.grid for grid in inputs]
        except PrimitiveError:
            continue
        for second, more in _by_ratio(bases, outputs):
            yield f"{text} then {second}", cost + more + 1.0
        if all(base.shape == target.shape[::-1] for base, target in zip(bases, outputs, strict=True)):
            yield f"{text} then transposed", cost + 1.5


def _by_ratio(sources: Sequence[Grid], targets: Sequence[Grid]) -> Iterator[tuple[str, float]]:
    """Yield tiles, parts and blocks, if all targets have one ratio to their sources."""
    down = {Fraction(target.shape[0], source.shape[0]) for source, target in zip(sources, targets, strict=True)}
    across = {Fraction(target.shape[1], source.shape[1]) for source, target in zip(sources, targets, strict=True)}
    if len(down) != 1 or len(across) != 1:
        return
    rows, columns = down.pop(), across.pop()
    if rows == 1 and columns == 1:
        return
    if rows.denominator == 1 and columns.denominator == 1:
        yield f"tile {rows} {columns}", 1.0
    if rows.numerator == 1 and columns.numerator == 1:
        if rows.denominator * columns.denominator <= MAX_PARTS:
            yield f"split {rows.denominator} {columns.denominator}", 1.0
        yield f"shrink {rows.denominator} {columns.denominator}", 2.0


def _open_everywhere(text: str, task: Task) -> tuple[Canvas, ...] | None:
    canvases = []
    try:
        for example in task.train:
            canvas = open_canvas(text, example.input)
            if canvas.shape != example.output.shape:
                return None
            canvases.append(canvas)
        canvases += [open_canvas(text, grid) for grid in task.test_inputs]
    except PrimitiveError:
        return None
    return tuple(canvases)
