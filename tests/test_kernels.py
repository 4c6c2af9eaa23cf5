"""Every kernel gives the result of its slow twin; none is compiled twice."""

import importlib
import os
import pkgutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

import dsl.kernels
from dsl.grid import Grid, seal
from dsl.kernels.cache import njit, use_cache_folder
from dsl.kernels.colors import KEEP
from dsl.kernels.tiling import NOT_HIDDEN
from dsl.kernels.warm import example_calls
from dsl.search import warm
from tests import naive

JIT = not numba.config.DISABLE_JIT
SHAPES = ((1, 1), (1, 6), (7, 1), (2, 2), (3, 5), (6, 6), (9, 8), (30, 30))
FULL = 0x3FF


def sparse_grid(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    cells = rng.integers(1, 4, shape)
    return np.where(rng.random(shape) < 0.35, cells, 0).astype(np.uint8)


def random_grids() -> list[Grid]:
    """Return sparse, dense, symmetric, repeating and framed grids of all shapes."""
    rng = np.random.default_rng(7)
    grids = []
    for shape in SHAPES:
        sparse = sparse_grid(rng, shape)
        mirrored = np.maximum(sparse, sparse[:, ::-1])
        mirrored[: shape[0] // 2, : shape[1] // 3] = 5
        tiled = np.tile(rng.integers(1, 4, (2, 3)), (15, 10))[: shape[0], : shape[1]].astype(np.uint8)
        holed = np.where(rng.random(shape) < 0.2, 0, tiled).astype(np.uint8)
        lined = sparse.copy()
        lined[shape[0] // 2] = 4
        lined[:, shape[1] // 2] = 4
        found = [sparse, rng.integers(0, 10, shape).astype(np.uint8), mirrored, tiled, holed, lined]
        grids += found if shape != (30, 30) else found[2::2]  # the twins are slow on large grids
    return [seal(grid) for grid in grids]


GRIDS = random_grids()
COLOR_SETS = (0b0010, 0b1110, FULL & ~1, FULL)
PIECES = tuple(seal(np.array(rows, bool)) for rows in ([[1]], [[1, 0], [1, 1]], [[0, 1, 0]]))

ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "color_counts": [()],
    "background_color": [()],
    "recolor": [(0b0110, 7, KEEP), (1, KEEP, 0), (FULL, 3, 3)],
    "label_components": list(product(COLOR_SETS, (True, False), (True, False))),
    "find_components": list(product(COLOR_SETS[1:3], (True, False), (True, False))),
    "outside_cells": list(product((*COLOR_SETS, 1), (True, False))),
    "spread": [(0b0010, 1, False, 900), (0b1110, 1, True, 900), (0b1100, 0b0011, False, 2)],
    "marked_rectangles": [(0, 900), (3, 2)],
    "separator_color": [(0,), (4,)],
    "panel_boxes": [(0,), (4,)],
    "shoot_rays": list(product((0b0010, 0b1110), (1, 0b0101), (1 << 3, 0b01010101, 0xFF), (KEEP, 8))),
    "connect_equal": list(product((0b0010, 0b1110), (1, 0b0101), (1 << 2, 0b00111100), (KEEP, 8))),
    "fall_cells": list(product((0,), (FULL, 0b0010), (0, 2, 4, 6))),
    "symmetries": [()],
    "mirror_axes": [(0,), (5,)],
    "has_period": [(0, 2, 3), (NOT_HIDDEN, 1, 2), (NOT_HIDDEN, 2, 3)],
    "smallest_period": [(0,), (NOT_HIDDEN,)],
    "continue_period": [(0, 2, 3, 4, 7), (NOT_HIDDEN, 1, 1, 1, 1)],
}


def kernel(name: str) -> Any:
    return next(function for function, _ in example_calls() if function.__name__ == name)


def assert_same(name: str, *arguments: Any) -> None:
    got, wanted = kernel(name)(*arguments), getattr(naive, name)(*arguments)
    for left, right in zip(as_tuple(got), as_tuple(wanted), strict=True):
        np.testing.assert_array_equal(left, right, err_msg=f"{name}{arguments}")


def as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_kernel_of_grid_equals_its_twin(name: str) -> None:
    for grid, arguments in product(GRIDS, ARGUMENTS[name]):
        assert_same(name, grid, *arguments)


@pytest.mark.parametrize("name", ["mask_box", "hole_count", "largest_rectangle"])
def test_kernel_of_mask_equals_its_twin(name: str) -> None:
    for grid in GRIDS:
        for mask in (grid == 0, grid != 0, grid > 99):
            assert_same(name, seal(mask))


@pytest.mark.parametrize("name", ["grow", "inner_edge"])
def test_growth_and_edge_equal_their_twins(name: str) -> None:
    for grid, flag in product(GRIDS, (True, False)):
        assert_same(name, seal(grid == 1), flag)
        assert_same(name, seal(grid != 1), flag)


@pytest.mark.parametrize("name", ["main_color", "rare_color", "color_set"])
def test_kernel_of_object_equals_its_twin(name: str) -> None:
    for grid in GRIDS:
        for mask in (grid == 1, grid > 0, grid >= 0):
            assert_same(name, grid, seal(mask))


def test_boxes_and_cuts_equal_their_twins() -> None:
    for grid in GRIDS:
        labels, count = kernel("label_components")(grid, FULL & ~1, True, False)
        assert_same("component_boxes", labels, count)
        assert_same("cut_components", grid, labels, kernel("component_boxes")(labels, count))


def test_fill_mirrored_equals_its_twin() -> None:
    for grid, hidden in product(GRIDS, (0, 5)):
        axes = seal(kernel("mirror_axes")(grid, hidden))
        assert_same("fill_mirrored", grid, hidden, axes, 1)


def test_mirror_images_are_mutual() -> None:
    for kind, axis, r, c in product(range(4), (-3, 0, 5), (0, 4), (0, 7)):
        assert_same("mirror_cell", kind, axis, r, c)
        image = kernel("mirror_cell")(kind, axis, r, c)
        assert kernel("mirror_cell")(kind, axis, *image) == (r, c)


def test_paste_drops_what_falls_outside() -> None:
    rng = np.random.default_rng(3)
    for grid, piece, top, left in product(GRIDS[::3], PIECES, (-2, 0, 5), (-1, 0, 40)):
        patch = seal(rng.integers(0, 10, piece.shape).astype(np.uint8))
        got, wanted = grid.copy(), grid.copy()
        kernel("paste_into")(got, patch, piece, top, left)
        naive.paste_into(wanted, patch, piece, top, left)
        np.testing.assert_array_equal(got, wanted)


def test_overlay_equals_its_twin() -> None:
    for grid, background in product(GRIDS, (0, 1)):
        assert_same("overlay_content", grid, seal(grid[::-1]), background)


def test_slide_steps_equals_its_twin() -> None:
    for grid, piece, direction in product(GRIDS, PIECES, range(8)):
        canvas = np.where(grid == 1, 1, 0).astype(np.uint8)
        assert_same("slide_steps", canvas, 0, piece, grid.shape[0] // 2, grid.shape[1] // 2, direction)


def test_every_kernel_has_a_twin() -> None:
    missing = {function.__name__ for function, _ in example_calls()} - set(dir(naive))
    assert not missing


OWN_MODULES = (
    "colors", "components", "flood", "frames", "paste", "rays", "shapes", "symmetry", "tiling",
)  # fmt: skip


@pytest.mark.skipif(not JIT, reason="needs compiled kernels")
def test_warm_up_calls_every_kernel() -> None:
    modules = [importlib.import_module(f"dsl.kernels.{name}") for name in OWN_MODULES]
    written = {
        value.__name__
        for module in modules
        for value in vars(module).values()
        if isinstance(value, numba.core.registry.CPUDispatcher)
    }
    assert written == {function.__name__ for function, _ in example_calls()}


@pytest.mark.skipif(not JIT, reason="needs compiled kernels")
def test_callers_use_one_type_of_arguments() -> None:
    """Another layout or writability compiles the kernel again; all tests together leave one signature."""
    dsl.kernels.warm_up()
    for name in ARGUMENTS:
        for grid in GRIDS[:6]:
            kernel(name)(grid, *ARGUMENTS[name][0])
    several = {
        function.__name__: function.signatures for function, _ in example_calls() if len(function.signatures) > 1
    }
    assert not several


@pytest.mark.skipif(not JIT, reason="needs compiled kernels")
def test_constants_in_calls_compile_no_kernel_again() -> None:
    @njit(cache=False)
    def inner(number: int) -> int:
        return number + 1

    @njit(cache=False)
    def outer() -> int:
        return inner(1) + inner(2)

    assert outer() == 5
    assert len(inner.signatures) == 1


def test_cache_folder_is_writable_and_respects_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = use_cache_folder()
    assert folder is not None
    assert folder.is_dir()
    assert folder.is_relative_to(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    assert use_cache_folder() is None


@pytest.mark.skipif(not JIT, reason="needs compiled kernels")
def test_code_compiled_from_an_older_version_of_a_called_file_is_not_used(tmp_path: Path) -> None:
    """Numba itself looks at a kernel's own file only."""
    (tmp_path / "caller.py").write_text(CALLER)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    command = [sys.executable, "-c", "from caller import outer; print(outer())"]
    results = []
    for result in (1, 2):
        (tmp_path / "called.py").write_text(CALLED.format(result=result))
        shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        results.append(shown.stdout.strip())
    assert results == ["1", "2"]


CALLED = """
import pathlib
import numba
import dsl.kernels
from dsl.kernels.cache import apart_by_sources

def compiled(function):
    with apart_by_sources(pathlib.Path(__file__).parent):
        return numba.njit(cache=True)(function)

@compiled
def inner():
    return {result}
"""

CALLER = """
from called import compiled, inner

@compiled
def outer():
    return inner()
"""


@pytest.mark.skipif(not JIT, reason="needs compiled kernels")
def test_all_kernels_are_called_only_where_the_cache_lacks_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    calls: list[int] = []
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(warm, "warm_up", lambda: calls.append(len(calls)))
    warm.compile_all()
    warm.compile_all()
    assert calls == [0]
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    warm.compile_all()
    assert calls == [0, 1]


def test_kernels_import_only_numpy_and_numba() -> None:
    names = [f"dsl.kernels.{module.name}" for module in pkgutil.iter_modules(dsl.kernels.__path__)]
    code = f"import sys\nimport {', '.join(names)}\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    modules = set(loaded.stdout.split())
    assert not {"torch", "pydantic", "dsl.primitives", "ensemble"} & modules
