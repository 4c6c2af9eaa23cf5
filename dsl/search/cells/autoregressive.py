"""Cell rules that read the output cells written before; the form ``write_cells`` and the search for it.

``write_cells("turned_90", when("written_left == #3", "own"), "written_up")`` turns the input, writes the output cell by
cell in raster order, and turns it back. Planes ``written_*`` hold what was written at a fixed offset before the cell.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError
from dsl.grid import Grid, seal
from dsl.kernels import planes_writing as writing
from dsl.kernels.bitsets import EQUAL, SAME
from dsl.program import Call, Literal, Program, form, text_literal
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote, count_votes, run_or_none, verified_solutions
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.engine import NODES_PER_IMAGE, canvas_items
from dsl.search.cells.learner import Learner, Limits
from dsl.search.cells.planes import color, require_color_planes
from dsl.search.cells.predicates import NO_COLOR, Items, PlaneSpec, Predicate, parse_predicate
from dsl.search.cells.rules import Scene, is_rule, write_condition
from dsl.search.cells.support import LeaveOneOut
from dsl.search.solution import Solution
from dsl.task import Task

FORM = "write_cells"
ENGINE = "autoregressive"

ORIENTATIONS: tuple[str, ...] = (
    "as_is",
    "turned_90",
    "turned_180",
    "turned_270",
    "transposed",
    "mirror_lr",
    "antitransposed",
    "mirror_ud",
)

_OFFSETS: dict[str, tuple[int, int]] = {
    "written_up": (-1, 0),
    "written_up_left": (-1, -1),
    "written_up_right": (-1, 1),
    "written_left": (0, -1),
    "written_up_2": (-2, 0),
    "written_left_2": (0, -2),
    "written_up_left_2": (-2, -2),
    "written_up_right_2": (-2, 2),
    "written_up_3": (-3, 0),
    "written_left_3": (0, -3),
}
WRITTEN: tuple[str, ...] = tuple(_OFFSETS)
_OFFSET_TABLE = np.array(list(_OFFSETS.values()), np.int64)
_SPECS: tuple[PlaneSpec, ...] = tuple(
    color(name, 3.0 + 0.7 * max(abs(down), abs(right)) + (0.5 if down and right else 0.0))
    for name, (down, right) in _OFFSETS.items()
)
_COMPARED = (
    *(("own", name) for name in ("written_up", "written_left", "written_up_left", "written_up_right")),
    ("written_up", "written_up_left"),
    ("written_up", "written_up_right"),
    ("written_up", "written_left"),
    ("written_left", "written_up_left"),
    ("near_up", "written_up"),
    ("near_left", "written_left"),
    ("near_up_left", "written_up_left"),
    ("near_up_right", "written_up_right"),
    ("written_up", "written_up_2"),
    ("written_left", "written_left_2"),
)
_COMPARISON_COST = 4.5


def oriented(grid: NDArray[np.uint8], orientation: str) -> Grid:
    """Turn a grid into one of the ``ORIENTATIONS``."""
    k = ORIENTATIONS.index(orientation)
    return seal(np.ascontiguousarray(np.rot90(grid, k) if k < 4 else np.rot90(grid, k - 4).T))


def restored(grid: NDArray[np.uint8], orientation: str) -> Grid:
    """Undo :func:`oriented`."""
    k = ORIENTATIONS.index(orientation)
    return seal(np.ascontiguousarray(np.rot90(grid, -k) if k < 4 else np.rot90(grid.T, 4 - k)))


def solve_autoregressive(task: Task, meter: Meter, limits: Limits, max_predictions: int) -> list[Solution]:
    """Return programs of writing rules that give every demonstration's output, one per distinct prediction, best first.

    A solution's cost orders predictions by the weight of all programs that agree on them. Tasks whose outputs differ in
    shape from their inputs have none.
    """
    if any(example.input.shape != example.output.shape for example in task.train):
        return []
    votes: list[Vote] = []
    for orientation in ORIENTATIONS:
        if meter.exhausted:
            break
        meter.spend(NODES_PER_IMAGE * (len(task.train) + len(task.test_inputs)))
        votes.extend(_votes_in(orientation, task, meter, limits))
    return verified_solutions(count_votes(votes), task, ENGINE, max_predictions)


def _votes_in(orientation: str, task: Task, meter: Meter, limits: Limits) -> list[Vote]:
    images = [*(example.input for example in task.train), *task.test_inputs]
    canvases = [Canvas(oriented(grid, orientation)) for grid in images]
    targets = [oriented(example.output, orientation) for example in task.train]
    items = _with_written(canvas_items(canvases, len(task.train), basic_only=True), targets)
    learner = Learner(items, np.concatenate([target.ravel() for target in targets]), limits)
    votes: list[Vote] = []
    lists = learner.search(meter)
    if not lists:
        return votes
    folds = LeaveOneOut(
        learner,
        [target.size for target in targets],
        [target.tobytes() for target in targets],
        meter,
        max(len(found.rules) for found in lists) - 1,
    )
    for found in lists:
        rules, default = learner.describe(found)
        body = [write_condition(predicate, {}, text_literal(source)) for predicate, source in rules]
        program = Call(FORM, (text_literal(orientation), *body, text_literal(default)))
        outputs = tuple(run_or_none(program, grid) for grid in task.test_inputs)
        votes.append(Vote(found.cost, outputs, partial(_itself, program), lambda: folds.support))
    return votes


def _itself(program: Program) -> Program:
    return program


def _with_written(items: Items, targets: Sequence[Grid]) -> Items:
    """Add the planes of cells written before: known on demonstrations, no color on the other cells."""
    planes = np.full((len(_SPECS), items.planes.shape[1]), NO_COLOR, np.uint8)
    for k, (down, right) in enumerate(_OFFSETS.values()):
        planes[k, : items.train_cells] = np.concatenate([_shifted(target, down, right) for target in targets])
    specs = (*items.specs, *_SPECS)
    index = {spec.name: k for k, spec in enumerate(specs)}
    pairs = (*items.pairs, *((index[a], index[b], _COMPARISON_COST) for a, b in _COMPARED))
    written = frozenset(index[name] for name in WRITTEN)
    return Items(np.concatenate([items.planes, planes]), specs, pairs, items.train_cells, written)


def _shifted(target: Grid, down: int, right: int) -> NDArray[np.uint8]:
    height, width = target.shape
    margin = 3
    padded = np.full((height + 2 * margin, width + 2 * margin), NO_COLOR, np.uint8)
    padded[margin:-margin, margin:-margin] = target
    return padded[margin + down : margin + down + height, margin + right : margin + right + width].ravel()


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    first = arguments[0].value if arguments and isinstance(arguments[0], Literal) else None
    if (
        not isinstance(first, str)
        or first not in ORIENTATIONS
        or len(arguments) < 2
        or not all(is_rule(rule) for rule in arguments[1:-1])
    ):
        raise ParseError(f"{FORM} takes an orientation ({', '.join(ORIENTATIONS)}), rules, and a last source")
    table = _RuleTable(Scene(text_literal("same"), oriented(grid, first)))
    for rule in arguments[1:-1]:
        assert isinstance(rule, Call)
        table.add(rule.arguments[0], rule.arguments[1], rule.name == "when")
    table.add(None, arguments[-1], True)
    out = writing.write_in_order(np.array(table.rules, np.int64), np.stack(table.fixed), _OFFSET_TABLE)
    require_color_planes(out)
    return restored(out, first)


class _RuleTable:
    """Rules in the form that the loop takes, and the planes that they read."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rules: list[list[int]] = []
        self.fixed: list[NDArray[np.uint8]] = []

    def add(self, condition: Program | None, source: Program, holds: bool) -> None:
        """Append a rule; without a condition it always applies."""
        if condition is None:
            head = [writing.FIXED, self._keep(np.ones(self.scene.canvas.shape, np.uint8)), 0, 1]
        else:
            head = self._head(condition, holds)
        name = source.value if isinstance(source, Literal) else None
        if isinstance(name, str) and name in _OFFSETS:
            self.rules.append([*head, writing.COPY_WRITTEN, WRITTEN.index(name)])
        else:
            self.rules.append([*head, writing.COPY_FIXED, self._keep(self.scene.source(source))])

    def _keep(self, plane: NDArray[np.uint8]) -> int:
        self.fixed.append(plane)
        return len(self.fixed) - 1

    def _head(self, condition: Program, holds: bool) -> list[int]:
        if isinstance(condition, Literal) and isinstance(condition.value, str):
            predicate = parse_predicate(condition.value, _kinds(self.scene.canvas.kind_of))
            if predicate.plane in _OFFSETS or predicate.other in _OFFSETS:
                return self._written_head(predicate, holds)
        known, plane = self.scene.condition(condition)
        return [writing.FIXED, self._keep(known.mask(plane).astype(np.uint8)), 0, int(holds)]

    def _written_head(self, predicate: Predicate, holds: bool) -> list[int]:
        wanted = int(holds != predicate.negated)
        if predicate.relation == SAME:
            assert predicate.other is not None
            first, second = predicate.plane, predicate.other
            if first not in _OFFSETS:
                first, second = second, first
            if second in _OFFSETS:
                return [writing.WRITTEN_ALIKE, WRITTEN.index(first), WRITTEN.index(second), wanted]
            place = self._keep(self.scene.plane(second))
            return [writing.WRITTEN_LIKE_FIXED, WRITTEN.index(first), place, wanted]
        if predicate.relation != EQUAL:
            raise ParseError(f"a written cell can only be compared for equality, got {predicate}")
        return [writing.WRITTEN_IS, WRITTEN.index(predicate.plane), predicate.value, wanted]


def _kinds(kind_of: Callable[[str], int]) -> Callable[[str], int]:
    kinds = {spec.name: spec.kind for spec in _SPECS}
    return lambda name: kinds[name] if name in kinds else kind_of(name)
