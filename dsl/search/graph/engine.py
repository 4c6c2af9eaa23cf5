"""The search over the value graph on one task: growth, exact values, and covers, in rounds that continue each other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsl.grid import NUM_COLORS, Grid
from dsl.kernels import value_graph as kernel
from dsl.kernels.cover import PAINTED, greedy_cover
from dsl.kernels.value_graph import NODES, SPENT
from dsl.kernels.value_pieces import IN_PLACE, draw_pieces
from dsl.program import Call, Input, Program, color_literal, grid_literal, text_literal
from dsl.search.assemble import HOW, HOW_COST, MAX_PIECES, pack_cells
from dsl.search.budget import Meter
from dsl.search.cells import ExtraImage
from dsl.search.cells.shape import ShapeGuess, predict_shapes
from dsl.search.grammar import palette
from dsl.search.graph.build import Sizes, add_root, make_graph, read_picture
from dsl.search.graph.offers import choose_pictures
from dsl.search.graph.operations import all_operations
from dsl.search.graph.pipe import black_canvas, pipe
from dsl.search.graph.prior import operation_costs
from dsl.search.proposal import Proposal
from dsl.task import Task

STEPS = 20_000
"""Operations tried between two looks at the clock."""
MAX_PIECES_SCANNED = 120_000
MAX_PIECE_BYTES = 160 << 20
MAX_EXACT = 64
MAX_COVERS = 24
FIT_COST = 1.0
COMMON_COST = 8.0
CANVAS_COST = 1.0
COST_SCALE = 0.5
"""Weight of a bit of a pipe beside a bit of a rule list."""


@dataclass(slots=True, eq=False)
class _Pieces:
    """Pieces found so far, see :func:`draw_pieces`; they are drawn on the outputs, whose shapes are known."""

    outputs: NDArray[np.uint8]
    frames: NDArray[np.int64]
    colored: NDArray[np.uint64]
    equal: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    sources: NDArray[np.int32]
    exact: NDArray[np.int32]
    count: int = 0
    exact_count: int = 0
    exact_seen: int = 0
    next_node: int = 0
    seen: set[str] = field(default_factory=set)


class GraphEngine:
    """Search for programs over pictures; :meth:`grow` continues where the last round stopped."""

    def __init__(self, task: Task, max_bytes: int) -> None:
        """Prepare the search on a task within a number of bytes."""
        self.task = task
        self.finished = False
        self._outputs = [example.output for example in task.train]
        self._inputs: list[Grid] = [example.input for example in task.train] + list(task.test_inputs)
        guesses = predict_shapes(task, 2)
        self._guesses = guesses
        self._guess = guesses[0] if guesses else None
        frames = np.zeros((len(self._inputs), 4), np.int64)
        frames[:, :2] = [grid.shape for grid in self._inputs]
        if self._guess is not None:
            frames[:, 2:] = [output.shape for output in self._outputs] + list(self._guess.shapes)
        sized = self._guess is not None and bool((frames[:, :2] != frames[:, 2:]).any())
        colors = tuple(color for color in palette(task) if color)
        self._steps = all_operations(colors, in_output=sized)
        costs = operation_costs(self._steps)
        sizes = Sizes.within(max_bytes, len(self._inputs), len(self._steps))
        self.graph = make_graph(len(self._outputs), frames, self._inputs, self._steps, costs, sizes)
        self._roots: dict[int, Program] = {add_root(self.graph, self._inputs, 1.0): Input()}
        self._add_common()
        self._pieces = self._no_pieces()

    def _add_common(self) -> None:
        """Give what all outputs have in common as a root."""
        if len({output.shape for output in self._outputs}) != 1 or len(self._outputs) < 2:
            return
        same = np.logical_and.reduce([output == self._outputs[0] for output in self._outputs])
        common = np.where(same, self._outputs[0], 0).astype(np.uint8)
        if common.any() and not same.all():
            node = add_root(self.graph, [common] * len(self._inputs), COMMON_COST)
            if node >= 0:
                self._roots.setdefault(node, grid_literal(common))

    def _no_pieces(self) -> _Pieces:
        frames = np.zeros((len(self._outputs), 4), np.int64)
        cell = words = 0
        for k, output in enumerate(self._outputs):
            frames[k] = (*output.shape, cell, words)
            cell, words = cell + output.size, words - (-output.size // 64)
        room = max(1024, min(400_000, MAX_PIECE_BYTES // (16 * words)))
        slots = 1 << (2 * room).bit_length()
        return _Pieces(
            np.concatenate([output.ravel() for output in self._outputs]),
            frames,
            np.empty((room + 1, words), np.uint64),
            np.empty((room + 1, words), np.uint64),
            np.zeros(slots, np.uint64),
            np.empty((room, 2), np.int32),
            np.empty((4096, 3), np.int32),
        )

    def grow(self, meter: Meter, nodes: int) -> None:
        """Grow until the given number of operations was tried, the meter is exhausted, or nothing is left."""
        target = meter.nodes + nodes
        while not self.finished and meter.nodes < target and not meter.exhausted:
            before = int(self.graph.state[SPENT])
            steps = min(STEPS, target - meter.nodes)
            if meter.budget.nodes is not None:
                steps = min(steps, meter.budget.nodes - meter.nodes)
            self.finished = not kernel.grow(self.graph, steps)
            self._draw()
            meter.spend(int(self.graph.state[SPENT]) - before)

    def program(self, node: int, *, fitted: bool = False, guess: ShapeGuess | None = None) -> Program:
        """Return the cheapest program found for a node; ``fitted`` draws it at its place on the output's frame."""
        steps = []
        while node not in self._roots:
            steps.append(self._steps[self.graph.operations[node]])
            node = int(self.graph.parents[node])
        steps.reverse()
        root = self._roots[node]
        if not fitted:
            return pipe(root, steps, self._guess)
        assert guess is not None
        inner = pipe(root, steps, self._guess)
        size = text_literal(f"fit to {guess.height} x {guess.width}")
        if isinstance(inner, Call) and inner.name == "pipe":
            return Call("pipe", (*inner.arguments, size))
        return Call("pipe", (inner, size))

    def proposals(self, meter: Meter) -> Iterator[Proposal]:
        """Yield what the nodes found so far give: new exact values, then covers while the meter lasts."""
        yield from self._exact()
        if self._guesses and not meter.exhausted:
            yield from self._covers(meter)

    def _draw(self) -> None:
        """Compare the nodes that are new with the outputs, if the outputs' shapes can be foretold."""
        if not self._guesses:
            return
        pieces = self._pieces
        last = int(self.graph.state[NODES])
        pieces.count, pieces.exact_count = draw_pieces(
            self.graph,
            pieces.next_node,
            last,
            pieces.outputs,
            pieces.frames,
            pieces.keys,
            pieces.colored,
            pieces.equal,
            pieces.sources,
            pieces.count,
            pieces.exact,
            pieces.exact_count,
        )
        pieces.next_node = last

    def _exact(self) -> Iterator[Proposal]:
        """Yield the new pieces that are the outputs, cut or laid on a canvas of each size that is foretold."""
        pieces, found = self._pieces, []
        for node, way, itself in pieces.exact[pieces.exact_seen : pieces.exact_count].tolist():
            cost = float(self.graph.node_costs[node])
            found.append((cost + (0.0 if itself else FIT_COST), node, way, itself))
        pieces.exact_seen = pieces.exact_count
        for cost, node, way, itself in sorted(found)[:MAX_EXACT]:
            if itself:
                yield Proposal(self.program(node), COST_SCALE * cost, "pipe")
                continue
            for guess in self._guesses:
                if way == IN_PLACE:
                    program, canvas_cost = self.program(node, fitted=True, guess=guess), 0.0
                else:
                    program = Call("cover", (self._canvas(guess), text_literal("whole"), self.program(node)))
                    canvas_cost = CANVAS_COST
                yield Proposal(program, COST_SCALE * (cost + canvas_cost) + self._dearer(guess), "pipe")

    def _dearer(self, guess: ShapeGuess) -> float:
        """Return the bits that a guess costs more than the cheapest one."""
        return guess.cost - self._guesses[0].cost

    def _canvas(self, guess: ShapeGuess) -> Program:
        same = guess.height.is_plain and guess.width.is_plain
        if same and guess.height.number == "height" and guess.width.number == "width":
            return Input()
        return black_canvas(guess)

    def _covers(self, meter: Meter) -> Iterator[Proposal]:
        """Yield compositions of the cheapest pieces, for all demonstrations and for all but one."""
        pieces = self._pieces
        costs = self.graph.node_costs[pieces.sources[: pieces.count, 0]]
        order = np.argsort(costs, kind="stable")[:MAX_PIECES_SCANNED]
        colored, equal = pieces.colored[order], pieces.equal[order]
        targets, spans = self._targets()
        paints = [c for c in range(1, NUM_COLORS) if all(targets[c, a:b].any() for a, b in spans)]
        everything = tuple(range(len(spans)))
        subsets = [everything]
        if len(everything) > 2:
            subsets += [tuple(k for k in everything if k != left_out) for left_out in everything]
        found: dict[str, Proposal] = {}
        full = np.bitwise_or.reduce(targets, axis=0)
        for subset in subsets:
            required = np.zeros(targets.shape[1], np.uint64)
            for k in subset:
                required[slice(*spans[k])] = full[slice(*spans[k])]
            cares = [required, required & ~targets[0]]
            for k in subset if len(subset) > 1 else ():
                care = np.zeros_like(required)
                care[slice(*spans[k])] = required[slice(*spans[k])]
                cares.append(care)
            for care in cares:
                if meter.exhausted:
                    break
                chosen, done = greedy_cover(colored, equal, targets[paints], targets[0], required, care, MAX_PIECES)
                for guess in self._guesses if done and len(chosen) else ():
                    proposal = self._cover(guess, order, chosen.tolist(), paints)
                    found.setdefault(str(proposal.program), proposal)
        for text, proposal in sorted(found.items(), key=lambda item: (item[1].cost, item[0]))[:MAX_COVERS]:
            if text not in pieces.seen:
                pieces.seen.add(text)
                yield proposal

    def _targets(self) -> tuple[NDArray[np.uint64], list[tuple[int, int]]]:
        """Return the outputs' cells of each color as bitsets ``(10, words)``, and the words of each output."""
        blocks, spans, start = [], [], 0
        for output in self._outputs:
            blocks.append(pack_cells(output.ravel() == np.arange(NUM_COLORS, dtype=np.uint8)[:, None]))
            spans.append((start, start + blocks[-1].shape[1]))
            start = spans[-1][1]
        return np.concatenate(blocks, axis=1), spans

    def _cover(
        self, guess: ShapeGuess, order: NDArray[np.int64], chosen: Sequence[Sequence[int]], paints: Sequence[int]
    ) -> Proposal:
        arguments: list[Program] = [self._canvas(guess)]
        cost = CANVAS_COST
        for place, mode in chosen:
            node, way = self._pieces.sources[order[place]].tolist()
            arguments.append(text_literal(HOW[mode]) if mode < PAINTED else color_literal(paints[mode - PAINTED]))
            arguments.append(self.program(node, fitted=way == IN_PLACE, guess=guess))
            cost += HOW_COST + float(self.graph.node_costs[node]) + (FIT_COST if way == IN_PLACE else 0.0)
            if mode >= PAINTED:
                cost += math.log2(max(1, len(paints)))
        return Proposal(Call("cover", tuple(arguments)), COST_SCALE * cost + self._dearer(guess), "cover")

    def images(self) -> list[ExtraImage]:
        """Return the pictures found so far that are worth offering to the rule engines."""
        return [
            (self.program(node), float(self.graph.node_costs[node]), self._grids(node))
            for node in choose_pictures(self.graph, self.task).tolist()
        ]

    def pictures(self) -> Iterator[tuple[Grid, ...]]:
        """Yield all pictures found so far, of any size, for all demonstrations and test inputs, cheapest first."""
        graph = self.graph
        count = int(graph.state[NODES])
        for node in np.argsort(graph.node_costs[:count], kind="stable").tolist():
            values = graph.node_values[node]
            if (values >= 0).all() and (graph.kinds[values] == kernel.PICTURE).all():
                yield self._grids(node)

    def _grids(self, node: int) -> tuple[Grid, ...]:
        return tuple(read_picture(self.graph, value).cells for value in self.graph.node_values[node].tolist())
