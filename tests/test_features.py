"""Features of input cells say what can be counted by hand, and stand where their cells stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dsl.grid import Grid, grid_from_text, seal
from dsl.symmetry import TRANSFORMS, transform
from dsl.task import Example
from ensemble.encode import END, END_OF_ROW, encode_pairs
from ensemble.features import FEATURES, NUM_VALUES, input_features

FIRST = dict(zip(FEATURES, np.cumsum([1, *FEATURES.values()]), strict=False))

GRID = grid_from_text("000000/033300/030300/033300/000002")

grids = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 9)).map(seal)


def values(grid: Grid, name: str) -> list[list[int | None]]:
    """Return what a feature says at each cell, None where it says nothing."""
    found = input_features(grid)[..., list(FEATURES).index(name)]
    return [[None if value == 0 else int(value) - FIRST[name] for value in row] for row in found.tolist()]


@settings(deadline=None)
@given(grids)
def test_every_value_is_one_of_its_feature(grid: Grid) -> None:
    found = input_features(grid)
    assert found.shape == (*grid.shape, len(FEATURES))
    for k, (name, count) in enumerate(FEATURES.items()):
        own = found[..., k]
        assert FIRST[name] + count <= NUM_VALUES
        assert ((own == 0) | ((own >= FIRST[name]) & (own < FIRST[name] + count))).all(), name


def test_a_ring_around_a_hole() -> None:
    assert values(GRID, "region holes")[1][1] == 1
    assert values(GRID, "region box")[1][1] == 4  # a thin ring
    assert values(GRID, "region size")[1][1] == 5  # 7 to 9 cells
    assert values(GRID, "region at edge")[2][2] == 0
    assert values(GRID, "region around")[2][2] == 3
    assert values(GRID, "region sides of box")[1][1] == 1 + 2
    assert values(GRID, "thing rank")[1][1] == 1  # the largest of two
    assert values(GRID, "thing rank")[4][5] == 2
    assert values(GRID, "thing size")[2][2] is None  # the hole is background
    assert values(GRID, "rank of color")[0][0] == 0
    assert values(GRID, "rank of color")[4][5] == 5  # the rarest


def test_rays_see_the_next_other_color() -> None:
    assert values(GRID, "ray down")[0] == [10, 3, 3, 3, 10, 2]
    assert values(GRID, "ray left")[4] == [10, 10, 10, 10, 10, 0]
    assert values(GRID, "ray up")[3] == [10, 0, 0, 0, 10, 10]


def test_lines_and_panels() -> None:
    grid = grid_from_text("10500/00500/55555/00510")
    assert values(grid, "lines")[0] == [0, 0, 2, 0, 0]
    assert values(grid, "lines")[2] == [1, 1, 3, 1, 1]
    assert values(grid, "panel")[0] == [0, 0, 1, 1, 1]
    assert values(grid, "panel")[3] == [4, 4, 5, 5, 5]


@settings(deadline=None)
@given(grids)
def test_mirrored_colors_are_those_of_the_mirrored_grid(grid: Grid) -> None:
    assert values(grid, "grid left-right") == grid[:, ::-1].tolist()
    assert values(grid, "grid up-down") == grid[::-1].tolist()
    assert values(grid, "grid half turn") == grid[::-1, ::-1].tolist()


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(deadline=None)
@given(grids)
def test_what_has_no_direction_turns_with_the_grid(name: str, grid: Grid) -> None:
    undirected = [
        k
        for k, feature in enumerate(FEATURES)
        if feature.partition(" ")[2] in {"size", "holes", "at edge", "square", "rank", "colors", "ring of box"}
        or feature in {"rank of color", "steps from edge"}
    ]
    before, after = input_features(grid)[..., undirected], input_features(transform(grid, name))[..., undirected]
    for k in range(len(undirected)):
        turned = transform(seal(before[..., k].astype(np.int64)), name)
        assert np.array_equal(turned, after[..., k])


def test_features_stand_at_the_cells_of_inputs_only() -> None:
    examples = [Example(GRID, grid_from_text("12/34")), Example(grid_from_text("7"), GRID)]
    sequence = encode_pairs(examples, query=grid_from_text("012"))
    assert sequence.features is not None
    known = (sequence.features != 0).any(axis=1)
    is_input = sequence.positions[0] % 2 == 0
    is_cell = (sequence.tokens < 10) & (np.arange(len(sequence)) > 0)
    assert np.array_equal(known, is_input & is_cell)
    first = sequence.features[2 : 2 + 5 * 7].reshape(5, 7, -1)
    assert np.array_equal(first[:, :6], input_features(GRID))
    assert set(sequence.tokens[2 : 2 + 5 * 7].reshape(5, 7)[:, 6].tolist()) == {END_OF_ROW, END}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(grids, grids), min_size=1, max_size=3), grids)
def test_tokens_of_outputs_see_the_input_cells_at_their_own_place_and_at_the_next(
    pairs: list[tuple[Grid, Grid]], query: Grid
) -> None:
    sequence = encode_pairs([Example(*pair) for pair in pairs], query=query)
    assert sequence.under is not None
    is_cell = (sequence.tokens < 10) & (sequence.positions[2] > 0)
    places = {tuple(place): k for k, place in enumerate(sequence.positions.T.tolist()) if is_cell[k]}
    for k, (grid, row, column) in enumerate(sequence.positions.T.tolist()):
        for ahead in range(2):
            expected = places.get((grid - 1, row, column + ahead), -1) if grid % 2 and k else -1
            assert sequence.under[ahead, k] == expected
