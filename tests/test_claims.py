"""Claims of ``benchmarks/ablations``: every file is one, and its variants are valid settings."""

from pathlib import Path

import pytest

from benchmarks.run_ablation import config_of, read_claim, tasks_of
from ensemble.data import NAMED_SETS

FILES = sorted((Path(__file__).parent.parent / "benchmarks" / "ablations").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_claim_names_a_data_set_and_valid_variants(path, tmp_path):
    claim = read_claim(path)
    assert claim.target in NAMED_SETS
    assert len(claim.variants) > 1
    configs = [config_of(claim, variant, tmp_path).model_dump_json() for variant in claim.variants]
    assert len(set(configs)) == len(configs)


def test_a_variant_replays_the_folder_of_another(tmp_path):
    claim = read_claim(next(path for path in FILES if path.stem == "share_time"))
    assert config_of(claim, "shared", tmp_path).replay.runs == (str(tmp_path / "search"),)


def test_the_shortest_tasks_are_those_of_fewest_cells():
    claim = read_claim(next(path for path in FILES if path.stem == "views"))
    chosen = tasks_of(claim, None)
    assert len(chosen.tasks) == claim.shortest
    assert len(tasks_of(claim, 5).tasks) == 5
