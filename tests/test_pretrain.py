"""Pre-training resumes exactly, keeps its settings, and ships what it says it ships."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ensemble import checkpoint, pretrain, training_data
from ensemble.checkpoint import load_checkpoint, save_checkpoint
from ensemble.cli import main
from ensemble.config import keep_settings
from ensemble.encode import EncodedSequence, collate, encode_pairs
from ensemble.errors import ConfigError, ModelError
from ensemble.model import build_model, load_model, model_config
from ensemble.model_card import export
from ensemble.pretrain import measure, open_run
from ensemble.pretrain_config import Chunk, PretrainConfig
from ensemble.stream import TaskStream
from ensemble.training_data import prepare
from tests.test_stream import small_corpus

TINY = PretrainConfig(
    hidden_size=64,
    num_layers=2,
    num_heads=1,
    intermediate_size=64,
    batch_size=2,
    max_tokens=120,
    curriculum=((0, 4),),
    re_arc_weight=0,
    composed_tasks=12,
    warmup_steps=4,
    held_out_sequences=4,
)


def train(work: Path, steps: int, *, decay: bool = False, config: PretrainConfig = TINY) -> pretrain.PretrainSummary:
    return pretrain.pretrain(config, work, Chunk(steps=steps, decay=decay, device="cpu"))


def weights(work: Path) -> dict[str, torch.Tensor]:
    found = load_checkpoint(work / "checkpoint")
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("straight")
    train(work, 20)
    return work


def test_a_resumed_run_ends_with_identical_weights(straight: Path, tmp_path: Path) -> None:
    train(tmp_path, 10)
    summary = train(tmp_path, 10)
    assert summary.progress.step == 20
    left, right = weights(straight), weights(tmp_path)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(
    ("larger", "tolerance"),
    [
        ({"num_layers": 5}, 1e-5),
        ({"intermediate_size": 96}, 1e-5),
        # a wider stream halves the mean of the squares that a norm adds its epsilon to
        ({"hidden_size": 128, "num_layers": 3, "num_heads": 2, "intermediate_size": 160}, 1e-3),
    ],
)
def test_a_run_starts_from_a_smaller_network_and_computes_the_same_at_first(
    larger: dict[str, int], tolerance: float, straight: Path, tmp_path: Path
) -> None:
    export(straight, tmp_path / "small")
    config = TINY.model_copy(update={"start": str(tmp_path / "small"), **larger})
    sources = prepare(config, tmp_path / "work", None)
    trainer = pretrain.Trainer(config, tmp_path / "work", sources, torch.device("cpu"))
    (sequence, *_) = trainer.stream.batch(0)
    batch = collate([sequence])
    inputs = batch.inputs()
    small = load_model(tmp_path / "small")(**inputs).logits
    torch.testing.assert_close(trainer.model.eval()(**inputs).logits, small, rtol=0, atol=tolerance)
    trainer.model.train()
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    for _ in range(2):
        trainer.train_step([sequence], 1.0)
    for name, tensor in trainer.model.state_dict().items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            assert bool(((tensor != before[name]).sum(0) > 0).all()), name
            assert bool(((tensor != before[name]).sum(1) > 0).all()), name


def test_runs_of_all_seeds_start_from_the_same_larger_network(straight: Path, tmp_path: Path) -> None:
    export(straight, tmp_path / "small")
    larger = {"start": str(tmp_path / "small"), "hidden_size": 128, "num_heads": 2}

    def weights_at_first(seed: int) -> dict[str, torch.Tensor]:
        config, work = TINY.model_copy(update={"seed": seed, **larger}), tmp_path / str(seed)
        return pretrain.Trainer(config, work, prepare(config, work, None), torch.device("cpu")).model.state_dict()

    left, right = weights_at_first(1), weights_at_first(2)
    assert all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(
    ("smaller", "reason"), [((64, 1, 1, 64), "2 layers, more than the 1"), ((64, 2, 1, 32), "wider than the network")]
)
def test_a_run_does_not_start_from_a_larger_network(
    smaller: tuple[int, int, int, int], reason: str, straight: Path, tmp_path: Path
) -> None:
    export(straight, tmp_path)
    with pytest.raises(ModelError, match=reason):
        pretrain.grow(load_model(tmp_path), build_model(model_config(*smaller)))


def test_a_curriculum_in_shares_goes_by_the_time_of_the_whole_run(tmp_path: Path) -> None:
    config = TINY.model_copy(update={"curriculum": ((0, 4), (0.5, 6)), "planned_minutes": 10.0})
    trainer = pretrain.Trainer(config, tmp_path, prepare(config, tmp_path, None), torch.device("cpu"))

    def longest_side() -> int:
        trainer.progress.step += 16
        batches = trainer.stream.batches(trainer.progress.step, clock=trainer.curriculum_point)
        return max(int(s.positions[1:].max()) for _ in range(16) for s in next(batches))

    trainer.progress.seconds = 299.0
    assert longest_side() <= 4
    trainer.progress.seconds = 301.0
    assert longest_side() > 4


def test_a_signal_ends_a_chunk_with_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = pretrain.Trainer.train_step

    def step_then_signal(self: pretrain.Trainer, batch: list[EncodedSequence], lr_scale: float) -> float:
        loss = original(self, batch, lr_scale)
        if self.progress.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    monkeypatch.setattr(pretrain.Trainer, "train_step", step_then_signal)
    summary = pretrain.pretrain(TINY, tmp_path, Chunk(steps=50, device="cpu"))
    found = load_checkpoint(tmp_path / "checkpoint")
    assert summary.interrupted
    assert found is not None
    assert found[1]["step"] == summary.progress.step == 3


def test_training_lowers_the_loss_on_its_own_stream(straight: Path) -> None:
    trained = open_run(straight)
    sequences = [sequence for step in range(4) for sequence in trained.stream.batch(step)]
    before = measure(build_model(trained.model.config, TINY.seed), sequences, trained.device)
    assert measure(trained.model, sequences, trained.device).loss < 0.9 * before.loss


def test_decay_ends_near_zero_and_is_remembered(tmp_path: Path) -> None:
    assert train(tmp_path, 10, decay=True).progress.lr_scale == pytest.approx(0.1)


def test_a_setting_newer_than_the_run_counts_as_its_default(tmp_path: Path) -> None:
    config, path = PretrainConfig(curriculum=((0, 6), (20, 10))), tmp_path / "config.json"
    keep_settings(config, path)
    older = json.loads(path.read_text())
    del older["pictured_weight"]
    path.write_text(json.dumps(older))
    keep_settings(config, path)
    with pytest.raises(ConfigError, match="other settings"):
        keep_settings(config.model_copy(update={"pictured_weight": 0.2}), path)


def test_a_work_folder_refuses_other_settings(straight: Path) -> None:
    with pytest.raises(ConfigError, match="other settings"):
        train(straight, 1, config=TINY.model_copy(update={"seed": 1}))


def test_re_arc_must_be_named_when_it_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--re-arc"):
        train(tmp_path, 1, config=TINY.model_copy(update={"re_arc_weight": 1.0}))


def test_a_chunk_needs_a_bound() -> None:
    with pytest.raises(ValueError, match="--minutes or --steps"):
        Chunk()


def test_the_command_trains_goes_on_with_its_settings_and_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [f"--set={key}={value}" for key, value in TINY.model_dump(mode="json", exclude_none=True).items()]
    work, out = str(tmp_path / "work"), tmp_path / "out"
    assert main(["pretrain", work, "--steps", "2", "--device", "cpu", *settings]) == 0
    assert main(["pretrain", work, "--steps", "1", "--device", "cpu", "--export", str(out)]) == 0
    assert "| sequences in a step | 2 |\n| steps | 3 |\n" in (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert main(["pretrain", work]) == 2
    assert "--minutes or --steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"curriculum": ((5, 8),)}, "start at step 0"),
        ({"curriculum": ((0, 40),)}, "sides must be 3..30"),
        ({"curriculum": ((0, 4), (0.5, 8))}, "need planned_minutes"),
        ({"curriculum": ((0, 4), (50, 8)), "planned_minutes": 2}, "shares below 1"),
        ({"re_arc_weight": 0, "composed_weight": 0, "arc_weight": 0}, "above 0"),
        ({"learning_rate": 1.0}, "learning_rate"),
    ],
)
def test_wrong_settings_are_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PretrainConfig.model_validate(setting)


def test_exported_weights_load_as_the_embedded_model_does(straight: Path, tmp_path: Path) -> None:
    export(straight, tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    shipped, trained = load_model(tmp_path), weights(straight)
    for name, parameter in shipped.named_parameters():
        assert torch.equal(parameter, trained[f"model:{name}"].to(torch.bfloat16).float()), name


def test_the_model_card_names_data_and_scores(straight: Path, tmp_path: Path) -> None:
    export(straight, tmp_path)
    text = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for corpus, _ in prepare(TINY, straight, None).training:
        assert corpus.digest in text
    assert "| sequences in a step | 2 |\n| steps | 20 |\n" in text
    assert "an early checkpoint" in text
    assert "`arc-agi-1`: ARC-AGI-1 training" in text
    assert "| largest grids | 4x4 |\n" in text
    assert "`composed`" in text
    assert "`arc-agi-2`" not in text
    assert "Apache-2.0" in text


def test_a_run_reads_the_composed_tasks_of_another_in_its_own_order(straight: Path, tmp_path: Path) -> None:
    def read(work: Path, **changes: int) -> tuple[str, list[int]]:
        config = TINY.model_copy(update=changes)
        sources = prepare(config, work, None)
        batch = TaskStream(sources.training, config.stream_options()).batch(0)
        return sources.digests["composed"], [int(token) for sequence in batch for token in sequence.tokens]

    digest, tokens = read(straight)
    same_digest, other_tokens = read(tmp_path / "same", seed=1, composed_seed=0)
    other_digest, _ = read(tmp_path / "other", seed=1)
    assert same_digest == digest != other_digest
    assert other_tokens != tokens


def test_the_model_card_names_the_grids_that_training_reached(tmp_path: Path) -> None:
    config = TINY.model_copy(update={"curriculum": ((0, 4), (32, 5))})
    train(tmp_path / "work", 2, config=config)
    export(tmp_path / "work", tmp_path / "out")
    assert "| largest grids | 4x4 |\n" in (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_mean_of_runs_from_one_start_ships_with_all_their_figures(straight: Path, tmp_path: Path) -> None:
    export(straight, tmp_path / "start")
    works = [tmp_path / "one", tmp_path / "other"]
    for seed, work in enumerate(works):
        config = TINY.model_copy(update={"seed": seed, "start": str(tmp_path / "start")})
        train(work, 2 + seed, config=config)
    export(works[0], tmp_path / "mean", works[1:])
    left, right = map(weights, works)
    for name, tensor in load_file(tmp_path / "mean" / "model.safetensors").items():
        mean = (left[f"model:{name}"] + right[f"model:{name}"]) / 2
        assert torch.equal(tensor, mean.to(torch.bfloat16)), name
    text = (tmp_path / "mean" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "mean of 2 runs' weights" in text
    assert "| sequences in a step | 2 | 2 |\n| steps | 2 | 3 |\n" in text
    for work in works:
        assert all(digest in text for digest in open_run(work).sources.digests.values())
    with pytest.raises(ConfigError, match="from one start"):
        export(works[0], tmp_path / "wrong", [straight])


def test_an_average_needs_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", str(tmp_path), "--steps", "1", "--average", str(tmp_path)]) == 2
    assert "--average goes with --export" in capsys.readouterr().err


def test_an_export_needs_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no pre-training run"):
        export(tmp_path, tmp_path / "out")


def test_measure_counts_a_last_output_only_if_every_token_is_right() -> None:
    model = build_model(model_config(64, 1, 1, 64))
    sequences = [encode_pairs(list(small_corpus().examples(task))[:3]) for task in range(3)]
    score = measure(model, sequences, torch.device("cpu"), batch_size=2)
    assert score.of == 3
    assert score.exact == 0
    assert score.loss == pytest.approx(2.77, abs=0.3)
    assert 0 <= score.accuracy < 0.5


def test_checkpoint_parts_stay_small_and_old_ones_go(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.full((100,), float(i)) for i in range(10)}
    save_checkpoint(tmp_path, tensors, {"step": 1}, max_part_bytes=1000)
    save_checkpoint(tmp_path, tensors, {"step": 2}, max_part_bytes=1000)
    parts = sorted(tmp_path.glob("*.safetensors"))
    assert [part.name for part in parts] == [f"step-00000002-part-{i}-of-5.safetensors" for i in range(1, 6)]
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert all(torch.equal(found[0][name], tensors[name]) for name in tensors)


def test_a_broken_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, {"t": torch.zeros(3)}, {"step": 1})

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(tmp_path, {"t": torch.ones(3)}, {"step": 2})
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found[1]["step"] == 1


def test_a_tensor_larger_than_a_part_has_one_of_its_own(tmp_path: Path) -> None:
    tensors = {"large": torch.ones(30), "a": torch.zeros(1), "b": torch.zeros(1)}
    save_checkpoint(tmp_path, tensors, {"step": 1}, max_part_bytes=10)
    assert [len(load_file(part)) for part in sorted(tmp_path.glob("*.safetensors"))] == [1, 2]
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert set(found[0]) == set(tensors)


def test_corpora_are_packed_once(straight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_data, "pack", None)
    assert [corpus.name for corpus, _ in prepare(TINY, straight, None).training] == ["composed", "arc-agi-1"]
