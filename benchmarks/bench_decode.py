"""Time decoding of one test output under 8 views against transformers' `generate`, same network, prompts and grammar.

python -m benchmarks.bench_decode [--model embedded] [--tasks 6] [--rounds 2] [--output FILE]

`generate` gets what its documentation offers: one left-padded batch of all views, greedy, its own growing cache, and a
logits processor that allows well-formed grids only. Both are float32, and count seconds of processor time from prompts
to tokens; rounds take turns, and each keeps its fastest.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, GenerationMixin, LogitsProcessor, LogitsProcessorList

from dsl.task import Task
from ensemble.augment import inference_views
from ensemble.cache import prefill, read, seen_at
from ensemble.config import NeuralConfig
from ensemble.data import load_tasks
from ensemble.decode import decode_greedy
from ensemble.encode import END, PAD, EncodedSequence, collate, decode_grid, grid_tokens
from ensemble.fingerprint import hash_of_model
from ensemble.formats.grammar import GridShape
from ensemble.model import GridLM, load_model
from ensemble.model_card import hardware_kind
from ensemble.solvers.neural import NeuralSolver

VIEWS = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One task: prompt tokens of all views, tokens decoded, each per second of processor time, and views alike."""

    task_id: str
    prompt_tokens: int
    tokens: int
    plain_tokens_per_second: float
    tokens_per_second: float
    same_outputs: int
    views: int


class Generating(GridLM, GenerationMixin):  # type: ignore[misc]
    """``GridLM`` for ``generate``: it needs the places of tokens in their grids, and what these see of the input."""

    def begin(self, prompts: list[EncodedSequence]) -> dict[str, Tensor]:
        """Return the inputs of ``generate``, padded on the left."""
        batch, longest = collate(prompts), max(map(len, prompts))
        shifts = torch.tensor([longest - len(prompt) for prompt in prompts])
        places = torch.arange(longest)[None] - shifts[:, None]
        seen, places = places >= 0, places.clamp(min=0)
        rows = torch.arange(len(prompts))[:, None]
        self.first_positions = batch.positions[:, rows, places]
        hidden, self.seen_below = read(self, batch, prompts)
        self.first_hidden = hidden[rows, places]
        self.shape = GridShape.begin(len(prompts), torch.device("cpu"))
        tokens = torch.where(seen, batch.tokens.gather(1, places), PAD)
        return {"input_ids": tokens, "attention_mask": seen.long()}

    def prepare_inputs_for_generation(self, input_ids: Tensor, **kwargs: Any) -> dict[str, Any]:
        """Add the positions of new tokens."""
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(input_ids, **kwargs)
        if kwargs.get("is_first_iteration"):
            return inputs | {
                "input_ids": None,
                "inputs_embeds": self.first_hidden,
                "position_ids": self.first_positions,
            }
        self.shape.advance(input_ids[:, -1])
        positions = torch.stack([self.first_positions[0, :, -1], self.shape.row, self.shape.column])[:, :, None]
        hidden = self.model.embed_tokens(input_ids[:, -1:])
        if self.seen_below is not None:
            prompt = torch.arange(len(hidden))[:, None]
            hidden = hidden + seen_at(self.seen_below, positions, prompt)
        return inputs | {"input_ids": None, "inputs_embeds": hidden, "position_ids": positions}


class WellFormed(LogitsProcessor):  # type: ignore[misc]
    """Allow tokens that can go on a grid."""

    def __init__(self, model: Generating) -> None:
        self.model = model

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        return scores.masked_fill(~self.model.shape.allowed(), float("-inf"))


def generate(model: Generating, prompts: list[EncodedSequence], limit: int) -> list[list[int]]:
    """Return the tokens of each prompt's output by ``generate``, up to its end."""
    inputs = model.begin(prompts)
    settings = GenerationConfig(
        max_new_tokens=limit, do_sample=False, use_cache=True, eos_token_id=END, pad_token_id=PAD, bos_token_id=None
    )
    with torch.inference_mode():
        sequences = model.generate(
            **inputs, generation_config=settings, logits_processor=LogitsProcessorList([WellFormed(model)])
        )
    outputs = sequences[:, inputs["input_ids"].shape[1] :].tolist()
    return [row[: row.index(END) + 1] if END in row else row for row in outputs]


def measure(model: GridLM, plain: Generating, solver: NeuralSolver, task: Task, rounds: int) -> Row:
    views = inference_views(VIEWS, len(task.train), 0)
    prompts = [solver.prompt(task, 0, view) for view in views]
    limit = max(len(grid_tokens(grid)) for grid in [*(example.output for example in task.train), task.test_inputs[0]])
    ours_seconds, plain_seconds = [], []
    for _ in range(rounds):
        begun = time.process_time()
        expected = generate(plain, prompts, limit)
        plain_seconds.append(time.process_time() - begun)
        begun = time.process_time()
        found = decode_greedy(model, prefill(model, prompts, limit), max_new_tokens=limit)
        ours_seconds.append(time.process_time() - begun)
    grids = [decode_grid(tokens) for tokens in expected]
    same = sum(
        left is right if left is None or right is None else np.array_equal(left, right)
        for left, right in zip(grids, (decoded.grid for decoded in found), strict=True)
    )
    count = sum(map(len, expected))
    return Row(
        task.task_id,
        sum(map(len, prompts)),
        count,
        count / min(plain_seconds),
        count / min(ours_seconds),
        same,
        len(views),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = load_tasks("arc-agi-1/fit")
    model = load_model(arguments.model, "cpu", torch.float32)
    plain = Generating(model.config).eval()
    plain.load_state_dict(model.state_dict())
    solver = NeuralSolver(NeuralConfig())
    rows = []
    for task in data.tasks[:: max(1, len(data.tasks) // arguments.tasks)][: arguments.tasks]:
        rows.append(measure(model, plain, solver, task, arguments.rounds))
        print(json.dumps(asdict(rows[-1])), flush=True)
    gain = float(np.exp(np.mean([np.log(row.tokens_per_second / row.plain_tokens_per_second) for row in rows])))
    same, views = sum(row.same_outputs for row in rows), sum(row.views for row in rows)
    print(f"decoded tokens per second of processor time, against generate: {gain:.2f}x; same outputs {same} of {views}")
    if arguments.output is not None:
        result = {
            "machine": hardware_kind(torch.device("cpu")),
            "model_hash": hash_of_model(arguments.model),
            "data_hash": data.data_hash,
            "gain": gain,
            "rows": [asdict(row) for row in rows],
        }
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
