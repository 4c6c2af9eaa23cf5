"""One test input under several views: decoding and scoring in as few passes as the memory of the device allows."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from dsl.grid import Grid, GridKey, grid_key
from ensemble.augment import View
from ensemble.branches import decode_above
from ensemble.cache import Prefilled, prefill
from ensemble.decode import Decoded, Sampling, decode_greedy, teacher_force
from ensemble.encode import EncodedSequence
from ensemble.memory import is_out_of_memory, release_memory

Result = TypeVar("Result")

VERIFY_SHARE = 0.25
"""Share of the time that the verification of drafts before decoding may take."""


class Views:
    """Prompts of one test input under several views.

    All run together; where memory ends, half as many at a time, down to one.

    Args:
        model: the network.
        views: in which the prompts show the task.
        prompts: one for each view.
        max_new_tokens: longest output.
        expected_tokens: of an output.

    Attributes:
        together: views that run together.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        views: Sequence[View],
        prompts: Sequence[EncodedSequence],
        max_new_tokens: int,
        expected_tokens: int,
    ) -> None:
        self.model, self.views, self.max_new_tokens = model, views, max_new_tokens
        self._expected_tokens = expected_tokens
        self.together = len(prompts)
        self._prompts = prompts
        self._kept: Prefilled | None = None

    def decode(self, rows: Sequence[int], deadline: float | None, sampling: Sampling | None = None) -> list[Decoded]:
        """Return the likeliest output of some views, or one drawn at random."""

        def compute(prefilled: Prefilled, _: Sequence[int]) -> list[Decoded]:
            limit = self.max_new_tokens
            return decode_greedy(self.model, prefilled, max_new_tokens=limit, deadline=deadline, sampling=sampling)

        return self._over(rows, compute)

    def decode_above(
        self,
        min_probability: float,
        deadline: float | None,
        shapes: Mapping[int, tuple[int, int]] | None = None,
    ) -> list[list[Decoded]]:
        """Return the likeliest output of each view and all others of at least this probability.

        With ``shapes``, in the frame of the view, only the views named there, and outputs of these shapes.
        """

        def compute(prefilled: Prefilled, rows: Sequence[int]) -> list[list[Decoded]]:
            return decode_above(
                self.model,
                prefilled,
                min_probability,
                keep_likeliest=True,
                max_new_tokens=self.max_new_tokens,
                expected_tokens=self._expected_tokens,
                deadline=deadline,
                shapes=None if shapes is None else [shapes[row] for row in rows],
            )

        return self._over(range(len(self.views)) if shapes is None else sorted(shapes), compute)

    def force(self, grid: Grid) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """Show a grid of the task's own frame under every view; see ``teacher_force``."""

        def compute(prefilled: Prefilled, rows: Sequence[int]) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
            return teacher_force(self.model, prefilled, [self.views[row].grid(grid) for row in rows])

        return self._over(range(len(self.views)), compute)

    def _over(self, rows: Sequence[int], compute: Callable[[Prefilled, Sequence[int]], list[Result]]) -> list[Result]:
        """Return the results of some views, computed from as many of their caches at a time as fit into memory."""
        while True:
            try:
                return [result for part in self._parts(rows) for result in compute(self._prefilled(part), part)]
            except RuntimeError as error:
                if not is_out_of_memory(error) or self.together == 1:
                    raise
            self.together, self._kept = (self.together + 1) // 2, None
            release_memory()

    def _parts(self, rows: Sequence[int]) -> Iterator[Sequence[int]]:
        for first in range(0, len(rows), self.together):
            yield rows[first : first + self.together]

    def _prefilled(self, rows: Sequence[int]) -> Prefilled:
        if self.together < len(self._prompts):
            return prefill(self.model, [self._prompts[row] for row in rows], self.max_new_tokens)
        if self._kept is None:
            self._kept = prefill(self.model, self._prompts, self.max_new_tokens)
        if len(rows) == len(self._prompts):
            return self._kept
        return self._kept.select(torch.tensor(rows, device=self._kept.keys.device))


def verify_drafts(
    views: Views, drafts: Sequence[Grid], deadline: float | None
) -> tuple[dict[int, Decoded], dict[GridKey, float]]:
    """Find views whose greedy output is one of the drafts, in one pass for each draft instead of one for each token.

    Returns the outputs by view, in the frame of the view, and the mean log-likelihood of each draft tried. Where every
    token of a draft is the likeliest one, greedy decoding writes that draft.
    """
    accepted: dict[int, Decoded] = {}
    scores: dict[GridKey, float] = {}
    until = None if deadline is None else time.monotonic() + VERIFY_SHARE * (deadline - time.monotonic())
    for grid in drafts:
        if len(accepted) == len(views.views) or (until is not None and time.monotonic() >= until):
            break
        forced = views.force(grid)
        scores[grid_key(grid)] = mean_score(forced)
        for row, (gained, right) in enumerate(forced):
            if right.all():
                accepted.setdefault(row, Decoded(views.views[row].grid(grid), float(gained.sum())))
    return accepted, scores


def mean_score(forced: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]]) -> float:
    """Return the mean over views of a grid's log-likelihood, at most 0."""
    return min(0.0, sum(float(gained.sum()) for gained, _ in forced) / len(forced))


def pooled_scores(
    views: Views,
    found: Sequence[tuple[Grid, float]],
    drafts: Sequence[Grid],
    known: Mapping[GridKey, float],
    deadline: float | None,
) -> dict[GridKey, float]:
    """Return the mean log-likelihood over all views of each distinct grid, those of most views first, then drafts.

    What the deadline leaves unscored stands behind everything scored; drafts that it leaves unscored are left out.

    Args:
        views: of the test input.
        found: outputs of the views in the task's own frame, each with its log-likelihood in its own view.
        drafts: grids of other solvers.
        known: scores that are known already.
        deadline: when to end.
    """
    grids = {grid_key(grid): grid for grid in [*(grid for grid, _ in found), *drafts]}
    own = {grid_key(grid): log_likelihood for grid, log_likelihood in reversed(found)}
    votes = Counter(grid_key(grid) for grid, _ in found)
    votes.update({key: 0 for key in grids})
    scores = {key: score for key, score in known.items() if key in grids}
    pass_seconds = 0.0
    for key, _ in votes.most_common():
        started = time.monotonic()
        if key in scores:
            continue
        if deadline is not None and started + pass_seconds > deadline:
            if key in own:
                scores[key] = min(own[key], *scores.values()) if scores else own[key]
            continue
        scores[key] = mean_score(views.force(grids[key]))
        pass_seconds = time.monotonic() - started
    return scores
