"""Solvers: objects with a name and ``solve(task, budget)``."""
