"""The image engine: enumeration and composition on one task, in rounds that continue each other."""

from collections.abc import Iterator

import numpy as np

from dsl.program import Program
from dsl.search.assemble import Canvas, assemble, find_canvases
from dsl.search.budget import Meter
from dsl.search.enumerate import Enumeration, EnumerationConfig
from dsl.search.grammar import palette, productions
from dsl.search.proposal import Proposal
from dsl.task import Task
from dsl.types import Kind

MAX_EXACT = 64
MAX_COVERS = 24
MAX_CANVASES = 2
MAX_PIECES = 40_000
MAX_PIECE_CELLS = 60_000_000
"""Pieces times output cells compared at most: bounds time and memory on tasks of many large grids."""
COST_SCALE = 0.5
"""Weight of a bit of an image program beside a bit of a rule list: of the programs that fit all demonstrations of
ARC-AGI-1 training tasks, half are right at about 36 bits here and at about 17 bits there."""


class ImageEngine:
    """Search for programs over whole images; :meth:`grow` continues where the last round stopped.

    Attributes:
        enumeration: the programs found so far.
        finished: whether nothing is left to enumerate, or a limit is reached.
    """

    def __init__(self, task: Task, config: EnumerationConfig | None = None) -> None:
        """Prepare the search on a task."""
        self._outputs = [example.output for example in task.train]
        images = [example.input for example in task.train] + list(task.test_inputs)
        self.enumeration = Enumeration(images, len(self._outputs), productions(palette(task)), config)
        self.finished = False
        self._checked = 0

    def grow(self, meter: Meter, nodes: int) -> None:
        """Enumerate until the given number of nodes is spent, the meter is exhausted, or nothing is left."""
        target = meter.nodes + nodes
        while not self.finished and meter.nodes < target:
            self.finished = not self.enumeration.advance(meter)

    def proposals(self, meter: Meter) -> Iterator[Proposal]:
        """Yield what the rows found so far give: new exact values, then compositions while the meter lasts."""
        yield from self._exact()
        for canvas in find_canvases(self.enumeration, self._outputs, MAX_CANVASES):
            if not meter.exhausted:
                yield from self._covers(canvas, meter)

    def _exact(self) -> list[Proposal]:
        """Return new rows whose values are the outputs, cheapest first."""
        bank, rows = self.enumeration.bank, self.enumeration.rows
        wanted = [bank.find(Kind.GRID, output) for output in self._outputs]
        start, self._checked = self._checked, rows.count
        if None in wanted:
            return []
        matches = start + np.flatnonzero((rows.ids[start:, : len(wanted)] == np.array(wanted)).all(axis=1))
        best = matches[np.argsort(rows.costs[matches], kind="stable")][:MAX_EXACT]
        return [self._propose(self.enumeration.program(row), float(rows.costs[row]), "image") for row in best.tolist()]

    def _covers(self, canvas: Canvas, meter: Meter) -> Iterator[Proposal]:
        """Yield compositions of the cheapest rows, for all demonstrations and for all but one."""
        everything = tuple(range(len(self._outputs)))
        subsets = [everything]
        if len(everything) > 2:
            subsets += [tuple(k for k in everything if k != left_out) for left_out in everything]
        limit = min(MAX_PIECES, MAX_PIECE_CELLS // sum(output.size for output in self._outputs))
        for cover in assemble(self.enumeration, canvas, self._outputs, subsets, limit, meter)[:MAX_COVERS]:
            yield self._propose(cover.program, cover.cost, "cover")

    def _propose(self, program: Program, cost: float, engine: str) -> Proposal:
        return Proposal(program, COST_SCALE * cost, engine)
