from functools import cache
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.grid import MAX_SIDE, Grid, as_grid, grid_from_text, same_grid
from dsl.task import Example
from ensemble.encode import IGNORE, Loss
from ensemble.errors import ModelError
from ensemble.formats import EMBEDDED, TaskFormat
from ensemble.formats.known import SPECS, spec_for
from ensemble.formats.text import FormatSpec, TextFormat, parts_of
from ensemble.formats.tokenizing import compile_format
from tests.tokenizers_of_models import llama_3, mistral, qwen_2

MAKERS = {"llama 3": llama_3, "qwen 2": qwen_2, "mistral": mistral}
CASES = [
    *((name, "llama 3") for name in SPECS),
    *((name, kind) for name in ("plain", "architects") for kind in ("qwen 2", "mistral")),
]
TRAIN = [
    Example(grid_from_text("12/34"), grid_from_text("50")),
    Example(grid_from_text("1"), grid_from_text("66/77")),
    Example(grid_from_text("22"), grid_from_text("8/9/0")),
]
QUERY = grid_from_text("901/234")

tokenizer_of = cache(lambda kind: MAKERS[kind]())


@cache
def text_format(name: str, kind: str) -> TextFormat:
    return TextFormat(compile_format(SPECS[name], tokenizer_of(kind), kind))


def format_named(name: str, kind: str) -> TaskFormat:
    return EMBEDDED if name == "embedded" else text_format(name, kind)


def text_of(spec: FormatSpec, tokenizer: Any, examples: list[Example], query: Grid | None) -> str:
    """Write a sequence as text, from the pieces as they stand in the specification."""
    text = ""
    for part in parts_of(examples, query):
        if part.grid is None:
            text += getattr(spec, part.name).replace("{number}", str(part.number + 1))
        else:
            rows = (spec.between_cells.join(spec.cells[color] for color in row) for row in part.grid.tolist())
            text += spec.between_rows.join(rows)
    return text.replace("{bos}", tokenizer.bos_token or "").replace("{eos}", tokenizer.eos_token or "")


@pytest.mark.parametrize(("name", "kind"), [("embedded", ""), *CASES])
def test_every_grid_size_round_trips(name: str, kind: str) -> None:
    task_format = format_named(name, kind)
    rng = np.random.default_rng(0)
    for height in range(1, MAX_SIDE + 1):
        for width in range(1, MAX_SIDE + 1):
            grid = as_grid(rng.integers(0, 10, (height, width)))
            tokens = task_format.grid_tokens(grid)
            decoded = task_format.decode_grid(tokens)
            assert decoded is not None
            assert same_grid(decoded, grid)
            assert tokens.max() < task_format.vocabulary_size
            assert len(tokens) <= task_format.max_grid_tokens


@pytest.mark.parametrize(("name", "kind"), CASES)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_malformed_tokens_are_no_grid(name: str, kind: str, data: st.DataObject) -> None:
    task_format = text_format(name, kind)
    tokens = task_format.grid_tokens(grid_from_text("12/34/56")).tolist()
    assert task_format.decode_grid(tokens[:-1]) is None
    assert task_format.decode_grid([*tokens, tokens[0]]) is None
    place = data.draw(st.integers(0, len(tokens) - 1))
    token = data.draw(st.integers(-1, task_format.vocabulary_size))
    changed = [*tokens[:place], token, *tokens[place + 1 :]]
    decoded = task_format.decode_grid(changed)
    assert decoded is None or task_format.grid_tokens(decoded).tolist() == changed


