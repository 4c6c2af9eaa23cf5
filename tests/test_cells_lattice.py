"""Canvases with a cell per component, and boxes of colors by rank."""

import numpy as np
import pytest

from dsl.errors import DslError
from dsl.grid import grid_from_text, grid_to_text
from dsl.search.cells.canvas_lattice import bands
from dsl.search.cells.canvas_text import open_canvas
from dsl.search.cells.numbers import count_numbers
from dsl.search.cells.planes import image_of

N = 10
GRID = grid_from_text("110002/110022/000000/030000/333000")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("own", [[1, 2], [3, 0]]),
        ("object.size", [[4, 3], [4, 255]]),
        ("object.largest", [[1, 0], [1, 0]]),
        ("object.rarest", [[1, 2], [3, N]]),
        ("object.symmetric_lr", [[1, 0], [1, 0]]),
    ],
)
def test_a_lattice_shows_each_component_where_it_stands(name: str, expected: list[list[int]]) -> None:
    assert open_canvas("lattice m8", GRID).plane(name).tolist() == expected


def test_two_components_in_one_place_are_no_lattice() -> None:
    with pytest.raises(DslError, match="rows and columns"):
        open_canvas("lattice m8", grid_from_text("1110/1000/1020/1000"))
    with pytest.raises(DslError):
        open_canvas("lattice m8", grid_from_text("000/010"))


def test_bands_join_spans_that_overlap_directly_or_through_others() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        low = rng.integers(0, 12, 6)
        high = low + rng.integers(0, 4, 6)
        covered = {k for a, b in zip(low.tolist(), high.tolist(), strict=True) for k in range(a, b + 1)}
        joints = {k for a, b in zip(low.tolist(), high.tolist(), strict=True) for k in range(a, b)}
        starts = sorted(k for k in covered if k - 1 not in covered or k - 1 not in joints)
        assert bands(low, high).tolist() == [sum(s <= a for s in starts) - 1 for a in low.tolist()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("block.symmetric_lr", [[1, 0, 1]]),
        ("block.symmetric_ud", [[1, 0, 1]]),
        ("block.only_rarest", [[0, 1, 0]]),
        ("block.only_emptiest", [[0, 1, 0]]),
        ("block.only_fullest", [[0, 0, 0]]),
    ],
)
def test_blocks_tell_what_is_special_about_a_panel(name: str, expected: list[list[int]]) -> None:
    grid = grid_from_text("01051105010/11150105111/01050005010")
    assert open_canvas("blocks", grid).plane(name).tolist() == expected


def test_numbers_count_shapes_up_to_turns_and_rings() -> None:
    grid = grid_from_text("111022/101020/111000/000003/003333")
    numbers = count_numbers(image_of(grid))
    assert [numbers[name][1] for name in ("m8.kinds", "x8.kinds", "m8.ringed")] == [3, 3, 1]
    assert count_numbers(image_of(grid_from_text("110001/100011")))["m8.kinds"][1] == 1


@pytest.mark.parametrize(
    ("canvas", "expected"), [("box rarest", "2/2"), ("box common_1", "1111/1111/1111"), ("box common_2 inside", "3")]
)
def test_boxes_of_ranked_colors(canvas: str, expected: str) -> None:
    grid = grid_from_text("1111000/1111000/1111000/0000002/0333002/0333000/0333000")
    assert grid_to_text(open_canvas(canvas, grid).image.grid) == expected
