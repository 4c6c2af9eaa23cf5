"""Learn rules that choose an action for each object, for tasks whose outputs have their inputs' shapes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, same_grid
from dsl.kernels import bitsets
from dsl.program import Call, Program, text_literal
from dsl.search.budget import Meter
from dsl.search.cells.answers import Vote, outputs_key
from dsl.search.cells.learner import Expressions, Learner, Limits, RuleList
from dsl.search.cells.predicates import Items
from dsl.search.cells.support import LeaveOneOut
from dsl.search.objects.joins import propose_pairs
from dsl.search.objects.properties import object_items
from dsl.search.objects.proposals import Option, propose
from dsl.search.objects.render import Palette, mix_palette
from dsl.search.objects.rules import FORM, write_rules
from dsl.search.objects.segments import SEGMENTATION_BITS, Scene, scenes_of
from dsl.task import Task

SEGMENTATIONS = ("sprites", "components", "components_4", "sprites_4", "colors", "panels", "regions", "whole")
LIMITS = Limits(depth=4, beam=16, solutions=400, predicates=4000, nodes=4000)
MAX_TASK_OBJECTS = 250
_MAX_ACTIONS = 250
_MAX_SUFFICIENT = 8
_Found = tuple[Learner, list[RuleList]]


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """A learned choice for each object, and how to write it as a program."""

    segmentation: str
    learner: Learner
    found: RuleList

    def program(self) -> Program:
        """Write the rules as a program."""
        rules, default = self.learner.describe(self.found)
        return Call(FORM, (text_literal(self.segmentation), *write_rules(rules, default)))


def vote_rules(task: Task, meter: Meter) -> list[Vote]:
    """Return the predictions of all exact rule lists found under all segmentations."""
    votes: list[Vote] = []
    seen: set[bytes] = set()
    for segmentation in SEGMENTATIONS:
        if meter.exhausted:
            break
        scenes = task_scenes(task, segmentation, seen)
        if scenes is not None:
            votes.extend(_votes_under(segmentation, scenes, task, meter))
    return votes


def task_scenes(task: Task, segmentation: str, seen: set[bytes]) -> list[Scene] | None:
    """Return the scenes of all images, demonstrations first; None if some has none or all were seen with these objects.

    Adds to ``seen``.
    """
    grids = [*(example.input for example in task.train), *task.test_inputs]
    scenes = scenes_of(grids, segmentation)
    if scenes is None or sum(scene.count for scene in scenes) > MAX_TASK_OBJECTS:
        return None
    key = b"".join(scene.labels.tobytes() for scene in scenes)
    if key in seen:
        return None
    seen.add(key)
    return scenes


def _votes_under(segmentation: str, scenes: list[Scene], task: Task, meter: Meter) -> list[Vote]:
    train = len(task.train)
    outputs = [example.output for example in task.train]
    options = _options(scenes[:train], outputs, meter)
    if options is None:
        return []
    learner, lists = _search_lists(scenes, outputs, *options, meter)
    if not lists:
        return []
    names = learner.expressions.names
    meter.spend(len(names) * len(task.test_inputs))
    tests = [mix_palette(scene, names) for scene in scenes[train:]]
    folds = _leave_one_out(learner, lists, scenes[:train], outputs, tests, meter)
    bits = SEGMENTATION_BITS[segmentation]
    cache: dict[bytes, tuple[Grid | None, ...]] = {}
    votes = []
    for found, choice in zip(lists, learner.predict(lists), strict=True):
        key = choice.tobytes()
        if key not in cache:
            cache[key] = render_all(tests, choice)
        program = Choices(segmentation, learner, found).program
        stability = partial(folds.stability, choice)
        votes.append(Vote(found.cost + bits, cache[key], program, lambda: folds.support, stability))
    return votes


def _leave_one_out(
    learner: Learner,
    lists: Sequence[RuleList],
    scenes: Sequence[Scene],
    outputs: Sequence[Grid],
    tests: Sequence[Palette],
    meter: Meter,
) -> LeaveOneOut:
    palettes = [mix_palette(scene, learner.expressions.names) for scene in scenes]
    rendered: dict[tuple[int, bytes], Grid | None] = {}

    def draw(choice: NDArray[np.uint8], fold: int) -> Grid | None:
        key = (fold, choice.tobytes())
        if key not in rendered:
            rendered[key] = palettes[fold].render(choice.astype(np.int64))
        return rendered[key]

    def outcome(choice: NDArray[np.uint8], fold: int) -> bytes | None:
        drawn = draw(choice, fold)
        return None if drawn is None else drawn.tobytes()

    bounds = np.cumsum([scene.count for scene in scenes])[:-1]

    def accept(fold: int) -> Callable[[RuleList], bool]:
        def accepts(found: RuleList) -> bool:
            parts = np.split(train_choice(learner, found), bounds)
            others = [k for k in range(len(parts)) if k != fold]
            return all(outcome(parts[k], k) == outputs[k].tobytes() for k in others)

        return accepts

    return LeaveOneOut(
        learner,
        [scene.count for scene in scenes],
        [output.tobytes() for output in outputs],
        meter,
        max(len(found.rules) for found in lists) - 1,
        outcome,
        accept,
        lambda choice: outputs_key(render_all(tests, choice)),
    )


def _search_lists(
    scenes: list[Scene], outputs: Sequence[Grid], actions: Sequence[Option], wrong: NDArray[np.bool_], meter: Meter
) -> _Found:
    """Search lists whose rendered demonstrations are the outputs.

    If there is none, search again with only those actions of each object that explain most of its changes: an action
    that does too little is not wrong, and hides the right one where it takes fewer bits. If there is still none, search
    among the first action and those that explain all changes of all demonstrations, if any do.
    """
    palettes = [mix_palette(scene, [text for text, _ in actions]) for scene in scenes[: len(outputs)]]
    accepted = _Acceptance(palettes, outputs)
    items = object_items(scenes, len(outputs))

    def search(chosen: Sequence[Option], refuted: NDArray[np.bool_], places: NDArray[np.uint8]) -> _Found:
        learner = Learner(items, expressions(chosen, refuted, items.planes.shape[1]), LIMITS)
        return learner, learner.search(meter, accepted.by(learner, places))

    everything = np.arange(len(actions), dtype=np.uint8)
    found = search(actions, wrong, everything)
    if not found[1]:
        explained = np.where(wrong, -1, accepted.explained())
        found = search(actions, explained < explained.max(axis=0), everything)
        changed = sum(int((scene.grid != output).sum()) for scene, output in zip(scenes, outputs, strict=False))
        enough = np.flatnonzero(np.maximum(explained, 0).sum(axis=1) >= changed)[:_MAX_SUFFICIENT]
        if not found[1] and len(enough):
            few = np.union1d([0], enough).astype(np.uint8)
            found = search([actions[k] for k in few.tolist()], wrong[few], few)
    return found


def _most_useful(
    proposals: Sequence[Option], wrong: NDArray[np.bool_], palettes: Sequence[Palette], outputs: Sequence[Grid]
) -> tuple[list[Option], NDArray[np.bool_]]:
    """Return the first action, those that make changes of most objects right, then those wrong for fewest.

    They keep their order: fewest bits first.
    """
    right = ~wrong
    changes = np.concatenate([p.explained(output) for p, output in zip(palettes, outputs, strict=True)], axis=1) > 0
    helped = (right & changes).sum(axis=1)
    helped[0] = wrong.shape[1]
    best = np.lexsort((-right.sum(axis=1), -helped))[:_MAX_ACTIONS]
    kept = np.sort(best[right[best].any(axis=1)])
    return [proposals[k] for k in kept.tolist()], wrong[kept]


def _options(
    scenes: Sequence[Scene], outputs: Sequence[Grid], meter: Meter
) -> tuple[list[Option], NDArray[np.bool_]] | None:
    """Return the most useful actions and which of them are wrong for which objects of all demonstrations.

    Where no action suits an object alone, pairs of actions are offered too. None if some output cannot be reached.
    """
    proposals = propose(scenes, outputs)
    tried = _try_all(scenes, outputs, proposals, meter)
    if tried is None:
        return None
    palettes, wrong = tried
    stuck: NDArray[np.bool_] = np.logical_and.reduce(wrong)
    if stuck.any():
        pairs = propose_pairs(palettes, outputs, proposals, stuck)
        proposals = sorted([*proposals, *pairs], key=lambda proposal: proposal[1])
        tried = _try_all(scenes, outputs, proposals, meter) if pairs else None
        if tried is None:
            return None
        palettes, wrong = tried
        if wrong.all(axis=0).any():
            return None
    return _most_useful(proposals, wrong, palettes, outputs)


def _try_all(
    scenes: Sequence[Scene], outputs: Sequence[Grid], actions: Sequence[Option], meter: Meter
) -> tuple[list[Palette], NDArray[np.bool_]] | None:
    """Paint every action on every demonstration; return the palettes and which actions are wrong for which objects.

    None as soon as some output cannot be reached: most ways to cut a task into objects end at its first demonstration.
    """
    texts = [text for text, _ in actions]
    palettes, parts = [], []
    for scene, output in zip(scenes, outputs, strict=True):
        meter.spend(1 + len(texts))
        palette = mix_palette(scene, texts)
        refuted = palette.wrong(output)
        if refuted is None:
            return None
        palettes.append(palette)
        parts.append(refuted)
    return palettes, np.concatenate(parts, axis=1)


def expressions(options: Sequence[Option], wrong: NDArray[np.bool_], total: int) -> Expressions:
    """Offer options to the learner: expression k has the value k on all ``total`` objects.

    Args:
        options: names and bits, fewest bits first, at most 250.
        wrong: ``(options, objects of the demonstrations)``.
        total: number of objects, those of the test inputs too.
    """
    values = np.repeat(np.arange(len(options), dtype=np.uint8)[:, None], total, axis=1)
    packed = bitsets.pack_wrong(wrong.astype(np.uint8), np.zeros(wrong.shape[1], np.uint8))
    return Expressions(values, packed, tuple(text for text, _ in options), np.array([bits for _, bits in options]))


def render_all(palettes: Sequence[Palette], choice: NDArray[np.uint8]) -> tuple[Grid | None, ...]:
    """Render images with the choices of all their objects in one row."""
    rendered = []
    start = 0
    for palette in palettes:
        rendered.append(palette.render(choice[start : start + palette.scene.count].astype(np.int64)))
        start += palette.scene.count
    return tuple(rendered)


class _Acceptance:
    """Accept rule lists whose rendered demonstrations are the outputs."""

    def __init__(self, palettes: Sequence[Palette], outputs: Sequence[Grid]) -> None:
        self._palettes = palettes
        self._outputs = outputs
        self._known: dict[bytes, bool] = {}

    def by(self, learner: Learner, actions: NDArray[np.uint8]) -> Callable[[RuleList], bool]:
        """Return the test for the lists of a learner, given the places of its actions in the palettes."""
        return lambda found: self._accepts(actions[train_choice(learner, found)])

    def explained(self) -> NDArray[np.int64]:
        """Count for each action and object the changed cells that it makes right, ``(actions, objects)``."""
        pairs = zip(self._palettes, self._outputs, strict=True)
        return np.concatenate([palette.explained(output) for palette, output in pairs], axis=1)

    def _accepts(self, choice: NDArray[np.uint8]) -> bool:
        key = choice.tobytes()
        if key not in self._known:
            rendered = render_all(self._palettes, choice)
            self._known[key] = all(
                grid is not None and same_grid(grid, output)
                for grid, output in zip(rendered, self._outputs, strict=True)
            )
        return self._known[key]


def train_choice(learner: Learner, found: RuleList) -> NDArray[np.uint8]:
    """Return the choice of a rule list for each object of the demonstrations."""
    items: Items = learner.items
    values = np.ascontiguousarray(learner.expressions.values[:, : items.train_cells])
    table = np.array([found.rules], np.int64)
    chosen: NDArray[np.uint8] = bitsets.apply_rules(table, learner.predicates.train, values, 0)[0]
    return chosen
