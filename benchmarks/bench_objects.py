"""How many ARC-AGI-1 training tasks object programs solve, and how fast.

    python -m benchmarks.bench_objects [--step 4] [--offset 0] [--output benchmarks/results/objects.json]

Prints tasks solved with one and two attempts, with any prediction, and tasks that some program fits; the 80 held-out
``dev`` tasks are counted apart. The evaluation set is never read.
"""

from benchmarks.rule_engines import measure_engine
from dsl.search.objects import solve_objects

if __name__ == "__main__":
    measure_engine(__doc__, solve_objects, "form of pass@1", lambda solution: str(solution.program).partition("(")[0])
