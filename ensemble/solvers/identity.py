"""The baseline that answers every test input with itself."""

from collections.abc import Iterator

from ensemble.types import Budget, Candidate, Provenance, Task


class IdentitySolver:
    """Propose each test input as its own output: a floor for scores, and a dry run of everything around a solver."""

    name = "identity"

    def solve(self, task: Task, budget: Budget) -> Iterator[Candidate]:
        """Yield one candidate for each test input."""
        for i, grid in enumerate(task.test_inputs):
            yield Candidate(task.task_id, i, grid, 0.0, Provenance(solver=self.name, family=self.name))
