"""Budget of one search: a clock, a memory bound, or a number of nodes."""

import time
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Budget:
    """Bound the work on one task by one solver.

    Attributes:
        seconds: wall time, above 0.
        memory_bytes: resident memory that the solver may add, above 0.
        seed: seed of every random draw.
        nodes: bound on search nodes instead of the clock: the result is then the same on every machine.
        steps: bound on optimizer steps of test-time training instead of the clock: the same on machines of one kind.
    """

    seconds: float
    memory_bytes: int = 4 * 2**30
    seed: int = 0
    nodes: int | None = None
    steps: int | None = None


@dataclass(slots=True)
class Meter:
    """Count nodes against a budget; one meter is shared by the engines of one search.

    With ``budget.nodes`` set the clock is ignored, so that the result does not depend on the machine.
    """

    budget: Budget
    nodes: int = 0
    started: float = field(default_factory=time.monotonic)

    def spend(self, nodes: int) -> None:
        """Count work done, in nodes (one node: one value computed for all images of a task)."""
        self.nodes += nodes

    @property
    def seconds(self) -> float:
        """Return the wall time since the start."""
        return time.monotonic() - self.started

    @property
    def share_left(self) -> float:
        """Return the share of the budget that is left, 0..1."""
        if self.budget.nodes is not None:
            used = self.nodes / max(1, self.budget.nodes)
        else:
            used = self.seconds / self.budget.seconds
        return max(0.0, 1.0 - used)

    @property
    def exhausted(self) -> bool:
        """Tell whether the budget is used up."""
        return self.share_left <= 0.0

    def slice(self, share: float) -> "Meter":
        """Return a meter over a share (0..1) of what is left; its work is not yet counted here: ``spend`` it after."""
        left = self.share_left * share
        nodes = None if self.budget.nodes is None else max(1, int(self.budget.nodes * left))
        return Meter(replace(self.budget, seconds=max(1e-3, self.budget.seconds * left), nodes=nodes))
