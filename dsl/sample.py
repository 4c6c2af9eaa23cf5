"""Random tasks: typed programs of the language run on random scenes, filtered to those that teach a rule.

Programs grow from the result type down: a primitive that returns the wanted kind is drawn, then its arguments. A task
is kept when every input has an output of sane size, outputs change and depend on inputs, and every part of the program
is needed for them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from dsl.errors import DslError
from dsl.grid import Grid, grid_key, same_grid
from dsl.program import Call, Input, Program, bool_literal, color_literal, int_literal, run
from dsl.registry import Primitive, all_primitives, get_primitive
from dsl.scenes import SceneStyle, draw_scene, draw_style
from dsl.task import Example
from dsl.types import Kind

_RULES_PER_SCENE = 4
"""Programs tried on one scene style before another is drawn."""
_TINY_SIDE = 3
_NUM_PROBES = 6
"""Inputs that tell the behaviors of two programs apart."""


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What sampled tasks look like.

    Attributes:
        max_side: longest side of inputs and outputs, 3..30.
        min_pairs: fewest pairs, at least 2.
        max_pairs: most pairs.
        max_depth: most calls inside one another, at least 1.
    """

    max_side: int = 12
    min_pairs: int = 3
    max_pairs: int = 6
    max_depth: int = 4


@dataclass(frozen=True, slots=True, eq=False)
class SampledTask:
    """A rule with pairs that follow it: ``run(program, pair.input)`` is ``pair.output`` for every pair."""

    program: Program
    pairs: tuple[Example, ...]


def sample_task(rng: Generator, options: SampleOptions | None = None) -> SampledTask:
    """Draw programs and scenes until one makes a task that teaches a rule."""
    options = options or SampleOptions()
    while True:
        style = draw_style(rng, options.max_side)
        for _ in range(_RULES_PER_SCENE):
            task = try_program(draw_program(rng, options.max_depth), style, rng, options)
            if task is not None:
                return task


def sample_tasks(rng: Generator, count: int, options: SampleOptions | None = None) -> Iterator[SampledTask]:
    """Yield ``count`` tasks whose programs differ in text and in behavior."""
    seen: set[str] = set()
    made = 0
    while made < count:
        task = sample_task(rng, options)
        keys = {str(task.program), behavior_key(task.program)}
        if not keys & seen:
            seen |= keys
            made += 1
            yield task


def behavior_key(program: Program) -> str:
    """Return a digest of what a program does to fixed inputs; equal for programs that do the same to all of them."""
    digest = hashlib.sha256()
    for probe in _probes():
        try:
            shape, cells = grid_key(run(program, probe))
            digest.update(str(shape).encode() + cells)
        except DslError:
            digest.update(b"none")
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _probes() -> tuple[Grid, ...]:
    rng = np.random.default_rng(0)
    return tuple(draw_scene(rng, draw_style(rng, 10)) for _ in range(_NUM_PROBES))


def draw_program(rng: Generator, max_depth: int) -> Program:
    """Draw a program from a grid to a grid; a call of depth 1 takes only the input and constants."""
    depths = (1, 2, 2, 3, 3, 4, 4, *range(5, max_depth + 1))
    allowed = [depth for depth in depths if depth <= max_depth]
    return _grow(rng, Kind.GRID, allowed[int(rng.integers(len(allowed)))], root=True)


def _grow(rng: Generator, kind: Kind, depth: int, *, root: bool = False) -> Program:
    if kind is Kind.COLOR and (depth == 0 or rng.random() < 0.7):
        return color_literal(int(rng.integers(10)))
    if kind is Kind.BOOL and (depth == 0 or rng.random() < 0.8):
        return bool_literal(bool(rng.integers(2)))
    if kind is Kind.GRID and not root and (depth == 0 or rng.random() < 0.3):
        return Input()
    makers = _makers(kind, depth)
    if not makers:
        return Input()
    concept = makers[int(rng.integers(len(makers)))]
    entry = concept[int(rng.integers(len(concept)))]
    arguments: list[Program] = []
    for parameter, choices in zip(entry.parameters, entry.choices, strict=True):
        if choices is not None:
            arguments.append(int_literal(choices[int(rng.integers(len(choices)))]))
        else:
            arguments.append(_grow(rng, parameter, depth - 1))
    return Call(entry.name, tuple(arguments))


