from pathlib import Path

import pytest

from ensemble.config import Config
from ensemble.fingerprint import (
    SOURCES,
    available_cores,
    content_hashes,
    hash_of_model,
    machine,
    solver_keys,
    versions,
)
from tests.test_imports import MODULES, imports_of

HASHES = {"language": "l", "model": "m", "replay": None}
BASE = {"solvers": ("symbolic", "neural")}


def keys(hashes=HASHES, **changes):
    return solver_keys(Config(**{**BASE, **changes}), hashes)


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"seed": 1}, {"symbolic", "neural"}),
        ({"seconds": 7.0}, {"symbolic", "neural"}),
        ({"memory_gb": 2.0}, {"symbolic", "neural"}),
        ({"symbolic": {"max_candidates": 3}}, {"symbolic", "neural"}),
        ({"neural": {"model": "other"}}, {"neural"}),
        ({"merge": {"rule": "flat"}}, set()),
        ({"merge": {"max_judged_cells": 0}}, {"neural"}),
        ({"merge": {"invariants": False}}, {"neural"}),
        ({"solvers": ("neural", "symbolic")}, {"symbolic", "neural"}),
    ],
)
def test_a_solvers_key_changes_with_what_decides_its_result(changes, changed):
    before, after = keys(), keys(**changes)
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.parametrize(("part", "changed"), [("language", {"symbolic", "neural"}), ("model", {"neural"})])
def test_a_solvers_key_changes_with_its_content(part, changed):
    before, after = keys(), keys({**HASHES, part: "new"})
    assert {name for name in before if before[name] != after[name]} == changed


def test_the_networks_key_changes_with_the_drafts_that_it_judges():
    alone = {"solvers": ("neural",), "steps": 5}
    assert keys(steps=5)["neural"] != keys(**alone)["neural"]
    assert keys(**alone, nodes=10)["neural"] == keys(**alone)["neural"]


def test_a_bound_on_nodes_takes_the_clock_out_of_the_key():
    assert keys(nodes=10)["symbolic"] == keys(nodes=10, seconds=7.0)["symbolic"]
    assert keys(nodes=10)["symbolic"] == keys(nodes=10, solvers=("symbolic",))["symbolic"]
    assert keys(nodes=10)["symbolic"] != keys(nodes=11)["symbolic"]


def test_model_hash_follows_the_weights_not_the_card(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = hash_of_model(str(tmp_path))
    (tmp_path / "README.md").write_text("words")
    assert hash_of_model(str(tmp_path)) == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert hash_of_model(str(tmp_path)) != first
    assert hash_of_model("somebody/model") != hash_of_model("somebody/other")


def test_every_named_source_exists():
    root = Path(__file__).parent.parent
    assert all(list(root.glob(pattern)) for patterns in SOURCES.values() for pattern in patterns)


@pytest.mark.parametrize("solver", SOURCES)
def test_whatever_a_solver_imports_is_among_its_sources(solver):
    root = Path(__file__).parent.parent
    files = {path for pattern in SOURCES[solver] for path in root.glob(pattern) if path.suffix == ".py"}
    own = {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in files}
    reached = {name for module in own for name in imports_of(module, lazy=True) if name in MODULES}
    assert reached - own <= {"ensemble", "ensemble.config", "ensemble.errors", "ensemble.types"}


def test_only_what_runs_is_hashed():
    assert content_hashes(Config(solvers=("identity",))) == {"language": None, "model": None, "replay": None}


def test_machine_and_versions_are_plain_values():
    assert machine()["cores"] == available_cores() >= 1
    assert versions()["numpy"]
