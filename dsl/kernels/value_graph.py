"""Bottom-up growth of programs over pictures and lists of pictures, all images of a task at once (Wind 2020, own form).

A *value* is a picture (a box of cells with a place) or a list of pictures on one image; equal values of one image are
stored once, and what an operation makes of a value is computed once. A *node* is a program prefix: one value for each
image, demonstrations first. Nodes with equal values are one node (observational equivalence); it keeps its cheapest
program. Nodes wait in buckets of ``1 / BUCKETS_PER_BIT`` bits and are expanded cheapest first by every operation.

What :func:`apply` is made of is inlined: each further level of calls would have LLVM optimize all operations once more.
So are small functions that take the graph: its arrays make some 300 arguments of a call.

Everything lies in flat arrays of a :class:`Graph`, reserved once; the system gives them memory as they are written.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.kernels.cache import njit
from dsl.kernels.picture_joins import join_pictures
from dsl.kernels.picture_lists import pick, sort_order
from dsl.kernels.picture_splits import split_picture
from dsl.kernels.picture_stats import picture_stats
from dsl.kernels.pictures import apply_picture

BUCKETS_PER_BIT = 2
PICTURE, PICTURES = 0, 1

CHANGE, SPLIT, PICK, KEEP, DROP, SORT, JOIN, EACH = range(8)
"""Groups of operations: picture to picture, picture to list, list to one member, to the marked members, to the others,
to the same members in order, list to picture, and a change of every member."""

MISSING = -1
_UNKNOWN = -2
ROLE = 16
"""Arguments from here on stand for a color of the image: ``roles[image, argument - ROLE]``."""

VALUES, CELLS, ITEMS, STATS, MEMOS, NODES, ENTRIES, BUCKET, SPENT, DUPLICATES, FULL = range(11)
"""Counters in ``Graph.state``."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xFF51AFD7ED558CCD)


class Graph(NamedTuple):
    """The arrays of one search.

    Attributes:
        cells: cells of all pictures, one after the other.
        items: value numbers of all lists, one after the other.
        places: height, width, row and column of each picture ``(values, 4)``; a list has its length first.
        starts: where a value's cells or items begin.
        kinds: ``PICTURE`` or ``PICTURES`` for each value.
        value_keys: hash table of values: keys, 0 where free.
        value_numbers: and their numbers.
        memo_rows: row of ``memo`` for each value, -1 before it is expanded.
        memo: what each operation makes of a value ``(rows, operations)``.
        stats_rows: row of ``stats`` for each value, -1 before it is asked for.
        stats: numbers of a picture ``(rows, numbers)``.
        node_values: one value for each image, ``MISSING`` where a test image has none ``(nodes, images)``.
        node_costs: in bits.
        parents: node that a node was made from, -1 for a root.
        operations: operation that made it.
        expanded: whether it was expanded, or is not worth it.
        node_keys: hash table of nodes.
        node_numbers: and their numbers.
        entries: queue entries: node, next entry ``(entries, 2)``.
        heads: first and last entry of each bucket ``(buckets, 2)``, -1 where empty.
        groups: group of each operation, those on pictures first.
        codes: code within the group.
        arguments: its argument.
        costs: in bits.
        roles: colors of the images that arguments may stand for ``(images, roles)``, 0 for none.
        frames: sizes of the input and of the predicted output ``(images, 4)``.
        state: counters.
        limits: most values, cells, items, stats rows, memo rows, nodes, entries, then: operations on pictures,
            demonstrations.
        list_cells, list_boxes, out, scratch, stats_table, chosen, order: buffers.
    """

    cells: NDArray[np.uint8]
    items: NDArray[np.int32]
    places: NDArray[np.int16]
    starts: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    value_keys: NDArray[np.uint64]
    value_numbers: NDArray[np.int32]
    memo_rows: NDArray[np.int32]
    memo: NDArray[np.int32]
    stats_rows: NDArray[np.int32]
    stats: NDArray[np.int64]
    node_values: NDArray[np.int32]
    node_costs: NDArray[np.float32]
    parents: NDArray[np.int32]
    operations: NDArray[np.int16]
    expanded: NDArray[np.uint8]
    node_keys: NDArray[np.uint64]
    node_numbers: NDArray[np.int32]
    entries: NDArray[np.int32]
    heads: NDArray[np.int32]
    groups: NDArray[np.int64]
    codes: NDArray[np.int64]
    arguments: NDArray[np.int64]
    costs: NDArray[np.float32]
    roles: NDArray[np.int64]
    frames: NDArray[np.int64]
    state: NDArray[np.int64]
    limits: NDArray[np.int64]
    list_cells: NDArray[np.uint8]
    list_boxes: NDArray[np.int64]
    out: NDArray[np.uint8]
    scratch: NDArray[np.int64]
    stats_table: NDArray[np.int64]
    chosen: NDArray[np.uint8]
    order: NDArray[np.int64]


