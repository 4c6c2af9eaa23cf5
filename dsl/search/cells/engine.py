"""Solve a task with cell rules: propose canvases, learn decision lists on each, vote, and write programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.program import Program
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote, count_votes, verified_solutions
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.images import ExtraImage, Extras, extras_on
from dsl.search.cells.learner import Learner, Limits, RuleList
from dsl.search.cells.planes import all_groups
from dsl.search.cells.predicates import NO_COLOR, Items, PlaneSpec
from dsl.search.cells.proposals import ProposedCanvas, propose_canvases
from dsl.search.cells.rules import write_program
from dsl.search.cells.support import LeaveOneOut
from dsl.search.solution import Solution
from dsl.task import Task

ENGINE = "cells"
NODES_PER_IMAGE = 40


@dataclass(frozen=True, slots=True)
class _Learned:
    """Where a vote comes from: enough to write its program."""

    proposal: ProposedCanvas
    learner: Learner
    found: RuleList
    extras: Extras

    def program(self) -> Program:
        rules, default = self.learner.describe(self.found)
        return write_program(self.proposal.canvas, rules, default, self.extras.programs)


def solve_by_rules(
    task: Task, meter: Meter, limits: Limits, max_canvases: int, max_predictions: int, extra: Sequence[ExtraImage] = ()
) -> list[Solution]:
    """Return programs of cell rules that give every demonstration's output, one per distinct prediction, best first.

    A solution's cost orders predictions by the weight of all programs that agree on them, not by the one shown.
    """
    votes: list[Vote] = []
    for proposal in propose_canvases(task, max_canvases, extra):
        if meter.exhausted:
            break
        meter.spend(NODES_PER_IMAGE * len(proposal.canvases))
        votes.extend(_votes_on(proposal, task, meter, limits, extra))
    return verified_solutions(count_votes(votes), task, ENGINE, max_predictions)


def _votes_on(
    proposal: ProposedCanvas, task: Task, meter: Meter, limits: Limits, extra: Sequence[ExtraImage]
) -> list[Vote]:
    extras = extras_on([canvas.shape for canvas in proposal.canvases], extra)
    items = canvas_items(proposal.canvases, len(task.train), extras=extras)
    target = np.concatenate([example.output.ravel() for example in task.train])
    learner = Learner(items, target, limits)
    lists = learner.search(meter)
    if not lists:
        return []
    shapes = [canvas.shape for canvas in proposal.canvases[len(task.train) :]]
    outputs = [example.output for example in task.train]
    folds = LeaveOneOut(
        learner,
        [output.size for output in outputs],
        [output.tobytes() for output in outputs],
        meter,
        max(len(found.rules) for found in lists) - 1,
    )
    predicted = learner.predict(lists)
    return [
        Vote(
            found.cost + proposal.cost,
            split_cells(cells, shapes),
            _Learned(proposal, learner, found, extras).program,
            lambda: folds.support,
            partial(folds.stability, cells),
        )
        for found, cells in zip(lists, predicted, strict=True)
    ]


def split_cells(cells: NDArray[np.uint8], shapes: Sequence[tuple[int, ...]]) -> tuple[Grid | None, ...]:
    """Cut a row of cells into grids of the given shapes; None where a cell has no color."""
    grids: list[Grid | None] = []
    start = 0
    for shape in shapes:
        size = shape[0] * shape[1]
        part = cells[start : start + size]
        start += size
        grids.append(None if (part >= NO_COLOR).any() else seal(part.reshape(shape).copy()))
    return tuple(grids)


def canvas_items(
    canvases: Sequence[Canvas], train: int, *, basic_only: bool = False, extras: Extras | None = None
) -> Items:
    """Lay the planes of canvases side by side.

    Args:
        canvases: one per image, demonstrations first.
        train: number of demonstrations.
        basic_only: leave out the groups of planes that are not basic.
        extras: images of the canvases' shapes, as further color planes.
    """
    common = set.intersection(*({spec.name for spec in canvas.specs} for canvas in canvases))
    layers = [spec for spec in canvases[0].specs if spec.name in common]
    groups = [group for group in all_groups() if group.basic or not basic_only]
    columns = []
    for k, canvas in enumerate(canvases):
        cells = canvas.image.grid.size
        blocks = [canvas.image.block(group).reshape(-1, cells) for group in groups]
        blocks += [canvas.plane(spec.name).reshape(1, cells) for spec in layers]
        if extras is not None:
            blocks += [grids[k].reshape(1, cells) for grids in extras.grids]
        columns.append(np.concatenate(blocks))
    specs: tuple[PlaneSpec, ...] = (*(spec for group in groups for spec in group.specs), *layers)
    named = [pair for group in groups for pair in group.pairs] + canvases[0].pairs()
    if extras is not None:
        specs = (*specs, *extras.specs)
        named += extras.pairs()
    index = {spec.name: k for k, spec in enumerate(specs)}
    pairs = tuple((index[a], index[b], cost) for a, b, cost in named if a in index and b in index)
    train_cells = sum(canvas.image.grid.size for canvas in canvases[:train])
    return Items(np.concatenate(columns, axis=1), specs, pairs, train_cells)
