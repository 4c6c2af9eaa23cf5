"""Solve a task with cell rules: propose canvases, learn decision lists on each, vote, and write programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.program import Program
from dsl.search.budget import Meter
from dsl.search.cells.answers import Ballot, Vote, count_votes, verified
from dsl.search.cells.canvas import Canvas
from dsl.search.cells.learner import Learner, Limits, RuleList
from dsl.search.cells.planes import all_groups
from dsl.search.cells.predicates import NO_COLOR, Items, PlaneSpec
from dsl.search.cells.proposals import Proposal, propose_canvases
from dsl.search.cells.rules import write_program
from dsl.search.solution import Solution
from dsl.task import Task

ENGINE = "cells"
NODES_PER_IMAGE = 40


@dataclass(frozen=True, slots=True)
class CellConfig:
    """Settings of the engine.

    Attributes:
        canvases: canvases tried at most.
        predictions: distinct predictions returned at most.
        limits: bounds of the search on each canvas.
    """

    canvases: int = 6
    predictions: int = 10
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    proposal: Proposal
    learner: Learner
    found: RuleList

    def program(self) -> Program:
        rules, default = self.learner.describe(self.found)
        return write_program(self.proposal.text, rules, default)


def solve_cells(task: Task, meter: Meter, config: CellConfig | None = None) -> list[Solution]:
    """Return programs of cell rules that give every demonstration's output, one per distinct prediction, best first.

    A solution's cost orders predictions by the weight of all programs that agree on them, not by the one shown.
    """
    config = config or CellConfig()
    votes: list[Vote] = []
    for proposal in propose_canvases(task, config.canvases):
        if meter.exhausted:
            break
        meter.spend(NODES_PER_IMAGE * len(proposal.canvases))
        votes.extend(_votes_on(proposal, task, meter, config.limits))
    return _solutions(count_votes(votes), task, config.predictions)


def _votes_on(proposal: Proposal, task: Task, meter: Meter, limits: Limits) -> list[Vote]:
    items = canvas_items(proposal.canvases, len(task.train))
    target = np.concatenate([example.output.ravel() for example in task.train])
    learner = Learner(items, target, limits)
    lists = learner.search(meter)
    if not lists:
        return []
    shapes = [canvas.shape for canvas in proposal.canvases[len(task.train) :]]
    predicted = learner.predict(lists)
    return [
        Vote(found.cost + proposal.cost, split_cells(cells, shapes), _Source(proposal, learner, found))
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


def canvas_items(canvases: Sequence[Canvas], train: int, basic_only: bool = False) -> Items:
    """Lay the planes of canvases side by side, the first ``train`` canvases being demonstrations."""
    common = set.intersection(*({spec.name for spec in canvas.specs} for canvas in canvases))
    layers = [spec for spec in canvases[0].specs if spec.name in common]
    groups = [group for group in all_groups() if group.basic or not basic_only]
    columns = []
    for canvas in canvases:
        cells = canvas.image.grid.size
        blocks = [canvas.image.block(group).reshape(-1, cells) for group in groups]
        own = [canvas.plane(spec.name).reshape(1, cells) for spec in layers]
        columns.append(np.concatenate([*blocks, *own]))
    specs: tuple[PlaneSpec, ...] = (*(spec for group in groups for spec in group.specs), *layers)
    index = {spec.name: k for k, spec in enumerate(specs)}
    named = [pair for group in groups for pair in group.pairs]
    named += [pair for pair in canvases[0].pairs() if pair[0] in index and pair[1] in index]
    pairs = tuple((index[first], index[second], cost) for first, second, cost in named)
    train_cells = sum(canvas.image.grid.size for canvas in canvases[:train])
    return Items(np.concatenate(columns, axis=1), specs, pairs, train_cells)


def _solutions(ballots: list[Ballot], task: Task, limit: int) -> list[Solution]:
    solutions = []
    for ballot in ballots[:limit]:
        for vote in ballot.votes:
            assert isinstance(vote.source, _Source)
            solution = verified(vote.source.program(), ballot.bits, task, ENGINE)
            if solution is not None:
                solutions.append(solution)
                break
    return solutions
