"""The form ``image_cases``: constant outputs chosen by what the whole image is like."""

import numpy as np
import pytest

from dsl.errors import DslError
from dsl.grid import grid_from_text, grid_to_text
from dsl.kernels.bitsets import FLAG_PLANE
from dsl.program import fits, parse, run
from dsl.search.budget import Budget, Meter
from dsl.search.objects.cases import image_specs, image_values, vote_cases
from dsl.task import Example, Task

SHOWN = [("110/000", "50/05"), ("000/011", "50/05"), ("220/020", "05/50"), ("022/022", "05/50")]


def task_of(shown: list[tuple[str, str]], test: str) -> Task:
    examples = tuple(Example(grid_from_text(source), grid_from_text(target)) for source, target in shown)
    return Task("cases", examples, (grid_from_text(test),))


def test_the_first_case_that_holds_is_the_answer() -> None:
    program = parse('image_cases(when("has_2", "50/05"), when("m8.singles == 3", "1"), "05/50")')
    answers = [grid_to_text(run(program, grid_from_text(text))) for text in ("20/00", "10001/00100", "11")]
    assert answers == ["50/05", "1", "05/50"]


def test_cases_are_found_printed_and_read_back() -> None:
    task = task_of(SHOWN, "222/000")
    votes = vote_cases(task, Meter(Budget(10.0)))
    best = min(votes, key=lambda vote: vote.bits)
    program = parse(str(best.write()))
    assert fits(program, ((example.input, example.output) for example in task.train))
    assert best.outputs[0] is not None
    assert grid_to_text(best.outputs[0]) == grid_to_text(run(program, task.test_inputs[0])) == "05/50"


def test_nothing_is_claimed_where_no_output_is_shown_twice() -> None:
    assert vote_cases(task_of(SHOWN[1:3], "222/000"), Meter(Budget(10.0))) == []
    assert vote_cases(task_of([(source, "3") for source, _ in SHOWN], "2"), Meter(Budget(10.0))) == []


def test_every_image_has_every_value() -> None:
    names = [spec.name for spec in image_specs()]
    assert len(set(names)) == len(names)
    rng = np.random.default_rng(1)
    for shape in ((1, 1), (4, 7), (30, 30)):
        values = image_values(rng.integers(0, 4, shape).astype(np.uint8))
        assert values.shape == (len(names), 1)
        assert all(values[k, 0] <= 1 for k, spec in enumerate(image_specs()) if spec.kind == FLAG_PLANE)


@pytest.mark.parametrize("text", ["image_cases()", 'image_cases("a")', 'image_cases(when("nice", "1"), "2")'])
def test_wrong_cases_are_refused(text: str) -> None:
    with pytest.raises(DslError):
        run(parse(text), grid_from_text("1"))
