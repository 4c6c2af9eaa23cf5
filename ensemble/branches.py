"""Every output that is likely enough: depth-first search by probability (Franzen et al. 2025, arXiv 2505.07859).

All branches of all prompts advance together, one token at a time. A prompt has run once; its branches share its keys
and values, and each token attends to those of its own branch behind them. Branches of one prompt exclude each other, so
at most ``1 / min_probability`` of them are alive at any time.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ensemble.cache import Prefilled, log_probs_of, run_branches
from ensemble.decode import Decoded
from ensemble.encode import MAX_GRID_TOKENS
from ensemble.formats import format_of
from ensemble.formats.grammar import GridState

BRANCHES_SHARE = 0.7
"""Share of the time that outputs of the expected length may take with branches; slower ones go on without."""
_LEAST_PACE = 0.05
"""Share of an output that the pace is not asked before."""


@dataclass(slots=True)
class _Branches:
    """Outputs that may go on, those of a prompt next to each other.

    Attributes:
        prompt: ``(R,)`` int64: the prompt of each branch.
        tokens: ``(R, d)`` int64: tokens so far.
        total: ``(R,)`` float64: natural log of their probability.
        likeliest: ``(R,)`` bool: whether each of them was the likeliest one.
        seen: ``(R, filled)`` bool: entries of the cache that belong to the prompt or the branch.
        state: what may come next.
    """

    prompt: Tensor
    tokens: Tensor
    total: Tensor
    likeliest: Tensor
    seen: Tensor
    state: GridState

    def select(self, rows: Tensor) -> "_Branches":
        """Return some branches, each as often as it is named."""
        return _Branches(
            self.prompt[rows],
            self.tokens[rows],
            self.total[rows],
            self.likeliest[rows],
            self.seen[rows],
            self.state.select(rows),
        )


@torch.inference_mode()
def decode_above(
    model: PreTrainedModel,
    prefilled: Prefilled,
    min_probability: float,
    *,
    keep_likeliest: bool = False,
    max_new_tokens: int = MAX_GRID_TOKENS,
    expected_tokens: int = MAX_GRID_TOKENS,
    deadline: float | None = None,
    shapes: Sequence[tuple[int, int]] | None = None,
) -> list[list[Decoded]]:
    """Return for each prompt all outputs of at least this probability, likeliest first.

    Leaves ``prefilled`` ready for more. Outputs that are not over after ``max_new_tokens`` or at the deadline
    (``time.monotonic()``) are left out. Where the pace says that this will be before the end, and ``keep_likeliest``
    holds, only what greedy decoding gives goes on.

    Args:
        model: the network.
        prefilled: prompts.
        min_probability: of a whole output, under the whole vocabulary; with ``shapes`` among what these allow.
        keep_likeliest: follow what greedy decoding gives even where it is less probable.
        max_new_tokens: longest output.
        expected_tokens: of an output, to tell the pace by.
        deadline: when to end.
        shapes: of the outputs, one for each prompt, where they are known; probabilities are then those given the shape.
    """
    task_format, device = format_of(model), prefilled.keys.device
    found: list[list[Decoded]] = [[] for _ in range(len(prefilled))]
    number, filled = torch.arange(len(prefilled), device=device), prefilled.filled
    branches = _Branches(
        prompt=number,
        tokens=number.new_zeros(len(prefilled), 0),
        total=torch.zeros(len(prefilled), dtype=torch.float64, device=device),
        likeliest=torch.ones_like(number, dtype=torch.bool),
        seen=prefilled.visible[:, :filled],
        state=task_format.begin(len(prefilled), device, shapes),
    )
    log_probs, started = prefilled.log_probs, time.monotonic()
    try:
        for step in range(max_new_tokens):
            branches = _grow(branches, log_probs, math.log(min_probability), keep_likeliest, shapes is not None)
            done = branches.state.done
            for row in torch.nonzero(done)[:, 0].tolist():
                grid = task_format.decode_grid(branches.tokens[row].cpu().numpy())
                found[int(branches.prompt[row])].append(Decoded(grid, float(branches.total[row])))
            go_on = ~done
            if deadline is not None:
                now, share = time.monotonic(), min(1.0, max(_LEAST_PACE, (step + 1) / expected_tokens))
                if now >= deadline:
                    break
                if keep_likeliest and now - started > share * BRANCHES_SHARE * (deadline - started):
                    go_on &= branches.likeliest
            branches = branches.select(torch.nonzero(go_on)[:, 0])
            if not len(branches.prompt):
                break
            log_probs = _run(model, prefilled, branches)
    finally:
        prefilled.filled = filled
    return [sorted(outputs, key=lambda output: -output.log_likelihood) for outputs in found]


def _grow(branches: _Branches, log_probs: Tensor, least: float, keep_likeliest: bool, among_allowed: bool) -> _Branches:
    """Return the branches that are one token longer and not too unlikely, given the logs ``(R, V)`` of each token.

    With ``among_allowed`` their probabilities are those among the tokens that may come next.
    """
    allowed = branches.state.allowed()
    likely = log_probs.masked_fill(~allowed, float("-inf"))
    if among_allowed:
        log_probs = likely.log_softmax(1)
    best = likely.argmax(1)
    totals = branches.total[:, None] + log_probs.double()
    kept = allowed & (totals >= least)
    if keep_likeliest:
        rows = torch.nonzero(branches.likeliest)[:, 0]
        kept[rows, best[rows]] = True
    parents, tokens = torch.nonzero(kept, as_tuple=True)
    grown = branches.select(parents)
    grown.state.advance(tokens)
    grown.tokens = torch.cat([grown.tokens, tokens[:, None]], dim=1)
    grown.total = totals[parents, tokens]
    grown.likeliest = grown.likeliest & (tokens == best[parents])
    return grown


def _run(model: PreTrainedModel, cache: Prefilled, branches: _Branches) -> Tensor:
    """Run the last token of each branch; return the logs ``(R, V)`` for the next ones."""
    positions = branches.state.positions(cache.out_positions[:, branches.prompt])
    hidden, place = run_branches(model, cache, branches.tokens[:, -1], positions, branches.prompt, branches.seen)
    widest = int(place.max()) + 1
    cache.filled += widest
    branches.seen = torch.cat([branches.seen, torch.nn.functional.one_hot(place, widest).bool()], dim=1)
    return log_probs_of(model, hidden)