LIMIT_PICTURE_OPERATIONS, LIMIT_DEMONSTRATIONS = 7, 8


@njit(cache=True)
def wide(number: np.integer[Any]) -> int:
    """Return a stored number as 64 bits, which numba's ``int`` does not: kernels are compiled again for each width."""
    return int(np.int64(number))


@njit(cache=True)
def _mixed(key: np.uint64, word: np.uint64) -> np.uint64:
    key = (key ^ word) * _MIXER
    return key ^ (key >> np.uint64(32))


@njit(cache=True)
def _picture_key(
    cells: NDArray[np.uint8], start: int, height: int, width: int, top: int, left: int, image: int
) -> np.uint64:
    place = ((top + 128) << 48) | ((left + 128) << 32) | (image << 16) | (height << 8) | width
    key = _mixed(_MULTIPLIER, np.uint64(place))
    end = start + height * width
    while start + 16 <= end:
        # A slice of fixed length is packed without a check or a branch at every cell.
        block = cells[start : start + 16]
        word = np.uint64(0)
        for k in range(16):
            word |= np.uint64(block[k]) << np.uint64(4 * k)
        key = _mixed(key, word)
        start += 16
    word = np.uint64(1)
    for k in range(start, end):
        word = (word << np.uint64(4)) | np.uint64(cells[k])
    key = _mixed(key, word) * _MULTIPLIER
    key ^= key >> np.uint64(29)
    return key | np.uint64(1)


@njit(cache=True)
def _slot(keys: NDArray[np.uint64], key: np.uint64) -> int:
    """Return the place of a key in an open-addressing table, or the free place where it belongs."""
    mask = np.uint64(len(keys) - 1)
    slot = (key >> np.uint64(7)) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return int(slot)


@njit(cache=True, inline="always")
def _register(graph: Graph, key: np.uint64, slot: int, start: int, kind: int) -> int:
    """Number a value whose cells or items begin at ``start``."""
    number = int(graph.state[VALUES])
    graph.starts[number] = start
    graph.kinds[number] = kind
    graph.memo_rows[number] = -1
    graph.stats_rows[number] = -1
    graph.value_keys[slot] = key
    graph.value_numbers[slot] = number
    graph.state[VALUES] = number + 1
    return number


@njit(cache=True, inline="always")
def intern_picture(
    graph: Graph, cells: NDArray[np.uint8], start: int, height: int, width: int, top: int, left: int, image: int
) -> int:
    """Return the number of a picture, storing it if it is new; ``MISSING`` if it lies too far out or memory is full."""
    if top < -100 or top > 100 or left < -100 or left > 100:
        return MISSING
    key = _picture_key(cells, start, height, width, top, left, image)
    slot = _slot(graph.value_keys, key)
    if graph.value_keys[slot] != 0:
        return wide(graph.value_numbers[slot])
    state, limits = graph.state, graph.limits
    number, end, size = int(state[VALUES]), state[CELLS], height * width
    if number >= limits[VALUES] or end + size > limits[CELLS]:
        state[FULL] = 1
        return MISSING
    for k in range(size):
        graph.cells[end + k] = cells[start + k]
    graph.places[number, 0], graph.places[number, 1] = height, width
    graph.places[number, 2], graph.places[number, 3] = top, left
    state[CELLS] = end + size
    return _register(graph, key, slot, end, PICTURE)


