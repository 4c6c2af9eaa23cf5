"""The written-out way through llama-like networks against transformers, peft and autograd."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraModel, PeftModel
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dsl.grid import grid_from_text
from dsl.task import Example, Task
from ensemble.adaptation.lean import LeanStep, can_run_lean
from ensemble.adaptation.lora_files import lora_config
from ensemble.adaptation.shared import train_shared_adapter
from ensemble.config import AdaptationConfig, build_section
from ensemble.encode import collate, encode_pairs
from ensemble.errors import ModelError
from ensemble.model import next_token_loss
from ensemble.ttt import Bound, adapted

TRAIN = tuple(Example(grid_from_text(f"{k}0/01"), grid_from_text("12/30/01")) for k in (4, 5, 6))
SHAPE: dict[str, Any] = {
    "vocab_size": 16,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": None,
}
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM, {}),
    "mistral": (MistralConfig, MistralForCausalLM, {"sliding_window": None}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {}),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, {}),
}
PAPER = {"targets": ("q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"), "rank_stabilized": False}


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    return make(request.param)


def make(kind: str, **more: Any) -> PreTrainedModel:
    config_class, model_class, special = KINDS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config_class(**SHAPE | special | more)).eval().requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.data *= 5.0
    return model


def config_of(**values: Any) -> AdaptationConfig:
    return build_section(AdaptationConfig, {"rank": 4, "learning_rate": 0.01, **values})


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("options", [{}, PAPER], ids=["all linear", "paper"])
def test_loss_and_gradients_are_those_of_autograd(
    model: PreTrainedModel, options: dict[str, Any], recompute: bool
) -> None:
    wrapped = LoraModel(model.double(), lora_config(config_of(**options)), "default")
    for name, parameter in wrapped.named_parameters():
        parameter.data = parameter.data.double()
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    batch = collate([encode_pairs(TRAIN), encode_pairs(TRAIN[:2])])
    expected = next_token_loss(model(input_ids=batch.tokens).logits, batch.labels)
    expected.backward()
    trained = {name: parameter for name, parameter in wrapped.named_parameters() if parameter.requires_grad}
    gradients = {name: parameter.grad.clone() for name, parameter in trained.items()}
    wrapped.zero_grad()
    assert can_run_lean(model)
    loss = LeanStep(model, torch.float64, recompute=recompute)(batch)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    for name, parameter in trained.items():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-6, msg=name)


def test_bfloat16_products_train_nearly_the_same(model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = []
    for units in (False, True):
        monkeypatch.setattr("ensemble.ttt.has_bfloat16_units", lambda _, units=units: units)
        with adapted(model, TRAIN, config_of(), max_tokens=512, seed=0, bound=Bound(4)) as report:
            losses.append(report.losses)
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.2},
        {"adapter_dtype": "bfloat16"},
        {"gradient_checkpointing": True},
        {"gradient_checkpointing": True, "dropout": 0.1},
        {"recipe": "paper", "batch_size": 2, "gradient_accumulation": 2, "weight_decay": 0.01, **PAPER},
    ],
)
def test_options_train_and_leave_the_base_as_it_was(options: dict[str, Any]) -> None:
    model = make("qwen2")
    before = [parameter.clone() for parameter in model.parameters()]
    runs = []
    for _ in range(2):
        with adapted(model, TRAIN, config_of(**options), max_tokens=512, seed=0, bound=Bound(12)) as report:
            assert not model.training
            runs.append(report.losses)
    assert runs[0] == runs[1]
    assert sum(runs[0][-3:]) < sum(runs[0][:3])
    assert all(torch.equal(left, right) for left, right in zip(before, model.parameters(), strict=True))
    assert not model.is_activation_checkpointing


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
def test_a_saved_adapter_is_peft_s_and_comes_back(tmp_path: Path) -> None:
    model = make("llama")
    batch = collate([encode_pairs(TRAIN)])
    with (
        adapted(model, TRAIN, config_of(), max_tokens=512, seed=0, bound=Bound(4), save_to=tmp_path) as trained,
        torch.no_grad(),
    ):
        expected = model(input_ids=batch.tokens).logits
    shared = config_of(adapter="shared", adapter_folder=str(tmp_path))
    with adapted(model, TRAIN, shared, max_tokens=512, seed=0, bound=Bound(4)) as report, torch.no_grad():
        assert report.losses == trained.losses
        assert report.steps == 4
        torch.testing.assert_close(model(input_ids=batch.tokens).logits, expected)
    by_peft = PeftModel.from_pretrained(make("llama"), str(tmp_path))
    with torch.no_grad():
        torch.testing.assert_close(by_peft(input_ids=batch.tokens).logits, expected, rtol=1e-4, atol=1e-4)


def test_one_adapter_for_all_tasks(tmp_path: Path) -> None:
    model = make("qwen2")
    before = [parameter.clone() for parameter in model.parameters()]
    tasks = [Task(f"t{k}", TRAIN[k:], (TRAIN[0].input,)) for k in range(2)]
    report = train_shared_adapter(model, tasks, config_of(), tmp_path, max_tokens=512, seed=0, bound=Bound(12))
    assert report.losses[-1] < report.losses[0]
    assert all(torch.equal(left, right) for left, right in zip(before, model.parameters(), strict=True))
    assert (tmp_path / "adapter_model.safetensors").is_file()


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    with adapted(make("llama"), TRAIN, config_of(), max_tokens=512, seed=0, bound=Bound(1), save_to=tmp_path):
        pass
    other = make("llama", hidden_size=64)
    config = config_of(adapter="shared", adapter_folder=str(tmp_path))
    with (
        pytest.raises(ModelError, match="does not fit the model"),
        adapted(other, TRAIN, config, max_tokens=512, seed=0, bound=Bound(1)),
    ):
        pass
    missing = config_of(adapter="shared", adapter_folder=str(tmp_path / "none"))
    with ExitStack() as stack, pytest.raises(ModelError, match="cannot load the adapter"):
        stack.enter_context(adapted(make("llama"), TRAIN, missing, max_tokens=512, seed=0, bound=Bound(1)))


def test_four_bits_without_bitsandbytes_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes.nn", None)
    config = config_of(four_bit=True)
    with (
        pytest.raises(ModelError, match=r"pip install 'arc-ensemble\[4bit\]'"),
        adapted(make("llama"), TRAIN, config, max_tokens=512, seed=0, bound=Bound(1)),
    ):
        pass


def test_a_tied_head_has_no_adapter_of_its_own() -> None:
    model = make("qwen2", tie_word_embeddings=True)
    config = config_of(targets=("q_proj", "lm_head"))
    with (
        pytest.raises(ModelError, match="not tied"),
        adapted(model, TRAIN, config, max_tokens=512, seed=0, bound=Bound(1)),
    ):
        pass
