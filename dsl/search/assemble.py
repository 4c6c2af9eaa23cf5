"""Composition: pictures put together from partial pictures that enumeration found.

Follows the greedy composition of Wind 2020 (icecuber, ARC Kaggle winner): pieces are laid one over the other, each only
where it is right on all demonstrations, until every output cell is explained. The program form is::

    cover(canvas, how, piece, how, piece, ...)

``canvas`` gives the size; the ground is black. ``how`` is ``"colored"`` (lay the piece's cells that are not black),
``"black"`` (its black cells), ``"whole"`` (all), or a color such as ``#3`` (its cells that are not black, in that
color). The first piece that lays a cell decides it. A grid or mask is cut, or filled up with black, to the canvas size
from its top left corner; objects stand where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import NUM_COLORS, Grid, seal
from dsl.kernels.cover import PAINTED, greedy_cover
from dsl.program import Call, Literal, Program, color_literal, evaluate, form, grid_literal, text_literal
from dsl.search.budget import Meter
from dsl.search.enumerate import Enumeration
from dsl.search.rows import MISSING
from dsl.types import Kind, Object

Shape = tuple[int, int]
_Bits = NDArray[np.uint64]

HOW = ("colored", "black", "whole")
HOW_COST = 3.0
"""Bits of naming the way in which a piece is laid."""
LITERAL_CANVAS_COST = 10.0
MAX_PIECES = 10
_PIECE_KINDS = (Kind.GRID, Kind.MASK, Kind.OBJECT, Kind.OBJECTS)


@form("cover")
def _cover(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) % 2 == 0:
        raise PrimitiveError("cover takes a canvas, then pairs of a way and a piece")
    shape = _shape_of(evaluate(arguments[0], grid))
    result = np.zeros(shape, np.uint8)
    open_cells = np.ones(shape, np.bool_)
    for how, piece in zip(arguments[1::2], arguments[2::2], strict=True):
        if not isinstance(how, Literal):
            raise PrimitiveError(f"cover takes a constant way to lay a piece, got {how}")
        value = evaluate(piece, grid)
        if not isinstance(value, np.ndarray | Object | tuple):
            raise PrimitiveError(f"a piece must be a grid, mask, object or objects, got {type(value).__name__}")
        picture = render(value, shape)
        laid = open_cells & _laid(how, picture)
        result[laid] = how.value if how.text.startswith("#") else picture[laid]
        open_cells &= ~laid
    return seal(result)


def _laid(how: Literal, picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    if how.text not in ('"colored"', '"black"', '"whole"') and not how.text.startswith("#"):
        raise PrimitiveError(f'a piece is laid "colored", "black", "whole" or in a color, got {how}')
    laid: NDArray[np.bool_] = picture == 0 if how.text == '"black"' else picture != 0
    return np.ones_like(laid) if how.text == '"whole"' else laid


def _shape_of(canvas: Any) -> Shape:
    if not isinstance(canvas, np.ndarray):
        raise PrimitiveError(f"a canvas must be a grid, got {type(canvas).__name__}")
    return canvas.shape[0], canvas.shape[1]


def render(value: Any, shape: Shape) -> NDArray[np.uint8]:
    """Draw a grid, mask, object or objects on black ground of a shape; what is outside is cut off."""
    if isinstance(value, np.ndarray):
        if value.shape == shape:
            return value.view(np.uint8)
        picture = np.zeros(shape, np.uint8)
        h, w = min(shape[0], value.shape[0]), min(shape[1], value.shape[1])
        picture[:h, :w] = value[:h, :w]
        return picture
    picture = np.zeros(shape, np.uint8)
    for item in (value,) if isinstance(value, Object) else value:
        top, left = max(0, item.top), max(0, item.left)
        bottom, right = min(shape[0], item.top + item.patch.shape[0]), min(shape[1], item.left + item.patch.shape[1])
        if top < bottom and left < right:
            inner = np.s_[top - item.top : bottom - item.top, left - item.left : right - item.left]
            np.copyto(picture[top:bottom, left:right], item.patch[inner], where=item.mask[inner])
    return picture


@dataclass(frozen=True, slots=True)
class Canvas:
    """A program that gives the output's size.

    Attributes:
        program: its value is a grid of the size.
        cost: in bits.
        shapes: one for each image; None where a test image has none.
    """

    program: Program
    cost: float
    shapes: tuple[Shape | None, ...]


def find_canvases(enumeration: Enumeration, outputs: Sequence[Grid], limit: int = 2) -> list[Canvas]:
    """Return the cheapest ways to get the outputs' sizes that differ on the test images."""
    found: list[Canvas] = []
    bank, ids, costs = enumeration.bank, enumeration.rows.ids, enumeration.rows.costs
    rows = enumeration.rows.of_kind(Kind.GRID)
    for k, output in enumerate(outputs):
        unique, inverse = np.unique(ids[rows, k], return_inverse=True)
        right = np.array([bank.shape(number) == output.shape for number in unique.tolist()], np.bool_)
        rows = rows[right[inverse]]
    for row in rows[np.argsort(costs[rows], kind="stable")].tolist():
        shapes = tuple(None if number == MISSING else bank.shape(number) for number in ids[row].tolist())
        if shapes not in [canvas.shapes for canvas in found]:
            found.append(Canvas(enumeration.program(row), float(costs[row]), shapes))
    if len({output.shape for output in outputs}) == 1:
        shape = _shape_of(outputs[0])
        constant = (shape,) * enumeration.rows.images
        if constant not in [canvas.shapes for canvas in found]:
            found.append(Canvas(grid_literal(np.zeros(shape, np.uint8)), LITERAL_CANVAS_COST, constant))
    found.sort(key=lambda canvas: (None in canvas.shapes, canvas.cost))
    return found[:limit]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Partial pictures as bit sets over all cells of the demonstration outputs.

    Attributes:
        rows: row of the enumeration for each piece, cheapest first.
        colored: cells that are not black ``(pieces, words)``.
        equal: cells equal to the target ``(pieces, words)``.
        targets: for each color the target cells that have it ``(10, words)``.
        spans: first and last word (exclusive) of each demonstration.
    """

    rows: NDArray[np.int64]
    colored: _Bits
    equal: _Bits
    targets: _Bits
    spans: tuple[tuple[int, int], ...]


def collect_pieces(enumeration: Enumeration, canvas: Canvas, outputs: Sequence[Grid], limit: int) -> Pieces:
    """Draw the cheapest ``limit`` rows on the canvas and compare them with the outputs.

    Of pieces that are equal on all demonstrations the cheapest one that has a value on every test image is kept.
    """
    ids, costs = enumeration.rows.ids, enumeration.rows.costs
    rows = np.concatenate([enumeration.rows.of_kind(kind) for kind in _PIECE_KINDS])
    missing = (ids[rows] == MISSING).any(axis=1)
    rows = rows[np.lexsort((rows, costs[rows], missing))][:limit]
    colored, equal, targets = [], [], []
    spans, start = [], 0
    for k, output in enumerate(outputs):
        unique, inverse = np.unique(ids[rows, k], return_inverse=True)
        cells = np.empty((len(unique), output.size), np.uint8)
        shape = _shape_of(output)
        for i, number in enumerate(unique.tolist()):
            cells[i] = render(enumeration.bank.value(number), shape).ravel()
        target = output.ravel()
        colored.append(pack_cells(cells != 0)[inverse])
        equal.append(pack_cells(cells == target)[inverse])
        targets.append(pack_cells(target == np.arange(NUM_COLORS, dtype=np.uint8)[:, None]))
        spans.append((start, start + targets[-1].shape[1]))
        start = spans[-1][1]
    all_colored, all_equal = np.concatenate(colored, axis=1), np.concatenate(equal, axis=1)
    kept = _first_of_each(np.concatenate((all_colored, all_equal), axis=1))
    kept = kept[np.argsort(costs[rows[kept]], kind="stable")]
    return Pieces(rows[kept], all_colored[kept], all_equal[kept], np.concatenate(targets, axis=1), tuple(spans))


def pack_cells(cells: NDArray[np.bool_]) -> _Bits:
    """Pack cells ``(n, cells)`` into words ``(n, ceil(cells / 64))``, the rest of the last word 0."""
    packed = np.packbits(cells, axis=1, bitorder="little")
    padded = np.zeros((len(cells), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def _first_of_each(bits: _Bits) -> NDArray[np.int64]:
    """Return the positions of the first of each group of equal rows, ascending."""
    first: dict[bytes, int] = {}
    for i, row in enumerate(np.ascontiguousarray(bits)):
        first.setdefault(row.tobytes(), i)
    return np.fromiter(first.values(), np.int64, len(first))


@dataclass(frozen=True, slots=True)
class Cover:
    """A composition that explains a subset of the demonstrations.

    Attributes:
        program: the ``cover`` form.
        cost: in bits.
    """

    program: Program
    cost: float


def assemble(
    enumeration: Enumeration,
    canvas: Canvas,
    outputs: Sequence[Grid],
    subsets: Sequence[tuple[int, ...]],
    limit: int,
    meter: Meter,
) -> list[Cover]:
    """Cover the outputs of each subset of demonstrations; return distinct compositions, cheapest first.

    Args:
        enumeration: where the pieces come from.
        canvas: the output's size.
        outputs: of all demonstrations.
        subsets: demonstrations that must come out right, for each attempt.
        limit: pieces tried at most.
        meter: ends the attempts when it is exhausted.
    """
    pieces = collect_pieces(enumeration, canvas, outputs, limit)
    paints = [c for c in range(1, NUM_COLORS) if all(pieces.targets[c, a:b].any() for a, b in pieces.spans)]
    found: dict[str, Cover] = {}
    for subset in subsets:
        if meter.exhausted:
            break
        required = np.zeros(pieces.targets.shape[1], np.uint64)
        for k in subset:
            required[slice(*pieces.spans[k])] = np.bitwise_or.reduce(pieces.targets[:, slice(*pieces.spans[k])])
        for care in _cares(pieces, subset, required):
            chosen, done = greedy_cover(
                pieces.colored, pieces.equal, pieces.targets[paints], pieces.targets[0], required, care, MAX_PIECES
            )
            if done and len(chosen):
                cover = _as_cover(enumeration, canvas, pieces, chosen.tolist(), paints)
                found.setdefault(str(cover.program), cover)
    return sorted(found.values(), key=lambda cover: (cover.cost, str(cover.program)))


def _cares(pieces: Pieces, subset: tuple[int, ...], required: _Bits) -> list[_Bits]:
    """Return what to count as gain: all cells, cells that are not black, and each demonstration alone."""
    cares = [required, required & ~pieces.targets[0]]
    for k in subset if len(subset) > 1 else ():
        care = np.zeros_like(required)
        care[slice(*pieces.spans[k])] = required[slice(*pieces.spans[k])]
        cares.append(care)
    return cares


def _as_cover(
    enumeration: Enumeration, canvas: Canvas, pieces: Pieces, chosen: list[list[int]], paints: list[int]
) -> Cover:
    arguments: list[Program] = [canvas.program]
    cost = canvas.cost
    for piece, mode in chosen:
        row = int(pieces.rows[piece])
        arguments.append(text_literal(HOW[mode]) if mode < PAINTED else color_literal(paints[mode - PAINTED]))
        arguments.append(enumeration.program(row))
        cost += HOW_COST + float(enumeration.rows.costs[row])
    return Cover(Call("cover", tuple(arguments)), cost)
