"""Where compiled kernels are kept: a user cache folder, because an installed package may be read-only."""

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

os.environ.setdefault("NUMBA_OPT", "1")
"""Kernels are optimized once more in each kernel that calls them: less at a time is as fast and compiles sooner."""

import numba  # noqa: E402  (reads its settings when it is loaded)
from numba.core.registry import cpu_target  # noqa: E402
from numba.core.types.misc import unliteral  # noqa: E402

__all__ = ["apart_by_sources", "completion_mark", "njit", "use_cache_folder"]

_HERE = Path(__file__).resolve().parent

Function = TypeVar("Function", bound=Callable[..., Any])


def njit(*, cache: bool, inline: str = "never") -> Callable[[Function], Function]:
    """Compile a loop with numba, without code for calls from C; the function keeps its own type."""

    def compiled(function: Function) -> Function:
        kernel = numba.njit(cache=cache, inline=inline, no_cfunc_wrapper=True)(function)
        if not numba.config.DISABLE_JIT:
            _ignore_constants(kernel)
        return cast(Function, kernel)

    return compiled


def _ignore_constants(kernel: Any) -> None:
    """Compile a kernel for types only: by itself numba compiles it once more for every constant that a call passes."""
    template_of = kernel.get_call_template

    def get_call_template(arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        plain = {name: unliteral(argument) for name, argument in named.items()}
        return template_of([unliteral(argument) for argument in arguments], plain)

    kernel.get_call_template = get_call_template


def use_cache_folder() -> Path | None:
    """Point numba's cache at a writable user folder, unless ``NUMBA_CACHE_DIR`` already names one; return it.

    The folder is named after the kernels' sources: numba looks at a kernel's own file only, and would go on using code
    compiled from an older version of another file that it calls.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    roots = (Path(base) / "arc-ensemble", Path(tempfile.gettempdir()) / f"arc-ensemble-{user}")
    for folder in (root / "numba" / _digest_of_sources(_HERE) for root in roots):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            numba.config.CACHE_DIR = str(folder)
            return folder
    return None


def completion_mark() -> Path | None:
    """Return the file that says that every kernel is in the cache, compiled for this processor; None without a cache.

    Who has compiled them all makes it; who finds it need not look.
    """
    if not numba.config.CACHE_DIR or numba.config.DISABLE_JIT:
        return None
    # What numba itself keeps compiled code apart by: place of the sources, architecture, processor and its features.
    target = cpu_target.target_context.codegen().magic_tuple()
    made_for = repr((numba.__version__, platform.python_version(), target, str(_HERE), _digest_of_sources(_HERE)))
    return Path(numba.config.CACHE_DIR) / f"complete-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}"


@contextmanager
def apart_by_sources(sources: Path) -> Iterator[None]:
    """Keep what is compiled within apart by the files of another folder, too, whose kernels call each other."""
    before = numba.config.CACHE_DIR
    if before and not os.environ.get("NUMBA_CACHE_DIR"):
        numba.config.CACHE_DIR = str(Path(before) / _digest_of_sources(sources))
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


@lru_cache(maxsize=8)
def _digest_of_sources(folder: Path) -> str:
    digest = hashlib.sha256()
    for source in sorted(folder.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
