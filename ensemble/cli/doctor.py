"""``doctor``: what this machine and this installation can do."""

import json
from typing import Annotated, Any

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    preset: Annotated[str | None, typer.Option(help="Time this model preset here.")] = None,
    model: Annotated[str | None, typer.Option(help="Time this model here: embedded, a folder, or a hub id.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
) -> None:
    """Print machine, versions, devices, weights and cache folder, and time a kernel and a matrix product.

    With --preset or --model, only time a step of adaptation and decoding, and estimate the hours of a benchmark.
    """
    if preset is None and model is None:
        findings = {**_machine(), **_packages(), **_network(), **_search()}
    else:
        findings = _model(preset, model, device)
    if as_json:
        typer.echo(json.dumps(findings, indent=1))
        return
    for key, value in findings.items():
        typer.echo(f"{key:<18}{value}")


def _model(preset: str | None, model: str | None, device: str | None) -> dict[str, Any]:
    """Time the model and say what 400 tasks take, by its settings and within the time limit."""
    from ensemble.config import load_config
    from ensemble.fingerprint import available_cores
    from ensemble.presets import MODEL_PRESETS, warning_about
    from ensemble.rehearse import rehearse

    config = load_config(None, {"neural.model": model, "neural.device": device}, preset=preset)
    known = MODEL_PRESETS.get(preset or "")
    found: dict[str, Any] = {"model": config.neural.model}
    if known is not None:
        score = "none" if known.score is None else f"{known.score} %"
        found |= {"licence": known.licence, "published": f"{score} ({known.source})"}
        found |= {"memory": f"{known.memory_gb:g} GB on the device"}
    warning = warning_about(config.neural.model)
    if warning is not None:
        typer.echo(warning, err=True)
    times = rehearse(config)
    steps = config.neural.adaptation.max_steps
    seconds = times.task_seconds(steps)
    workers = available_cores() if config.neural.device == "cpu" or not _has_accelerator() else 1
    return found | {
        "step": f"{times.step_seconds:.2f} s with {times.tokens} tokens a sequence",
        "prefill": f"{times.prefill_seconds:.2f} s a view",
        "decoding": f"{times.decode_seconds * 1000:.0f} ms a token of {times.views} views",
        "mean task": f"{seconds:.0f} s with {steps} steps and {times.views} views",
        "400 tasks": f"{400 * seconds / workers / 3600:.1f} hours with {workers} worker(s) on this machine",
        "within limit": f"at most {400 * config.seconds / workers / 3600:.1f} hours with --seconds {config.seconds:g}, "
        "which ends adaptation earlier and decodes fewer views",
    }


def _has_accelerator() -> bool:
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _machine() -> dict[str, Any]:
    from ensemble.fingerprint import machine

    found = machine()
    return {
        "system": found["system"],
        "processor": found["processor"],
        "cores": found["cores"],
        "memory": f"{found['memory_bytes'] / 2**30:.1f} GB",
    }


def _packages() -> dict[str, Any]:
    from ensemble.fingerprint import versions

    return {name: version or "not installed" for name, version in versions().items()}


def _network() -> dict[str, Any]:
    """Say whether the neural solver can run, and on what."""
    from ensemble.fingerprint import EMBEDDED_WEIGHTS

    weights = sorted(EMBEDDED_WEIGHTS.glob("*.safetensors"))
    megabytes = sum(path.stat().st_size for path in weights) / 1e6
    found = {"weights": f"{megabytes:.1f} MB in {EMBEDDED_WEIGHTS}" if weights else f"none in {EMBEDDED_WEIGHTS}"}
    try:
        import torch
    except ImportError as error:
        return found | {"neural": f"cannot run: {error}"}
    devices = ["cpu"]
    for i in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(i)
        devices.append(f"cuda:{i} {torch.cuda.get_device_name(i)}, {free / 2**30:.0f} of {total / 2**30:.0f} GB free")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return found | {"devices": "; ".join(devices), "matrix product": _time_product(torch)}


def _time_product(torch: Any) -> str:
    import time

    size, rounds = 1024, 5
    left = torch.ones(size, size)
    left @ left
    started = time.monotonic()
    for _ in range(rounds):
        left @ left
    seconds = (time.monotonic() - started) / rounds
    return f"{2 * size**3 / seconds / 1e9:.0f} GFLOP/s in float32 on the CPU, {torch.get_num_threads()} threads"


def _search() -> dict[str, Any]:
    """Say how many primitives there are, where compiled kernels are kept, and how long it takes to load them."""
    import time

    import numba

    from dsl.registry import all_primitives, language_hash
    from dsl.search.warm import warm_up

    started = time.monotonic()
    warm_up()
    seconds = time.monotonic() - started
    return {
        "primitives": len(all_primitives()),
        "language hash": language_hash(),
        "kernel cache": numba.config.CACHE_DIR or "beside the sources",
        "kernels": f"ready in {seconds:.1f} s",
    }
