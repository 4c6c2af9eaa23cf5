"""Time adaptation and decoding of a network of Qwen2.5-0.5B's shape against plain transformers and peft.

python -m benchmarks.bench_llm [--tasks 1] [--steps 2] [--layers 24] [--output FILE]

The weights are random: nothing is downloaded, and only time, memory and equality are measured. Each stage runs in a
process of its own on one thread, so that its peak memory is its own, and counts processor time:

- plain: `transformers.Trainer` and `get_peft_model`, the whole vocabulary of 151,936, as their documentation shows;
- cut: the same with the vocabulary cut to the 16 tokens in use;
- ours: `ensemble.ttt.adapted`, which has the cut vocabulary and the steps of `ensemble.adaptation.lean`;
- generate: `model.generate` on 8 views, the whole vocabulary, restricted to tokens that can go on a grid;
- cached: `ensemble.cache.prefill` and `ensemble.decode.decode_greedy` on the same views.

All train the paper's adapter (rank 128 on queries, values and feed-forward layers) on the same sequences of some
`arc-agi-1/fit` tasks, one a step. All stages run in float32, where the losses of `cut` and `ours` must agree, as must
the tokens of the last two. Where the processor has bfloat16 units, which ours uses there by itself, all but `cut` run
once more with them: `Trainer` with `bf16=True`, `generate` with bfloat16 weights.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import get_peft_model
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Trainer,
    TrainingArguments,
)

import ensemble.ttt
from dsl.task import Task
from ensemble.adaptation.engine import Bound, schedule
from ensemble.adaptation.lora_files import lora_config
from ensemble.adaptation.products import speed_up_few_rows
from ensemble.adaptation.training_sets import training_sequences
from ensemble.adopt import cut_vocabulary
from ensemble.augment import inference_views
from ensemble.cache import prefill
from ensemble.config import AdaptationConfig, NeuralConfig
from ensemble.data import load_tasks
from ensemble.decode import decode_greedy
from ensemble.encode import END, IGNORE, EncodedSequence, encoded_length
from ensemble.formats import SETTING
from ensemble.formats.grammar import GridShape
from ensemble.model_card import hardware_kind
from ensemble.optimizer import has_bfloat16_units
from ensemble.solvers.neural import NeuralSolver
from ensemble.ttt import adapted

SETTINGS = AdaptationConfig(
    rank=128,
    alpha=16.0,
    rank_stabilized=False,
    targets=("q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"),
    learning_rate=5e-5,
    weight_decay=0.01,
    warmup_steps=1,
)
TOKEN_IDS = [15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 198, 40, 46, 2, 3, 30]
"""Rows of the whole vocabulary that stand for the grid tokens; with random weights any will do."""
MAX_TOKENS, VIEWS, NEW_TOKENS = 3072, 8, 24
HOURS, TASKS, CORES, MEAN_TOKENS, MEAN_OUTPUT = 9, 400, 2, 1968, 258
"""A benchmark run, and the mean task of ARC-AGI-1 evaluation: tokens of its sequence, and of an output."""


def build(num_layers: int, *, cut: bool, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    """Return the network with random weights."""
    config = Qwen2Config(
        vocab_size=151936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=num_layers,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=32768,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=True,
        use_sliding_window=False,
    )
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config).to(dtype).eval().requires_grad_(False)
    if cut:
        cut_vocabulary(model, {"token_ids": TOKEN_IDS, "pieces": {"after_answer": [[END]]}})
        delattr(model.config, SETTING)  # so that it reads the grid tokens, as the plain side does
    return model


def tasks_of(count: int) -> list[Task]:
    """Return tasks of 500 to 1,100 tokens, spread over the lengths."""
    data = load_tasks("arc-agi-1/fit")
    fitting = sorted(
        (task for task in data.tasks if 500 <= encoded_length(task.train) <= 1100),
        key=lambda task: (encoded_length(task.train), task.task_id),
    )
    return [fitting[(2 * k + 1) * len(fitting) // (2 * count)] for k in range(count)]


def decoded_task() -> Task:
    """Return a task whose prompts have about 200 tokens: `generate` takes minutes for longer ones."""
    data = load_tasks("arc-agi-1/fit")
    return min(data.tasks, key=lambda task: (abs(encoded_length(task.train, task.test_inputs[0]) - 200), task.task_id))


class InOrder(Trainer):  # type: ignore[misc]
    """``Trainer`` that takes the sequences as they come."""

    def _get_train_sampler(self, *_: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)


def train_plain(model: PreTrainedModel, task: Task, steps: int, ids: list[int], *, mixed: bool) -> dict[str, Any]:
    """Train by ``Trainer``; ``ids`` translate grid tokens."""
    sequences = list(islice(training_sequences(task.train, SETTINGS, MAX_TOKENS, np.random.default_rng(0)), steps))
    rows = np.array(ids)
    data = [
        {
            "input_ids": torch.from_numpy(rows[sequence.tokens]),
            "labels": torch.from_numpy(np.where(sequence.labels == IGNORE, IGNORE, rows[sequence.labels.clip(0)])),
        }
        for sequence in sequences
    ]
    torch.manual_seed(0)
    wrapped = get_peft_model(model, lora_config(SETTINGS))
    optimizer = torch.optim.AdamW(
        [parameter for parameter in wrapped.parameters() if parameter.requires_grad],
        SETTINGS.learning_rate,
        weight_decay=SETTINGS.weight_decay,
    )
    rates = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: schedule(step, SETTINGS.warmup_steps, step / steps)
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=1,
            max_steps=steps,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            bf16=mixed,
            disable_tqdm=True,
        )
        trainer = InOrder(wrapped, arguments, train_dataset=data, optimizers=(optimizer, rates))
        begun = time.process_time()
        trainer.train()
        seconds = time.process_time() - begun
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    wrapped.unload()
    return {"seconds": seconds, "tokens": sum(map(len, sequences)), "losses": losses}


def train_ours(model: PreTrainedModel, task: Task, steps: int) -> dict[str, Any]:
    begun = time.process_time()
    with adapted(model, task.train, SETTINGS, max_tokens=MAX_TOKENS, seed=0, bound=Bound(steps)) as report:
        seconds = time.process_time() - begun
    return {"seconds": seconds, "tokens": report.tokens, "losses": report.losses}


class WellFormed(LogitsProcessor):  # type: ignore[misc]
    """Allow tokens that can go on a grid, and note when the first one is chosen."""

    def __init__(self, count: int) -> None:
        self.shape, self.rows = GridShape.begin(count, torch.device("cpu")), torch.tensor(TOKEN_IDS)
        self.first = 0.0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if not self.first:
            self.first = time.process_time()
        else:
            self.shape.advance((input_ids[:, -1:] == self.rows).int().argmax(1))
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        allowed[:, self.rows] = self.shape.allowed()
        return scores.masked_fill(~allowed, float("-inf"))


def prompts_of(task: Task) -> list[EncodedSequence]:
    solver = NeuralSolver(NeuralConfig(max_tokens=MAX_TOKENS))
    return [solver.prompt(task, 0, view) for view in inference_views(VIEWS, len(task.train), 0)]


def generate(model: PreTrainedModel, task: Task) -> dict[str, Any]:
    """Decode by ``generate``, padded on the left."""
    prompts = prompts_of(task)
    longest, rows = max(map(len, prompts)), np.array(TOKEN_IDS)
    tokens = np.stack([np.pad(rows[prompt.tokens], (longest - len(prompt), 0)) for prompt in prompts])
    seen = np.stack([np.arange(longest) >= longest - len(prompt) for prompt in prompts])
    well_formed = WellFormed(len(prompts))
    settings = GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0, eos_token_id=TOKEN_IDS[13])
    begun = time.process_time()
    with torch.inference_mode():
        sequences = model.generate(
            input_ids=torch.from_numpy(tokens),
            attention_mask=torch.from_numpy(seen).long(),
            generation_config=settings,
            logits_processor=LogitsProcessorList([well_formed]),
        )
    ended = time.process_time()
    number = {token: k for k, token in enumerate(TOKEN_IDS)}
    outputs = [[number.get(token, -1) for token in row] for row in sequences[:, longest:].tolist()]
    return {
        "prefill_seconds": well_formed.first - begun,
        "decode_seconds": ended - well_formed.first,
        "prompt_tokens": sum(map(len, prompts)),
        "outputs": outputs,
    }


def decode_cached(model: PreTrainedModel, task: Task) -> dict[str, Any]:
    prompts = prompts_of(task)
    begun = time.process_time()
    prefilled = prefill(model, prompts, NEW_TOKENS)
    ran = time.process_time()
    chosen = _record_choices(lambda: decode_greedy(model, prefilled, max_new_tokens=NEW_TOKENS))
    return {
        "prefill_seconds": ran - begun,
        "decode_seconds": time.process_time() - ran,
        "prompt_tokens": sum(map(len, prompts)),
        "outputs": chosen,
    }


def _record_choices(decode: Callable[[], object]) -> list[list[int]]:
    """Return the tokens that are chosen for each prompt while none has ended."""
    advance, steps = GridShape.advance, []

    def noted(shape: GridShape, tokens: Tensor) -> None:
        steps.append(tokens.tolist())
        advance(shape, tokens)

    GridShape.advance = noted  # type: ignore[method-assign]
    try:
        decode()
    finally:
        GridShape.advance = advance  # type: ignore[method-assign]
    whole = [step for step in steps if len(step) == len(steps[0])]
    return [list(row) for row in zip(*whole, strict=True)]


def run_stage(stage: str, layers: int, count: int, steps: int) -> dict[str, Any]:
    """Run a stage in this process; a name that ends with ``-bf16`` wants the processor's bfloat16 units used."""
    torch.set_num_threads(1)
    kind, _, units = stage.partition("-")
    weights = torch.bfloat16 if units and kind not in ("plain", "cut") else torch.float32  # ``Trainer`` casts them
    model = build(layers, cut=kind in ("cut", "ours", "cached"), dtype=weights)
    if kind in ("ours", "cached"):
        speed_up_few_rows(model)
    tasks = tasks_of(count)
    if kind == "ours":
        if not units:
            setattr(ensemble.ttt, "has_bfloat16_units", lambda _: False)  # noqa: B010 - it uses them for any weights
        rows = [train_ours(model, task, steps) for task in tasks]
    elif kind in ("plain", "cut"):
        ids = TOKEN_IDS if kind == "plain" else list(range(16))
        rows = [train_plain(model, task, steps, ids, mixed=bool(units)) for task in tasks]
    else:
        rows = [(generate if kind == "generate" else decode_cached)(model, decoded_task())]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"peak_bytes": peak, "rows": rows}


