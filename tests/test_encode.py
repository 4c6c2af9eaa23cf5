from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.grid import MAX_SIDE, Grid, as_grid, grid_from_text, same_grid
from dsl.task import Example
from ensemble.encode import (
    BOS,
    END,
    END_OF_ROW,
    IGNORE,
    IN,
    MAX_GRID_TOKENS,
    OUT,
    PAD,
    collate,
    decode_grid,
    encode_pairs,
    encoded_length,
    grid_positions,
    grid_tokens,
    keep_within,
)


def random_grid(rng: np.random.Generator, height: int, width: int) -> Grid:
    return as_grid(rng.integers(0, 10, (height, width)))


def pair(left: str, right: str) -> Example:
    return Example(grid_from_text(left), grid_from_text(right))


@pytest.mark.parametrize("height", range(1, MAX_SIDE + 1))
def test_every_grid_size_round_trips(height: int) -> None:
    rng = np.random.default_rng(height)
    for width in range(1, MAX_SIDE + 1):
        grid = random_grid(rng, height, width)
        decoded = decode_grid(grid_tokens(grid))
        assert decoded is not None
        assert same_grid(decoded, grid)


def test_largest_grid_has_the_declared_number_of_tokens() -> None:
    assert len(grid_tokens(as_grid(np.zeros((30, 30), int)))) == MAX_GRID_TOKENS == 930


def test_sequence_is_written_as_documented() -> None:
    encoded = encode_pairs([pair("12/34", "5")], query=grid_from_text("67"))
    expected = [BOS, IN, 1, 2, END_OF_ROW, 3, 4, END, OUT, 5, END, IN, 6, 7, END, OUT]
    assert encoded.tokens.tolist() == expected
    assert encoded.positions[0].tolist() == [0] + [0] * 7 + [1] * 3 + [2] * 4 + [3]
    assert encoded.positions[1].tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 0, 0, 1, 0, 0, 0, 1, 0]
    assert encoded.positions[2].tolist() == [0, 0, 1, 2, 0, 1, 2, 0, 0, 1, 0, 0, 1, 2, 0, 0]


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_cell_is_predicted_by_the_position_to_its_left(height: int, width: int) -> None:
    positions = grid_positions((height, width), 3)
    tokens = np.concatenate([[OUT], grid_tokens(as_grid(np.zeros((height, width), int)))])
    cells = np.flatnonzero(tokens < 10)
    steps = positions[:, cells] - positions[:, cells - 1]
    assert (steps == np.array([[0], [0], [1]])).all()
    assert sorted(map(tuple, positions[1:, cells].T.tolist())) == [
        (r, c + 1) for r in range(height) for c in range(width)
    ]


@pytest.mark.parametrize(("loss", "trained_outputs"), [("in_context", [1, 2]), ("direct", [0, 1, 2]), ("last", [2])])
def test_labels_cover_exactly_the_trained_outputs(loss: Any, trained_outputs: list[int]) -> None:
    examples = [pair("12/34", "50"), pair("1", "66/77"), pair("22", "8")]
    encoded = encode_pairs(examples, query=grid_from_text("9"), loss=loss)
    expected = np.full(len(encoded), IGNORE)
    for k in trained_outputs:
        start = encoded_length(examples[:k], examples[k].input)
        body = grid_tokens(examples[k].output)
        expected[start : start + len(body)] = body
    assert (encoded.labels == expected).all()


def test_length_is_known_before_encoding() -> None:
    examples = [pair("12/34", "50"), pair("1", "66/77")]
    query = grid_from_text("123/456")
    assert encoded_length(examples) == len(encode_pairs(examples))
    assert encoded_length(examples, query) == len(encode_pairs(examples, query=query))


def test_demonstrations_are_dropped_from_the_front_until_they_fit() -> None:
    examples = [pair("12/34", "50"), pair("1", "66/77"), pair("22", "8")]
    query = grid_from_text("9")
    limit = encoded_length(examples[1:], query)
    assert keep_within(examples, encoded_length(examples, query), query=query) == examples
    assert keep_within(examples, limit, query=query) == examples[1:]
    assert keep_within(examples, 1, query=query) == []
    assert keep_within(examples, 1) == examples[2:]


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        [END],
        [1, 2],
        [1, END_OF_ROW],
        [1, 2, END_OF_ROW, 3, END],
        [1, END_OF_ROW, 2, 3, END],
        [END_OF_ROW, 1, 2, END],
        [1, END_OF_ROW, END],
        [1, IN, END],
        [1, END, 2, END],
        [1] * 31 + [END],
        [*([1, END_OF_ROW] * 30), 1, END],
        [-1, END],
    ],
)
def test_malformed_tokens_are_no_grid(tokens: list[int]) -> None:
    assert decode_grid(tokens) is None


def test_nothing_to_encode_is_an_error() -> None:
    with pytest.raises(ValueError, match="got neither"):
        encode_pairs([])


def test_batches_are_padded_on_the_right() -> None:
    short, long = encode_pairs([pair("1", "2")]), encode_pairs([pair("12/34", "5"), pair("1", "2")])
    batch = collate([short, long])
    assert batch.tokens.shape == (2, len(long))
    batch = batch.padded(8)
    assert batch.tokens.shape == batch.labels.shape == (2, 24)
    assert batch.positions.shape == (3, 2, 24)
    assert batch.tokens[0, : len(short)].tolist() == short.tokens.tolist()
    assert (batch.tokens[0, len(short) :] == PAD).all()
    assert (batch.labels[0, len(short) :] == IGNORE).all()
    assert batch.positions[:, 1, : len(long)].tolist() == long.positions.tolist()
