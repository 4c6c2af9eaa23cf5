"""Nodes of a value graph compared with the outputs: as bitsets on the outputs' frame, or by counts."""

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.value_graph import LIMIT_DEMONSTRATIONS, PICTURE, Graph

AT_ORIGIN, IN_PLACE = 0, 1
"""Ways to draw a picture: from the frame's first cell, or at its own place."""


@njit(cache=True)
def draw_pieces(
    graph: Graph,
    first: int,
    last: int,
    outputs: NDArray[np.uint8],
    frames: NDArray[np.int64],
    keys: NDArray[np.uint64],
    colored: NDArray[np.uint64],
    equal: NDArray[np.uint64],
    pieces: NDArray[np.int32],
    count: int,
    exact: NDArray[np.int32],
    exact_count: int,
) -> tuple[int, int]:
    """Compare the pictures of a range of nodes with the outputs.

    A node counts if it is a picture on every image. Where two pieces lay the same cells and get the same cells right,
    the first is kept. When there is no room for more, those that are right everywhere are still found.

    Args:
        graph: where the nodes are.
        first: first node.
        last: last node, exclusive.
        outputs: cells of all outputs, one after the other.
        frames: height, width, first cell in ``outputs`` and first word of each output ``(demonstrations, 4)``.
        keys: hash table of the pieces known, 0 where free.
        colored: cells that are not black ``(pieces + 1, words)``, filled from ``count`` on; the last row is spare.
        equal: cells equal to the output, likewise.
        pieces: node and way of drawing ``(pieces, 2)``, likewise.
        count: pieces known.
        exact: node and way of drawing of pieces that are right everywhere, with 1 where the picture itself is the
            output, likewise ``(n, 3)``.
        exact_count: exact pieces known.

    Returns:
        Pieces and exact pieces known.
    """
    words = colored.shape[1]
    demonstrations = frames.shape[0]
    mask = np.uint64(len(keys) - 1)
    for node in range(first, last):
        values = graph.node_values[node]
        usable = graph.kinds[values[0]] == PICTURE
        placed = False
        for image in range(len(values)):
            usable = usable and values[image] >= 0
            if usable:
                places = graph.places[values[image]]
                placed = placed or places[2] != 0 or places[3] != 0
        if not usable:
            continue
        for way in range(2 if placed else 1):
            row_colored, row_equal = colored[count], equal[count]
            row_colored[:] = 0
            row_equal[:] = 0
            everywhere, itself = True, True
            for image in range(demonstrations):
                value = values[image]
                height, width = int(graph.places[value, 0]), int(graph.places[value, 1])
                top, left = int(graph.places[value, 2]), int(graph.places[value, 3])
                if way == AT_ORIGIN:
                    top, left = 0, 0
                start = graph.starts[value]
                frame_height, frame_width = frames[image, 0], frames[image, 1]
                if height != frame_height or width != frame_width or way != AT_ORIGIN:
                    itself = False
                cell = frames[image, 2]
                word = frames[image, 3]
                bit = np.uint64(1)
                for r in range(frame_height):
                    row = r - top
                    inside = 0 <= row < height
                    offset = start + row * width - left
                    for c in range(frame_width):
                        color = np.uint8(0)
                        if inside and left <= c < left + width:
                            color = graph.cells[offset + c]
                        if color != 0:
                            row_colored[word] |= bit
                        if color == outputs[cell]:
                            row_equal[word] |= bit
                        else:
                            everywhere = False
                        cell += 1
                        bit <<= np.uint64(1)
                        if bit == 0:
                            bit = np.uint64(1)
                            word += 1
            if everywhere and exact_count < len(exact):
                exact[exact_count, 0], exact[exact_count, 1] = node, way
                exact[exact_count, 2] = 1 if itself else 0
                exact_count += 1
            if count >= len(pieces):
                continue
            key = np.uint64(0x9E3779B97F4A7C15)
            for w in range(words):
                key = (key ^ row_colored[w]) * np.uint64(0xFF51AFD7ED558CCD)
                key ^= key >> np.uint64(32)
                key = (key ^ row_equal[w]) * np.uint64(0xC4CEB9FE1A85EC53)
                key ^= key >> np.uint64(29)
            key |= np.uint64(1)
            slot = (key >> np.uint64(5)) & mask
            while keys[slot] != 0 and keys[slot] != key:
                slot = (slot + np.uint64(1)) & mask
            if keys[slot] == 0:
                keys[slot] = key
                pieces[count, 0], pieces[count, 1] = node, way
                count += 1
    return count, exact_count


@njit(cache=True)
def count_nodes(
    graph: Graph,
    last: int,
    outputs: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    sides: NDArray[np.int64],
    wrong: NDArray[np.int32],
    inside: NDArray[np.int32],
) -> None:
    """Count how the pictures of nodes that have the outputs' sizes differ from them.

    Args:
        graph: where the nodes are.
        last: number of nodes.
        outputs: cells of all outputs, one after the other.
        labels: what each of those cells is counted under, below ``inside.shape[1]``.
        sides: height and width wanted of each image, 0 where any will do ``(images, 2)``.
        wrong: filled with the cells of each node that differ from the outputs, -1 for other nodes ``(nodes,)``.
        inside: filled with the cells under each label where a node is not black ``(nodes, labels)``.
    """
    demonstrations = graph.limits[LIMIT_DEMONSTRATIONS]
    for node in range(last):
        values = graph.node_values[node]
        wrong[node] = -1
        inside[node] = 0
        usable = graph.kinds[values[0]] == PICTURE
        for image in range(len(values)):
            value = values[image]
            usable = usable and value >= 0
            if usable and sides[image, 0] > 0:
                usable = graph.places[value, 0] == sides[image, 0] and graph.places[value, 1] == sides[image, 1]
        if not usable:
            continue
        differ = 0
        cell = 0
        for image in range(demonstrations):
            value = values[image]
            start = graph.starts[value]
            for k in range(start, start + graph.places[value, 0] * graph.places[value, 1]):
                color = graph.cells[k]
                if color != outputs[cell]:
                    differ += 1
                if color != 0:
                    inside[node, labels[cell]] += 1
                cell += 1
        wrong[node] = differ
