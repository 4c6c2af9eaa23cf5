"""Learn rules that choose the object whose crop is the output."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsl.errors import PrimitiveError
from dsl.grid import Grid, same_grid
from dsl.program import Call, Program, text_literal
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote, outputs_key
from dsl.search.cells.learner import Learner, Limits, RuleList
from dsl.search.cells.support import LeaveOneOut
from dsl.search.objects.counts import vote_counts
from dsl.search.objects.crops import CUTS, FORM, TRANSFORMS, crop, take
from dsl.search.objects.learn import SEGMENTATIONS, expressions, task_scenes, train_choice
from dsl.search.objects.properties import object_items
from dsl.search.objects.rules import write_rules
from dsl.search.objects.segments import SEGMENTATION_BITS, Scene
from dsl.search.objects.stacks import vote_stacks
from dsl.search.objects.subsets import LEAVE, TAKE
from dsl.task import Task

TILES = tuple(f"tiles {down}x{across}" for down in range(1, 6) for across in range(1, 6) if down * across > 1)
LIMITS = Limits(depth=3, beam=12, solutions=200, predicates=4000, nodes=1500)
_OPTIONS = ((LEAVE, 1.0), (TAKE, 1.0))
_CROPS_PER_NODE = 10


@dataclass(frozen=True, slots=True, eq=False)
class CropChoices:
    """A learned choice of one object, and how to write it as a program."""

    segmentation: str
    cut: str
    transform: str
    learner: Learner
    found: RuleList

    def program(self) -> Program:
        """Write the rules as a program."""
        rules, default = self.learner.describe(self.found)
        head = (text_literal(self.segmentation), text_literal(self.cut), text_literal(self.transform))
        return Call(FORM, (*head, *write_rules(rules, default)))


def vote_crops(task: Task, meter: Meter) -> list[Vote]:
    """Return the predictions of all exact crop rules found under all segmentations, cuts and transforms."""
    outputs = [example.output for example in task.train]
    votes: list[Vote] = []
    seen: set[bytes] = set()
    for segmentation in (*SEGMENTATIONS, *TILES):
        if meter.exhausted:
            break
        meter.spend(1)
        scenes = task_scenes(task, segmentation, seen)
        if scenes is None:
            continue
        for cut, transform, matches in _matching(scenes[: len(outputs)], outputs, meter):
            votes.extend(_votes_for(segmentation, cut, transform, matches, scenes, outputs, meter))
        if segmentation not in TILES:
            votes.extend(vote_counts(task, segmentation, scenes, meter))
            votes.extend(vote_stacks(task, segmentation, scenes, meter))
    return votes


def _matching(
    scenes: Sequence[Scene], outputs: Sequence[Grid], meter: Meter
) -> Iterator[tuple[str, str, list[NDArray[np.bool_]]]]:
    """Yield cuts and transforms under which every demonstration has an object that gives its output, and which do."""
    for cut in CUTS:
        for transform in TRANSFORMS:
            matches = []
            for scene, output in zip(scenes, outputs, strict=True):
                meter.spend(1 + scene.count // _CROPS_PER_NODE)
                pictures = (crop(scene, q, cut, transform) for q in range(scene.count))
                found = np.array([picture is not None and same_grid(picture, output) for picture in pictures])
                if not found.any():
                    break
                matches.append(found)
            else:
                yield cut, transform, matches


def _votes_for(
    segmentation: str,
    cut: str,
    transform: str,
    matches: Sequence[NDArray[np.bool_]],
    scenes: list[Scene],
    targets: Sequence[Grid],
    meter: Meter,
) -> list[Vote]:
    truth = [bytes(target.shape) + target.tobytes() for target in targets]
    train = len(matches)
    match = np.concatenate(matches)
    only = np.concatenate([found & (found.sum() == 1) for found in matches])
    total = sum(scene.count for scene in scenes)
    options = expressions(_OPTIONS, np.stack([only, ~match]), total)
    learner = Learner(object_items(scenes, train), options, LIMITS)
    bounds = np.cumsum([scene.count for scene in scenes])[:-1]

    def one_each(found: RuleList) -> bool:
        parts = np.split(train_choice(learner, found), bounds[: train - 1])
        return all(part.any() for part in parts)

    bits = SEGMENTATION_BITS[segmentation.partition(" ")[0]] + CUTS[cut] + TRANSFORMS[transform][0]
    lists = learner.search(meter, one_each)
    if not lists:
        return []

    def outcome(choice: NDArray[np.uint8], fold: int) -> bytes | None:
        picture = _take(scenes[fold], choice == 1, cut, transform)
        return None if picture is None else bytes(picture.shape) + picture.tobytes()

    def without(fold: int) -> Callable[[RuleList], bool]:
        def accepts(found: RuleList) -> bool:
            parts = np.split(train_choice(learner, found), bounds[: train - 1])
            return all(part.any() for k, part in enumerate(parts) if k != fold)

        return accepts

    def crops(choice: NDArray[np.uint8]) -> tuple[Grid | None, ...]:
        taken = np.split(choice == 1, bounds[train:] - bounds[train - 1])
        return tuple(_take(scene, part, cut, transform) for scene, part in zip(scenes[train:], taken, strict=True))

    folds = LeaveOneOut(
        learner,
        [scene.count for scene in scenes[:train]],
        truth,
        meter,
        max(len(found.rules) for found in lists) - 1,
        outcome,
        without,
        lambda choice: outputs_key(crops(choice)),
    )
    votes = []
    for found, choice in zip(lists, learner.predict(lists), strict=True):
        outputs = crops(choice)
        program = CropChoices(segmentation, cut, transform, learner, found).program
        stability = partial(folds.stability, choice)
        votes.append(Vote(found.cost + bits, outputs, program, lambda: folds.support, stability))
    return votes


def _take(scene: Scene, taken: NDArray[np.bool_], cut: str, transform: str) -> Grid | None:
    try:
        return take(scene, taken, cut, transform)
    except PrimitiveError:
        return None
