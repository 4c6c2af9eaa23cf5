"""Found rules are those of training tasks that fit, and the tasks that they make follow them on recolored inputs."""

from pathlib import Path

import numpy as np
import pytest

from dsl.grid import as_grid, grid_from_text, grid_key, same_grid
from dsl.program import parse, run
from ensemble import found_rules
from ensemble.errors import ConfigError, DataError
from ensemble.found_rules import MAX_COST, Rule, draw_tasks, read_rules, recolored
from ensemble.pretrain_config import PretrainConfig
from ensemble.training_data import prepare
from tests.fake_run import FakeRun, program, task

OWN, DRAWN, OTHER = "00d62c1b", "00d62c1b-0-0", "ffffffff"


class _OpenRun(FakeRun):
    """A run with a context, as one opened from a folder has."""

    @property
    def task_ids(self):
        return tuple(task.task_id for task in self.tasks)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def opened(monkeypatch, *pool):
    run = _OpenRun([task(name) for name in (OWN, DRAWN, OTHER)], {}, list(pool))
    monkeypatch.setattr(found_rules, "open_run", lambda path: run)


def test_programs_of_training_tasks_that_fit_are_read_once(monkeypatch) -> None:
    opened(
        monkeypatch,
        program(OWN, "21/43", "flip_left_right(input)"),
        program(DRAWN, "12/34", "flip_left_right(input)"),
        program(DRAWN, "12/34", "flip_up_down(input)"),
        program(DRAWN, "12/34", "transpose(input)", verified=False),
        program(DRAWN, "12/34", "rotate_180(input)", cost=MAX_COST + 1),
        program(OTHER, "12/34", "rotate_90(input)"),
    )
    rules = read_rules(Path("run"), [OWN])
    assert rules == sorted(rules, key=lambda rule: (rule.task_id, rule.text))
    assert {(rule.task_id, rule.text) for rule in rules} == {
        (OWN, "flip_left_right(input)"),
        (OWN, "flip_up_down(input)"),
    }


def test_a_run_without_a_program_is_refused(monkeypatch) -> None:
    opened(monkeypatch, program(OTHER, "12/34", "rotate_90(input)"))
    with pytest.raises(DataError, match="no program that fits a training task"):
        read_rules(Path("run"), [OWN])


def grids(rng, count=40):
    return [as_grid(np.where(rng.random((5, 6)) < 0.4, rng.integers(1, 4, (5, 6)), 0)) for _ in range(count)]


def test_tasks_follow_their_rules_on_the_inputs_that_they_name() -> None:
    rng = np.random.default_rng(0)
    rules = [Rule("a", "flip_left_right(input)"), Rule("a", "rotate_90(input)"), Rule("b", "keep_color(input, #7)")]
    inputs = {"a": grids(rng), "c": grids(rng)}
    made = list(draw_tasks(rng, rules, inputs, 5, 4, 6))
    assert len({name for name, _ in made}) == len(made) == 5
    for name, pairs in made:
        place, _, text = name.partition(": ")
        assert place in inputs
        assert len({grid_key(pair.input) for pair in pairs}) == len(pairs) == 4
        for pair in pairs:
            assert same_grid(run(parse(text), pair.input), pair.output)
    recolored_tasks = [pairs for name, pairs in made if "#7" in name]
    assert recolored_tasks, "a color that no input has is brought in"
    assert all((pair.input == 7).any() for pairs in recolored_tasks for pair in pairs)


def test_rules_that_teach_nothing_end_the_draws() -> None:
    rng = np.random.default_rng(0)
    assert list(draw_tasks(rng, [Rule("a", "keep_color(input, #0)")], {"a": grids(rng)}, 2, 4, 6)) == []


def test_recoloring_is_one_renaming_for_all_grids_and_brings_the_colors_wanted() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        before = grids(rng, 3)
        after = recolored(rng, before, {8, 9})
        pairs = {
            (int(a), int(b)) for x, y in zip(before, after, strict=True) for a, b in zip(x.flat, y.flat, strict=True)
        }
        assert len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})
        assert {8, 9} <= {b for _, b in pairs}


def test_a_common_ground_becomes_black(monkeypatch) -> None:
    monkeypatch.setattr(found_rules, "GROUND_SHARE", 1.0)
    (grid,) = recolored(np.random.default_rng(0), [grid_from_text("555/515/500")], set())
    assert (grid == 0).sum() == 6


def test_found_rules_must_be_named_when_they_are_wanted(tmp_path: Path) -> None:
    config = PretrainConfig(re_arc_weight=0, composed_weight=0, arc_weight=0, found_weight=1)
    with pytest.raises(ConfigError, match="--rules"):
        prepare(config, tmp_path, None)


def test_the_same_seed_makes_the_same_tasks() -> None:
    inputs = {"a": grids(np.random.default_rng(3))}
    rules = [Rule("a", "flip_left_right(input)"), Rule("a", "rotate_90(input)")]
    first, second = (list(draw_tasks(np.random.default_rng(4), rules, inputs, 2, 4, 6)) for _ in range(2))
    assert [name for name, _ in first] == [name for name, _ in second]
    for (_, left), (_, right) in zip(first, second, strict=True):
        assert all(same_grid(a.input, b.input) for a, b in zip(left, right, strict=True))
