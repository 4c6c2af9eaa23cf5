"""The pictures of a value graph that are worth offering to the cell rules."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.value_graph import NODES, Graph
from dsl.kernels.value_pieces import count_nodes
from dsl.search.offers import OUTCOMES, Quotas, choose, outcomes
from dsl.task import Task

QUOTAS = Quotas(cheap=130, near=150, telling=120)


def choose_pictures(graph: Graph, task: Task) -> NDArray[np.int64]:
    """Return the nodes whose pictures have the outputs' sizes and are worth offering, cheapest first."""
    count = int(graph.state[NODES])
    sides = np.zeros((len(graph.frames), 2), np.int64)
    sides[: len(task.train)] = [example.output.shape for example in task.train]
    outputs = np.concatenate([example.output.ravel() for example in task.train])
    labels = outcomes(task)
    wrong, inside = np.empty(count, np.int32), np.empty((count, OUTCOMES), np.int32)
    count_nodes(graph, count, outputs, labels, sides, wrong, inside)
    nodes = np.flatnonzero(wrong >= 0)
    costs = graph.node_costs[nodes].astype(np.float64)
    chosen: NDArray[np.int64] = nodes[choose(costs, wrong[nodes], inside[nodes], labels, QUOTAS)]
    return chosen