@njit(cache=True)
def _intern_list(graph: Graph, members: NDArray[np.int64], count: int, image: int) -> int:
    """Return the number of a list of values, storing it if it is new."""
    key = _mixed(_MULTIPLIER, np.uint64((image << 16) | (count << 1)))
    for k in range(count):
        key = _mixed(key * _MULTIPLIER, np.uint64(members[k] + 1))
    key |= np.uint64(1)
    slot = _slot(graph.value_keys, key)
    if graph.value_keys[slot] != 0:
        return wide(graph.value_numbers[slot])
    state, limits = graph.state, graph.limits
    number, end = int(state[VALUES]), state[ITEMS]
    if number >= limits[VALUES] or end + count > limits[ITEMS]:
        state[FULL] = 1
        return MISSING
    for k in range(count):
        graph.items[end + k] = members[k]
    graph.places[number, 0] = count
    state[ITEMS] = end + count
    return _register(graph, key, slot, end, PICTURES)


@njit(cache=True, inline="always")
def _view(graph: Graph, value: int) -> NDArray[np.uint8]:
    height, width = wide(graph.places[value, 0]), wide(graph.places[value, 1])
    start = graph.starts[value]
    return graph.cells[start : start + height * width].reshape((height, width))


@njit(cache=True, inline="always")
def _changed(graph: Graph, value: int, operation: int, image: int, each: bool) -> int:
    """Change a picture, or each of a list's: in one loop, so that there is one call of ``apply_picture``."""
    argument = graph.arguments[operation]
    if argument >= ROLE:
        argument = graph.roles[image, argument - ROLE]
        if argument == 0:
            return MISSING
    count = wide(graph.places[value, 0]) if each else 1
    members = graph.order
    kept = 0
    for k in range(count):
        member = wide(graph.items[graph.starts[value] + k]) if each else value
        height, width, top, left = apply_picture(
            graph.codes[operation],
            argument,
            _view(graph, member),
            wide(graph.places[member, 2]),
            wide(graph.places[member, 3]),
            graph.frames[image],
            graph.out,
            graph.scratch,
        )
        if height == 0:
            continue
        changed = intern_picture(graph, graph.out, 0, height, width, top, left, image)
        if changed >= 0:
            members[kept] = changed
            kept += 1
    if kept == 0:
        return MISSING
    return _intern_list(graph, members, kept, image) if each else int(members[0])


@njit(cache=True, inline="always")
def _split(graph: Graph, value: int, code: int, image: int) -> int:
    boxes = graph.list_boxes
    count = split_picture(
        code,
        _view(graph, value),
        wide(graph.places[value, 2]),
        wide(graph.places[value, 3]),
        graph.list_cells,
        boxes,
        graph.scratch,
    )
    if count == 0:
        return MISSING
    members = graph.order
    for k in range(count):
        member = intern_picture(
            graph, graph.list_cells, boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3], boxes[k, 4], image
        )
        if member < 0:
            return MISSING
        members[k] = member
    return _intern_list(graph, members, count, image)


@njit(cache=True)
def _gather_stats(graph: Graph, value: int) -> int:
    """Copy the numbers of a list's members to ``stats_table``, computing what is not known; 0 if memory is full."""
    count, start = wide(graph.places[value, 0]), graph.starts[value]
    for k in range(count):
        member = wide(graph.items[start + k])
        row = graph.stats_rows[member]
        if row < 0:
            row = graph.state[STATS]
            if row >= graph.limits[STATS]:
                graph.state[FULL] = 1
                return 0
            picture_stats(
                _view(graph, member),
                wide(graph.places[member, 2]),
                wide(graph.places[member, 3]),
                graph.stats[row],
            )
            graph.stats_rows[member] = row
            graph.state[STATS] += 1
        # One by one: numba compiles the texts of its errors for an assignment of arrays.
        for i in range(graph.stats.shape[1]):
            graph.stats_table[k, i] = graph.stats[row, i]
    return count


