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

from ensemble.cache import Prefilled, log_probs_of, run
from ensemble.decode import Decoded
from ensemble.encode import MAX_GRID_TOKENS
from ensemble.formats import format_of
from ensemble.formats.grammar import GridState


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
    deadline: float | None = None,
    shapes: Sequence[tuple[int, int]] | None = None,
) -> list[list[Decoded]]:
    """Return for each prompt all outputs of at least this probability, likeliest first.

    Leaves ``prefilled`` ready for more. Outputs that are not over after ``max_new_tokens`` or at the deadline
    (``time.monotonic()``) are left out.

    Args:
        model: the network.
        prefilled: prompts.
        min_probability: of a whole output, under the whole vocabulary; with ``shapes`` among what these allow.
        keep_likeliest: follow what greedy decoding gives even where it is less probable.
        max_new_tokens: longest output.
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
    log_probs = prefilled.log_probs
    try:
        for _ in range(max_new_tokens):
            branches = _grow(branches, log_probs, math.log(min_probability), keep_likeliest, shapes is not None)
            done = branches.state.done
            for row in torch.nonzero(done)[:, 0].tolist():
                grid = task_format.decode_grid(branches.tokens[row].cpu().numpy())
                found[int(branches.prompt[row])].append(Decoded(grid, float(branches.total[row])))
            branches = branches.select(torch.nonzero(~done)[:, 0])
            if not len(branches.prompt) or (deadline is not None and time.monotonic() >= deadline):
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
    num_prompts, start, device = len(cache), cache.filled, cache.keys.device
    counts = torch.bincount(branches.prompt, minlength=num_prompts)
    first = counts.cumsum(0) - counts
    place = torch.arange(len(branches.prompt), device=device) - first[branches.prompt]
    widest = int(counts.max())
    where = branches.prompt, place
    tokens = torch.zeros(num_prompts, widest, dtype=torch.int64, device=device)
    tokens[where] = branches.tokens[:, -1]
    positions = torch.zeros(3, num_prompts, widest, dtype=torch.int64, device=device)
    positions[:, *where] = branches.state.positions(cache.out_positions[:, branches.prompt])
    cache.grow(widest)
    seen = None
    if widest == 1:
        # One branch for each prompt is plain decoding, for which there is a faster way.
        cache.visible[branches.prompt, :start] = branches.seen
    else:
        seen = torch.zeros(num_prompts, widest, start + widest, dtype=torch.bool, device=device)
        seen[*where, :start] = branches.seen
        seen[:, :, start:] = torch.eye(widest, dtype=torch.bool, device=device)
    hidden = run(model, cache, tokens, positions, seen)
    cache.filled += widest
    own = torch.nn.functional.one_hot(place, widest).bool()
    branches.seen = torch.cat([branches.seen, own], dim=1)
    return log_probs_of(model, hidden[where])
