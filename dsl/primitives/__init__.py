"""Primitives of the grid language, one module per concept; importing this package registers them all."""

from dsl.primitives import (
    arrange,
    color,
    compose,
    counting,
    filters,
    geometry,
    logic,
    masks,
    motion,
    object_edit,
    objects,
    rays,
    select,
    symmetry,
    tiling,
    topology,
)

__all__ = [
    "arrange",
    "color",
    "compose",
    "counting",
    "filters",
    "geometry",
    "logic",
    "masks",
    "motion",
    "object_edit",
    "objects",
    "rays",
    "select",
    "symmetry",
    "tiling",
    "topology",
]
