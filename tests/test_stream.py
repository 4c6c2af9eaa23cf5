"""The stream is a function of seed and step, keeps to its sizes, and reads no held-out task."""

import json
import zipfile
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from dsl.grid import as_grid, grid_key, same_grid
from dsl.task import Example
from ensemble.corpus import (
    REPEATED_IN_EVALUATION,
    Corpus,
    clean_arc_agi_2_tasks,
    dev_tasks,
    fit_tasks,
    held_out_keys,
    load_corpus,
    pack,
    read_re_arc,
    save_corpus,
    without_held_out,
)
from ensemble.data import load_tasks
from ensemble.errors import DataError
from ensemble.overlap import pair_key
from ensemble.stream import StreamOptions, TaskStream, augment_task


def small_corpus(name: str = "made", tasks: int = 6, side: int = 4) -> Corpus:
    rng = np.random.default_rng(0)

    def example() -> Example:
        grid = as_grid(rng.integers(0, 10, size=tuple(rng.integers(2, side + 1, size=2))))
        return Example(grid, as_grid(grid[::-1]))

    return pack(name, [(f"task-{i}", [example() for _ in range(8)]) for i in range(tasks)])


def make_stream(seed: int = 3) -> TaskStream:
    options = StreamOptions(seed=seed, batch_size=4, max_tokens=200, curriculum=((0, 4), (32, 8)))
    return TaskStream([(small_corpus(), 1.0), (small_corpus("other", side=7), 2.0)], options)


def test_a_batch_depends_on_seed_and_step_only() -> None:
    first, second = make_stream(), make_stream()
    for step in (0, 1, 17):
        first.batch(step)
    for left, right in zip(first.batch(40), second.batch(40), strict=True):
        assert np.array_equal(left.tokens, right.tokens)


def test_loader_processes_change_nothing() -> None:
    stream = make_stream()
    with closing(stream.batches(30, loaders=1)) as drawn:
        for step, batch in zip(range(30, 50), drawn, strict=False):
            for left, right in zip(batch, stream.batch(step), strict=True):
                assert np.array_equal(left.tokens, right.tokens)


def test_another_seed_gives_other_batches() -> None:
    left, right = make_stream(3).batch(0), make_stream(4).batch(0)
    assert any(len(a) != len(b) or (a.tokens != b.tokens).any() for a, b in zip(left, right, strict=True))


def test_sequences_keep_to_the_longest_length_and_come_in_similar_lengths() -> None:
    stream = make_stream()
    batches = [stream.batch(step) for step in range(32, 48)]
    lengths = [[len(sequence) for sequence in batch] for batch in batches]
    assert max(map(max, lengths)) <= 200
    within = np.mean([max(row) - min(row) for row in lengths])
    assert within < max(map(max, lengths)) - min(map(min, lengths))


def test_long_sequences_are_of_many_pairs_before_they_are_of_large_ones() -> None:
    sides = [2] * 8 + [10] * 8
    pairs = [Example(as_grid(np.full((side, side), k % 10)), as_grid([[1]])) for k, side in enumerate(sides)]
    options = StreamOptions(max_tokens=400, curriculum=((0, 10),), one_sided_share=0.0)
    stream = TaskStream([(pack("made", [("task", pairs)]), 1.0)], options)
    drawn = [stream.task(i, 10)[1] for i in range(200)]
    few, many = ([pairs for pairs in drawn if (len(pairs) > 3) == large] for large in (False, True))
    assert all(pair.input.shape == (2, 2) for pairs in many for pair in pairs)
    assert any(pair.input.shape == (10, 10) for pairs in few for pair in pairs)


def test_the_curriculum_bounds_grid_sides() -> None:
    stream = make_stream()
    assert max(int(sequence.positions[1:].max()) for step in range(16) for sequence in stream.batch(step)) <= 4
    assert max(int(sequence.positions[1:].max()) for step in range(32, 48) for sequence in stream.batch(step)) > 4


def test_a_corpus_without_small_tasks_is_refused() -> None:
    large = pack("large", [("task", [Example(as_grid([[1] * 5]), as_grid([[i] * 5])) for i in range(5)])])
    with pytest.raises(DataError, match="no task with 2 pairs up to 3x3"):
        TaskStream([(large, 1.0)], StreamOptions(curriculum=((0, 3),)))


def test_augmented_pairs_still_follow_one_rule() -> None:
    """A rule that is a function of the input stays one: equal inputs keep equal outputs, different ones stay apart."""
    examples = list(small_corpus(tasks=1).examples(0))
    rng = np.random.default_rng(1)
    for _ in range(50):
        changed = augment_task([*examples, examples[0]], rng, 1.0, 8)
        assert same_grid(changed[0].output, changed[-1].output)
        assert len({grid_key(pair.input) for pair in changed}) == len({grid_key(pair.input) for pair in examples})
        assert max(max(pair.input.shape + pair.output.shape) for pair in changed) <= 8


