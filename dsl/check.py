"""Checks of primitives on random values: what a new one must keep to before a search may use it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from dsl.errors import DslError
from dsl.grid import MAX_SIDE, NUM_COLORS, Grid, seal
from dsl.primitives.results import MAX_OBJECTS
from dsl.registry import Primitive, all_primitives
from dsl.types import Kind, Mask, Object, Value, value_key

TINY, LARGEST = (1, 1), (MAX_SIDE, MAX_SIDE)
DUPLICATE_RESULTS = 20
"""Equal results that make two primitives look like one."""
_NO_RESULT = object()
"""Stands for a ``DslError``; None is what a forgotten ``return`` gives."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What random calls showed.

    Attributes:
        problems: laws that the primitive breaks; empty for a good one.
        notes: what is allowed, but worth a look.
        results: calls that had a result.
        mean_seconds: wall time of a call.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    results: int
    mean_seconds: float


def check_primitive(entry: Primitive, *, samples: int = 200, seed: int = 0) -> CheckResult:
    """Call a primitive on random values and compare with what the language asks of it.

    It must return a value of its kind, or raise ``DslError``; leave its arguments alone; and give the same twice.
    """
    problems, keys = _calls(entry, samples, seed)
    results = sum(key is not None for key in keys)
    notes = list(_twins(entry, keys, samples, seed))
    if not results:
        notes.append(f"no result on any of {samples} random calls: the checks say little")
    return CheckResult(problems, tuple(notes), results, time_primitive(entry, samples=min(samples, 50), seed=seed))


def broken_laws(entry: Primitive, *, samples: int, seed: int = 0) -> tuple[str, ...]:
    """Return the problems alone that :func:`check_primitive` finds: fewer calls, nothing is timed or compared."""
    return _calls(entry, samples, seed)[0]


def _calls(entry: Primitive, samples: int, seed: int) -> tuple[tuple[str, ...], list[object | None]]:
    """Return the problems of random calls, and a key of each result, None without one."""
    problems: dict[str, None] = {}
    keys: list[object | None] = []
    for arguments in random_arguments(entry, samples, np.random.default_rng(seed)):
        key, problem = _call(entry, arguments)
        keys.append(key)
        if problem is not None:
            problems[problem] = None
    return tuple(problems), keys


def time_primitive(entry: Primitive, *, samples: int = 100, seed: int = 0) -> float:
    """Return the mean wall time of a call in seconds, compilation apart."""
    calls = list(random_arguments(entry, samples, np.random.default_rng(seed)))
    _attempt(entry.function, calls[0])
    started = time.perf_counter()
    for arguments in calls:
        _attempt(entry.function, arguments)
    return (time.perf_counter() - started) / len(calls)


def _attempt(function: Callable[..., Any], arguments: tuple[Value, ...]) -> Any:
    try:
        return function(*arguments)
    except DslError:
        return _NO_RESULT
    except Exception as error:
        return error


def _call(entry: Primitive, arguments: tuple[Value, ...]) -> tuple[object | None, str | None]:
    """Return a key of the result, None without one, and the first law that the call breaks."""
    before = value_key(arguments)  # type: ignore[arg-type]
    value = _attempt(entry.function, arguments)
    if value_key(arguments) != before:  # type: ignore[arg-type]
        return None, "it changes its arguments"
    if value is _NO_RESULT:
        return None, None
    if isinstance(value, ValueError) and "read-only" in str(value):
        return None, "it writes into its arguments (they are read-only): copy first"
    if isinstance(value, Exception):
        return None, f"it raises {type(value).__name__} ({value}); a primitive without a result raises PrimitiveError"
    wrong = wrong_value(value, entry.result)
    if wrong is not None:
        return None, f"it returns {wrong}, its annotation promises {entry.result}"
    key = value_key(value)
    if value_key(_attempt(entry.function, arguments)) != key:
        return key, "it gives another result for the same arguments"
    return key, None


def wrong_value(value: Any, kind: Kind) -> str | None:
    """Say what a value is if it is no well-formed value of a kind; None if it is one."""
    match kind:
        case Kind.GRID:
            return _wrong_array(value, np.uint8, "a grid") or _wrong_sides(value, "a grid")
        case Kind.MASK:
            return _wrong_array(value, np.bool_, "a mask") or _wrong_sides(value, "a mask")
        case Kind.OBJECT:
            return _wrong_object(value)
        case Kind.OBJECTS:
            if not isinstance(value, tuple):
                return type(value).__name__
            if len(value) > MAX_OBJECTS:
                return f"a list of {len(value)} objects, at most {MAX_OBJECTS} are allowed"
            return next((wrong for wrong in map(_wrong_object, value) if wrong is not None), None)
        case Kind.BOOL:
            return None if type(value) is bool else type(value).__name__
        case Kind.INT:
            return None if type(value) is int else type(value).__name__
    return None if type(value) is int and 0 <= value < NUM_COLORS else f"{type(value).__name__} {value}"