@pytest.mark.parametrize("name", ["marc", "barc"])
@given(seed=st.integers(0, 2**32), shape=st.tuples(st.integers(1, 30), st.integers(1, 30)))
@settings(max_examples=10, deadline=None)
def test_tokens_are_those_of_the_whole_text(name: str, seed: int, shape: tuple[int, int]) -> None:
    rng, tokenizer, task_format = np.random.default_rng(seed), tokenizer_of("llama 3"), text_format(name, "llama 3")
    examples = [
        Example(as_grid(rng.integers(0, 10, shape)), as_grid(rng.integers(0, 10, shape[::-1])))
        for _ in range(int(rng.integers(1, 12)))
    ]
    for query in (None, as_grid(rng.integers(0, 10, shape))):
        sequence = task_format.encode_pairs(examples, query=query)
        ids = tokenizer.encode(text_of(SPECS[name], tokenizer, examples, query), add_special_tokens=False)
        assert [task_format.token_ids[token] for token in sequence.tokens] == ids


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[0] in ("plain", "architects")])
def test_by_character_every_cell_is_one_token(name: str, kind: str) -> None:
    task_format, tokenizer = text_format(name, kind), tokenizer_of(kind)
    assert len(task_format.grid_tokens(as_grid(np.zeros((30, 30), int)))) <= 30 * 31 + 1
    ids = [task_format.token_ids[token] for token in task_format.encode_pairs(TRAIN, query=QUERY).tokens]
    assert tokenizer.decode(ids).replace(" ", "") == text_of(SPECS[name], tokenizer, TRAIN, QUERY)


def test_published_prompts_read_as_they_are_printed() -> None:
    tokenizer = tokenizer_of("llama 3")
    example = Example(grid_from_text("01/23"), grid_from_text("4"))
    marc = text_of(SPECS["marc"], tokenizer, [example, example], QUERY)
    printed = f"{example.input} -> {example.output}#"
    assert f"arrays:\n{printed}\n{printed}<|eot_id|>" in marc
    assert marc.endswith(f"\n\n{QUERY} -><|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n[[")
    barc = text_of(SPECS["barc"], tokenizer, [example, example], None)
    assert "examples:\nExample 1\nInput:\nBlack Blue\nRed Green\n\nOutput:\nYellow\n\n\nHere is the input" in barc
    assert barc.endswith("is:\n\n```\nYellow\n```<|eot_id|>")
    architects = text_of(SPECS["architects"], tokenizer, [example], QUERY)
    assert architects.endswith("xyzI01\n23\n+/-=O4\n<|end_of_text|>I901\n234\n+/-=O")


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("query", [None, QUERY])
@pytest.mark.parametrize(
    ("loss", "outputs", "inputs"),
    [("in_context", [1, 2], []), ("direct", [0, 1, 2], []), ("last", [2], []), ("all", [0, 1, 2], [0, 1, 2])],
)
def test_labels_cover_exactly_the_trained_grids(
    name: str, kind: str, query: Grid | None, loss: Loss, outputs: list[int], inputs: list[int]
) -> None:
    task_format, spec, tokenizer = text_format(name, kind), SPECS[name], tokenizer_of(kind)
    sequence = task_format.encode_pairs(TRAIN, query=query, loss=loss)
    trained = sequence.labels != IGNORE
    assert (sequence.labels[trained] == sequence.tokens[trained]).all()
    runs = np.split(sequence.tokens, np.flatnonzero(np.diff(trained)) + 1)[int(not trained[0]) :: 2]
    found = [tokenizer.decode([task_format.token_ids[token] for token in run]) for run in runs]
    expected = []
    for k, example in enumerate(TRAIN):
        closing = "after_answer" if query is None and k == 2 else "after_output"
        if k + 1 == len(TRAIN) - (query is None):
            closing = "after_last_output"
        parts = [(example.input, "")] * (k in inputs) + [(example.output, closing)] * (k in outputs)
        for grid, piece in parts:
            rows = spec.between_rows.join(spec.between_cells.join(spec.cells[c] for c in row) for row in grid.tolist())
            expected.append((rows + (getattr(spec, piece) if piece else "")).replace("{eos}", tokenizer.eos_token))
    assert [text.replace(" ", "") for text in found] == [text.replace(" ", "") for text in expected]


