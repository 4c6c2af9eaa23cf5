"""What a search engine returns: a program and what it predicts."""

from dataclasses import dataclass

from dsl.grid import Grid
from dsl.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A program with its predictions.

    Attributes:
        program: prints, parses back, and runs on a new grid; running it gives ``outputs``.
        outputs: one grid per test input; None where the program has no result on it.
        cost: description length in bits.
        fits: number of demonstrations that the program reproduces exactly.
        engine: the part of the search that found it (``image``, ``assemble``, ``cells``, ...).
        support: share of the demonstrations, 0..1, that the engine foretells from the others; None if not measured.
        stability: share of the demonstrations, 0..1, without which the engine predicts the same; None if not measured.
        log_odds: that all predictions are right, in nats; None before solutions are ranked.
    """

    program: Program
    outputs: tuple[Grid | None, ...]
    cost: float
    fits: int
    engine: str
    support: float | None = None
    stability: float | None = None
    log_odds: float | None = None
