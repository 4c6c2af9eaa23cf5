"""Planes keep to the values of their kind, have names of their own, and turn with the image where they should."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.grid import Grid, grid_from_text, seal
from dsl.kernels.bitsets import COLOR_PLANE, FLAG_PLANE
from dsl.search.cells.planes import Group, Image, all_groups, background_color, image_of, plane_index
from dsl.search.cells.predicates import NO_COLOR

Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
TURNS: tuple[Turn, ...] = (np.fliplr, np.flipud, np.transpose, np.rot90)
DIRECTED = ("up", "down", "left", "right", "row", "column", "top", "bottom", "lr", "ud", "vertical", "horizontal")


def grids() -> list[Grid]:
    rng = np.random.default_rng(11)
    found = [grid_from_text("0"), grid_from_text("3"), grid_from_text("12"), grid_from_text("555/555/555")]
    for height, width in ((1, 9), (6, 7), (11, 11), (30, 30)):
        cells = np.where(rng.random((height, width)) < 0.4, rng.integers(1, 6, (height, width)), 0)
        found.append(seal(cells.astype(np.uint8)))
    lined = found[-2].copy()
    lined[5], lined[:, 5] = 8, 8
    return [*found, seal(lined)]


GRIDS = grids()


@pytest.mark.parametrize("group", all_groups(), ids=lambda group: group.name)
def test_planes_hold_only_values_of_their_kind(group: Group) -> None:
    highest = {COLOR_PLANE: 10, FLAG_PLANE: 1}
    for grid in GRIDS:
        block = Image(grid).block(group)
        for spec, plane in zip(group.specs, block, strict=True):
            assert plane.shape == grid.shape
            assert plane.max() <= highest.get(spec.kind, 255), spec.name


def test_names_are_unique_and_readable_in_program_text() -> None:
    names = [spec.name for group in all_groups() for spec in group.specs]
    assert len(set(names)) == len(names)
    assert not [name for name in names if '"' in name or " " in name or name[:1] in "#0123456789"]


def test_compared_planes_are_color_planes() -> None:
    kinds = {spec.name: spec.kind for group in all_groups() for spec in group.specs}
    compared = {name for group in all_groups() for first, second, _ in group.pairs for name in (first, second)}
    assert {kinds[name] for name in compared} == {COLOR_PLANE}


def undirected() -> list[str]:
    basic = [name for name, (group, _) in plane_index().items() if group.basic and group.name != "position"]
    return [name for name in basic if not any(word in name for word in DIRECTED)]


@pytest.mark.parametrize("turn", TURNS)
def test_planes_without_a_direction_turn_with_the_image(turn: Turn) -> None:
    grid = GRIDS[6]
    plain, turned = Image(grid), Image(seal(np.ascontiguousarray(turn(grid))))
    moved = [name for name in undirected() if not np.array_equal(turn(plain.plane(name)), turned.plane(name))]
    swapped = {"height", "width", "transposed", "antitransposed", "diagonal", "antidiagonal", "checker"}
    tied = {"around", "between", "nearest_ray_4", "nearest_ray_8", "box_color", "smallest_color", "largest_color"}
    assert {name.split(".")[-1] for name in moved} <= swapped | tied


def test_a_cached_image_is_the_same_as_a_new_one() -> None:
    first, second = image_of(GRIDS[5]), image_of(GRIDS[5].copy())
    assert first is second
    for name in ("m8.size", "ray_up", "fallen_down"):
        np.testing.assert_array_equal(first.plane(name), Image(GRIDS[5]).plane(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("own", "110/002/110"),
        ("background", "000/000/000"),
        ("common_1", "111/111/111"),
        ("rarest", "222/222/222"),
        ("mirror_lr", "011/200/011"),
        ("m8.size", [[2, 2, 255], [255, 255, 1], [2, 2, 255]]),
        ("m8.largest", "110/000/110"),
        ("ray_down", [[1, 1, 2], [1, 1, 10], [10, 10, 10]]),
        ("ray_down.steps", [[2, 2, 1], [1, 1, 255], [255, 255, 255]]),
        ("neighbors_8.filled", "122/452/122"),
        ("fallen_down", "000/110/112"),
        ("row.filled", "222/111/222"),
    ],
)
def test_a_plane_shows_what_its_name_says(name: str, expected: str | list[list[int]]) -> None:
    wanted = grid_from_text(expected).tolist() if isinstance(expected, str) else expected
    found = Image(grid_from_text("110/002/110")).plane(name).tolist()
    assert found == wanted


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("exposed", "20003/00000/20110/00000", [[3, 10, 10, 10, 2], [10] * 5, [1, 10, 2, 10, 10], [10] * 5]),
        ("quadrant", "3004/0000/0110/0110", [[10] * 4, [10] * 4, [10, 3, 4, 10], [10] * 4]),
        ("echoes", "50000/00000/00000/00000/00005", [[1] * 5, [1, 0, 0, 0, 1], [1, 0, 1, 0, 1], [1, 0, 0, 0, 1]]),
    ],
)
def test_a_plane_of_places_shows_what_its_name_says(name: str, source: str, expected: list[list[int]]) -> None:
    found = Image(grid_from_text(source)).plane(name).tolist()
    assert found[: len(expected)] == expected


def test_black_is_background_from_a_quarter_of_the_cells_on() -> None:
    assert background_color(grid_from_text("0555")) == 0
    assert background_color(grid_from_text("05555")) == 5


N = NO_COLOR


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("panel.same_place_in_rarest", [[0, 2, 0, N] * 3, [2, 0, 0, N] * 3]),
        ("panel.rarest_as_map", [[0, 0, 0, N, 2, 2, 2, N, 0, 0, 0]] * 2),
        ("panel.fewest_colors_as_map", [[N] * 11] * 2),
    ],
)
def test_the_one_panel_of_a_kind_is_shown_in_all(name: str, expected: list[list[int]]) -> None:
    plane = Image(grid_from_text("11050205110/00152005001")).plane(name)
    assert plane.tolist() == [row[:11] for row in expected]
