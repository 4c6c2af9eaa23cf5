from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from dsl.grid import grid_from_text
from dsl.task import Example
from ensemble.encode import BOS, END, PAD, VOCABULARY_SIZE, Batch, collate, encode_pairs
from ensemble.errors import ModelError
from ensemble.features import NUM_VALUES
from ensemble.model import GridLM, build_model, load_model, model_config, next_token_loss, resolve_device

EXAMPLES = [
    Example(grid_from_text("12/34"), grid_from_text("21/43")),
    Example(grid_from_text("567"), grid_from_text("765")),
]


def logits_of(model: GridLM, batch: Batch, positions: torch.Tensor | None = None) -> torch.Tensor:
    inputs = batch.inputs()
    if positions is not None:
        inputs["position_ids"] = positions
    with torch.no_grad():
        return model(**inputs).logits


@pytest.fixture(scope="module")
def model() -> GridLM:
    return build_model("tiny", seed=3).eval()


def test_a_saved_folder_loads_through_the_auto_class(model: GridLM, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    batch = collate([encode_pairs(EXAMPLES)])
    expected = logits_of(model, batch)
    for loaded in (AutoModelForCausalLM.from_pretrained(tmp_path), load_model(tmp_path)):
        assert isinstance(loaded, GridLM)
        assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
        assert torch.equal(logits_of(loaded, batch), expected)


def test_a_network_that_reads_no_features_leaves_them_aside(tmp_path: Path) -> None:
    build_model(model_config(64, 2, 1, 128, num_feature_values=0)).save_pretrained(tmp_path)
    plain = load_model(tmp_path)
    batch = collate([encode_pairs(EXAMPLES)])
    bare = replace(batch, features=None, under=None)
    assert torch.equal(logits_of(plain, batch), logits_of(plain, bare))


def test_features_and_what_lies_under_a_token_count(model: GridLM) -> None:
    batch = collate([encode_pairs(EXAMPLES)])
    expected = logits_of(model, batch)
    assert not torch.allclose(logits_of(model, replace(batch, features=None)), expected, atol=1e-4)
    assert not torch.allclose(logits_of(model, replace(batch, under=None)), expected, atol=1e-4)


def test_a_network_of_other_features_is_refused(tmp_path: Path) -> None:
    build_model(model_config(64, 2, 1, 128, num_feature_values=NUM_VALUES + 1)).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=f"{NUM_VALUES + 1} values of input features, this version has {NUM_VALUES}"):
        load_model(tmp_path)


def test_special_tokens_lie_in_the_vocabulary(model: GridLM) -> None:
    config = model.config
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (BOS, END, PAD)
    assert config.vocab_size == VOCABULARY_SIZE


def test_weights_depend_on_the_seed_only() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = build_model("tiny", seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    for left, right in zip(first.parameters(), build_model("tiny", seed=5).parameters(), strict=True):
        assert torch.equal(left, right)


def test_padding_does_not_change_logits(model: GridLM) -> None:
    short, long = encode_pairs(EXAMPLES[:1]), encode_pairs(EXAMPLES)
    alone, together = collate([short]), collate([short, long])
    expected = logits_of(model, alone)
    padded = logits_of(model, together)[:1, : len(short)]
    torch.testing.assert_close(padded, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_axis_of_the_position_counts_and_only_relative(model: GridLM, axis: int) -> None:
    batch = collate([encode_pairs(EXAMPLES)])
    expected = logits_of(model, batch)
    shifted = batch.positions.clone()
    shifted[axis] += 7
    torch.testing.assert_close(logits_of(model, batch, shifted), expected, atol=1e-4, rtol=1e-4)
    stretched = batch.positions.clone()
    stretched[axis] *= 2
    assert not torch.allclose(logits_of(model, batch, stretched), expected, atol=1e-4)


def test_loss_counts_labelled_tokens_only(model: GridLM) -> None:
    batch = collate([encode_pairs(EXAMPLES)])
    logits = logits_of(model, batch)
    log_probs = logits[:, :-1].log_softmax(-1)
    trained = [t for t in range(batch.tokens.shape[1]) if batch.labels[0, t] >= 0]
    expected = -torch.stack([log_probs[0, t - 1, batch.tokens[0, t]] for t in trained]).mean()
    torch.testing.assert_close(next_token_loss(logits, batch.labels), expected)


def test_positions_are_required(model: GridLM) -> None:
    with pytest.raises(ValueError, match="position_ids"):
        model(input_ids=torch.zeros((1, 3), dtype=torch.int64))


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load the model") as caught:
        load_model(tmp_path / "nothing")
    assert "\n" not in str(caught.value)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ModelError, match=r"must be one of grid_lm, llama, .* got gpt2"):
        load_model(tmp_path)


def test_an_absent_device_is_named() -> None:
    assert resolve_device("cpu").type == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="'cuda' is not available"):
            resolve_device("cuda")
