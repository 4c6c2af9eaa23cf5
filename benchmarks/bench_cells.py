"""How many ARC-AGI-1 training tasks cell rules solve, and how fast.

    python -m benchmarks.bench_cells [--step 4] [--offset 0] [--output benchmarks/results/cells.json]

Prints tasks solved with one and two attempts, with any prediction, and tasks that some program fits; the 80 held-out
``dev`` tasks are counted apart. The evaluation set is never read.
"""

from collections import Counter

from benchmarks.rule_engines import measure_engine
from dsl.grid import Grid
from dsl.search.cells import predict_shapes, solve_cells
from dsl.task import Task


def count_shapes(counts: Counter[str], task: Task, targets: tuple[Grid, ...]) -> None:
    """Count how often the true output shapes are guessed first, and within two guesses."""
    shapes = [guess.shapes for guess in predict_shapes(task)]
    truth = tuple(target.shape for target in targets)
    counts["shape first"] += shapes[:1] == [truth]
    counts["shape in two"] += truth in shapes[:2]


if __name__ == "__main__":
    measure_engine(__doc__, solve_cells, "engine of pass@1", lambda solution: solution.engine, count_shapes)
