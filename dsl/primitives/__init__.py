"""Primitives of the grid language, one module per concept; importing this package registers them all."""

from dsl.primitives import color, compose, geometry, object_edit, objects, select

__all__ = ["color", "compose", "geometry", "object_edit", "objects", "select"]
