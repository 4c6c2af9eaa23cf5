"""Solve ARC-AGI tasks with test-time training and program synthesis together.

``from ensemble import Solver, load_tasks`` is what a notebook needs; both are imported when they are first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ensemble.api import Result as Result
    from ensemble.api import Solver as Solver
    from ensemble.data import load_tasks as load_tasks

__all__ = ["Result", "Solver", "load_tasks"]


def __getattr__(name: str) -> Any:
    if name in ("Result", "Solver"):
        from ensemble import api

        return getattr(api, name)
    if name == "load_tasks":
        from ensemble.data import load_tasks

        return load_tasks
    raise AttributeError(f"module 'ensemble' has no attribute {name!r}")
