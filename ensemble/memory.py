"""Memory that runs out: how it shows, and what torch can give back."""

import torch

_MESSAGES = ("out of memory", "not enough memory", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a device or the machine has no more memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(message in str(error) for message in _MESSAGES)


def release_memory() -> None:
    """Give back what torch keeps of a device's memory."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
