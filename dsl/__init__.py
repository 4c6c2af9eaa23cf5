"""Grids, tasks, programs and program search for the Abstraction and Reasoning Corpus (ARC-AGI).

Never imports torch, transformers, peft or ``ensemble``.
"""

from dsl.errors import DslError
from dsl.grid import Grid, as_grid
from dsl.registry import primitive
from dsl.task import Example, Task
from dsl.types import Color, Mask, Object, Objects

__all__ = ["Color", "DslError", "Example", "Grid", "Mask", "Object", "Objects", "Task", "as_grid", "primitive"]