@lru_cache(maxsize=128)
def _makers(kind: Kind, depth: int) -> tuple[tuple[Primitive, ...], ...]:
    """Return the primitives that can make a kind within a depth, by concept, so that large modules do not crowd out."""
    needed = _needed_depths()
    concepts: dict[str, list[Primitive]] = {}
    for entry in all_primitives():
        if entry.result is kind and _depth_of(entry, needed) <= depth:
            concepts.setdefault(entry.concept, []).append(entry)
    return tuple(tuple(concepts[name]) for name in sorted(concepts))


@lru_cache(maxsize=1)
def _needed_depths() -> dict[Kind, int]:
    """Return the fewest nested calls that make each kind from the input and constants."""
    needed = {Kind.GRID: 0, Kind.COLOR: 0, Kind.BOOL: 0}
    for _ in Kind:
        for entry in all_primitives():
            depth = _depth_of(entry, needed)
            if depth < needed.get(entry.result, _NEVER):
                needed[entry.result] = depth
    return needed


_NEVER = 1000


def _depth_of(entry: Primitive, needed: dict[Kind, int]) -> int:
    deepest = 0
    for parameter, choices in zip(entry.parameters, entry.choices, strict=True):
        if choices is None:
            deepest = max(deepest, needed.get(parameter, _NEVER))
    return deepest + 1


def try_program(program: Program, style: SceneStyle, rng: Generator, options: SampleOptions) -> SampledTask | None:
    """Return a task of a program on scenes of a style, None if it teaches no rule."""
    wanted = int(rng.integers(options.min_pairs, options.max_pairs + 1))
    pairs: list[Example] = []
    seen: set[object] = set()
    for attempt in range(2 * wanted):
        source = draw_scene(rng, style)
        if grid_key(source) in seen:
            continue
        seen.add(grid_key(source))
        target = sane_output(program, source, options.max_side)
        if target is not None:
            pairs.append(Example(source, target))
        if len(pairs) == wanted or (attempt >= 2 and len(pairs) < 2):
            break
    if len(pairs) < wanted or not (teaches(pairs) and _needed(program, pairs)):
        return None
    return SampledTask(program, tuple(pairs))


def sane_output(program: Program, source: Grid, max_side: int) -> Grid | None:
    """Return a program's output, None if there is none or a side of it is too long."""
    try:
        target = run(program, source)
    except DslError:
        return None
    return target if max(target.shape) <= max_side else None


def teaches(pairs: Sequence[Example]) -> bool:
    """Tell whether outputs change inputs, follow from them, and are not bare."""
    outputs = {grid_key(pair.output) for pair in pairs}
    tiny = max(pairs[0].output.shape) <= _TINY_SIDE  # tiny outputs repeat by chance
    if len(outputs) < (2 if tiny else (len(pairs) + 1) // 2):
        return False
    if 2 * sum(same_grid(pair.input, pair.output) for pair in pairs) > len(pairs):
        return False
    return 2 * sum(int(pair.output.min() == pair.output.max()) for pair in pairs) <= len(pairs)


def _needed(program: Program, pairs: list[Example]) -> bool:
    """Tell whether outputs need the whole program."""
    return not any(_does_the_same(part, pairs) for part in _simpler(program))


def _simpler(program: Program) -> Iterator[Program]:
    """Yield the program's grid parts alone, and the program with one of them replaced by the input."""
    for part, rest in _cuts(program):
        if isinstance(part, Call) and get_primitive(part.name).result is Kind.GRID:
            yield rest
            if part is not program:
                yield part


def _cuts(program: Program) -> Iterator[tuple[Program, Program]]:
    """Yield every part with the program that has the input in its place, the whole first."""
    yield program, Input()
    if isinstance(program, Call):
        for i, argument in enumerate(program.arguments):
            for part, rest in _cuts(argument):
                yield part, Call(program.name, (*program.arguments[:i], rest, *program.arguments[i + 1 :]))


def _does_the_same(program: Program, pairs: list[Example]) -> bool:
    try:
        return all(same_grid(run(program, pair.input), pair.output) for pair in pairs)
    except DslError:
        return False
