"""Where compiled kernels are kept: a user cache folder, because an installed package may be read-only."""

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

os.environ.setdefault("NUMBA_OPT", "1")
"""Kernels are optimized once more in each kernel that calls them: less at a time is as fast and compiles sooner."""

import numba  # noqa: E402  (reads its settings when it is loaded)
from numba.core.registry import cpu_target  # noqa: E402

Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:

    def njit(*, cache: bool, inline: str = "never") -> Callable[[Function], Function]:
        """Compile a loop with numba; this view of ``numba.njit`` keeps the function's own type."""
else:
    from numba import njit

__all__ = ["completion_mark", "njit", "use_cache_folder"]


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
    for folder in (root / "numba" / _digest_of_sources() for root in roots):
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
    folder = str(Path(__file__).resolve().parent)
    made_for = repr((numba.__version__, platform.python_version(), target, folder, _digest_of_sources()))
    return Path(numba.config.CACHE_DIR) / f"complete-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}"


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
