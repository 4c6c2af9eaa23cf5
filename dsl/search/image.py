"""The image engine: enumeration and composition on one view of a task, in rounds that continue each other."""

from collections.abc import Iterator

import numpy as np

from dsl.program import Program
from dsl.search.assemble import Canvas, assemble, find_canvases
from dsl.search.budget import Meter
from dsl.search.cells import ExtraImage
from dsl.search.enumerate import Enumeration, EnumerationConfig
from dsl.search.grammar import palette, productions
from dsl.search.normalize import ROLE_COST, Roles, normalize, with_roles
from dsl.search.proposal import Proposal
from dsl.task import Task
from dsl.types import Kind

MAX_EXACT = 64
MAX_COVERS = 24
MAX_CANVASES = 2
MAX_PIECES = 40_000
MAX_PIECE_CELLS = 60_000_000
"""Pieces times output cells compared at most: bounds time and memory on tasks of many large grids."""
MAX_IMAGES = 1000
COST_SCALE = 0.5
"""Weight of a bit of an image program beside a bit of a rule list: of the programs that fit all demonstrations of
ARC-AGI-1 training tasks, half are right at about 36 bits here and at about 17 bits there."""


class ImageEngine:
    """Search for programs over whole images; :meth:`grow` continues where the last round stopped.

    Attributes:
        view: the task that is searched: the given one, or with colors renamed.
        enumeration: the programs found so far.
        finished: whether nothing is left to enumerate, or a limit is reached.
    """

    def __init__(self, task: Task, roles: Roles | None = None, config: EnumerationConfig | None = None) -> None:
        """Prepare the search on a task, or on its view with colors renamed by roles."""
        self.roles = roles
        self.view = view = task if roles is None else normalize(task, roles)
        self._outputs = [example.output for example in view.train]
        images = [example.input for example in view.train] + list(view.test_inputs)
        self.enumeration = Enumeration(images, len(self._outputs), productions(palette(view)), config)
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

    def images(self) -> list[ExtraImage]:
        """Return the cheapest grids that the search found, with a value on every image of the task."""
        bank, rows = self.enumeration.bank, self.enumeration.rows
        grids = rows.of_kind(Kind.GRID)
        grids = grids[(rows.ids[grids] >= 0).all(axis=1)]
        best = grids[np.argsort(rows.costs[grids], kind="stable")][:MAX_IMAGES]
        return [
            (self.enumeration.program(row), float(rows.costs[row]), tuple(map(bank.value, rows.ids[row].tolist())))
            for row in best.tolist()
        ]

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
        return self.for_task(Proposal(program, COST_SCALE * cost, engine))

    def for_task(self, proposal: Proposal) -> Proposal:
        """Return a proposal for the task itself from one for the view."""
        if self.roles is None:
            return proposal
        cost = proposal.cost + COST_SCALE * ROLE_COST
        return Proposal(with_roles(self.roles, proposal.program), cost, proposal.engine)
