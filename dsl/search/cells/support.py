"""Leave-one-out: learn again without one demonstration, and see whether its output is predicted.

The planes, predicates and expressions of the whole task are used again; only the cells of the demonstration left out
are taken from those that a list must explain. So it costs no more than another search.
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsl.search.budget import Meter
from dsl.search.cells.answers import vote_bits
from dsl.search.cells.learner import Learner, RuleList

MAX_FOLDS = 5
MAX_LISTS = 60
"""Cheapest lists of a fold that vote."""

Accept = Callable[[RuleList], bool]
Outcome = Callable[[NDArray[np.uint8], int], bytes | None]
"""What a row of choices for the cells of a demonstration gives, as a key; None: no result."""


class LeaveOneOut:
    """Whether a learner foretells each demonstration from the others, computed when asked for."""

    def __init__(
        self,
        learner: Learner,
        sizes: Sequence[int],
        truth: Sequence[bytes],
        meter: Meter,
        depth: int,
        outcome: Outcome | None = None,
        accept: Callable[[int], Accept] | None = None,
    ) -> None:
        """Prepare.

        Args:
            learner: what has found exact lists on all demonstrations.
            sizes: number of cells, or other items, of each demonstration.
            truth: what the choices for each demonstration should give, as keys.
            meter: counts the work and may end it.
            depth: rules before the default of the lists found.
            outcome: turns choices into a key; by default the choices' own bytes.
            accept: returns the test of exact lists without a demonstration.
        """
        self._learner = learner
        self._bounds = np.cumsum([0, *sizes]).tolist()
        self._truth = truth
        self._meter = meter
        self._depth = depth
        self._outcome = outcome or (lambda choice, _: choice.tobytes())
        self._accept = accept

    @cached_property
    def support(self) -> float | None:
        """Share of the folds, 0..1, where the votes' first choice is right; None with one demonstration or no time."""
        folds = range(min(len(self._truth), MAX_FOLDS))
        if len(self._truth) < 2:
            return None
        right = 0
        for fold in folds:
            if self._meter.exhausted:
                return None
            right += self._foretells(fold)
        return right / len(folds)

    def _foretells(self, fold: int) -> bool:
        columns = (self._bounds[fold], self._bounds[fold + 1])
        accept = None if self._accept is None else self._accept(fold)
        lists = self._learner.search(self._meter, accept, columns, self._depth)[:MAX_LISTS]
        if not lists:
            return False
        bits: dict[bytes | None, list[float]] = {}
        for found, choice in zip(lists, self._learner.recall(lists, columns), strict=True):
            bits.setdefault(self._outcome(choice, fold), []).append(found.cost)
        weights = {key: vote_bits(votes) for key, votes in bits.items() if key is not None}
        best = min(weights.values(), default=math.inf)
        return weights.get(self._truth[fold], math.inf) <= best
