"""Turn programs and their votes into solutions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dsl.errors import DslError
from dsl.grid import Grid, grid_key
from dsl.program import Program, fits, run
from dsl.search.solution import Solution
from dsl.task import Task

TAU = 0.5
"""Inverse temperature of votes: a program of b bits votes with weight ``2 ** (-TAU * b)``."""

Outputs = tuple[Grid | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """A prediction with the bits of the program that makes it, and how to write that program."""

    bits: float
    outputs: Outputs
    source: object


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


def verified(program: Program, cost: float, task: Task, engine: str) -> Solution | None:
    """Run a program on the whole task; None unless it gives every demonstration's output."""
    if not fits(program, ((example.input, example.output) for example in task.train)):
        return None
    outputs = tuple(run_or_none(program, grid) for grid in task.test_inputs)
    return Solution(program, outputs, cost, len(task.train), engine)
