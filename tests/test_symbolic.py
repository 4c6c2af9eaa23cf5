import subprocess
import sys

import numpy as np

from dsl.grid import as_grid, same_grid
from dsl.program import parse, run
from dsl.task import Example, Task
from ensemble.config import SymbolicConfig
from ensemble.solvers.symbolic import SymbolicSolver
from ensemble.types import Budget, Solver

BUDGET = Budget(seconds=20.0, nodes=3000)


def flipped_task(tests=2):
    rng = np.random.default_rng(0)
    grids = [as_grid(rng.integers(0, 4, (3, 4))) for _ in range(3 + tests)]
    return Task("flipped", tuple(Example(grid, as_grid(grid[:, ::-1])) for grid in grids[:3]), tuple(grids[3:]))


def test_the_best_candidate_of_each_test_input_comes_first_and_is_verified():
    task = flipped_task()
    candidates = list(SymbolicSolver().solve(task, BUDGET))
    for i, grid in enumerate(task.test_inputs):
        best = next(candidate for candidate in candidates if candidate.test_index == i)
        assert same_grid(best.grid, as_grid(grid[:, ::-1]))
        assert best.provenance.verified
        assert best.provenance.family == "symbolic"


def test_the_program_of_a_candidate_gives_its_grid():
    task = flipped_task()
    for candidate in SymbolicSolver().solve(task, BUDGET):
        assert candidate.provenance.program is not None
        program = parse(candidate.provenance.program)
        assert same_grid(run(program, task.test_inputs[candidate.test_index]), candidate.grid)


def test_log_scores_are_at_most_zero_and_fall():
    candidates = list(SymbolicSolver().solve(flipped_task(tests=1), BUDGET))
    scores = [candidate.log_score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] <= 0


def test_no_more_candidates_than_configured():
    solver = SymbolicSolver(SymbolicConfig(max_candidates=1))
    assert [candidate.test_index for candidate in solver.solve(flipped_task(), BUDGET)] == [0, 1]


def test_a_symbolic_solver_is_a_solver_and_needs_no_torch():
    assert isinstance(SymbolicSolver(), Solver)
    code = "import sys; sys.modules['torch'] = None; import ensemble.solvers.symbolic"
    subprocess.run([sys.executable, "-c", code], check=True)