def test_one_sided_changes_come_only_if_asked() -> None:
    example = Example(as_grid([[1, 2], [3, 4]]), as_grid([[1, 2], [3, 4]]))
    rng = np.random.default_rng(0)
    plain = [augment_task([example], rng, 0.0, 8)[0] for _ in range(30)]
    changed = [augment_task([example], rng, 1.0, 8)[0] for _ in range(30)]
    assert all(same_grid(pair.input, pair.output) for pair in plain)
    assert sum(same_grid(pair.input, pair.output) for pair in changed) < 15


def test_a_packed_corpus_is_read_back_whole(tmp_path: Path) -> None:
    corpus = small_corpus()
    save_corpus(corpus, tmp_path)
    again = load_corpus(tmp_path)
    assert again.digest == corpus.digest
    for task in range(6):
        for left, right in zip(corpus.examples(task), again.examples(task), strict=True):
            assert same_grid(left.input, right.input)
            assert same_grid(left.output, right.output)


def test_a_changed_corpus_file_is_refused(tmp_path: Path) -> None:
    save_corpus(small_corpus(), tmp_path)
    cells = np.load(tmp_path / "cells.npy")
    cells[0] = (cells[0] + 1) % 10
    np.save(tmp_path / "cells.npy", cells)
    with pytest.raises(DataError, match="delete it"):
        load_corpus(tmp_path)


@pytest.fixture
def re_arc(tmp_path: Path) -> Path:
    pairs = [{"input": [[1, 2]], "output": [[2, 1]]}, {"input": [[0] * 31], "output": [[0]]}]
    path = tmp_path / "re_arc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for task_id in ("aa", "bb"):
            archive.writestr(f"re_arc/tasks/{task_id}.json", json.dumps(pairs))
    return path


def test_re_arc_gives_the_named_tasks_without_oversized_pairs(re_arc: Path) -> None:
    ((task_id, examples),) = read_re_arc(re_arc, ["bb"])
    assert task_id == "bb"
    assert [example.output.tolist() for example in examples] == [[[2, 1]]]


def test_re_arc_is_read_from_a_folder_too(re_arc: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(re_arc) as archive:
        archive.extractall(tmp_path / "folder")
    assert [task_id for task_id, _ in read_re_arc(tmp_path / "folder", ["aa", "bb"])] == ["aa", "bb"]


def test_a_missing_re_arc_task_is_an_error(re_arc: Path) -> None:
    with pytest.raises(DataError, match=r"re_arc/tasks/cc\.json"):
        list(read_re_arc(re_arc, ["cc"]))


def test_training_reads_318_tasks_and_none_that_is_held_out() -> None:
    fit, dev = fit_tasks(), dev_tasks()
    assert len(fit) == 318
    assert len(dev) == 80
    assert not set(fit) & set(dev)
    assert not set(fit) & set(REPEATED_IN_EVALUATION)


def test_no_evaluation_task_is_in_the_stream() -> None:
    fit = set(fit_tasks())
    assert fit <= set(load_tasks("arc-agi-1/training").task_ids)
    assert not fit & set(load_tasks("arc-agi-1/evaluation").task_ids)
    assert not fit & set(load_tasks("arc-agi-2/evaluation").task_ids)


def test_of_arc_agi_2_training_reads_the_233_tasks_that_arc_agi_1_does_not_have() -> None:
    clean = clean_arc_agi_2_tasks()
    assert len(clean) == 233
    for name in ("arc-agi-1/training", "arc-agi-1/evaluation", "arc-agi-2/evaluation"):
        assert not set(clean) & set(load_tasks(name).task_ids)


def test_no_pair_that_training_reads_equals_a_held_out_pair() -> None:
    shared = {
        task_id
        for task_id, examples in (fit_tasks() | clean_arc_agi_2_tasks()).items()
        for pair in examples
        if pair_key(pair.input, pair.output) in held_out_keys()
    }
    assert shared == set()


def test_pairs_equal_to_held_out_ones_are_left_out() -> None:
    source, target = next(iter(dev_tasks().values()))[0].input, next(iter(dev_tasks().values()))[0].output
    turned = Example(as_grid(np.rot90(source)), as_grid(np.rot90(target)))
    other = Example(as_grid([[1, 2, 3], [4, 5, 6]]), as_grid([[6, 5], [4, 3]]))
    ((_, kept),) = without_held_out([("task", [turned, other])])
    assert kept == [other]


def test_stream_tasks_come_from_the_corpora() -> None:
    corpus = pack("arc-agi-1", islice(fit_tasks().items(), 40))
    stream = TaskStream([(corpus, 1.0)], StreamOptions(curriculum=((0, 12),)))
    assert {stream.task(index, 12)[0] for index in range(200)} <= set(corpus.task_ids)
