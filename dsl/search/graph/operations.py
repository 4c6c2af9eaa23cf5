"""The operations of the value graph: their texts, kernel codes, and costs in bits.

An operation's text is its step in a ``pipe`` program: ``keep #3``, ``smear right``, ``pick most cells``,
``each flip left-right``. Colors may stand for a role: ``paint main`` paints in the input's most common color.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError
from dsl.grid import NUM_COLORS, Grid
from dsl.kernels import picture_codes as p
from dsl.kernels import picture_list_codes as q
from dsl.kernels.colors import color_counts
from dsl.kernels.value_graph import CHANGE, DROP, EACH, JOIN, KEEP, PICK, PICTURE, PICTURES, ROLE, SORT, SPLIT

ROLES = ("main", "second", "rarest")
"""Colors of an input other than black: the most common, the next, the least common one; ties go to the lower number."""

OUTPUT = " to "
"""Between a step that needs the output's size and the rule that gives it: ``fit to height*2 x 3``."""

_SIDES = ("left-right", "up-down", "both")
_STRAIGHT = ("up", "right", "down", "left")
_COMPASS = ("up", "up-right", "right", "down-right", "down", "down-left", "left", "up-left")
_RANKS = ("main", "second", "rarest")

Choices = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a program.

    Attributes:
        text: the step in program text; for a step that needs the output's size, without the rule.
        family: operations of one family share their fitted cost.
        group: ``CHANGE``, ``SPLIT``, ... of ``dsl.kernels.value_graph``.
        code: kernel code within the group.
        argument: argument of a change.
        needs_output: whether the step takes the output's size.
    """

    text: str
    family: str
    group: int
    code: int
    argument: int = 0
    needs_output: bool = False

    @property
    def on(self) -> int:
        """Return the kind of value that the step takes."""
        return PICTURE if self.group in (CHANGE, SPLIT) else PICTURES


_COLORED = (("keep", p.KEEP), ("drop", p.DROP), ("paint", p.PAINT))

_CHANGES: tuple[tuple[str, int, Choices], ...] = (
    ("invert", p.INVERT, ("",)),
    ("paint own", p.PAINT_MAIN, ("",)),
    ("keep own", p.KEEP_RANK, _RANKS),
    ("drop own", p.DROP_RANK, _RANKS),
    ("swap", p.SWAP, ("",)),
    (
        "turn",
        p.DIHEDRAL,
        ("", "flip left-right", "flip up-down", "180", "transpose", "90", "270", "transpose other"),
    ),
    ("half", p.HALF, ("left", "right", "top", "bottom")),
    ("crop", p.CROP, ("",)),
    ("squeeze", p.SQUEEZE_BLANK, ("",)),
    ("squeeze equal", p.SQUEEZE_EQUAL, ("",)),
    ("to origin", p.TO_ORIGIN, ("",)),
    ("hull", p.HULL, ("",)),
    ("blank", p.BLANK, ("",)),
    ("palette", p.PALETTE, ("0", "1", "2", "3", "4")),
    ("stripes", p.STRIPES, ("0", "1", "2", "3")),
    ("trim", p.TRIM, ("",)),
    ("center", p.CENTER, ("",)),
    ("move", p.MOVE, _COMPASS),
    ("move own size", p.MOVE_OWN, _COMPASS),
    ("scale up", p.UPSCALE, ("", "", "2", "3")),
    ("scale down", p.DOWNSCALE, ("", "", "2", "3", "2 loose", "3 loose")),
    (
        "double",
        p.DOUBLE,
        ("right", "down", "mirrored right", "mirrored down", "mirrored both", "mirrored left", "mirrored up"),
    ),
    ("roll", p.ROLL, _STRAIGHT),
    ("fractal", p.FRACTAL, ("same", "inverse")),
    ("slant", p.SLANT, ("forward", "backward")),
    ("line", p.LINES, ("top", "bottom", "left", "right")),
    ("sort", p.SORT, ("rows up", "rows down", "columns up", "columns down")),
    (
        "symmetrize",
        p.SYMMETRIZE,
        (*_SIDES[:2], "turn", "transpose", "sides", "all", "found left-right", "found up-down"),
    ),
    ("fill holes", p.FILL_HOLES, ("", "diagonal")),
    ("interior", p.INTERIOR, ("", "diagonal")),
    ("border cells", p.BORDER_CELLS, ("", "inner")),
    ("inner cells", p.INNER_CELLS, ("",)),
    ("outline", p.OUTLINE, ("", "straight")),
    ("grow", p.GROW, ("", "straight")),
    ("frame", p.ADD_FRAME, ("main", "black", "copied")),
    ("spread", p.SPREAD, ("", "diagonal")),
    ("components", p.DROP_SMALL, ("drop single", "keep single", "keep largest", "drop largest")),
    ("at side", p.AT_SIDE, ("keep", "drop")),
    ("fill boxes", p.FILL_BOXES, ("0", "1")),
    ("stamp", p.STAMP, ("", "loose", "mirrored", "boxes")),
    ("rectangles", p.RECTANGLES, ("", "2", "3")),
    ("gravity", p.GRAVITY, _STRAIGHT),
    ("fall", p.FALL, _STRAIGHT),
    (
        "smear",
        p.SMEAR,
        (
            *_STRAIGHT,
            "vertical",
            "horizontal",
            "up-right",
            "down-right",
            "down-left",
            "up-left",
            "rising",
            "falling",
            "straight",
            "diagonal",
            "all",
        ),
    ),
    ("connect", p.CONNECT, ("horizontal", "vertical", "straight", "diagonal")),
    ("period", p.PERIOD, ("right", "down", "both", "rising", "falling")),
    (
        "count",
        p.COUNT,
        tuple(
            f"{what} {shape}"
            for what in ("cells", "colors", "objects", "pieces")
            for shape in ("square", "column", "row", "diagonal")
        ),
    ),
)

_SIZED: tuple[tuple[str, int, Choices], ...] = (
    ("fit", p.FIT, ("",)),
    ("resize", p.RESIZE, ("",)),
    ("tile", p.TILE, ("", "spaced", "down", "right")),
    ("mirror tile", p.MIRROR_TILE, ("", "shared")),
    ("reflow", p.REFLOW, ("",)),
    ("centered", p.CENTERED, ("",)),
)

_SPLITS = {
    "colors": q.SPLIT_COLORS,
    "pieces straight": q.SPLIT_4,
    "pieces": q.SPLIT_8,
    "boxes": q.SPLIT_BOXES,
    "objects straight": q.SPLIT_4_MIXED,
    "objects": q.SPLIT_8_MIXED,
    "objects on background": q.SPLIT_BACKGROUND,
    "holes": q.SPLIT_HOLES,
    "gaps": q.SPLIT_GAPS,
    "rows": q.SPLIT_ROWS,
    "columns": q.SPLIT_COLUMNS,
    "halves across": q.SPLIT_HALVES_ACROSS,
    "halves down": q.SPLIT_HALVES_DOWN,
    "thirds across": q.SPLIT_THIRDS_ACROSS,
    "thirds down": q.SPLIT_THIRDS_DOWN,
    "quarters": q.SPLIT_QUARTERS,
    "squares": q.SPLIT_SQUARES,
    "panels": q.SPLIT_PANELS,
    "marked": q.SPLIT_MARKED,
    "blank lines": q.SPLIT_BLANK,
}

_CRITERIA = (
    *(
        f"{end} {what}"
        for what in (
            "cells",
            "area",
            "height",
            "width",
            "colors",
            "down",
            "right",
            "parts",
            "holes",
            "zeros",
            "other colors",
            "symmetry",
        )
        for end in ("most", "least")
    ),
    "common shape",
    "odd shape",
    "common color",
    "odd color",
    "common content",
    "odd content",
    "mirrored",
    "asymmetric",
    "full",
)
_KEYS = tuple(
    f"{what} {way}"
    for what in ("cells", "down", "right", "area", "height", "colors", "holes")
    for way in ("rising", "falling")
)
assert len(_CRITERIA) == q.NUM_PICKS
assert len(_KEYS) == q.NUM_SORTS
assert len(_SPLITS) == q.NUM_SPLITS

_JOINS = {
    "overlay": q.JOIN_OVERLAY,
    "overlay last": q.JOIN_OVERLAY_UNDER,
    "overlay growing": q.JOIN_OVERLAY_GROWING,
    "stack right": q.JOIN_STACK_RIGHT,
    "stack down": q.JOIN_STACK_DOWN,
    "stack line": q.JOIN_STACK_LINE,
    "stack square": q.JOIN_STACK_SQUARE,
    "and": q.JOIN_AND,
    "or": q.JOIN_OR,
    "xor": q.JOIN_XOR,
    "nor": q.JOIN_NOR,
    "first only": q.JOIN_FIRST_ONLY,
    "last only": q.JOIN_LAST_ONLY,
    "common": q.JOIN_COMMON,
    "majority": q.JOIN_MAJORITY,
    "odd one": q.JOIN_ODD_ONE,
    "color map": q.JOIN_COLOR_MAP,
    "count row": q.JOIN_COUNT_ROW,
    "count column": q.JOIN_COUNT_COLUMN,
    "color row": q.JOIN_COLOR_ROW,
    "color column": q.JOIN_COLOR_COLUMN,
    "size bars": q.JOIN_SIZE_BARS,
    "centered": q.JOIN_CENTERED,
    "shared color": q.JOIN_SHARED_COLOR,
    "stamp cells": q.JOIN_STAMP_CELLS,
    "arrange": q.JOIN_ARRANGE,
    "into frame": q.JOIN_INTO_FRAME,
}
assert len(_JOINS) == q.NUM_JOINS

_EACH = (
    "invert",
    "paint own",
    "keep own",
    "drop own",
    "swap",
    "turn",
    "crop",
    "hull",
    "trim",
    "center",
    "half",
    "move",
    "move own size",
    "scale up",
    "double",
    "symmetrize",
    "fill holes",
    "interior",
    "border cells",
    "inner cells",
    "outline",
    "grow",
    "frame",
    "components",
    "smear",
    "connect",
    "count",
)
"""Changes that are also applied to every member of a list."""


def _changes(colors: Sequence[int], *, in_output: bool) -> Iterator[Operation]:
    for name, code in _COLORED:
        for color in colors:
            yield Operation(f"{name} #{color}", f"{name} #", CHANGE, code, color)
        for k, role in enumerate(ROLES):
            yield Operation(f"{name} {role}", f"{name} role", CHANGE, code, ROLE + k)
    for name, code, choices in _CHANGES:
        for argument, choice in enumerate(choices):
            if choice or len(choices) == 1 or code not in (p.DIHEDRAL, p.UPSCALE, p.DOWNSCALE):
                yield Operation(f"{name} {choice}".rstrip(), name, CHANGE, code, argument)
    for name, code, choices in _SIZED:
        for target in range(2 if in_output else 1):
            for variant, choice in enumerate(choices):
                text = f"{name} {choice}".rstrip()
                text += OUTPUT if target else " input"
                argument = target * len(choices) + variant
                yield Operation(text, f"{name}{OUTPUT if target else ' input'}", CHANGE, code, argument, bool(target))


def all_operations(colors: Sequence[int], *, in_output: bool) -> tuple[Operation, ...]:
    """Return the operations for a task, those on pictures first.

    Args:
        colors: colors other than black that are tried as constants.
        in_output: whether steps that need the output's size are among them.
    """
    changes = list(_changes(colors, in_output=in_output))
    found = [*changes, *(Operation(f"split {name}", f"split {name}", SPLIT, code) for name, code in _SPLITS.items())]
    for verb, group in (("pick", PICK), ("with", KEEP), ("without", DROP)):
        found += [Operation(f"{verb} {text}", verb, group, code) for code, text in enumerate(_CRITERIA)]
    found += [Operation(f"order {text}", "order", SORT, code) for code, text in enumerate(_KEYS)]
    found += [Operation(f"join {name}", f"join {name}", JOIN, code) for name, code in _JOINS.items()]
    for change in changes:
        if change.family in _EACH or change.family in ("paint #", "paint role", "keep #", "drop #"):
            found.append(Operation(f"each {change.text}", f"each {change.family}", EACH, change.code, change.argument))
    return tuple(found)


@cache
def _by_text() -> dict[str, Operation]:
    everything = all_operations(tuple(range(1, NUM_COLORS)), in_output=True)
    table = {operation.text: operation for operation in everything}
    assert len(table) == len(everything)
    return table


def operation_of_text(text: str) -> Operation:
    """Return the operation that a step names; one that needs the output's size ends with :data:`OUTPUT`.

    Raises:
        ParseError: no step reads like this.
    """
    try:
        return _by_text()[text]
    except KeyError:
        raise ParseError(f"no step {text!r} of a pipe") from None


def role_colors(grid: Grid) -> NDArray[np.int64]:
    """Return the colors that roles stand for on an input ``(roles,)``, 0 where there is none."""
    counts = color_counts(grid)
    present = [color for color in range(1, NUM_COLORS) if counts[color]]
    ranked = sorted(present, key=lambda color: (-counts[color], color))
    roles = np.zeros(len(ROLES), np.int64)
    if ranked:
        roles[0] = ranked[0]
        roles[1] = ranked[1] if len(ranked) > 1 else 0
        roles[2] = min(present, key=lambda color: (counts[color], color))
    return roles
