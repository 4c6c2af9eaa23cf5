"""Types of the language: what a primitive may take and return.

==========  ==========================================  =====================
kind        Python                                      literal in a program
==========  ==========================================  =====================
grid        ``Grid``: uint8 ``(H, W)``, read-only        none
mask        ``Mask``: bool ``(H, W)``, read-only         none
object      ``Object``                                  none
objects     ``Objects``: tuple of ``Object``            none
color       ``Color``: 0..9                             ``#3``
int         ``int``                                     ``-2``
bool        ``bool``                                    ``true`` ``false``
==========  ==========================================  =====================
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from dsl.errors import RegistryError
from dsl.grid import Grid

Mask = NDArray[np.bool_]
"""Chosen cells ``(H, W)`` bool, read-only."""

Color = NewType("Color", int)
"""A cell value, 0..9; 0 is black, most often the background."""


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """A set of cells with a place: a component, a panel, or any cut-out piece.

    Attributes:
        patch: cells ``(h, w)`` of the bounding box; 0 where ``mask`` is False.
        mask: bool ``(h, w)``, True on the object's own cells.
        top: row of the box's first row in the image it came from (may be negative after a move).
        left: column of the box's first column.
    """

    patch: Grid
    mask: Mask
    top: int
    left: int


Objects = tuple[Object, ...]

Value = Grid | Mask | Object | Objects | Color | int | bool


class Kind(StrEnum):
    """Name a type of the language."""

    GRID = "grid"
    MASK = "mask"
    OBJECT = "object"
    OBJECTS = "objects"
    COLOR = "color"
    INT = "int"
    BOOL = "bool"


_KIND_OF_ANNOTATION: tuple[tuple[object, Kind], ...] = (
    (Grid, Kind.GRID),
    (Mask, Kind.MASK),
    (Object, Kind.OBJECT),
    (Objects, Kind.OBJECTS),
    (Color, Kind.COLOR),
    (int, Kind.INT),
    (bool, Kind.BOOL),
)


def kind_of_annotation(annotation: object) -> Kind:
    """Return the kind that a parameter's or result's annotation names.

    Raises:
        RegistryError: the annotation is no type of the language.
    """
    for known, kind in _KIND_OF_ANNOTATION:
        if annotation is known or annotation == known:
            return kind
    allowed = ", ".join(("Grid", "Mask", "Object", "Objects", "Color", "int", "bool"))
    raise RegistryError(f"annotation must be one of {allowed}, got {annotation!r}")


def value_key(value: Value) -> object:
    """Return a hashable key, equal exactly for equal values of one kind."""
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, Object):
        return value.patch.shape, value.patch.tobytes(), value.mask.tobytes(), value.top, value.left
    if isinstance(value, tuple):
        return tuple(value_key(item) for item in value)
    return value
