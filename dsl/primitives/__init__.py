"""Primitives of the grid language, one module per concept; importing this package registers them all."""

from dsl.primitives import (
    color,
    compose,
    counting,
    geometry,
    logic,
    masks,
    object_edit,
    objects,
    rays,
    select,
    symmetry,
    tiling,
    topology,
)

__all__ = [
    "color",
    "compose",
    "counting",
    "geometry",
    "logic",
    "masks",
    "object_edit",
    "objects",
    "rays",
    "select",
    "symmetry",
    "tiling",
    "topology",
]
