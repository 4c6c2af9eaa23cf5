"""Turn programs and their votes into solutions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dsl.errors import DslError
from dsl.grid import Grid, grid_key
from dsl.program import Program, fits, run
from dsl.search.solution import Solution
from dsl.task import Task

TAU = 0.5
"""Inverse temperature of votes: a program of b bits votes with weight ``2 ** (-TAU * b)``."""

SUPPORTED = 2
"""Predictions of an engine whose support is measured."""

Outputs = tuple[Grid | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """A prediction of one program.

    Attributes:
        bits: description length of the program.
        outputs: what it predicts, one grid per test input.
        write: returns the program.
        support: returns the share of demonstrations foretold from the others, or None.
        stability: returns the share of demonstrations without which ``outputs`` are predicted too, or None.
    """

    bits: float
    outputs: Outputs
    write: Callable[[], Program]
    support: Callable[[], float | None] = lambda: None
    stability: Callable[[], float | None] = lambda: None


def run_or_none(program: Program, grid: Grid) -> Grid | None:
    """Return a program's output, or None where it has no result."""
    try:
        return run(program, grid)
    except DslError:
        return None


def outputs_key(outputs: Sequence[Grid | None]) -> tuple[object, ...]:
    """Return a hashable key, equal exactly for equal predictions."""
    return tuple(None if output is None else grid_key(output) for output in outputs)


def vote_bits(bits: Iterable[float]) -> float:
    """Return the bits whose single vote weighs as much as all of these votes together."""
    values = np.sort(np.array(list(bits)))
    return float(values[0] - np.log2(np.exp2(-TAU * (values - values[0])).sum()) / TAU)


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """All votes for one prediction, fewest bits first."""

    bits: float
    votes: tuple[Vote, ...]


def count_votes(votes: Iterable[Vote]) -> list[Ballot]:
    """Group votes by prediction and sort the predictions by the weight of their votes, heaviest first."""
    groups: dict[tuple[object, ...], list[Vote]] = {}
    for vote in votes:
        if any(output is not None for output in vote.outputs):
            groups.setdefault(outputs_key(vote.outputs), []).append(vote)
    ballots = []
    for group in groups.values():
        group.sort(key=lambda vote: vote.bits)
        ballots.append(Ballot(vote_bits(vote.bits for vote in group), tuple(group)))
    ballots.sort(key=lambda ballot: ballot.bits)
    return ballots


def verified_solutions(ballots: Sequence[Ballot], task: Task, engine: str, limit: int) -> list[Solution]:
    """Write the cheapest program of each of the first ballots, run it on the whole task, and keep those that fit.

    Support and stability of the first ``SUPPORTED`` are measured.
    """
    solutions: list[Solution] = []
    for ballot in ballots[:limit]:
        program = ballot.votes[0].write()
        if fits(program, ((example.input, example.output) for example in task.train)):
            outputs = tuple(run_or_none(program, grid) for grid in task.test_inputs)
            solution = Solution(program, outputs, ballot.bits, len(task.train), engine)
            if len(solutions) < SUPPORTED:
                first = ballot.votes[0]
                solution = replace(solution, support=first.support(), stability=first.stability())
            solutions.append(solution)
    return solutions


def join_equal(group: Sequence[Solution], cost: float) -> Solution:
    """Return the cheapest of solutions with equal predictions, with a common cost and the best evidence measured."""
    best = min(group, key=lambda solution: (solution.cost, str(solution.program)))
    support = max((s.support for s in group if s.support is not None), default=None)
    stability = max((s.stability for s in group if s.stability is not None), default=None)
    return replace(best, cost=cost, support=support, stability=stability)


def merge_solutions(solutions: Iterable[Solution]) -> list[Solution]:
    """Join solutions of several engines with equal predictions, adding up their weights; best first."""
    groups: dict[tuple[object, ...], list[Solution]] = {}
    for solution in solutions:
        groups.setdefault(outputs_key(solution.outputs), []).append(solution)
    merged = []
    for group in groups.values():
        merged.append(join_equal(group, vote_bits(solution.cost for solution in group)))
    return sorted(merged, key=lambda solution: solution.cost)