@pytest.mark.parametrize(("name", "kind"), [("embedded", ""), *CASES])
def test_length_is_known_before_encoding(name: str, kind: str) -> None:
    task_format = format_named(name, kind)
    for count in range(4):
        for query in (None, QUERY) if count else (QUERY,):
            sequence = task_format.encode_pairs(TRAIN[:count], query=query)
            assert task_format.encoded_length(TRAIN[:count], query) == len(sequence)
            assert sequence.positions.shape == (3, len(sequence))


@pytest.mark.parametrize(("name", "kind"), [("embedded", ""), *CASES])
def test_demonstrations_are_dropped_from_the_front_until_they_fit(name: str, kind: str) -> None:
    task_format = format_named(name, kind)
    limit = task_format.encoded_length(TRAIN[1:], QUERY)
    assert task_format.keep_within(TRAIN, limit, query=QUERY) == TRAIN[1:]
    assert task_format.keep_within(TRAIN, 1, query=QUERY) == []
    assert task_format.keep_within(TRAIN, 1) == TRAIN[2:]
    assert len(task_format.encode_pairs(task_format.keep_within(TRAIN * 20, 10**6))) > 0


@pytest.mark.parametrize(("name", "kind"), [("embedded", ""), *CASES])
def test_nothing_to_encode_is_an_error(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match="got neither"):
        format_named(name, kind).encode_pairs([])


@pytest.mark.parametrize(("name", "kind"), [("marc", "qwen 2"), ("barc", "mistral")])
def test_a_tokenizer_without_the_chat_tokens_is_refused(name: str, kind: str) -> None:
    with pytest.raises(ModelError, match=r"needs the token '<\|start_header_id\|>'"):
        text_format(name, kind)


def test_a_tokenizer_that_joins_pieces_is_refused() -> None:
    joined = FormatSpec("joined", SPECS["plain"].cells, "", "\n", "", "", "I", "O", "#", "#", "I", "O", "#")
    with pytest.raises(ModelError, match="joins the end of"):
        compile_format(joined, tokenizer_of("llama 3"), "m")


def test_the_format_of_a_published_checkpoint_is_known_by_its_name() -> None:
    assert spec_for("ekinakyurek/marc-8B-finetuned-llama3").name == "marc"
    assert spec_for("barc0/Llama-3.1-ARC-Potpourri-Transduction-8B").name == "barc"
    assert spec_for("da-fr/Llama-3.2-3B-ARChitects-ReArc-bnb-4bit").name == "architects"
    assert spec_for("Qwen/Qwen2.5-0.5B").name == "plain"
    assert spec_for("Qwen/Qwen2.5-0.5B", "marc").name == "marc"


@pytest.mark.parametrize(("name", "kind"), [("embedded", ""), *CASES])
@given(shape=st.tuples(st.integers(1, 30), st.integers(1, 30)), seed=st.integers(0, 2**32), cut=st.floats(0, 1))
@hypothesis.example(shape=(30, 30), seed=0, cut=1.0)
@hypothesis.example(shape=(1, 30), seed=0, cut=0.9)
@settings(max_examples=4, deadline=None)
def test_decoding_allows_every_grid_and_forces_only_its_tokens(
    name: str, kind: str, shape: tuple[int, int], seed: int, cut: float
) -> None:
    task_format, rng = format_named(name, kind), np.random.default_rng(seed)
    tokens = torch.from_numpy(task_format.grid_tokens(as_grid(rng.integers(0, 10, shape))))
    state, place = task_format.begin(2, torch.device("cpu")), 0
    while place < cut * len(tokens):
        assert state.allowed()[:, tokens[place]].all()
        assert not state.done.any()
        state.advance(tokens[place].expand(2))
        place += 1
        forced = state.force()
        if forced is not None:
            count = int(forced[1][0])
            assert forced[0][:, :count].tolist() == [tokens[place : place + count].tolist()] * 2
            place += count
    # From here on every allowed token leads to some well-formed grid.
    begun = tokens[:place].tolist()
    while not bool(state.done.any()):
        token = int(state.allowed()[0].nonzero()[-1])
        state.advance(torch.tensor([token, token]))
        begun.append(token)
    assert task_format.decode_grid(begun) is not None
