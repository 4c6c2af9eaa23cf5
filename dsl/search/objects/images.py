"""Images that single actions make of all objects, offered to the cell rules: the bridge between the two engines.

A cell rule that copies such an image moves, stamps or extends objects, and decides cell by cell where.
"""

from collections.abc import Iterator

import numpy as np

from dsl.grid import Grid
from dsl.program import Call, text_literal
from dsl.search.budget import Meter
from dsl.search.cells import ExtraImage
from dsl.search.objects.learn import SEGMENTATIONS, task_scenes
from dsl.search.objects.proposals import propose
from dsl.search.objects.render import mix_palette
from dsl.search.objects.rules import FORM
from dsl.search.objects.segments import SEGMENTATION_BITS, Scene
from dsl.search.offers import OUTCOMES, Quotas, choose, outcomes
from dsl.task import Task

QUOTAS = Quotas(cheap=0, near=60, telling=60)
IMAGE_BITS = 4.0
"""Bits of saying that an image comes from an action."""
NODES_PER_ACTION = 1


def action_images(task: Task, meter: Meter) -> list[ExtraImage]:
    """Return the images of actions that are worth offering, cheapest first; none where the shape changes."""
    if any(example.input.shape != example.output.shape for example in task.train):
        return []
    found: dict[tuple[bytes, ...], ExtraImage] = {}
    seen: set[bytes] = set()
    for segmentation in SEGMENTATIONS:
        scenes = None if meter.exhausted else task_scenes(task, segmentation, seen)
        if scenes is None:
            continue
        for image in _images_under(segmentation, scenes, task, meter):
            key = tuple(grid.tobytes() for grid in image[2])
            if key not in found or image[1] < found[key][1]:
                found[key] = image
    return _worth_offering(list(found.values()), task)


def _images_under(segmentation: str, scenes: list[Scene], task: Task, meter: Meter) -> Iterator[ExtraImage]:
    actions = propose(scenes[: len(task.train)], [example.output for example in task.train])
    meter.spend(NODES_PER_ACTION * len(actions))
    palettes = [mix_palette(scene, [text for text, _ in actions]) for scene in scenes]
    for k, (text, bits) in enumerate(actions):
        grids: list[Grid] = []
        for palette in palettes:
            grid = palette.render(np.full(palette.scene.count, k))
            if grid is None:
                break
            grids.append(grid)
        else:
            program = Call(FORM, (text_literal(segmentation), text_literal(text)))
            yield program, bits + SEGMENTATION_BITS[segmentation] + IMAGE_BITS, tuple(grids)


def _worth_offering(images: list[ExtraImage], task: Task) -> list[ExtraImage]:
    if not images:
        return []
    train = len(task.train)
    labels = outcomes(task)
    outputs = np.concatenate([example.output.ravel() for example in task.train])
    cells = np.array([np.concatenate([grid.ravel() for grid in grids[:train]]) for _, _, grids in images])
    filled = cells != 0
    inside = np.stack([filled[:, labels == outcome].sum(axis=1) for outcome in range(OUTCOMES)], axis=1)
    wrong = (cells != outputs).sum(axis=1)
    costs = np.array([cost for _, cost, _ in images])
    chosen = choose(costs, wrong.astype(np.int32), inside.astype(np.int32), labels, QUOTAS)
    return [images[k] for k in chosen.tolist()]
