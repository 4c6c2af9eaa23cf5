"""Questions as text and tokens, and the sequences of test-time training: permutations of the examples shown.

Every example is tokenized by itself, and sequences are joined tokens, so that training and asking read the same. The
text is that of Suzgun et al. 2022 without reasoning: ``Q: ...``, ``A: ...``, an empty line.
"""

from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from ensemble.adaptation.engine import Source
from ensemble.bbh.questions import BbhTask, Question
from ensemble.encode import IGNORE, EncodedSequence

MIN_TOKENS = 256
"""Sequences are not made shorter than this when memory runs out."""


class Writer:
    """Write questions in the tokens of a model.

    Args:
        tokenizer: of the model.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self.start: list[int] = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def prompt(self, question: Question) -> list[int]:
        """Return a question up to where its answer begins."""
        return self._tokens(f"Q: {question.text}\nA:")

    def example(self, question: Question) -> tuple[list[int], int]:
        """Return a question with its answer, and how many tokens stand before the answer."""
        whole = self._tokens(f"Q: {question.text}\nA: {question.target}\n\n")
        asked = self.prompt(question)
        same = [left == right for left, right in zip(asked, whole, strict=False)]
        return whole, len(same) if all(same) else same.index(False)

    def context(self, shown: Sequence[Question]) -> list[int]:
        """Return what stands before a question that is asked behind examples."""
        return self.start + [token for question in shown for token in self.example(question)[0]]

    def sequence(self, shown: Sequence[Question], max_tokens: int) -> EncodedSequence:
        """Return examples in their order, every answer trained; the first ones are left out if they are too long."""
        tokens, labels = list[int](), list[int]()
        for question in reversed(shown):
            whole, before = self.example(question)
            if tokens and len(self.start) + len(whole) + len(tokens) > max_tokens:
                break
            tokens = whole + tokens
            labels = [IGNORE] * before + whole[before:] + labels
        kept = np.array(self.start + tokens, np.int64)
        running = np.broadcast_to(np.arange(len(kept), dtype=np.int32), (3, len(kept)))
        return EncodedSequence(kept, running, np.array([IGNORE] * len(self.start) + labels, np.int64), pad=0)


class PermutationFeed(Source):
    """The sequences of each step: every task's examples in so many orders, each once, tasks mixed.

    The same loop as for grids draws from it (``ensemble.adaptation.engine``). Loss on every answer of a sequence is
    leaving each example out at once, with those before it as its demonstrations.

    Args:
        tasks: to train on.
        writer: of the model.
        permutations: orders of each task's examples.
        batch_size: sequences of a step.
        max_tokens: longest sequence.
        seed: of all draws.
    """

    steps: int
    min_tokens = MIN_TOKENS

    def __init__(
        self, tasks: Sequence[BbhTask], writer: Writer, permutations: int, batch_size: int, max_tokens: int, seed: int
    ) -> None:
        super().__init__(batch_size, max_tokens, bucket_lengths=True)
        rng = np.random.default_rng(seed)
        orders = [(task, rng.permutation(len(task.shown))) for task in tasks for _ in range(permutations)]
        mixed = [orders[i] for i in rng.permutation(len(orders)).tolist()]
        self._steps = [mixed[first : first + batch_size] for first in range(0, len(mixed), batch_size)]
        self._writer, self._step = writer, 0
        self.steps = len(self._steps)

    def draw(self) -> list[EncodedSequence]:
        """Return the sequences of the step, the same until its loss was observed."""
        return [
            self._writer.sequence([task.shown[i] for i in order.tolist()], self.max_tokens)
            for task, order in self._steps[self._step]
        ]

    def observe(self, loss: float) -> None:
        """Go on to the next step."""
        self._step += 1
