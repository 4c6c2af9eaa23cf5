"""Measure a network by the size of grids: its loss on tasks that no network was trained on, without adaptation.

    python -m benchmarks.bench_sizes embedded other_weights/ --re-arc re_arc.zip --output sizes.json

Two kinds of sequences: the tasks of `dev` as they are, and pairs that RE-ARC has for their rules (five of them, fewer
where they are long), for each class of sizes as many, drawn with a fixed seed. Networks are read in the order given.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from dsl.task import Example
from ensemble.attention import mixed_precision
from ensemble.corpus import dev_tasks, read_re_arc
from ensemble.encode import EncodedSequence, encode_pairs, encoded_length
from ensemble.model import GridLM, load_model
from ensemble.optimizer import has_bfloat16_units
from ensemble.pretrain import measure

SIZES = ((1, 10), (11, 20), (21, 30))
"""Longest side of a pair's grids: least and most of each class."""
PAIRS = 5
"""Pairs in a sequence of RE-ARC, if they fit."""
MAX_TOKENS = 3000
"""Longest sequence."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="'embedded' or a folder with weights")
    parser.add_argument("--re-arc", type=Path, required=True, help="RE-ARC's zip or folder")
    parser.add_argument("--sequences", type=int, default=64, help="sequences of RE-ARC of each class")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    known = dev_tasks()
    sets = dict(_by_size("dev", [list(examples) for examples in known.values()]))
    generated = [pairs for _, pairs in read_re_arc(arguments.re_arc, sorted(known))]
    sets |= _by_size("RE-ARC", _draws(generated, arguments.sequences))
    rows = [{"model": Path(model).name, **_scores(model, sets)} for model in arguments.models]
    arguments.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"{'':20}" + "".join(f"{row['model']:>16}" for row in rows))
    for name, sequences in sets.items():
        losses = "".join(f"{row[name]['loss']:16.3f}" for row in rows)
        print(f"{name:20}{losses}    {len(sequences)} sequences")


def _longest_side(examples: Sequence[Example]) -> int:
    return max(side for example in examples for grid in (example.input, example.output) for side in grid.shape)


def _by_size(name: str, tasks: Sequence[Sequence[Example]]) -> Iterator[tuple[str, list[EncodedSequence]]]:
    """Yield the tasks of each class of sizes, encoded; those that are too long, even for two pairs, are left out."""
    for least, most in SIZES:
        chosen = [examples for examples in tasks if least <= _longest_side(examples) <= most]
        sequences = [encode_pairs(examples) for examples in chosen if encoded_length(examples) <= MAX_TOKENS]
        if sequences:
            yield f"{name}, {least} to {most}", sequences


def _draws(generated: Sequence[Sequence[Example]], count: int) -> list[list[Example]]:
    """Return pairs of one rule and of one class of sizes, ``count`` times for each class, the rules in turn."""
    rng = np.random.default_rng(0)
    drawn = []
    for least, most in SIZES:
        rules = [[pair for pair in pairs if least <= _longest_side([pair]) <= most] for pairs in generated]
        rules = [pairs for pairs in rules if len(pairs) >= PAIRS]
        for turn in range(count):
            pairs = rules[turn % len(rules)]
            examples = [pairs[i] for i in rng.choice(len(pairs), PAIRS, replace=False)]
            while encoded_length(examples) > MAX_TOKENS and len(examples) > 2:
                examples.pop()
            drawn.append(examples)
    return drawn


def _scores(name: str, sets: dict[str, list[EncodedSequence]]) -> dict[str, dict[str, float]]:
    device = torch.device("cpu")
    model = load_model(name, device)
    assert isinstance(model, GridLM), f"{name} is no network of grid tokens"
    model = model.float()
    with mixed_precision(model) if has_bfloat16_units(device) else nullcontext():
        return {key: asdict(measure(model, sequences, device, batch_size=4)) for key, sequences in sets.items()}


if __name__ == "__main__":
    main()
