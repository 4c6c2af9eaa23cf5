"""From a data set and a configuration to a finished run folder: hashes, workers, logs, status."""

import contextlib
import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.config import Config
from ensemble.data import DataSet, hash_of_answers
from ensemble.errors import ConfigError, RunError
from ensemble.executors import Executor, LocalExecutor
from ensemble.fingerprint import available_cores, content_hashes, digest_of, machine, solver_keys, versions
from ensemble.merge import get_rule
from ensemble.pipeline import Observer, Outcome, run
from ensemble.plugins import check_plugins, load_plugins, plugin_digests
from ensemble.recorder import WORKER_LOGS, open_recorder
from ensemble.solvers import make_solver
from ensemble.store import FORMAT, LOG_FILE
from ensemble.worker import Factory, Setup

EXECUTORS = ("local", "ray")
SLOW_WARM_UP_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """How to run, as opposed to what is computed.

    Attributes:
        folder: run folder.
        workers: number of worker processes; None for one a core, or one a GPU if the network runs on GPUs.
        executor: ``local`` or ``ray``.
        fresh: start over in the folder.
        plugins: files with user primitives.
        factory: builds the solvers.
    """

    folder: Path
    workers: int | None = None
    executor: str = "local"
    fresh: bool = False
    plugins: tuple[Path, ...] = ()
    factory: Factory = make_solver


def launch(
    dataset: DataSet,
    config: Config,
    options: Launch,
    *,
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = log.info,
) -> Outcome:
    """Solve a data set into a run folder.

    Args:
        dataset: tasks to solve; the answers are not used.
        config: what is computed.
        options: how.
        observer: hears what happens.
        should_stop: asked all the time; True ends the run early.
        say: gets lines for people about what takes time before the first task.

    Raises:
        RunError: the folder cannot be used, or no solver can run.
        ConfigError: a setting or plugin is wrong.
    """
    if options.executor not in EXECUTORS:
        raise ConfigError(f"unknown executor {options.executor!r}; known: {', '.join(EXECUTORS)}")
    get_rule(config.merge.rule)
    if options.folder.resolve() in [Path(folder).resolve() for folder in config.replay.runs]:
        raise ConfigError(f"{options.folder} cannot replay itself: name another run folder with -o")
    load_plugins(options.plugins)
    check_plugins(options.plugins)
    executor = _make_executor(config, options)
    recorder = open_recorder(options.folder, _describe(dataset, config, options), fresh=options.fresh)
    status = "error"
    try:
        with _log_file(options.folder / LOG_FILE):
            _warm_up(config, say)
            outcome = run(dataset.tasks, config, recorder, executor, observer=observer, should_stop=should_stop)
            status = "interrupted" if outcome.interrupted else "done"
            return outcome
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        try:
            with contextlib.suppress(RunError) if status == "error" else contextlib.nullcontext():
                if recorder.is_published:
                    recorder.publish(status=status, finished=_now())
        finally:
            recorder.close()


def _describe(dataset: DataSet, config: Config, options: Launch) -> dict[str, Any]:
    """Return the content of ``run.json``."""
    hashes = content_hashes(config)
    return {
        "format": FORMAT,
        "status": "running",
        "target": dataset.target,
        "solutions": str(dataset.solutions) if dataset.solutions else None,
        "data_hash": dataset.data_hash,
        "answers_hash": hash_of_answers(dataset.answers) if dataset.answers else None,
        "task_ids": list(dataset.task_ids),
        "seed": config.seed,
        "config": config.model_dump(mode="json"),
        "language_hash": hashes["language"],
        "model_hash": hashes["model"],
        "replay_hash": hashes["replay"],
        "solver_keys": solver_keys(config, hashes),
        "plugins": plugin_digests(options.plugins),
        "executor": options.executor,
        "workers": workers_for(config, options.workers),
        "versions": versions(),
        "machine": machine(),
        "started": _now(),
        "finished": None,
    }


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def workers_for(config: Config, workers: int | None) -> int:
    """Return the number of workers: as asked, else one a GPU if the network runs on GPUs, else one a core."""
    if workers is not None:
        return workers
    return len(gpus_for(config)) or available_cores()


def gpus_for(config: Config) -> tuple[str, ...]:
    """Return the CUDA devices that the workers share; none if the network does not run or not on CUDA."""
    if "neural" not in config.solvers or config.neural.device not in ("auto", "cuda"):
        return ()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(part.strip() for part in chosen.split(",") if part.strip() not in ("", "-1"))
    if shutil.which("nvidia-smi") is None:
        return ()
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return tuple(listed.stdout.split()) if listed.returncode == 0 else ()


def _make_executor(config: Config, options: Launch) -> Executor:
    setup = Setup(config, options.factory, options.plugins)
    workers = workers_for(config, options.workers)
    memory_bytes = int(config.memory_gb * 2**30)
    if options.executor == "ray":
        from ensemble.ray_executor import RayExecutor

        return RayExecutor(workers, setup, gpus=len(gpus_for(config)))
    return LocalExecutor(
        workers, setup, memory_bytes=memory_bytes, logs=options.folder / WORKER_LOGS, gpus=gpus_for(config)
    )


def _warm_up(config: Config, say: Callable[[str], None]) -> None:
    """Compile the kernels once, here, so that the workers find them in the cache."""
    searches = "neural" in config.solvers and config.neural.model == "embedded"  # for auxiliary tasks
    if "symbolic" not in config.solvers and not searches:
        return
    from dsl.search.warm import compile_all

    slow = threading.Timer(
        SLOW_WARM_UP_SECONDS,
        say,
        ["compiling kernels: once on this machine, about a minute; the next run starts at once"],
    )
    slow.start()
    try:
        compile_all()
    finally:
        slow.cancel()


@contextlib.contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Write what the project logs to a file as well."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.INFO)
    logger = logging.getLogger("ensemble")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        with contextlib.suppress(OSError):  # a full disk, which the run itself has met
            handler.close()


def default_folder(dataset: DataSet, config: Config, plugins: tuple[Path, ...] = ()) -> Path:
    """Return the run folder of a command that names none: the same for the same target and settings.

    Raises:
        ConfigError: a plugin cannot be read.
    """
    settings = [dataset.target, dataset.data_hash, config.model_dump(mode="json"), plugin_digests(plugins)]
    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in dataset.name)
    return Path("runs") / f"{name}-{digest_of(settings)[:8]}"
