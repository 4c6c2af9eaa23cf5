from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dsl.grid import grid_from_text
from dsl.task import Example, Task
from ensemble.adopt import restore_vocabulary
from ensemble.cache import prefill
from ensemble.config import AdaptationConfig, NeuralConfig
from ensemble.decode import decode_greedy, score_grids
from ensemble.encode import IGNORE, collate
from ensemble.errors import ModelError
from ensemble.formats import format_of
from ensemble.model import load_model, rotary_positions
from ensemble.optimizer import has_bfloat16_units
from ensemble.solvers.neural import NeuralSolver
from ensemble.ttt import Bound, adapted
from ensemble.types import Budget
from tests.tokenizers_of_models import llama_3, mistral, qwen_2

TRAIN = (
    Example(grid_from_text("120/304"), grid_from_text("021/403")),
    Example(grid_from_text("55/60/77"), grid_from_text("55/06/77")),
)
QUERIES = (grid_from_text("12/34"), grid_from_text("123456"))
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": None,
    "max_position_embeddings": 8192,
}
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM, llama_3, False),
    "mistral": (MistralConfig, MistralForCausalLM, mistral, False),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, qwen_2, True),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, qwen_2, True),
}
CASES = [*((kind, "plain") for kind in KINDS), *(("llama", name) for name in ("marc", "barc", "architects"))]


def config_of(kind: str, num_tokens: int, **overrides: object) -> PretrainedConfig:
    config_class, _, _, tied = KINDS[kind]
    values = SHAPE | {"vocab_size": num_tokens, "tie_word_embeddings": tied, "sliding_window": None} | overrides
    return config_class(**values)


def save_model(kind: str, folder: Path, **overrides: object) -> None:
    """Save a model of a kind with random weights, large enough for clear and varied choices, and its tokenizer."""
    tokenizer = KINDS[kind][2]()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = KINDS[kind][1](config_of(kind, len(tokenizer), **overrides))
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.data *= 10.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    for kind, folder in folders.items():
        save_model(kind, folder)
    return folders


@pytest.fixture(autouse=True)
def saved_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    # The automatic class would take the tokenizer of the architecture in place of the one that is saved.
    monkeypatch.setattr("ensemble.adopt.AutoTokenizer", PreTrainedTokenizerFast)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def case(request: pytest.FixtureRequest, folders: dict[str, Path]) -> tuple[Path, str]:
    kind, name = request.param
    return folders[kind], name


