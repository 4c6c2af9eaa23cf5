"""Laws that every primitive keeps on random values of its types."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import numba
import numpy as np
import pytest

from dsl.check import check_primitive, wrong_value
from dsl.errors import DslError, PrimitiveError
from dsl.grid import MAX_SIDE, Grid, grid_from_text, seal
from dsl.kernels import warm_up
from dsl.kernels.warm import example_calls
from dsl.program import evaluate, parse
from dsl.registry import Primitive, all_primitives, get_primitive
from dsl.types import Kind, value_key

ENTRIES = all_primitives()


def scenes() -> Iterator[Grid]:
    """Yield a cell, a full-size grid, noise, shapes on 0, shapes on another background, and lines."""
    rng = np.random.default_rng(11)
    yield grid_from_text("0")
    yield grid_from_text("3")
    for side in (2, 5, 9, MAX_SIDE):
        noise = rng.integers(0, 10, (side, side)).astype(np.uint8)
        shapes = np.where(rng.random((side, side)) < 0.3, rng.integers(1, 3, (side, side)), 0).astype(np.uint8)
        lines = shapes.copy()
        lines[side // 2], lines[:, side // 2] = 5, 5
        yield from (seal(noise), seal(shapes), seal(np.where(shapes == 0, 8, shapes).astype(np.uint8)), seal(lines))


def pool() -> dict[Kind, list[Any]]:
    """Return values of every kind, those of objects and masks cut out of scenes."""
    values: dict[Kind, list[Any]] = defaultdict(list)
    values[Kind.GRID] = list(scenes())
    values[Kind.COLOR] = [0, 1, 5, 8]
    values[Kind.INT] = [-1, 0, 1, 2, 7]
    values[Kind.BOOL] = [True, False]
    makers = ("components(input)", "sprites_4(input)", "regions(input)", "panels(input)", "color_layers(input)")
    for grid, maker in product(values[Kind.GRID], makers):
        try:
            found = evaluate(parse(maker), grid)
        except DslError:
            continue
        values[Kind.OBJECTS].append(found)
        values[Kind.OBJECT] += found[:2]
    values[Kind.MASK] = [seal(grid == color) for grid in values[Kind.GRID] for color in (0, 1)]
    return values


VALUES = pool()


def arguments_of(entry: Primitive, count: int = 40) -> Iterator[list[Any]]:
    rng = np.random.default_rng(sum(map(ord, entry.name)))
    for k in range(count):
        kinds = zip(entry.parameters, entry.choices, strict=True)
        choices = [tried if tried and k % 2 else VALUES[kind] for kind, tried in kinds]
        yield [values[int(rng.integers(len(values)))] for values in choices]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_primitive_keeps_the_laws_on_random_values(entry: Primitive) -> None:
    assert check_primitive(entry, samples=8).problems == ()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_primitive_is_total_and_pure_on_scenes(entry: Primitive) -> None:
    for arguments in arguments_of(entry):
        before = [value_key(value) for value in arguments]
        try:
            result = entry.function(*arguments)
        except DslError:
            continue
        assert [value_key(value) for value in arguments] == before
        assert wrong_value(result, entry.result) is None
        assert value_key(entry.function(*arguments)) == value_key(result)


OF_OBJECTS = [entry for entry in ENTRIES if {Kind.OBJECT, Kind.OBJECTS} & set(entry.parameters)]


@pytest.mark.parametrize("entry", OF_OBJECTS, ids=lambda entry: entry.name)
def test_primitive_is_total_on_objects_larger_than_a_grid(entry: Primitive) -> None:
    """An outline stands around what fills the grid: 32 cells a side."""
    large = evaluate(parse("outlines(as_list(whole(input)), #1)"), VALUES[Kind.GRID][-1])
    for arguments in arguments_of(entry, 10):
        for i, kind in enumerate(entry.parameters):
            if kind in (Kind.OBJECT, Kind.OBJECTS):
                arguments[i] = large if kind is Kind.OBJECTS else large[0]
        try:
            result = entry.function(*arguments)
        except DslError:
            continue
        assert wrong_value(result, entry.result) is None


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="needs compiled kernels")
def test_primitives_call_kernels_with_one_type_of_arguments() -> None:
    """Another layout or writability of an argument compiles the kernel again, in the middle of a search."""
    warm_up()
    warm = {kernel.__name__: set(kernel.signatures) for kernel, _ in example_calls()}
    for entry in ENTRIES:
        for arguments in arguments_of(entry, 5):
            with contextlib.suppress(DslError):
                entry.function(*arguments)
    assert {kernel.__name__: set(kernel.signatures) for kernel, _ in example_calls()} == warm


def test_objects_come_back_to_their_places() -> None:
    """Cutting a scene into objects and painting them on its background gives the scene."""
    for grid in scenes():
        for maker in ("components", "components_4", "sprites", "sprites_4", "regions", "color_layers"):
            try:
                objects = get_primitive(maker).function(grid)
            except PrimitiveError:
                continue
            restored = evaluate(parse(f"paint_objects({maker}(input), blank(input))"), grid)
            np.testing.assert_array_equal(restored, grid)
            assert sum(int(item.mask.sum()) for item in objects) <= grid.size


@pytest.mark.parametrize(
    ("once", "turns"),
    [
        ("flip_left_right", 2),
        ("flip_top_bottom", 2),
        ("transpose", 2),
        ("transpose_anti", 2),
        ("rotate_180", 2),
        ("rotate_90", 4),
        ("rotate_270", 4),
    ],
)
def test_symmetries_return_to_the_start(once: str, turns: int) -> None:
    move = get_primitive(once).function
    for grid in scenes():
        result = grid
        for _ in range(turns):
            result = move(result)
        np.testing.assert_array_equal(result, grid)


@pytest.mark.parametrize(
    ("program", "same"),
    [
        ("rotate_90(rotate_180(input))", "rotate_270(input)"),
        ("transpose(flip_left_right(input))", "rotate_270(input)"),
        ("transpose_anti(input)", "rotate_180(transpose(input))"),
        ("scale_down(scale_up(input, 2), 2)", "input"),
        (
            "mask_not(mask_and(color_cells(input, #1), color_cells(input, #2)))",
            "mask_not(color_cells(blank(input), #1))",
        ),
        ("keep_cells(input, content_cells(input))", "input"),
        ("overlay(input, blank(input))", "input"),
        ("content_minus(input, input)", "blank(input)"),
        ("gravity(gravity(input, 4), 4)", "gravity(input, 4)"),
        ("reverse(reverse(components(input)))", "components(input)"),
        ("tile_like(smallest_tile(input), input)", "input"),
    ],
)
def test_programs_agree(program: str, same: str) -> None:
    compared = 0
    for grid in islice(scenes(), 2, None):
        try:
            left = evaluate(parse(program), grid)
        except PrimitiveError:
            continue
        if program.startswith("mask_not") and not (grid == 0).any():
            continue
        assert value_key(left) == value_key(evaluate(parse(same), grid))
        compared += 1
    assert compared
