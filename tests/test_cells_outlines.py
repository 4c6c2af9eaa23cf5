"""Outlines of components, runs, stripes and facing components against their slow twins."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.grid import grid_from_text, seal
from dsl.kernels import planes_objects as objects
from dsl.search.cells.features_axis import AXIS, lies_in_rows
from dsl.search.cells.planes import Image
from tests import naive_cells as naive


def random_grids() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(9)
    grids = [grid_from_text("0"), grid_from_text("3")]
    for height, width in ((1, 7), (6, 1), (5, 8), (9, 9), (30, 30)):
        for share in (0.3, 0.7):
            cells = np.where(rng.random((height, width)) < share, rng.integers(1, 4, (height, width)), 0)
            grids.append(seal(cells.astype(np.uint8)))
    return grids


N = naive.NO_COLOR
GRIDS = random_grids()
SMALL = [grid for grid in GRIDS if grid.size < 900]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: str(grid.shape))
@pytest.mark.parametrize("segmentation", ["m4", "m8", "x8"])
def test_outlines_are_those_of_sets_of_cells(grid: NDArray[np.uint8], segmentation: str) -> None:
    parts = Image(grid).components(segmentation)
    found, cells = parts.outlines, naive.component_cells(parts.labels)
    assert found.ends.tolist() == [naive.ends(each) for each in cells]
    assert found.corners.tolist() == [naive.quads_with(e, 1) for e in cells]
    assert found.notches.tolist() == [naive.quads_with(e, 3) for e in cells]
    assert found.edges.tolist() == [naive.edges(e, (grid.shape[0], grid.shape[1])) for e in cells]
    kinds = [naive.kind(each) for each in cells]
    assert found.same_kind.tolist() == [kinds.count(each) for each in kinds]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: str(grid.shape))
def test_runs_are_pieces_of_one_color(grid: NDArray[np.uint8]) -> None:
    rows, columns = naive.run_lengths(grid), naive.run_lengths(np.ascontiguousarray(grid.T)).T
    image = Image(grid)
    for name, expected in {
        "run_row": rows,
        "run_column": columns,
        "run_least": np.minimum(rows, columns),
        "run_most": np.maximum(rows, columns),
    }.items():
        np.testing.assert_array_equal(image.plane(name), expected)


@pytest.mark.parametrize("grid", SMALL, ids=lambda grid: str(grid.shape))
def test_facing_shows_the_smaller_of_two_components(grid: NDArray[np.uint8]) -> None:
    image = Image(grid)
    expected = naive.facing_small(grid, image.components("m8").labels, image.background)
    np.testing.assert_array_equal(image.plane("facing.small"), expected)


@pytest.mark.parametrize("grid", SMALL, ids=lambda grid: str(grid.shape))
def test_nearest_other_colors_are_those_of_comparing_all_cells(grid: NDArray[np.uint8]) -> None:
    image = Image(grid)
    for name, expected in zip(("other", "other.steps"), naive.nearest_other(grid, image.background), strict=True):
        np.testing.assert_array_equal(image.plane(name), expected)


@pytest.mark.parametrize("grid", GRIDS[1:], ids=lambda grid: str(grid.shape))
def test_the_largest_component_pulls_what_is_in_line_with_it(grid: NDArray[np.uint8]) -> None:
    image = Image(grid)
    table = image.components("m8").table
    box = table[int(table[:, objects.SIZE].argmax())] if len(table) else None
    if box is not None:
        bounds = [int(box[k]) for k in (objects.TOP, objects.BOTTOM, objects.LEFT, objects.RIGHT)]
        expected = naive.pulled(grid, (bounds[0], bounds[1], bounds[2], bounds[3]), image.background)
        np.testing.assert_array_equal(image.plane("pulled"), expected)


def test_places_are_named_by_quadrant_and_ring() -> None:
    image = Image(grid_from_text("10002/00000/03430/00000/50006"))
    assert image.plane("corner").tolist() == [
        [1, 1, N, 2, 2],
        [1, 1, N, 2, 2],
        [N] * 5,
        [5, 5, N, 6, 6],
        [5, 5, N, 6, 6],
    ]
    framed = Image(grid_from_text("11111/12221/12321/12221/11111"))
    assert framed.plane("frames_reversed").tolist() == [
        [3] * 5,
        [3, 2, 2, 2, 3],
        [3, 2, 1, 2, 3],
        [3, 2, 2, 2, 3],
        [3] * 5,
    ]
    boxed = Image(grid_from_text("00000/01110/01010/01110/00000")).plane("box_ring").tolist()
    assert boxed == [[255] * 5, [255, 0, 0, 0, 255], [255, 0, 1, 0, 255], [255, 0, 0, 0, 255], [255] * 5]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("facing.joined", "10000/12220/10000"),
        ("facing.small", [[10, 10, 10, 10, 10], [10, 2, 2, 10, 10], [10, 10, 10, 10, 10]]),
        ("facing.large", [[10, 10, 10, 10, 10], [10, 1, 1, 10, 10], [10, 10, 10, 10, 10]]),
        ("facing.gap", [[255, 255, 255, 255, 255], [255, 2, 2, 255, 255], [255, 255, 255, 255, 255]]),
        ("row_mode", "00000/00000/00000"),
        ("column_mode", "10000/10000/10000"),
        ("stripe", "10000/10000/10000"),
        ("lies_in_rows", "00000/00000/00000"),
        ("across.sees_#2", "00000/01101/00000"),
        ("along.sees_#2", "00010/00000/00010"),
        ("along.after", [[N, N, N, 2, N], [N, N, N, 0, N], [N, N, N, N, N]]),
        ("across.before", [[N, 1, 1, 1, 1], [N, 1, 1, 0, 2], [N, 1, 1, 1, 1]]),
        ("across.place", [[0, 1, 2, 3, 4]] * 3),
        ("along.place", [[0] * 5, [1] * 5, [2] * 5]),
        ("m8.edges", [[3, 255, 255, 255, 255], [3, 255, 255, 0, 255], [3, 255, 255, 255, 255]]),
    ],
)
def test_a_plane_shows_what_its_name_says(name: str, expected: str | list[list[int]]) -> None:
    wanted = grid_from_text(expected).tolist() if isinstance(expected, str) else expected
    assert Image(grid_from_text("10000/10020/10000")).plane(name).tolist() == wanted


@pytest.mark.parametrize("seed", range(40))
def test_what_lies_along_the_stripes_does_not_depend_on_how_the_image_lies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.choice(4, size=(int(rng.integers(3, 6)), int(rng.integers(7, 12))), p=(0.7, 0.1, 0.1, 0.1)).astype(
        np.uint8
    )
    cells[1] = 3
    grid, turned = seal(cells), seal(np.ascontiguousarray(cells.T))
    assert lies_in_rows(grid)
    assert not lies_in_rows(turned)
    for spec in AXIS.specs:
        if spec.name.startswith(("along.", "across.", "stripe")):
            np.testing.assert_array_equal(Image(grid).plane(spec.name).T, Image(turned).plane(spec.name), spec.name)
    np.testing.assert_array_equal(Image(grid).plane("row_mode").T, Image(turned).plane("column_mode"))
