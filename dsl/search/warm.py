"""One small search of every kind: all kernels are compiled, or loaded from the cache, before anything is timed."""

import contextlib

from dsl import kernels
from dsl.grid import Grid, grid_from_text, seal
from dsl.kernels.cache import completion_mark
from dsl.search import cells
from dsl.search.budget import Budget, Meter
from dsl.search.objects import solve_objects
from dsl.search.scheduler import synthesize
from dsl.task import Example, Task

NODES = 1_500

_PAIRS = (
    ("12030/00000/00210/30001", "12030/00100/00215/30701"),
    ("01100/00000/20002/20000", "03300/00000/40004/40000"),
)
"""Input and output, changed cells and recolored objects: together they need every kernel."""


def compile_all() -> None:
    """Compile what the cache does not have, so that other processes find it there: the first time on a machine."""
    mark = completion_mark()
    if mark is not None and mark.exists():
        return
    warm_up()
    if mark is not None:
        with contextlib.suppress(OSError):
            mark.touch()


def warm_up() -> None:
    """Call every kernel of the primitives and engines, once in each process before a search is timed."""
    kernels.warm_up()
    cells.warm_up()
    for source, target in _PAIRS:
        task = _task(grid_from_text(source), grid_from_text(target))
        synthesize(task, Budget(60.0, nodes=NODES))
        solve_objects(task, Meter(Budget(60.0, nodes=NODES)))


def _task(source: Grid, target: Grid) -> Task:
    pairs = (Example(source, target), Example(seal(source[::-1]), seal(target[::-1])))
    return Task("warm-up", pairs, (source,))
