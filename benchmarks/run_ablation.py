"""Run one claim: a few variants of a configuration on the same tasks, each compared with the first.

    python -m benchmarks.run_ablation benchmarks/ablations/adaptation.toml [--runs runs/ablations] [--output FILE]

A claim is a TOML file: ``claim`` (one sentence), ``target``, ``shortest`` (optional: only so many tasks, those of the
fewest grid tokens), ``settings`` (of all variants, as for ``solve --config``) and ``variants``, a table of settings for
each, in order. ``replay.runs`` may name an earlier variant instead of a folder. Every variant is a run folder, and a
stopped command continues where it was. The result holds scores, comparisons, machine, seed and hashes.
"""

import argparse
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.summarize import summarize
from ensemble.comparison import compare
from ensemble.config import Config, build_config, joined, with_overrides
from ensemble.data import DataSet, load_tasks
from ensemble.encode import encoded_length
from ensemble.launch import Launch, launch
from ensemble.store import open_run


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file says.

    Attributes:
        claim: what is to be shown.
        target: data set.
        shortest: how many tasks, those of the fewest tokens; None for all.
        settings: plain values of the configuration, for every variant.
        variants: further values by name, the first one the base of comparison.
    """

    claim: str
    target: str
    shortest: int | None
    settings: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]


def read_claim(path: Path) -> Claim:
    """Read a claim; raises ``KeyError`` or ``TypeError`` where the file is none."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    return Claim(**{"shortest": None, "settings": {}, **values})


def config_of(claim: Claim, variant: str, runs: Path) -> Config:
    """Return the configuration of a variant; names of variants in ``replay.runs`` become their folders."""
    values = joined(claim.settings, claim.variants[variant])
    replayed = values.get("replay", {}).get("runs", [])
    folders = [str((runs / name).resolve()) if name in claim.variants else name for name in replayed]
    return build_config(with_overrides(values, {"replay.runs": folders or None}))


def tasks_of(claim: Claim, limit: int | None) -> DataSet:
    """Return the tasks of a claim, the first ``limit`` of them."""
    data = load_tasks(claim.target)
    if claim.shortest is not None:
        tokens = {task.task_id: encoded_length(task.train, task.test_inputs[0]) for task in data.tasks}
        data = data.select(sorted(tokens, key=lambda task_id: (tokens[task_id], task_id))[: claim.shortest])
    return data if limit is None else data.select(data.task_ids[:limit])


def main() -> None:
    """Run, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claim", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"), help="folder of the run folders")
    parser.add_argument("--output", type=Path, help="result file, .json")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--limit", type=int, help="only so many tasks: no result")
    arguments = parser.parse_args()
    claim, runs = read_claim(arguments.claim), arguments.runs / arguments.claim.stem
    data = tasks_of(claim, arguments.limit)
    result: dict[str, Any] = {"claim": claim.claim, "variants": {}}
    print(claim.claim)
    for variant in claim.variants:
        config = config_of(claim, variant, runs)
        outcome = launch(data, config, Launch(runs / variant, workers=arguments.workers))
        if outcome.interrupted:
            raise SystemExit(130)
        first = next(iter(claim.variants))
        with open_run(runs / variant) as run, open_run(runs / first) as base:
            found = summarize(run, run.config.merge)
            against = compare(base, run).as_json() if variant != first else None
        result["variants"][variant] = {**found, "against_first": against}
        print(f"{variant:<24}{line_of(found, against)}", flush=True)
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def line_of(found: Mapping[str, Any], against: Mapping[str, Any] | None) -> str:
    """Return figures of one variant for people."""
    scores = found["scores"]["all"]
    one, two, any_right = (scores[level]["task"]["n"] for level in ("pass@1", "pass@2", "oracle"))
    text = f"pass@2 {two}/{scores['pass@2']['task']['of']}, pass@1 {one}, any candidate {any_right}"
    if against is None:
        return text
    gained, lost = len(against["gained"]), len(against["lost"])
    return f"{text}; +{gained}/-{lost}, exact McNemar p = {against['mcnemar']['p_value']:.2g}"


if __name__ == "__main__":
    main()