def load(case: tuple[Path, str], dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    return load_model(case[0], dtype=dtype, task_format=case[1])


def test_weights_are_narrow_where_that_is_faster(case: tuple[Path, str]) -> None:
    narrow = has_bfloat16_units(torch.device("cpu"))
    assert load_model(case[0], task_format=case[1]).dtype == (torch.bfloat16 if narrow else torch.float32)


def test_kept_rows_are_those_of_the_format(case: tuple[Path, str]) -> None:
    whole, cut = AutoModelForCausalLM.from_pretrained(case[0]), load(case)
    ids = format_of(cut).token_ids  # type: ignore[attr-defined]
    for before, after in (
        (whole.get_input_embeddings(), cut.get_input_embeddings()),
        (whole.get_output_embeddings(), cut.get_output_embeddings()),
    ):
        assert torch.equal(after.weight, before.weight[ids])
    assert cut.config.vocab_size == len(ids) == format_of(cut).vocabulary_size


def test_logits_are_those_of_the_whole_model(case: tuple[Path, str]) -> None:
    whole, cut = AutoModelForCausalLM.from_pretrained(case[0]), load(case)
    task_format = format_of(cut)
    ids = torch.tensor(task_format.token_ids)  # type: ignore[attr-defined]
    tokens = torch.from_numpy(task_format.encode_pairs(TRAIN, query=QUERIES[0]).tokens)[None]
    with torch.no_grad():
        torch.testing.assert_close(
            cut(input_ids=tokens).logits, whole(input_ids=ids[tokens]).logits[..., ids], rtol=1e-4, atol=1e-4
        )


def test_cached_scores_equal_teacher_forcing(case: tuple[Path, str]) -> None:
    model = load(case)
    task_format, answer = format_of(model), grid_from_text("987/654")
    prompts = [task_format.encode_pairs(TRAIN, query=query) for query in QUERIES]
    scores = score_grids(model, prefill(model, prompts), [answer] * 2)
    for query, score in zip(QUERIES, scores, strict=True):
        batch = collate([task_format.encode_pairs([*TRAIN, Example(query, answer)], loss="last")])
        positions = rotary_positions(model, batch.positions)
        with torch.no_grad():
            log_probs = model(input_ids=batch.tokens, position_ids=positions).logits[0, :-1].log_softmax(-1)
        labels = batch.labels[0, 1:]
        kept = labels != IGNORE
        assert score == pytest.approx(float(log_probs[kept].gather(1, labels[kept][:, None]).sum()), abs=1e-2)


def test_decoding_with_forced_tokens_equals_one_token_at_a_time(case: tuple[Path, str]) -> None:
    model = load(case)
    task_format = format_of(model)
    prompts = [task_format.encode_pairs(TRAIN, query=query) for query in QUERIES]
    decoded = decode_greedy(model, prefill(model, prompts), max_new_tokens=80)
    for prompt, result in zip(prompts, decoded, strict=True):
        state, tokens, total = task_format.begin(1, model.device), [], 0.0
        while len(tokens) < 80 and not bool(state.done):
            ids = torch.tensor([[*prompt.tokens.tolist(), *tokens]])
            with torch.no_grad():
                log_probs = model(input_ids=ids).logits[:, -1].log_softmax(-1)
            best = log_probs.masked_fill(~state.allowed(), float("-inf")).argmax(-1)
            state.advance(best)
            tokens.append(int(best))
            total += float(log_probs[0, best])
        expected = task_format.decode_grid(tokens)
        assert (result.grid is None) == (expected is None)
        if expected is not None and result.grid is not None:
            assert result.grid.tolist() == expected.tolist()
            assert result.log_likelihood == pytest.approx(total, abs=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_lowers_the_loss_and_leaves_the_base(case: tuple[Path, str], dtype: torch.dtype) -> None:
    model = load(case, dtype)
    before = [parameter.clone() for parameter in model.parameters()]
    config = AdaptationConfig(learning_rate=0.01)
    with adapted(model, TRAIN, config, max_tokens=2048, seed=0, bound=Bound(12)) as report:
        assert sum(report.losses[-3:]) < 0.9 * sum(report.losses[:3])
    assert all(torch.equal(left, right) for left, right in zip(before, model.parameters(), strict=True))


def test_a_task_goes_from_text_to_candidates_and_repeats(case: tuple[Path, str]) -> None:
    # Draws, because the likeliest output of random weights seldom ends.
    settings = {"inference": {"views": 2, "samples": 4, "temperature": 2.0}}
    config = NeuralConfig.model_validate({"model": str(case[0]), "format": case[1], "device": "cpu", **settings})
    task, budget = Task("t", TRAIN, QUERIES), Budget(60, seed=1, steps=2)
    solver = NeuralSolver(config)
    found = [solver.solve(task, budget) for _ in range(2)]
    described = [[(c.test_index, c.grid.tolist(), c.log_score, c.provenance) for c in run] for run in found]
    assert described[0] == described[1]
    assert {candidate.test_index for candidate in found[0]} == {0, 1}
    assert all(candidate.log_score <= 0 for candidate in found[0])


def test_a_saved_cut_model_needs_no_tokenizer(case: tuple[Path, str], tmp_path: Path) -> None:
    model = load(case)
    model.save_pretrained(tmp_path)
    again = load_model(tmp_path, dtype=torch.float32)
    assert format_of(again).name == case[1]
    assert format_of(again).encode_pairs(TRAIN).tokens.tolist() == format_of(model).encode_pairs(TRAIN).tokens.tolist()
    assert all(torch.equal(left, right) for left, right in zip(model.parameters(), again.parameters(), strict=True))
    with pytest.raises(ModelError, match="is cut to the format"):
        load_model(tmp_path, task_format="marc" if case[1] == "plain" else "plain")


def test_a_trained_cut_model_gets_its_vocabulary_back(case: tuple[Path, str], tmp_path: Path) -> None:
    whole, cut = AutoModelForCausalLM.from_pretrained(case[0]), load(case)
    ids = torch.tensor(format_of(cut).token_ids)  # type: ignore[attr-defined]
    for parameter in cut.parameters():
        parameter.data += 1.0
    trained = [part.weight.clone() for part in (cut.get_input_embeddings(), cut.get_output_embeddings())]
    restore_vocabulary(cut, str(case[0]))
    cut.save_pretrained(tmp_path)
    saved = AutoModelForCausalLM.from_pretrained(tmp_path)
    others = torch.ones(whole.config.vocab_size, dtype=torch.bool).scatter(0, ids, False)
    for rows, before, after in zip(
        trained,
        (whole.get_input_embeddings(), whole.get_output_embeddings()),
        (saved.get_input_embeddings(), saved.get_output_embeddings()),
        strict=True,
    ):
        assert torch.equal(after.weight[ids], rows)
        assert torch.equal(after.weight[others], before.weight[others])
    assert saved.config.vocab_size == whole.config.vocab_size
    with pytest.raises(ModelError, match="only a model with a cut vocabulary"):
        restore_vocabulary(saved, str(case[0]))


def test_a_sliding_window_is_refused(tmp_path: Path) -> None:
    save_model("mistral", tmp_path, sliding_window=64)
    with pytest.raises(ModelError, match="without sliding windows"):
        load_model(tmp_path)
