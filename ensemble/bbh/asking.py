"""Greedy answers to questions behind one shared context, and the training on a task's examples before them."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from ensemble.adaptation.engine import Adaptation, Bound
from ensemble.bbh.questions import BbhTask, Question
from ensemble.bbh.settings import BbhConfig
from ensemble.bbh.text import PermutationFeed, Writer
from ensemble.errors import ModelError
from ensemble.memory import is_out_of_memory, release_memory
from ensemble.model import default_dtype, quiet
from ensemble.ttt import restorer, train_lora


def load(name: str, device: torch.device) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a causal language model with its whole vocabulary and its tokenizer, in bfloat16 where there are units.

    Raises:
        ModelError: there is no such checkpoint, or it has no tokenizer.
    """
    dtype = default_dtype(device, is_grid_model=False)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        with quiet():
            model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot load the model {name!r}: {str(error).strip().splitlines()[0]}") from error
    model.to(device).eval().requires_grad_(False)
    return model, tokenizer


@contextmanager
def trained_on(
    model: PreTrainedModel, tasks: Sequence[BbhTask], writer: Writer, config: BbhConfig
) -> Iterator[Adaptation]:
    """Train a fresh adapter on the examples that tasks show; the model is as it was when the block ends."""
    report, settings = Adaptation(), config.adaptation
    feed = PermutationFeed(tasks, writer, config.permutations, settings.batch_size, config.max_tokens, seed=config.seed)
    with ExitStack() as restore:
        restore.callback(restorer(model))
        train_lora(model, feed, settings, config.seed, Bound(feed.steps), report, restore)
        yield report


class Asker:
    """Ask a model questions behind the same examples, which it reads once.

    Args:
        model: as it is now; its answers are greedy.
        tokenizer: of the model.
        shown: examples before every question; may be none.
        config: sizes.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        shown: Sequence[Question],
        config: BbhConfig,
    ) -> None:
        self._model, self._tokenizer, self._writer = model, tokenizer, Writer(tokenizer)
        self._context = self._writer.context(shown)
        self._max_new_tokens, self._batch_size = config.max_new_tokens, config.batch_size
        ends = model.generation_config.eos_token_id
        self._ends = {ends} if isinstance(ends, int) else set(ends or ())

    @torch.inference_mode()
    def answers(self, questions: Sequence[Question]) -> list[str]:
        """Return what the model writes behind each question, up to the first line break.

        Raises:
            ModelError: one question does not fit into memory.
        """
        prompts = [self._writer.prompt(question) for question in questions]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        found: dict[int, str] = {}
        try:
            cache = self._read_context()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise ModelError(f"out of memory with a context of {len(self._context)} tokens") from error
        while len(found) < len(order):
            chosen = order[len(found) : len(found) + self._batch_size]
            try:
                found.update(zip(chosen, self._write([prompts[i] for i in chosen], cache), strict=True))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                release_memory()
                if self._batch_size == 1:
                    raise ModelError(f"out of memory with one question behind {len(self._context)} tokens") from error
                self._batch_size //= 2
        return [found[i] for i in range(len(prompts))]

    def _read_context(self) -> object:
        if not self._context:
            return None
        tokens = torch.tensor([self._context], device=self._model.device)
        return self._model(input_ids=tokens, use_cache=True, logits_to_keep=1).past_key_values

    def _write(self, prompts: Sequence[Sequence[int]], context_cache: object) -> list[str]:
        device, count, longest = self._model.device, len(prompts), max(map(len, prompts))
        before = len(self._context)
        tokens = torch.zeros(count, longest, dtype=torch.long)
        seen = torch.zeros(count, before + longest, dtype=torch.long)
        seen[:, :before] = 1
        for b, prompt in enumerate(prompts):  # on the right, so that all answers begin together
            tokens[b, longest - len(prompt) :] = torch.tensor(prompt)
            seen[b, before + longest - len(prompt) :] = 1
        tokens, seen = tokens.to(device), seen.to(device)
        cache = copy.deepcopy(context_cache)
        if cache is not None:
            cache.batch_repeat_interleave(count)  # type: ignore[attr-defined]
        written: list[list[int]] = [[] for _ in prompts]
        is_open = [True] * count
        for _ in range(self._max_new_tokens):
            places = (seen.cumsum(1) - 1).clamp_min(0)[:, -tokens.shape[1] :]
            output = self._model(
                input_ids=tokens,
                attention_mask=seen,
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache, tokens = output.past_key_values, output.logits[:, -1:].argmax(-1)
            for b, token in enumerate(tokens[:, 0].tolist()):
                if is_open[b]:
                    is_open[b] = token not in self._ends
                    if is_open[b]:
                        written[b].append(token)
                        is_open[b] = "\n" not in self._tokenizer.decode([token])
            if not any(is_open):
                break
            seen = torch.cat([seen, seen.new_ones(count, 1)], dim=1)
        return [self._tokenizer.decode(answer, skip_special_tokens=True) for answer in written]
