"""Memory that runs out: how it shows, and what torch can give back; and memory that is better kept."""

import ctypes
import sys
from typing import Any

_MESSAGES = ("out of memory", "not enough memory", "can't allocate memory")

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's ``mallopt``."""
_KEPT_BYTES = {_M_TRIM_THRESHOLD: 512 << 20, _M_TOP_PAD: 64 << 20, _M_MMAP_THRESHOLD: 32 << 20}


def keep_freed_memory() -> bool:
    """Let the process keep up to 512 MiB of what it frees; tell whether the C library can.

    A step of training frees all that it computed, and by itself glibc gives it back to the system, which clears every
    page of it again for the next step: 5 to 10 % of the time. Other C libraries are left as they are.
    """
    mallopt = _of_c_library("mallopt")
    return mallopt is not None and all([mallopt(name, size) for name, size in _KEPT_BYTES.items()])


def give_back_freed_memory() -> None:
    """Give all freed memory back to the system, where the C library can: what one solver held, another needs."""
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_c_library(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a device or the machine has no more memory."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(message in str(error) for message in _MESSAGES)


def release_memory() -> None:
    """Give back what torch keeps of a device's memory."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