def _wrong_object(value: Any) -> str | None:
    """Say what is wrong with an object; it may be larger than a grid."""
    if not isinstance(value, Object):
        return type(value).__name__
    for part, dtype in (("patch", np.uint8), ("mask", np.bool_)):
        wrong = _wrong_array(getattr(value, part), dtype, "an array")
        if wrong is not None:
            return f"an object whose {part} is {wrong}"
    if value.patch.shape != value.mask.shape:
        return f"an object whose patch is of {value.patch.shape}, its mask of {value.mask.shape}"
    if not value.mask.any():
        return "an object without a cell"
    if value.patch[~value.mask].any():
        return "an object with cells outside of its mask: they must be 0"
    if type(value.top) is not int or type(value.left) is not int:
        return f"an object at row {value.top!r}, column {value.left!r}: they must be of type int"
    return None


def _wrong_array(value: Any, dtype: type[np.generic], name: str) -> str | None:
    if not isinstance(value, np.ndarray):
        return type(value).__name__
    if value.dtype != dtype or value.ndim != 2:
        return f"an array of {value.dtype} with {value.ndim} dimensions"
    if dtype is np.uint8 and value.max(initial=0) >= NUM_COLORS:
        return f"{name} with the value {value.max()}"
    if value.flags.writeable:
        return f"{name} that can be written to: return seal(...)"
    if not value.flags.c_contiguous:
        return f"{name} that is not in C order: return seal(...)"
    return None


def _wrong_sides(array: Grid | Mask, name: str) -> str | None:
    if all(1 <= side <= MAX_SIDE for side in array.shape):
        return None
    return f"{name} of {array.shape[0]}x{array.shape[1]}, sides must be 1..{MAX_SIDE}"


def _twins(entry: Primitive, keys: list[object | None], samples: int, seed: int) -> Iterator[str]:
    """Name the primitives of the same type that gave the same results."""
    if sum(key is not None for key in keys) < DUPLICATE_RESULTS:
        return
    for other in all_primitives():
        if other.name == entry.name or (other.parameters, other.result) != (entry.parameters, entry.result):
            continue
        calls = random_arguments(entry, samples, np.random.default_rng(seed))
        if all(_call(other, arguments)[0] == key for arguments, key in zip(calls, keys, strict=True)):
            yield f"it gives the same as {other.name} on all {samples} calls"


def random_arguments(entry: Primitive, samples: int, rng: Generator) -> Iterator[tuple[Value, ...]]:
    """Yield random arguments, the smallest and the largest grids first.

    Images are of one shape in two of three calls. Every other call takes an integer with choices from them; search
    fills it with computed values, too.
    """
    makers: dict[Kind, Callable[[Generator, tuple[int, int]], Value]] = {
        Kind.GRID: random_grid,
        Kind.MASK: _random_mask,
        Kind.OBJECT: _random_object,
        Kind.OBJECTS: lambda rng, shape: tuple(_random_object(rng, shape) for _ in range(int(rng.integers(4)))),
        Kind.COLOR: lambda rng, shape: int(rng.integers(NUM_COLORS)),
        Kind.BOOL: lambda rng, shape: bool(rng.integers(2)),
        Kind.INT: lambda rng, shape: int(rng.integers(-2, 6)),
    }
    for i in range(samples):
        shape = (TINY, LARGEST)[i] if i < 2 else _random_shape(rng)
        arguments: list[Value] = []
        for kind, choices in zip(entry.parameters, entry.choices, strict=True):
            own = _random_shape(rng) if i % 3 == 2 else shape
            if choices and i % 2 == 1:
                arguments.append(choices[int(rng.integers(len(choices)))])
            else:
                arguments.append(makers[kind](rng, own))
        yield tuple(arguments)


def _random_shape(rng: Generator) -> tuple[int, int]:
    return int(rng.integers(1, 13)), int(rng.integers(1, 13))


def random_grid(rng: Generator, shape: tuple[int, int]) -> Grid:
    """Draw a grid of few colors, black the most frequent in half of them."""
    colors = rng.permutation(NUM_COLORS)[: int(rng.integers(1, 5))].astype(np.uint8)
    cells = colors[rng.integers(len(colors), size=shape)]
    if rng.integers(2):
        cells[rng.random(shape) < 0.6] = 0
    return seal(cells)


def _random_mask(rng: Generator, shape: tuple[int, int]) -> Mask:
    mask = rng.random(shape) < rng.random()
    mask.flags.writeable = False
    return mask


def _random_object(rng: Generator, shape: tuple[int, int]) -> Object:
    """Draw an object within a grid of a shape, with at least one cell."""
    height, width = (int(rng.integers(1, side + 1)) for side in shape)
    mask = rng.random((height, width)) < 0.7
    mask[0, 0] = True
    mask.flags.writeable = False
    patch = seal(np.where(mask, random_grid(rng, (height, width)), 0).astype(np.uint8))
    top, left = (int(rng.integers(side - own + 1)) for side, own in zip(shape, (height, width), strict=True))
    return Object(patch, mask, top, left)
