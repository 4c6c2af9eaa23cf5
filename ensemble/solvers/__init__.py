"""Solvers: objects with a name and ``solve(task, budget)``, made by name and imported only then."""

from ensemble.config import SOLVER_NAMES, Config, nearest
from ensemble.errors import ConfigError
from ensemble.types import Solver

__all__ = ["make_solver"]


def make_solver(name: str, config: Config) -> Solver:
    """Build a solver, with its model loaded or its kernels compiled, so that neither takes of a task's time.

    Raises:
        ConfigError: there is no solver of that name.
        ModelError: the model cannot be loaded.
        RunError: the run to replay cannot be read.
    """
    if name == "symbolic":
        from dsl.search.warm import warm_up
        from ensemble.solvers.symbolic import SymbolicSolver

        warm_up()
        return SymbolicSolver(config.symbolic)
    if name == "neural":
        from ensemble.solvers.neural import NeuralSolver

        solver = NeuralSolver(config.neural)
        solver.warm_up()
        return solver
    if name == "replay":
        from ensemble.solvers.replay import ReplaySolver

        return ReplaySolver(config.replay)
    if name == "identity":
        from ensemble.solvers.identity import IdentitySolver

        return IdentitySolver()
    raise ConfigError(f"unknown solver {name!r}; known: {', '.join(SOLVER_NAMES)}{nearest(name, SOLVER_NAMES)}")
