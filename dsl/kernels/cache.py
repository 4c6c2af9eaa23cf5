"""Where compiled kernels are kept: a user cache folder, because an installed package may be read-only."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

os.environ.setdefault("NUMBA_OPT", "1")
"""Kernels are optimized once more in each kernel that calls them: less at a time is as fast and compiles sooner."""

import numba  # noqa: E402  (reads its settings when it is loaded)

Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:

    def njit(*, cache: bool, inline: str = "never") -> Callable[[Function], Function]:
        """Compile a loop with numba; this view of ``numba.njit`` keeps the function's own type."""
else:
    from numba import njit

__all__ = ["njit", "use_cache_folder"]


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
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for folder in (root / "numba" / digest.hexdigest()[:12] for root in roots):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            numba.config.CACHE_DIR = str(folder)
            return folder
    return None
