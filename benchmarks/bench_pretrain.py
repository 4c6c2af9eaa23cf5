"""Time pre-training steps of several network shapes, and the sampling of composed tasks, on one thread.

python -m benchmarks.bench_pretrain [--json] [--seconds 20] [--batch-size 8]

Prints tokens per second of processor time on composed tasks up to 10x10; padding counts as tokens.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np
import torch

from dsl.sample import SampleOptions, sample_tasks
from ensemble.corpus import Corpus, pack
from ensemble.encode import collate
from ensemble.model import build_model, model_config
from ensemble.model_card import hardware_kind
from ensemble.optimizer import build_optimizer
from ensemble.stream import StreamOptions, TaskStream

SHAPES = ((128, 4, 2, 352), (128, 6, 2, 352), (192, 4, 3, 512), (192, 6, 3, 512), (256, 4, 4, 688), (256, 6, 4, 688))
"""Width, layers, heads, feed-forward width."""
NUM_TASKS = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One shape: parameters, and tokens and steps per second of processor time."""

    width: int
    layers: int
    parameters: int
    tokens_per_second: float
    steps_per_second: float


def composed_corpus() -> tuple[Corpus, float]:
    """Return a corpus of composed tasks and the tasks made per minute of processor time."""
    options = SampleOptions(max_side=10, min_pairs=8, max_pairs=8)
    sampled = sample_tasks(np.random.default_rng(0), 2 * NUM_TASKS, options)
    tasks = list(islice(sampled, NUM_TASKS))  # compiles kernels
    begun = time.process_time()
    tasks += sampled
    per_minute = NUM_TASKS / (time.process_time() - begun) * 60
    return pack("composed", [(str(task.program), task.pairs) for task in tasks]), per_minute


def time_shapes(stream: TaskStream, seconds: float) -> Iterator[Row]:
    """Yield a row for each shape after some seconds of training it."""
    for width, layers, heads, inner in SHAPES:
        model = build_model(model_config(width, layers, heads, inner)).train()
        optimizer = build_optimizer(model, lr=1e-3, adamw_lr=1e-3, weight_decay=0.1)
        tokens, step, begun = 0, 0, 0.0
        while step == 0 or time.process_time() - begun < seconds:
            batch = collate(stream.batch(step))
            model(**batch.inputs(), labels=batch.labels).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if step == 0:
                begun = time.process_time()
            else:
                tokens += batch.tokens.numel()
            step += 1
        spent = time.process_time() - begun
        parameters = sum(parameter.numel() for parameter in model.parameters())
        yield Row(width, layers, parameters, tokens / spent, (step - 1) / spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--batch-size", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    corpus, per_minute = composed_corpus()
    stream = TaskStream([(corpus, 1.0)], StreamOptions(batch_size=arguments.batch_size))
    rows = list(time_shapes(stream, arguments.seconds))
    if arguments.json:
        result = {
            "machine": hardware_kind(torch.device("cpu")),
            "data": corpus.digest,
            "batch_size": arguments.batch_size,
            "composed_tasks_per_minute": per_minute,
            "shapes": [asdict(row) for row in rows],
        }
        print(json.dumps(result, indent=1))
        return
    print(f"composed tasks per minute: {per_minute:.0f}")
    for row in rows:
        shape = f"width {row.width}, {row.layers} layers, {row.parameters / 1e6:.2f}M"
        print(f"{shape:32} {row.tokens_per_second:7.0f} tokens/s {row.steps_per_second:6.2f} steps/s")


if __name__ == "__main__":
    main()
