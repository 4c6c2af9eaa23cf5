"""Tasks of pictures keep the inputs of a known task, or go on from its outputs, and are the same for the same seed."""

import numpy as np
import pytest

from dsl.grid import grid_key, same_grid, seal
from dsl.sample import teaches
from dsl.task import Example
from ensemble import pictured_tasks as module
from ensemble.errors import ConfigError
from ensemble.pictured_tasks import GROUPS, pictured_tasks
from ensemble.pretrain_config import PretrainConfig
from ensemble.training_data import prepare

RULES, PAIRS, SIDE = 12, 4, 6


def known(count=20, height=4):
    """Return a task whose outputs are its inputs upside down."""
    rng = np.random.default_rng(0)
    grids = [np.where(rng.random((height, 5)) < 0.4, rng.integers(1, 5, (height, 5)), 0) for _ in range(count)]
    sources = [seal(grid.astype(np.uint8)) for grid in grids]
    return [Example(source, seal(source[::-1].copy())) for source in sources]


def made(examples, monkeypatch=None, chained=None, seed=1):
    if monkeypatch is not None:
        monkeypatch.setattr(module, "CHAINED_SHARE", chained)
    return list(pictured_tasks(np.random.default_rng(seed), [("own", examples)], RULES, PAIRS, SIDE))


@pytest.mark.parametrize("chained", [0.0, 1.0])
def test_inputs_are_the_known_ones_and_rules_are_others(monkeypatch, chained) -> None:
    outputs = {grid_key(pair.input): pair.output for pair in known()}
    tasks = made(known(), monkeypatch, chained)
    assert len({name for name, _ in tasks}) == len(tasks) == GROUPS * RULES
    for name, pairs in tasks:
        assert name.startswith("own/")
        assert len(pairs) == PAIRS
        assert teaches(pairs)
        assert max(max(pair.output.shape) for pair in pairs) <= SIDE
        assert not all(same_grid(outputs[grid_key(pair.input)], pair.output) for pair in pairs[:-1])
    for group in range(GROUPS):
        shown = {tuple(grid_key(pair.output) for pair in pairs) for name, pairs in tasks if f"/{group}/" in name}
        assert len(shown) == RULES


def test_chained_rules_go_on_from_the_outputs(monkeypatch) -> None:
    """A picture of outputs is drawn as it is of the same grids as inputs."""
    seen = []
    drawn = module.auxiliary_tasks

    def watched(task):
        seen.append(task)
        return drawn(task)

    monkeypatch.setattr(module, "auxiliary_tasks", watched)
    tasks = made(known(), monkeypatch, 1.0)
    for group, task in enumerate(seen):
        own = next(pairs for name, pairs in tasks if f"/{group}/" in name)
        shown = [*(example.input for example in task.train), *task.test_inputs]
        assert all(same_grid(seal(pair.input[::-1].copy()), grid) for pair, grid in zip(own, shown, strict=True))


def test_the_same_seed_makes_the_same_tasks() -> None:
    first, second = made(known()), made(known())
    assert [name for name, _ in first] == [name for name, _ in second]
    for (_, left), (_, right) in zip(first, second, strict=True):
        assert all(same_grid(a.output, b.output) for a, b in zip(left, right, strict=True))
    assert [name for name, _ in made(known(), seed=2)] != [name for name, _ in first]


def test_tasks_of_few_pairs_have_one_group_and_larger_grids_are_left_out() -> None:
    assert {name.split("/")[1] for name, _ in made(known(PAIRS))} == {"0"}
    assert made(known(2)) == []
    assert made(known(10, SIDE + 1)) == []


def test_pictures_need_re_arc(tmp_path) -> None:
    config = PretrainConfig(re_arc_weight=0, composed_weight=0, arc_weight=0, pictured_weight=1)
    with pytest.raises(ConfigError, match="--re-arc"):
        prepare(config, tmp_path, None)
