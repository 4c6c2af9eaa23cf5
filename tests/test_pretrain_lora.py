from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ensemble.cli import main
from ensemble.model import load_model
from ensemble.pretrain_config import Chunk
from ensemble.pretrain_lora import Tuner, tune_config_of
from tests.tokenizers_of_models import qwen_2

SMALL = {"re_arc_weight": 0, "composed_weight": 0, "batch_size": 2, "max_tokens": 512, "rank": 4, "adamw_lr": 0.01}
SETTINGS = [f"--set={key}={value}" for key, value in SMALL.items()] + ["--set=curriculum=[[0, 6]]"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    tokenizer = qwen_2()
    tokenizer.save_pretrained(tmp_path / "base")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
        model.model.embed_tokens.weight.data *= 8.0  # so that an adapter reaches the output
        model.lm_head.weight.data *= 8.0
        model.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def tuner(base: Path, work: Path, steps: int) -> Tuner:
    config = tune_config_of(work, str(base), SMALL | {"curriculum": ((0, 6),), "warmup_steps": 1})
    return Tuner(config, work, Chunk(steps=steps, device="cpu"))


def test_a_stopped_run_goes_on_exactly(base: Path, tmp_path: Path) -> None:
    straight = tuner(base, tmp_path / "a", 4)
    losses = straight.run()
    halves = tuner(base, tmp_path / "b", 2).run()
    second = tuner(base, tmp_path / "b", 2)
    halves += second.run()
    assert halves == losses
    assert second.progress.step == 4
    for name, factor in straight.factors.items():
        assert torch.equal(second.factors[name], factor)


def test_the_adapter_of_a_bfloat16_base_is_trained_in_float32(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.model.has_bfloat16_units", lambda _: True)
    config = tune_config_of(tmp_path / "work", str(base), SMALL | {"curriculum": ((0, 6),), "adamw_lr": 1e-5})
    run = Tuner(config, tmp_path / "work", Chunk(steps=3, device="cpu"))
    assert run.model.dtype == torch.bfloat16
    before = {name: factor.detach().clone() for name, factor in run.factors.items()}
    run.run()
    assert {factor.dtype for factor in run.factors.values()} == {torch.float32}
    for name, factor in run.factors.items():
        assert (factor != before[name]).float().mean() > 0.5, name  # in bfloat16 such steps are rounded away


def test_a_text_that_spends_more_tokens_keeps_to_the_bound(base: Path, tmp_path: Path) -> None:
    run = tuner(base, tmp_path / "work", 1)
    whole = [len(sequence) for step in range(8) for sequence in run.sequences(step)]
    run.config = run.config.model_copy(update={"max_tokens": max(whole) // 2})
    assert max(len(sequence) for step in range(8) for sequence in run.sequences(step)) <= max(whole) // 2


def test_nothing_trained_is_nothing_to_export(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["pretrain", str(tmp_path / "new"), "--model", str(base), "--lora", "--device", "cpu", *SETTINGS]
    assert main([*arguments, "--export", str(tmp_path / "out")]) == 2
    assert "has no trained adapter to export; train first" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_loss_falls(base: Path, tmp_path: Path) -> None:
    losses = tuner(base, tmp_path / "work", 150).run()
    assert sum(losses[-30:]) < 0.9 * sum(losses[:30])  # each step reads other tasks


def test_the_command_leaves_a_folder_that_loads(base: Path, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "tuned"
    arguments = ["pretrain", str(work), "--model", str(base), "--lora", "--device", "cpu", *SETTINGS]
    assert main([*arguments, "--steps", "2"]) == 0
    assert main([*arguments, "--export", str(out)]) == 0
    before, after = load_model(base), load_model(out)
    assert not torch.equal(before.model.layers[0].mlp.up_proj.weight, after.model.layers[0].mlp.up_proj.weight)
    assert torch.equal(before.model.embed_tokens.weight, after.model.embed_tokens.weight)


def test_settings_that_cannot_be_read_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, options in (("tune.json", ["--model", "none", "--lora"]), ("config.json", [])):
        (tmp_path / name).write_text("")
        assert main(["pretrain", str(tmp_path), *options, "--steps", "1"]) == 2
        assert capsys.readouterr().err == (
            f"error: cannot read the settings in {tmp_path / name}: give a new work folder\n"
        )


def test_other_settings_are_refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = str(tmp_path / "work")
    assert main(["pretrain", work, "--model", str(base), "--lora", "--device", "cpu", *SETTINGS, "--steps", "1"]) == 0
    assert main(["pretrain", work, "--model", str(base), "--lora", "--set=rank=8", "--steps", "1"]) == 2
    assert "was begun with other settings" in capsys.readouterr().err
    assert main(["pretrain", work, "--model", str(base), "--steps", "1"]) == 2
