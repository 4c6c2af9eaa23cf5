"""User primitives: Python files that register themselves when they are run."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from importlib.machinery import SourceFileLoader
from pathlib import Path

from ensemble.errors import ConfigError

PACKAGE = "arc_ensemble_plugins"
CHECKED_CALLS = 12
"""Random calls of each primitive before a search uses it; ``dsl check`` makes more."""


class _Quiet(SourceFileLoader):
    """Load a file without leaving compiled code in its folder, which is the user's."""

    def set_data(self, path: str, data: object, *, _mode: int = 0o666) -> None:
        """Write nothing."""


def load_plugins(paths: Iterable[Path]) -> None:
    """Run files that define primitives under ``@primitive``.

    Raises:
        ConfigError: a file is not there, or fails while it runs.
    """
    for path in paths:
        load_plugin(path)


def check_plugins(paths: Iterable[Path]) -> None:
    """Call the primitives of loaded files a few times: a kernel does not look at what a search hands it.

    Raises:
        ConfigError: a primitive breaks a law of the language.
    """
    from dsl.check import broken_laws
    from dsl.registry import all_primitives

    for path in paths:
        for entry in all_primitives():
            if entry.function.__module__ != _module_name(path):
                continue
            problems = broken_laws(entry, samples=CHECKED_CALLS)
            if problems:
                first = " ".join(problems[0].split())
                raise ConfigError(f"plugin {path}: {entry.name}: {first}; see arc-ensemble dsl check {path}")


def _module_name(path: Path) -> str:
    return f"{PACKAGE}.{path.stem}"


def load_plugin(path: Path) -> None:
    """Run one file; a file that was run before is not run again. Raises ``ConfigError``."""
    from dsl.registry import all_primitives

    name = _module_name(path)
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(path.resolve()):
        return
    if loaded is not None:
        raise ConfigError(f"plugins {loaded.__file__} and {path} have the same name: rename one of the files")
    loader = _Quiet(name, str(path.resolve()))
    spec = importlib.util.spec_from_file_location(name, path.resolve(), loader=loader)
    if not path.is_file() or path.suffix != ".py" or spec is None:
        raise ConfigError(f"plugin must be a Python file, got {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    all_primitives()  # before those of the file, which then is the one that takes a name twice
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(f"plugin {path} fails: {type(error).__name__}: {error}") from error


def plugin_digests(paths: Iterable[Path]) -> list[dict[str, str]]:
    """Return path and content digest of each file, for ``run.json``; raises ``ConfigError`` if one cannot be read."""
    digests: list[dict[str, str]] = []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"plugin {path} cannot be read: {error.strerror or error}") from None
        digests.append({"path": str(path.resolve()), "sha256": hashlib.sha256(content).hexdigest()[:16]})
    return digests