@njit(cache=True, inline="always")
def _picked(graph: Graph, value: int, group: int, code: int, image: int) -> int:
    count, start = _gather_stats(graph, value), graph.starts[value]
    if count == 0:
        return MISSING
    marked = pick(graph.stats_table[:count], code, graph.chosen)
    if marked == 0 or (group == PICK and marked != 1) or (group != PICK and marked == count):
        return MISSING
    members = graph.order
    kept = 0
    for k in range(count):
        if (graph.chosen[k] != 0) == (group != DROP):
            members[kept] = graph.items[start + k]
            kept += 1
    if group == PICK:
        return int(members[0])
    return _intern_list(graph, members, kept, image)


@njit(cache=True, inline="always")
def _sorted(graph: Graph, value: int, code: int, image: int) -> int:
    count, start = _gather_stats(graph, value), graph.starts[value]
    if count < 2:
        return MISSING
    sort_order(graph.stats_table[:count], count, code, graph.order)
    for k in range(count):
        graph.order[k] = graph.items[start + graph.order[k]]
    return _intern_list(graph, graph.order, count, image)


@njit(cache=True, inline="always")
def _joined(graph: Graph, value: int, code: int, image: int) -> int:
    count, start = wide(graph.places[value, 0]), graph.starts[value]
    boxes = graph.list_boxes
    end = 0
    for k in range(count):
        member = wide(graph.items[start + k])
        height, width = wide(graph.places[member, 0]), wide(graph.places[member, 1])
        if end + height * width > len(graph.list_cells):
            return MISSING
        boxes[k, 0], boxes[k, 1], boxes[k, 2] = end, height, width
        boxes[k, 3], boxes[k, 4] = graph.places[member, 2], graph.places[member, 3]
        first = graph.starts[member]
        for i in range(height * width):
            graph.list_cells[end + i] = graph.cells[first + i]
        end += height * width
    height, width, top, left = join_pictures(code, graph.list_cells, boxes, count, graph.out, graph.scratch)
    if height == 0:
        return MISSING
    return intern_picture(graph, graph.out, 0, height, width, top, left, image)


@njit(cache=True)
def apply(graph: Graph, value: int, operation: int, image: int) -> int:
    """Return the value that an operation makes of a value of one image, or ``MISSING``."""
    group, code = graph.groups[operation], graph.codes[operation]
    if group in (CHANGE, EACH):
        return _changed(graph, value, operation, image, group == EACH)
    if group == SPLIT:
        return _split(graph, value, code, image)
    if group == JOIN:
        return _joined(graph, value, code, image)
    if group == SORT:
        return _sorted(graph, value, code, image)
    return _picked(graph, value, group, code, image)


@njit(cache=True, inline="always")
def _is_blank(graph: Graph, values: NDArray[np.int32]) -> bool:
    """Tell whether a node is a black picture on every demonstration."""
    for image in range(graph.limits[LIMIT_DEMONSTRATIONS]):
        value = values[image]
        if graph.kinds[value] == PICTURES:
            return False
        start = graph.starts[value]
        for k in range(start, start + wide(graph.places[value, 0]) * wide(graph.places[value, 1])):
            if graph.cells[k] != 0:
                return False
    return True


@njit(cache=True, inline="always")
def add_node(graph: Graph, values: NDArray[np.int32], cost: float, parent: int, operation: int) -> int:
    """Add a node, or make a known one cheaper; return its number, or ``MISSING`` if it is blank or memory is full."""
    key = _MULTIPLIER
    for k in range(len(values)):
        key = _mixed(key * _MULTIPLIER, np.uint64(values[k] + 2))
    key |= np.uint64(1)
    slot = _slot(graph.node_keys, key)
    state = graph.state
    if graph.node_keys[slot] != 0:
        state[DUPLICATES] += 1
        node = wide(graph.node_numbers[slot])
        if cost < graph.node_costs[node] - 1e-4 and graph.expanded[node] == 0:
            _set_origin(graph, node, cost, parent, operation)
        return node
    if _is_blank(graph, values):
        return MISSING
    node = int(state[NODES])
    if node >= graph.limits[NODES]:
        state[FULL] = 1
        return MISSING
    graph.node_keys[slot] = key
    graph.node_numbers[slot] = node
    for k in range(len(values)):
        graph.node_values[node, k] = values[k]
    graph.expanded[node] = 0
    state[NODES] = node + 1
    _set_origin(graph, node, cost, parent, operation)
    return node


