"""Measure what one task costs on this machine before a long run: a step of adaptation, and decoding."""

import time
from dataclasses import dataclass

import numpy as np

from dsl.grid import as_grid
from dsl.task import Example, Task
from ensemble.config import Config

MEAN_TOKENS, MEAN_OUTPUT = 1968, 258
"""Tokens of the mean task of ARC-AGI-1 evaluation, one a cell, and of the mean output."""
_SIDE, _PAIRS, _NEW_TOKENS = 14, 3, 8


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Times on this machine, in seconds of the wall clock.

    Attributes:
        step_seconds: one step of adaptation.
        prefill_seconds: the prompt of one view.
        decode_seconds: one token of every view.
        tokens: of the sequence that was measured.
        views: decoded together.
    """

    step_seconds: float
    prefill_seconds: float
    decode_seconds: float
    tokens: int
    views: int

    def task_seconds(self, steps: int) -> float:
        """Return the seconds of a mean task with so many steps; attention is taken to grow like everything else."""
        scale = MEAN_TOKENS / self.tokens
        return scale * (steps * self.step_seconds + self.views * self.prefill_seconds) + (
            MEAN_OUTPUT * self.decode_seconds
        )


def rehearse(config: Config) -> Rehearsal:
    """Load the model of a configuration and time it on a made-up task; raises ``ModelError``."""
    from ensemble.adaptation.engine import Bound
    from ensemble.augment import views_for
    from ensemble.cache import prefill
    from ensemble.decode import decode_greedy
    from ensemble.formats import format_of
    from ensemble.model import load_model, resolve_device, wait_for
    from ensemble.ttt import adapted

    device = resolve_device(config.neural.device)
    model, task = load_model(config.neural.model, device, task_format=config.neural.format), _made_up_task()
    encode_pairs = format_of(model).encode_pairs
    views = views_for(config.neural.inference, _PAIRS, 0)
    prompts = [encode_pairs(view.examples(task.train), query=view.grid(task.test_inputs[0])) for view in views]
    step_seconds = 0.0
    if config.neural.adaptation.method != "none":
        settings, limit = config.neural.adaptation, config.neural.max_tokens
        with adapted(model, task.train, settings, max_tokens=limit, seed=0, bound=Bound(1)):
            wait_for(model.device)
        started = time.monotonic()
        with adapted(model, task.train, settings, max_tokens=limit, seed=0, bound=Bound(1)):
            wait_for(model.device)
            step_seconds = time.monotonic() - started
    started = time.monotonic()
    prefilled = prefill(model, prompts, _NEW_TOKENS)
    wait_for(model.device)
    prefill_seconds = (time.monotonic() - started) / len(views)
    started = time.monotonic()
    decode_greedy(model, prefilled, max_new_tokens=_NEW_TOKENS)
    decode_seconds = (time.monotonic() - started) / (_NEW_TOKENS - 1)
    return Rehearsal(step_seconds, prefill_seconds, decode_seconds, len(prompts[0]), len(views))


def _made_up_task() -> Task:
    rng = np.random.default_rng(0)
    grids = [as_grid(rng.integers(10, size=(_SIDE, _SIDE))) for _ in range(2 * _PAIRS + 1)]
    pairs = tuple(Example(grids[2 * k], grids[2 * k + 1]) for k in range(_PAIRS))
    return Task("rehearsal", pairs, (grids[-1],))
