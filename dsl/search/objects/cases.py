"""The form ``image_cases``: one of a few constant outputs, chosen by what the whole image is like.

``image_cases(when("colors == 1", "55/00"), when("has_2", "05/50"), "00/05")`` answers with the grid of the first rule
that holds for the image. Predicates are those of the object that the image is under the segmentation
``whole``, and the numbers of colors, components and cells of the cell rules' charts.
"""

from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, grid_from_text, grid_to_text
from dsl.kernels.bitsets import NUMBER_PLANE
from dsl.kernels.planes import NONE
from dsl.program import Call, Program, form
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote
from dsl.search.cells.learner import Learner, Limits, RuleList
from dsl.search.cells.numbers import count_numbers
from dsl.search.cells.planes import image_of
from dsl.search.cells.predicates import Items, PlaneSpec
from dsl.search.cells.support import LeaveOneOut
from dsl.search.objects.learn import expressions
from dsl.search.objects.properties import plane_specs, scene_planes
from dsl.search.objects.rules import read_rules, write_rules
from dsl.search.objects.segments import scene_of
from dsl.task import Task

FORM = "image_cases"
LIMITS = Limits(depth=3, beam=8, solutions=200, predicates=2000, nodes=500)
CASE_BITS = 3.0
"""Bits of each constant output, whatever its size: it is shown by a demonstration."""
_FORM_BITS = 3.0
_COUNT_BITS = -0.5
"""Bits of a number of the whole image beside its bits as a side of an output."""


@lru_cache(maxsize=1)
def image_specs() -> tuple[PlaneSpec, ...]:
    """Return the descriptions of what may be asked about an image, in the order of :func:`image_values`."""
    counts = count_numbers(image_of(grid_from_text("0")))
    named = {spec.name for spec in plane_specs()}
    more = [
        PlaneSpec(name, NUMBER_PLANE, bits + _COUNT_BITS) for name, (bits, _) in counts.items() if name not in named
    ]
    return (*plane_specs(), *more)


@lru_cache(maxsize=1)
def _index() -> dict[str, int]:
    return {spec.name: k for k, spec in enumerate(image_specs())}


def _kind(name: str) -> int:
    return image_specs()[_index()[name]].kind


def image_values(grid: Grid) -> NDArray[np.uint8]:
    """Return what is known about an image, ``(planes, 1)`` uint8."""
    counts = count_numbers(image_of(grid))
    more = [min(counts[spec.name][1], NONE - 1) for spec in image_specs()[len(plane_specs()) :]]
    return np.concatenate([scene_planes(scene_of(grid, "whole")), np.array(more, np.uint8)[:, None]])


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    rules, default = read_rules(arguments, _kind)
    values = image_values(grid)

    def plane(name: str) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = values[_index()[name]]
        return found

    chosen = next((text for predicate, text in rules if predicate.mask(plane)[0]), default)
    return grid_from_text(chosen)


def vote_cases(task: Task, meter: Meter) -> list[Vote]:
    """Return the predictions of all exact cases; none unless some output is shown by two demonstrations.

    Outputs of one cell are left to the cell rules: that two of them agree says little. Demonstrations whose output no
    other has stand last, and are not left out: the others cannot foretell them.
    """
    shown = [(grid_to_text(example.output), example.input) for example in task.train]
    texts = [text for text, _ in shown]
    shown.sort(key=lambda pair: texts.count(pair[0]) == 1)
    texts = [text for text, _ in shown]
    cases = sorted(set(texts), key=texts.index)
    if not 1 < len(cases) < len(texts) or min(len(case) for case in cases) == 1:
        return []
    train = len(texts)
    grids = [*(source for _, source in shown), *task.test_inputs]
    meter.spend(len(grids))
    items = Items(np.concatenate([image_values(grid) for grid in grids], axis=1), image_specs(), (), train)
    wrong = np.array([[text != case for text in texts] for case in cases])
    learner = Learner(items, expressions([(case, CASE_BITS) for case in cases], wrong, len(grids)), LIMITS)
    lists = learner.search(meter)
    if not lists:
        return []
    truth = [bytes([cases.index(text)]) for text in texts if texts.count(text) > 1]
    folds = LeaveOneOut(learner, [1] * len(truth), truth, meter, max(len(found.rules) for found in lists) - 1)
    votes = []
    for found, choice in zip(lists, learner.predict(lists), strict=True):
        outputs = tuple(grid_from_text(cases[k]) if k < len(cases) else None for k in choice.tolist())

        def write(found: RuleList = found) -> Program:
            return Call(FORM, write_rules(*learner.describe(found)))

        bits = found.cost + _FORM_BITS
        votes.append(Vote(bits, outputs, write, lambda: folds.support, partial(folds.stability, choice)))
    return votes
