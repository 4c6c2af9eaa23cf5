"""Make the flat arrays of a value graph for some images, and read values out of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.kernels import value_graph as kernel
from dsl.kernels.picture_list_codes import MAX_CELLS, MAX_LIST, MAX_LIST_CELLS, NUM_BOX, NUM_STATS, SCRATCH
from dsl.kernels.value_graph import Graph
from dsl.search.graph.operations import ROLES, Operation, role_colors

MAX_BITS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A box of cells with a place.

    Attributes:
        cells: ``(h, w)``.
        top: row of its first cell in the input's frame, may be negative.
        left: column of its first cell.
    """

    cells: Grid
    top: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a graph may hold; untouched room costs nothing."""

    nodes: int
    values: int
    cells: int
    items: int
    stats: int
    memos: int

    @classmethod
    def within(cls, max_bytes: int, images: int, operations: int) -> "Sizes":
        """Share out a number of bytes by what searches were seen to need."""
        node = 4 * images + 4 + 4 + 2 + 1 + 8 + 4 * 16
        value = 8 + 8 + 1 + 4 + 4 + 12 * 4 + 60 + 4 * 10
        nodes = max_bytes // (node + 2 * images * value // 3 + images * operations // 2)
        values = max(256, 2 * nodes * images // 3)
        return cls(max(64, nodes), values, 60 * values, 10 * values, max(64, values // 4), max(64, values // 6))


def make_graph(
    demonstrations: int,
    frames: NDArray[np.int64],
    inputs: Sequence[Grid],
    operations: Sequence[Operation],
    costs: Sequence[float],
    sizes: Sizes,
) -> Graph:
    """Reserve a graph without nodes.

    Args:
        demonstrations: how many of the images are demonstrations; they come first.
        frames: height and width of each input and output ``(images, 4)``, 0 where the output's are not known.
        inputs: one grid for each image, for the colors that roles stand for.
        operations: those on pictures first.
        costs: of the operations, in bits.
        sizes: most values, nodes and so on.
    """
    images, count = len(inputs), len(operations)
    on_pictures = sum(operation.on == kernel.PICTURE for operation in operations)
    value_slots, node_slots = _power_of_two(2 * sizes.values), _power_of_two(2 * sizes.nodes)
    limits = [sizes.values, sizes.cells, sizes.items, sizes.stats, sizes.memos, sizes.nodes, 2 * sizes.nodes]
    return Graph(
        cells=np.empty(sizes.cells, np.uint8),
        items=np.empty(sizes.items, np.int32),
        places=np.empty((sizes.values, 4), np.int16),
        starts=np.empty(sizes.values, np.int64),
        kinds=np.empty(sizes.values, np.uint8),
        value_keys=np.zeros(value_slots, np.uint64),
        value_numbers=np.empty(value_slots, np.int32),
        memo_rows=np.empty(sizes.values, np.int32),
        memo=np.empty((sizes.memos, max(on_pictures, count - on_pictures, 1)), np.int32),
        stats_rows=np.empty(sizes.values, np.int32),
        stats=np.empty((sizes.stats, NUM_STATS), np.int64),
        node_values=np.empty((sizes.nodes, images), np.int32),
        node_costs=np.empty(sizes.nodes, np.float32),
        parents=np.empty(sizes.nodes, np.int32),
        operations=np.empty(sizes.nodes, np.int16),
        expanded=np.empty(sizes.nodes, np.uint8),
        node_keys=np.zeros(node_slots, np.uint64),
        node_numbers=np.empty(node_slots, np.int32),
        entries=np.empty((2 * sizes.nodes, 2), np.int32),
        heads=np.full((MAX_BITS * kernel.BUCKETS_PER_BIT, 2), -1, np.int32),
        groups=np.array([operation.group for operation in operations], np.int64),
        codes=np.array([operation.code for operation in operations], np.int64),
        arguments=np.array([operation.argument for operation in operations], np.int64),
        costs=np.array(costs, np.float32),
        roles=np.array([role_colors(grid) for grid in inputs], np.int64).reshape(images, len(ROLES)),
        frames=np.ascontiguousarray(frames, np.int64),
        state=np.zeros(16, np.int64),
        limits=np.array([*limits, on_pictures, demonstrations], np.int64),
        list_cells=np.empty(MAX_LIST_CELLS, np.uint8),
        list_boxes=np.empty((MAX_LIST, NUM_BOX), np.int64),
        out=np.empty(MAX_CELLS, np.uint8),
        scratch=np.empty(SCRATCH, np.int64),
        stats_table=np.empty((MAX_LIST, NUM_STATS), np.int64),
        chosen=np.empty(MAX_LIST, np.uint8),
        order=np.empty(MAX_LIST, np.int64),
    )


def add_root(graph: Graph, grids: Sequence[Grid], cost: float) -> int:
    """Add a node that is given, one grid for each image, and return its number."""
    values = [
        kernel.intern_picture(graph, np.array(grid, np.uint8).ravel(), 0, grid.shape[0], grid.shape[1], 0, 0, image)
        for image, grid in enumerate(grids)
    ]
    return int(kernel.add_node(graph, np.array(values, np.int32), float(cost), -1, 0))


def read_picture(graph: Graph, value: int) -> Picture:
    """Return a stored picture, its cells read-only."""
    height, width, top, left = graph.places[value].tolist()
    start = int(graph.starts[value])
    cells = graph.cells[start : start + height * width].reshape(height, width)
    return Picture(seal(cells.copy()), top, left)


def _power_of_two(number: int) -> int:
    return 1 << max(4, (number - 1).bit_length())
