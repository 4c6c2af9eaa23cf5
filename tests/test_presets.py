import json
from typing import Any

import pytest

from ensemble.cli import main
from ensemble.config import load_config
from ensemble.errors import ConfigError
from ensemble.presets import MODEL_PRESETS, warning_about


@pytest.mark.parametrize("name", MODEL_PRESETS)
def test_every_preset_is_a_valid_configuration(name: str) -> None:
    config = load_config(None, {}, preset=name)
    assert config.neural.model == MODEL_PRESETS[name].model


def test_flags_go_before_a_preset() -> None:
    config = load_config(None, {"neural.model": "my/folder", "seconds": 5.0}, preset="marc-8b")
    assert (config.neural.model, config.seconds, config.neural.adaptation.rank) == ("my/folder", 5.0, 128)


def test_the_paper_s_settings() -> None:
    neural = load_config(None, {}, preset="llama-3.2-1b").neural
    adaptation = neural.adaptation
    assert (neural.inference.view_set, neural.inference.min_probability) == ("paper", 0.0)
    assert (adaptation.recipe, adaptation.max_sequences, adaptation.epochs, adaptation.batch_size) == (
        "paper",
        250,
        2,
        2,
    )
    assert (adaptation.rank, adaptation.alpha, adaptation.rank_stabilized) == (128, 16.0, False)
    assert (adaptation.learning_rate, adaptation.weight_decay) == (5e-5, 0.01)


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"known: quick, .* \(did you mean 'marc-8b'\?\)"):
        load_config(None, {}, preset="marc8b")


def test_bases_that_were_never_tuned_get_a_warning() -> None:
    for preset in MODEL_PRESETS.values():
        assert (warning_about(preset.model) is None) == preset.is_tuned
    assert "4.75 %" in str(warning_about("Qwen/Qwen3-0.6B"))
    assert warning_about("runs/my-tuned-model") is None


def test_doctor_times_a_model_and_estimates_hours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--model", "embedded", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"step", "prefill", "decoding", "mean task", "400 tasks"} <= set(found)
    assert "hours" in found["400 tasks"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError("no hub\nand more"), "error: cannot load the model {}: no hub"),
        (ImportError("no bits"), "error: the model {} needs a package: no bits (pip install 'arc-ensemble[4bit]')"),
    ],
)
def test_doctor_says_in_one_line_that_a_model_is_not_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("ensemble.model.AutoConfig.from_pretrained", refuse)
    assert main(["doctor", "--preset", "barc-8b", "--device", "cpu"]) == 2
    assert capsys.readouterr().err.splitlines() == [line.format("'barc0/Llama-3.1-ARC-Potpourri-Transduction-8B'")]
