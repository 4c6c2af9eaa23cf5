"""Leave-one-out: learn again without one demonstration; is its output predicted, and are the tests' still the same?

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
Predicted = Callable[[NDArray[np.uint8]], object]
"""What a row of choices for the cells of all test inputs gives, as a hashable key."""


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
        predicted: Predicted | None = None,
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
            predicted: turns the choices for all test items into a key; by default the choices' own bytes.
        """
        self._learner = learner
        self._bounds = np.cumsum([0, *sizes]).tolist()
        self._truth = truth
        self._meter = meter
        self._depth = depth
        self._outcome = outcome or (lambda choice, _: choice.tobytes())
        self._accept = accept
        self._predicted = predicted or (lambda choice: choice.tobytes())

    @property
    def support(self) -> float | None:
        """Share of the folds, 0..1, where the votes' first choice is right; None with one demonstration or no time."""
        folds = self._folds
        return None if folds is None else sum(right for right, _ in folds) / len(folds)

    def stability(self, choice: NDArray[np.uint8]) -> float | None:
        """Return the share of the folds, 0..1, that predict on the test inputs what a row of choices gives."""
        folds = self._folds
        if folds is None:
            return None
        key = self._predicted(choice)
        return sum(predicted == key for _, predicted in folds) / len(folds)

    @cached_property
    def _folds(self) -> list[tuple[bool, object]] | None:
        """Whether each demonstration is foretold without it, and what is then predicted on the test inputs."""
        count = min(len(self._truth), MAX_FOLDS)
        if len(self._truth) < 2:
            return None
        folds = []
        for fold in range(count):
            if self._meter.exhausted:
                return None
            folds.append(self._without(fold))
        # What the meter cut off in the middle has found too little to say that a demonstration is not foretold.
        return None if self._meter.exhausted else folds

    def _without(self, fold: int) -> tuple[bool, object]:
        columns = (self._bounds[fold], self._bounds[fold + 1])
        accept = None if self._accept is None else self._accept(fold)
        lists = self._learner.search(self._meter, accept, columns, self._depth)[:MAX_LISTS]
        if not lists:
            return False, None
        recalled: dict[object, list[float]] = {}
        predicted: dict[object, list[float]] = {}
        for found, here, there in zip(
            lists, self._learner.recall(lists, columns), self._learner.predict(lists), strict=True
        ):
            outcome = self._outcome(here, fold)
            if outcome is not None:
                recalled.setdefault(outcome, []).append(found.cost)
            predicted.setdefault(self._predicted(there), []).append(found.cost)
        return self._truth[fold] in _heaviest(recalled), _heaviest(predicted)[0]


def _heaviest(votes: dict[object, list[float]]) -> list[object]:
    """Return what has the heaviest votes, first found first; empty if nothing has any."""
    weights = {key: vote_bits(bits) for key, bits in votes.items()}
    best = min(weights.values(), default=math.inf)
    return [key for key, bits in weights.items() if bits <= best]