def call_stage(stage: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run a stage in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_llm", "--stage", stage]
    command += ["--tasks", str(arguments.tasks), "--steps", str(arguments.steps), "--layers", str(arguments.layers)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    print(stage, lines[-1][:300], flush=True)
    found: dict[str, Any] = json.loads(lines[-1])
    return found


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens per second of processor time, by stage."""

    training: dict[str, float]
    prefill: dict[str, float]
    decoding: dict[str, float]

    def steps_that_fit(self, views: int) -> float:
        """Return the steps of a mean task that its share of nine hours on two cores leaves beside decoding."""
        seconds = HOURS * 3600 * CORES / TASKS
        prefill = views * MEAN_TOKENS / _best(self.prefill, "cached")
        # A step of decoding reads all weights, whether for one view or for eight.
        decoding = MEAN_OUTPUT * VIEWS / _best(self.decoding, "cached")
        return max(0.0, seconds - prefill - decoding) * _best(self.training, "ours") / MEAN_TOKENS


def _best(rates: dict[str, float], kind: str) -> float:
    """Return the rate of a kind of stage as it ships: with the processor's bfloat16 units, if that was run."""
    return rates.get(f"{kind}-bf16", rates[kind])


def _gains(rates: dict[str, float], kind: str) -> dict[str, float]:
    """Return the gain of ours, as it ships, over each stage that is not ours."""
    return {stage: _best(rates, kind) / rate for stage, rate in rates.items() if not stage.startswith(kind)}


def rates_of(stages: dict[str, dict[str, Any]]) -> Rates:
    def total(stage: str, key: str) -> float:
        return float(sum(row[key] for row in stages[stage]["rows"]))

    decoders = [stage for stage in stages if stage.startswith(("generate", "cached"))]
    compared = min(len(stages[stage]["rows"][0]["outputs"][0]) for stage in decoders)
    return Rates(
        {s: total(s, "tokens") / total(s, "seconds") for s in stages if s not in decoders},
        {s: total(s, "prompt_tokens") / total(s, "prefill_seconds") for s in decoders},
        {s: VIEWS * compared / total(s, "decode_seconds") for s in decoders},
    )


def _largest_difference(stages: dict[str, dict[str, Any]], left: str, right: str) -> float:
    """Return the largest difference between the losses of two stages, in nats."""
    first, second = (np.concatenate([row["losses"] for row in stages[s]["rows"]]) for s in (left, right))
    return float(np.abs(first - second).max())


def _same_tokens(stages: dict[str, dict[str, Any]], left: str, right: str) -> str:
    """Return how many tokens of how many compared ones are the same."""
    outputs = [stages[stage]["rows"][0]["outputs"] for stage in (left, right)]
    pairs = [(a, b) for x, y in zip(*outputs, strict=True) for a, b in zip(x, y, strict=False)]
    return f"{sum(a == b for a, b in pairs)} of {len(pairs)}"


def summarize(stages: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> dict[str, Any]:
    rates = rates_of(stages)
    cpu = torch.device("cpu")
    return {
        "machine": hardware_kind(cpu),
        "bfloat16_units": has_bfloat16_units(cpu),
        "torch": torch.__version__,
        "data_hash": load_tasks("arc-agi-1/fit").data_hash,
        "layers": arguments.layers,
        "steps": arguments.steps,
        "training_gains": _gains(rates.training, "ours"),
        "prefill_gains": _gains(rates.prefill, "cached"),
        "decoding_gains": _gains(rates.decoding, "cached"),
        "largest_loss_difference": {
            stage: _largest_difference(stages, "cut", stage) for stage in rates.training if stage.startswith("ours")
        },
        "same_tokens": {
            stage: _same_tokens(stages, "generate", stage) for stage in rates.decoding if stage != "generate"
        },
        "tokens_per_second": {
            "training": rates.training,
            "prefill": rates.prefill,
            "decoding": rates.decoding,
        },
        "peak_gigabytes": {stage: found["peak_bytes"] / 1e9 for stage, found in stages.items()},
        "steps_within_nine_hours_by_views": {views: rates.steps_that_fit(views) for views in (1, 2, 8)},
        "stages": stages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage is not None:
        print(json.dumps(run_stage(arguments.stage, arguments.layers, arguments.tasks, arguments.steps)))
        return
    names = ["plain", "cut", "ours", "generate", "cached"]
    if has_bfloat16_units(torch.device("cpu")):
        names += ["plain-bf16", "ours-bf16", "generate-bf16", "cached-bf16"]
    stages = {stage: call_stage(stage, arguments) for stage in names}
    result = summarize(stages, arguments)
    print(json.dumps({key: value for key, value in result.items() if key != "stages"}, indent=1))
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
