"""Solve a task with all engines of this package."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsl.grid import grid_from_text, seal
from dsl.search.budget import Budget, Meter
from dsl.search.cells.answers import merge_solutions
from dsl.search.cells.autoregressive import solve_autoregressive
from dsl.search.cells.completion import solve_completion
from dsl.search.cells.engine import solve_by_rules
from dsl.search.cells.images import ExtraImage
from dsl.search.cells.learner import Limits
from dsl.search.solution import Solution
from dsl.task import Example, Task


@dataclass(frozen=True, slots=True)
class CellConfig:
    """Settings of the engines.

    Attributes:
        canvases: canvases tried at most.
        predictions: distinct predictions returned by each engine at most.
        limits: bounds of the search for cell rules on each canvas.
        writing_limits: bounds of the search for writing rules in each orientation.
        confident_bits: the autoregressive engine is left out where another engine's best cost is at most this.
        only_rules: whether to leave out all engines but that of cell rules: the others take no images.
    """

    canvases: int = 6
    predictions: int = 10
    limits: Limits = field(default_factory=Limits)
    writing_limits: Limits = field(default_factory=lambda: Limits(depth=4, beam=16, solutions=24))
    confident_bits: float = 10.0
    only_rules: bool = False


def warm_up() -> None:
    """Compile, or load from the cache, every kernel that the engines call: once before a search is timed or forked."""
    still = grid_from_text("1203/0000/0021/3000")
    hidden = grid_from_text("1221/1001/1221/3003")
    for source, target in ((still, still[::-1]), (hidden, grid_from_text("22/22")), (still, still * 2 % 5)):
        task = Task("warm-up", (Example(source, seal(target.copy())),), (source,))
        meter = Meter(Budget(60.0, nodes=2_000))
        solve_cells(task, meter, config=CellConfig(canvases=2, confident_bits=-1e9))


def solve_cells(
    task: Task, meter: Meter, extra: Sequence[ExtraImage] = (), config: CellConfig | None = None
) -> list[Solution]:
    """Return programs that give every demonstration's output, one per distinct prediction, best first.

    A solution's cost orders predictions by the weight of all programs that agree on them: it is below the description
    length of the program shown, and may be below 0.

    Args:
        task: the task.
        meter: bounds the work; with a node budget the result is the same on every machine.
        extra: images that another search offers, as further planes and canvases.
        config: settings; the defaults if not given.
    """
    config = config or CellConfig()
    completed = [] if config.only_rules else solve_completion(task, meter)
    found = solve_by_rules(task, meter, config.limits, config.canvases, config.predictions, extra)
    if config.only_rules:
        return found
    found += completed
    if min((solution.cost for solution in found), default=float("inf")) > config.confident_bits:
        found += solve_autoregressive(task, meter, config.writing_limits, config.predictions)
    return merge_solutions(found)