@njit(cache=True, inline="always")
def _set_origin(graph: Graph, node: int, cost: float, parent: int, operation: int) -> None:
    """Write how a node is made and queue it."""
    graph.node_costs[node] = cost
    graph.parents[node] = parent
    graph.operations[node] = operation
    entry = graph.state[ENTRIES]
    bucket = int(cost * BUCKETS_PER_BIT)
    if entry >= graph.limits[ENTRIES] or bucket >= len(graph.heads):
        return
    graph.state[ENTRIES] = entry + 1
    graph.entries[entry, 0] = node
    graph.entries[entry, 1] = -1
    if graph.heads[bucket, 0] < 0:
        graph.heads[bucket, 0] = entry
    else:
        graph.entries[graph.heads[bucket, 1], 1] = entry
    graph.heads[bucket, 1] = entry
    graph.state[BUCKET] = min(graph.state[BUCKET], bucket)


@njit(cache=True, inline="always")
def _next_node(graph: Graph) -> int:
    """Take the cheapest node that waits, or return ``MISSING``."""
    state, heads = graph.state, graph.heads
    while state[BUCKET] < len(heads):
        entry = heads[state[BUCKET], 0]
        if entry < 0:
            state[BUCKET] += 1
            continue
        heads[state[BUCKET], 0] = graph.entries[entry, 1]
        node = wide(graph.entries[entry, 0])
        if graph.expanded[node] == 0:
            return node
    return MISSING


@njit(cache=True)
def grow(graph: Graph, steps: int) -> bool:
    """Expand nodes until ``steps`` operations were tried; return False when nothing is left or memory is full."""
    state, limits = graph.state, graph.limits
    images = graph.node_values.shape[1]
    demonstrations = limits[LIMIT_DEMONSTRATIONS]
    results = np.empty(images, np.int32)
    target = state[SPENT] + steps
    while state[SPENT] < target:
        node = _next_node(graph)
        if node < 0 or state[FULL] != 0:
            return False
        graph.expanded[node] = 1
        on_lists = graph.kinds[graph.node_values[node, 0]] == PICTURES
        first = limits[LIMIT_PICTURE_OPERATIONS] if on_lists else 0
        last = len(graph.groups) if on_lists else limits[LIMIT_PICTURE_OPERATIONS]
        for image in range(images):
            value = graph.node_values[node, image]
            if value >= 0 and graph.memo_rows[value] < 0:
                row = state[MEMOS]
                if row >= limits[MEMOS]:
                    state[FULL] = 1
                    return False
                graph.memo_rows[value] = row
                graph.memo[row, : last - first] = _UNKNOWN
                state[MEMOS] = row + 1
        for operation in range(first, last):
            cost = np.float64(graph.node_costs[node] + graph.costs[operation])
            if cost * BUCKETS_PER_BIT >= len(graph.heads):
                continue
            state[SPENT] += 1
            usable, changed = True, False
            for image in range(images):
                value = wide(graph.node_values[node, image])
                if value < 0:
                    results[image] = MISSING
                    continue
                row = graph.memo_rows[value]
                result = wide(graph.memo[row, operation - first])
                if result == _UNKNOWN:
                    result = apply(graph, value, operation, image)
                    graph.memo[row, operation - first] = result
                if result < 0 and image < demonstrations:
                    usable = False
                    break
                results[image] = result
                changed = changed or result != value
            if usable and changed:
                add_node(graph, results, cost, node, operation)
    return True
