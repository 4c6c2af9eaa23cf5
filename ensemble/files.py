"""Writing a file whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

PART = ".part"
"""Ends the name of a file that is being written."""


def replace_file(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new one, never a part.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    beside = path.with_name(f"{path.name}{PART}")
    try:
        with beside.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
