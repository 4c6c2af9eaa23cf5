"""Storage of per-image values: each distinct value of each kind is kept once and named by a number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.types import Kind, Object, Objects, Value

_HEADER = 3
_TAG = {Kind.GRID: 0, Kind.MASK: 1}
_OBJECT_TAG = 2
_ENTRY_BYTES = 200
"""Rough size of a small value with its key and table entries, beside its cells."""


class Bank:
    """Interned values.

    A grid or mask is held as bytes (kind, height, width, cells) and decoded when asked for. A list of objects is known
    by the numbers of its objects and held as the first equal objects seen, so that most objects are recognized by
    identity, without looking at their cells.

    Attributes:
        bytes: rough memory in use.
    """

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._stored: list[Any] = []
        self._held: dict[int, int] = {}
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
            return self._keep(packed, packed, len(packed))
        if kind is Kind.OBJECT:
            assert isinstance(value, Object)
            return self._intern_object(value)
        if kind is Kind.OBJECTS:
            assert isinstance(value, tuple)
            return self._intern_objects(value)
        return self._keep((kind, value), value, 0)

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

    def _keep(self, key: object, stored: object, size: int) -> int:
        number = self._numbers.setdefault(key, len(self._stored))
        if number == len(self._stored):
            self._stored.append(stored)
            self.bytes += size + _ENTRY_BYTES
        return number

    def _intern_object(self, item: Object) -> int:
        held = self._held.get(id(item))
        if held is not None:
            return held
        (height, width), top, left = item.patch.shape, item.top, item.left
        place = bytes((_OBJECT_TAG, height, width, top >> 8 & 255, top & 255, left >> 8 & 255, left & 255))
        key = place + item.patch.tobytes() + item.mask.tobytes()
        number = self._keep(key, item, 2 * len(key) + 2 * _ENTRY_BYTES)
        if self._stored[number] is item:
            self._held[id(item)] = number
        return number

    def _intern_objects(self, items: Objects) -> int:
        numbers = tuple(map(self._intern_object, items))
        known = self._numbers.get(numbers)
        if known is not None:
            return known
        return self._keep(numbers, tuple(map(self._stored.__getitem__, numbers)), 16 * len(numbers))
