"""The output's shape is predicted from numbers of the input, and its rule reads back from its text."""

from collections.abc import Callable

import numpy as np
import pytest

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import Grid, grid_from_text, seal
from dsl.search.cells import predict_shapes
from dsl.search.cells.shape import parse_side, side_length
from dsl.task import Example, Task


def scattered(seed: int) -> Grid:
    rng = np.random.default_rng(seed)
    height, width = 4 + seed % 3, 5 + seed % 2
    return seal(np.where(rng.random((height, width)) < 0.3, rng.integers(1, 4, (height, width)), 0).astype(np.uint8))


RULES: dict[str, Callable[[Grid], tuple[int, int]]] = {
    "height x width": lambda grid: (grid.shape[0], grid.shape[1]),
    "3 x 1": lambda grid: (3, 1),
    "height*2 x width*2": lambda grid: (2 * grid.shape[0], 2 * grid.shape[1]),
    "width x height": lambda grid: (grid.shape[1], grid.shape[0]),
    "height+2 x width+2": lambda grid: (grid.shape[0] + 2, grid.shape[1] + 2),
    "filled x 1": lambda grid: (int((grid > 0).sum()), 1),
}


@pytest.mark.parametrize("text", RULES)
def test_the_first_guess_is_the_rule(text: str) -> None:
    inputs = [scattered(seed) for seed in range(7)]
    examples = tuple(Example(grid, seal(np.zeros(RULES[text](grid), np.uint8))) for grid in inputs[:6])
    guess = predict_shapes(Task("shape", examples, (inputs[6],)))[0]
    assert str(guess) == text
    assert guess.shapes == (RULES[text](inputs[6]),)


def test_guesses_are_distinct_and_cheapest_first() -> None:
    grid = seal(np.array([[1, 0, 0], [0, 2, 0], [0, 0, 0]], np.uint8))
    other = seal(np.array([[1, 0, 0, 5], [0, 2, 0, 0]], np.uint8))
    guesses = predict_shapes(Task("shape", (Example(grid, grid),), (other,)))
    assert guesses[0].shapes == ((2, 4),)
    assert len({guess.shapes for guess in guesses}) == len(guesses)
    assert [guess.cost for guess in guesses] == sorted(guess.cost for guess in guesses)


def test_without_a_rule_there_is_no_guess() -> None:
    sizes = [(7, 29), (29, 3), (2, 23), (19, 1)]
    grids = [scattered(seed) for seed in range(5)]
    examples = tuple(Example(g, seal(np.zeros(s, np.uint8))) for g, s in zip(grids[:4], sizes, strict=True))
    assert predict_shapes(Task("shape", examples, (grids[4],))) == []


@pytest.mark.parametrize(
    "text", ["3", "height", "width-1", "height*3/2", "width*1/2+1", "height*colors", "m8.count_#3+2"]
)
def test_a_side_reads_back_from_its_text(text: str) -> None:
    assert str(parse_side(text)) == text


@pytest.mark.parametrize("text", ["", "height 2", "+3", "height*", "2*height"])
def test_a_text_that_is_no_side_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_side(text)


def test_a_side_beyond_thirty_has_no_length() -> None:
    with pytest.raises(PrimitiveError):
        side_length(parse_side("height*16"), grid_from_text("10/02"))
