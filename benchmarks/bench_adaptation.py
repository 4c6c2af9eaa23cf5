"""Time test-time training against a plain loop of transformers and peft: same network, adapter, sequences and rate.

python -m benchmarks.bench_adaptation [--model embedded] [--steps 16] [--rounds 3] [--output FILE]

Both train the same rank from the same random numbers on the same packed sequences of some `arc-agi-1/fit` tasks, one
sequence a step, at the same rates and with the same bound on gradients. The plain loop is what their documentation
shows: `get_peft_model`, float32, `torch.optim.AdamW`, `LambdaLR`. Counts seconds of processor time, since other work
may share the machine; rounds take turns, and each keeps its fastest.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch.optim.lr_scheduler import LambdaLR

from dsl.task import Task
from ensemble.adaptation.engine import ADAMW_RATE, GRADIENT_NORM, Bound, schedule
from ensemble.adaptation.training_sets import training_sequences
from ensemble.config import NeuralConfig, build_section
from ensemble.data import load_tasks
from ensemble.encode import collate
from ensemble.fingerprint import hash_of_model
from ensemble.model import load_model
from ensemble.model_card import hardware_kind
from ensemble.ttt import adapted

CONFIG = build_section(NeuralConfig, {"adaptation": {"optimizer": "adamw"}})


@dataclass(frozen=True, slots=True)
class Row:
    """One task: tokens in a step on average, steps per second of processor time, mean loss of the last steps."""

    task_id: str
    tokens: int
    plain_steps_per_second: float
    steps_per_second: float
    plain_loss: float
    loss: float


def time_plain(name: str, task: Task, steps: int) -> tuple[float, float, int]:
    """Return seconds of processor time, the mean loss of the last half, and tokens."""
    settings = CONFIG.adaptation
    model = load_model(name, "cpu", torch.float32)
    torch.manual_seed(0)
    rank, alpha = settings.rank, settings.alpha
    wrapped = get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, use_rslora=True, target_modules="all-linear"))
    trained = [parameter for parameter in wrapped.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, ADAMW_RATE, weight_decay=0.0)
    rates = LambdaLR(optimizer, lambda step: schedule(step, settings.warmup_steps, step / steps))
    sequences = training_sequences(task.train, settings, CONFIG.max_tokens, np.random.default_rng(0))
    losses, tokens, begun = [], 0, time.process_time()
    for sequence in islice(sequences, steps):
        batch = collate([sequence])
        loss = wrapped(**batch.inputs(), labels=batch.labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, GRADIENT_NORM)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
        tokens += batch.tokens.numel()
    return time.process_time() - begun, float(np.mean(losses[steps // 2 :])), tokens


def time_adapted(name: str, task: Task, steps: int) -> tuple[float, float]:
    """Return seconds of processor time and the mean loss of the last half."""
    model = load_model(name, "cpu", torch.float32)
    begun = time.process_time()
    bound = Bound(steps)
    with adapted(model, task.train, CONFIG.adaptation, max_tokens=CONFIG.max_tokens, seed=0, bound=bound) as report:
        return time.process_time() - begun, float(np.mean(report.losses[steps // 2 :]))


def measure(name: str, task: Task, steps: int, rounds: int) -> Row:
    plain, ours = [], []
    for _ in range(rounds):
        plain.append(time_plain(name, task, steps))
        ours.append(time_adapted(name, task, steps))
    return Row(
        task.task_id,
        plain[0][2] // steps,
        steps / min(seconds for seconds, _, _ in plain),
        steps / min(seconds for seconds, _ in ours),
        plain[0][1],
        ours[0][1],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--tasks", type=int, default=6)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = load_tasks("arc-agi-1/fit")
    rows = []
    for task in data.tasks[:: max(1, len(data.tasks) // arguments.tasks)][: arguments.tasks]:
        rows.append(measure(arguments.model, task, arguments.steps, arguments.rounds))
        print(json.dumps(asdict(rows[-1])), flush=True)
    gains = [row.steps_per_second / row.plain_steps_per_second for row in rows]
    print(f"steps per second of processor time, against the plain loop: {np.exp(np.mean(np.log(gains))):.2f}x")
    if arguments.output is not None:
        result = {
            "machine": hardware_kind(torch.device("cpu")),
            "model_hash": hash_of_model(arguments.model),
            "data_hash": data.data_hash,
            "steps": arguments.steps,
            "gain": float(np.exp(np.mean(np.log(gains)))),
            "rows": [asdict(row) for row in rows],
        }
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
