from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dsl.grid import grid_from_text
from dsl.task import Example
from ensemble.adopt import PIECES
from ensemble.cache import prefill
from ensemble.config import AdaptationConfig
from ensemble.decode import decode_greedy, score_grids
from ensemble.encode import IGNORE, collate, encode_pairs
from ensemble.errors import ModelError
from ensemble.model import load_model, rotary_positions
from ensemble.ttt import Bound, adapted

TRAIN = (
    Example(grid_from_text("120/304"), grid_from_text("021/403")),
    Example(grid_from_text("55/60/77"), grid_from_text("55/06/77")),
)
QUERIES = (grid_from_text("12/34"), grid_from_text("123456"))
SHAPE = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": None,
}
KINDS: dict[str, tuple[type[PretrainedConfig], type[PreTrainedModel], bool]] = {
    "llama": (LlamaConfig, LlamaForCausalLM, False),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, True),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, True),
}


def save_tokenizer(folder: Path, pieces: tuple[str, ...]) -> None:
    vocabulary = {piece: 3 + 2 * k for k, piece in enumerate(pieces)} | {"<unk>": 0}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The automatic class would take the tokenizer of the architecture in place of the one that is saved.
    monkeypatch.setattr("ensemble.adopt.AutoTokenizer", PreTrainedTokenizerFast)
    config_class, model_class, tied = KINDS[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config_class(**SHAPE, tie_word_embeddings=tied))
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.data *= 10.0
    model.save_pretrained(tmp_path)
    save_tokenizer(tmp_path, PIECES)
    return tmp_path


def test_kept_rows_are_those_of_the_pieces(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    whole, cut = AutoModelForCausalLM.from_pretrained(folder), load_model(folder)
    rows = torch.tensor([3 + 2 * k for k in range(16)])
    batch = collate([encode_pairs(TRAIN)])
    with torch.no_grad():
        expected = whole(input_ids=rows[batch.tokens]).logits[..., rows]
        logits = cut(input_ids=batch.tokens, position_ids=rotary_positions(cut, batch.positions)).logits
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)


def test_cached_scores_equal_teacher_forcing(folder: Path) -> None:
    model = load_model(folder)
    answer = grid_from_text("987/654")
    scores = score_grids(model, prefill(model, [encode_pairs(TRAIN, query=query) for query in QUERIES]), [answer] * 2)
    for query, score in zip(QUERIES, scores, strict=True):
        batch = collate([encode_pairs([*TRAIN, Example(query, answer)], loss="last")])
        with torch.no_grad():
            log_probs = model(input_ids=batch.tokens).logits[0, :-1].log_softmax(-1)
        labels = batch.labels[0, 1:]
        kept = labels != IGNORE
        assert score == pytest.approx(float(log_probs[kept].gather(1, labels[kept][:, None]).sum()), abs=1e-3)


def test_it_decodes_and_adapts_and_comes_back(folder: Path) -> None:
    model = load_model(folder)
    prompts = [encode_pairs(TRAIN, query=query) for query in QUERIES]
    before = [parameter.clone() for parameter in model.parameters()]
    first = decode_greedy(model, prefill(model, prompts, 30), max_new_tokens=30)
    with adapted(model, TRAIN, AdaptationConfig(), max_tokens=512, seed=0, bound=Bound(2)) as report:
        assert report.steps == 2
    again = decode_greedy(model, prefill(model, prompts, 30), max_new_tokens=30)
    assert [result.log_likelihood for result in again] == [result.log_likelihood for result in first]
    assert all(torch.equal(left, right) for left, right in zip(before, model.parameters(), strict=True))


def test_a_saved_cut_model_needs_no_tokenizer(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model, saved = load_model(folder), tmp_path_factory.mktemp("saved")
    model.save_pretrained(saved)
    again = load_model(saved)
    assert again.config.vocab_size == 16
    assert all(torch.equal(left, right) for left, right in zip(model.parameters(), again.parameters(), strict=True))


def test_a_tokenizer_without_a_piece_is_refused(folder: Path) -> None:
    save_tokenizer(folder, PIECES[:10])
    with pytest.raises(ModelError, match="must have a token of its own"):
        load_model(folder)
