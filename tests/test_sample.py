"""Sampled tasks follow their program, teach something, and are the same for the same seed."""

import numpy as np
import pytest

from dsl.grid import grid_key, same_grid
from dsl.program import parse, run
from dsl.sample import SampledTask, SampleOptions, behavior_key, draw_program, sample_task, sample_tasks, try_program
from dsl.scenes import SCENE_KINDS, SceneStyle, draw_scene, draw_style

STYLE = SceneStyle("noise", 0, (1, 2), (4, 6), (4, 6), False, 0.5, 2)


@pytest.fixture(scope="module")
def tasks() -> list[SampledTask]:
    return list(sample_tasks(np.random.default_rng(0), 40, SampleOptions(max_side=9)))


@pytest.mark.parametrize("kind", sorted(set(SCENE_KINDS)))
def test_every_kind_of_scene_keeps_to_its_sizes_and_colors(kind: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        style = draw_style(rng, 7)
        style = SceneStyle(kind, style.background, style.colors, (3, 7), (3, 7), style.square, style.density, 3)
        grid = draw_scene(rng, style)
        assert max(grid.shape) <= 7
        assert set(np.unique(grid)) <= {style.background, *style.colors}


def test_scenes_of_one_style_differ() -> None:
    rng = np.random.default_rng(2)
    assert len({grid_key(draw_scene(rng, STYLE)) for _ in range(10)}) > 5


def test_pairs_follow_the_program_and_its_text(tasks: list[SampledTask]) -> None:
    for task in tasks:
        again = parse(str(task.program))
        assert all(same_grid(run(again, pair.input), pair.output) for pair in task.pairs)


def test_sizes_and_numbers_of_pairs_are_kept(tasks: list[SampledTask]) -> None:
    for task in tasks:
        assert 3 <= len(task.pairs) <= 6
        assert max(max(pair.input.shape + pair.output.shape) for pair in task.pairs) <= 9


def test_inputs_differ_and_outputs_are_not_their_copies(tasks: list[SampledTask]) -> None:
    for task in tasks:
        assert len({grid_key(pair.input) for pair in task.pairs}) == len(task.pairs)
        assert len({grid_key(pair.output) for pair in task.pairs}) > 1
        assert not all(same_grid(pair.input, pair.output) for pair in task.pairs)


def test_rules_differ_in_text_and_behavior(tasks: list[SampledTask]) -> None:
    assert len({str(task.program) for task in tasks}) == len(tasks)
    assert len({behavior_key(task.program) for task in tasks}) == len(tasks)


def test_the_same_seed_gives_the_same_tasks() -> None:
    first, second = (sample_task(np.random.default_rng(5)) for _ in range(2))
    assert str(first.program) == str(second.program)
    assert [grid_key(pair.output) for pair in first.pairs] == [grid_key(pair.output) for pair in second.pairs]


@pytest.mark.parametrize(
    "text",
    [
        "rotate_180(rotate_180(input))",
        "overlay(input, input)",
        "blank(input)",
        "flip_left_right(overlay(input, input))",
    ],
    ids=["does nothing", "is the input", "forgets the input", "has an idle part"],
)
def test_programs_that_teach_nothing_are_refused(text: str) -> None:
    assert try_program(parse(text), STYLE, np.random.default_rng(0), SampleOptions()) is None


def test_a_plain_rule_is_accepted() -> None:
    assert try_program(parse("rotate_180(input)"), STYLE, np.random.default_rng(0), SampleOptions()) is not None


def test_equal_behavior_has_an_equal_key() -> None:
    twice = parse("rotate_90(rotate_90(input))")
    assert behavior_key(twice) == behavior_key(parse("rotate_180(input)"))
    assert behavior_key(twice) != behavior_key(parse("rotate_90(input)"))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_programs_keep_to_their_depth(depth: int) -> None:
    rng = np.random.default_rng(3)
    assert max(_depth(str(draw_program(rng, depth))) for _ in range(100)) <= depth


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in text:
        depth += (mark == "(") - (mark == ")")
        deepest = max(deepest, depth)
    return deepest
