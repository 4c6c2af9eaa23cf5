"""Storage of per-image values: each distinct value of each kind is kept once and named by a number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.types import Kind, Object, Value, value_key

_HEADER = 3
_TAG = {Kind.GRID: 0, Kind.MASK: 1}
_OBJECT_BYTES = 700
"""Rough size of one ``Object`` with its two arrays and its key."""


class Bank:
    """Interned values. A grid or mask is held as bytes (kind, height, width, cells) and decoded when asked for."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._stored: list[Any] = []
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._stored)

    def intern(self, kind: Kind, value: Value) -> int:
        """Return the number of a value; equal values of one kind have one number."""
        tag = _TAG.get(kind)
        if tag is not None:
            assert isinstance(value, np.ndarray)
            height, width = value.shape
            packed = bytes((tag, height, width)) + value.tobytes()
            number = self._numbers.setdefault(packed, len(self._stored))
            if number == len(self._stored):
                self._stored.append(packed)
                self.bytes += len(packed) + 150
            return number
        key = (kind, value_key(value))
        number = self._numbers.setdefault(key, len(self._stored))
        if number == len(self._stored):
            self._stored.append(value)
            self.bytes += 200 + (
                _OBJECT_BYTES * len(value) if isinstance(value, tuple) else _OBJECT_BYTES * isinstance(value, Object)
            )
        return number

    def find(self, kind: Kind, value: Value) -> int | None:
        """Return the number of a grid or mask if it is known."""
        assert isinstance(value, np.ndarray)
        height, width = value.shape
        return self._numbers.get(bytes((_TAG[kind], height, width)) + value.tobytes())

    def value(self, number: int) -> Any:
        """Return the value behind a number; arrays are read-only."""
        stored = self._stored[number]
        if isinstance(stored, bytes):
            array: NDArray[Any] = np.frombuffer(stored, np.uint8 if stored[0] == 0 else np.bool_, offset=_HEADER)
            return array.reshape(stored[1], stored[2])
        return stored

    def shape(self, number: int) -> tuple[int, int]:
        """Return the shape of a stored grid or mask without decoding it."""
        stored = self._stored[number]
        return stored[1], stored[2]
