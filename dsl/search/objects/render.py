"""Paintings of several actions side by side: compared with an output, and rendered for a choice of one per object."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid, seal
from dsl.kernels import objects_judge as kernels
from dsl.search.objects.actions import erases, paint
from dsl.search.objects.segments import Scene
from dsl.search.objects.verbs import Painting

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """What each of some actions would paint for each object of a scene.

    Attributes:
        scene: the objects.
        cells: ``(n, 3)`` row, column and color of all paintings.
        ends: ``(actions, objects + 1)`` places in ``cells``.
        valid: ``(actions, objects)``, False where an action has no result.
        erases: ``(actions,)``, True where the object is cleared first.
        passive: ``(actions,)``, True for actions that paint nothing new and so go first.
    """

    scene: Scene
    cells: NDArray[np.int16]
    ends: Numbers
    valid: Flags
    erases: Flags
    passive: Flags

    def wrong(self, output: Grid) -> Flags | None:
        """Tell which actions of which objects an output refutes, ``(actions, objects)``; None if no choice gives it.

        An object whose actions are all refuted has some that paint part of what it must.
        """
        scene = self.scene
        disagrees = self.disagrees(output)
        refuted = disagrees.copy()
        reachable = kernels.narrow(
            scene.grid,
            scene.labels,
            output,
            scene.background,
            scene.cells,
            scene.starts,
            self.cells,
            self.ends,
            self.erases,
            refuted,
        )
        stuck = refuted.all(axis=0) & ~disagrees.all(axis=0)
        return refuted if reachable or stuck.any() else None

    def disagrees(self, output: Grid) -> Flags:
        """Tell which actions of which objects have no result or paint what the output does not show."""
        scene = self.scene
        painted = kernels.judge(scene.grid, scene.labels, output, self.cells, self.ends, self.erases)
        return ~self.valid | painted

    def made(self, action: int, q: int, output: Grid) -> frozenset[int]:
        """Return the changed cells, counted row by row, that an action that does not disagree makes right."""
        scene = self.scene
        parts = [self.cells[self.ends[action, q] : self.ends[action, q + 1]]]
        if self.erases[action]:
            own = scene.cells[scene.starts[q] : scene.starts[q + 1]]
            parts.append(own[output[own[:, 0], own[:, 1]] == scene.background])
        rows, columns = np.concatenate(parts)[:, :2].T.astype(np.int64)
        changed = scene.grid[rows, columns] != output[rows, columns]
        return frozenset((rows * scene.shape[1] + columns)[changed].tolist())

    def explained(self, output: Grid) -> Numbers:
        """Count the changed cells of an output that each action of each object makes right, ``(actions, objects)``."""
        scene = self.scene
        return kernels.explain(
            scene.grid, output, scene.background, scene.cells, scene.starts, self.cells, self.ends, self.erases
        )

    def render(self, choice: Numbers) -> Grid | None:
        """Return the image after each object's chosen action; None if one of them has no result."""
        if not self.valid[choice, np.arange(len(choice))].all():
            return None
        scene = self.scene
        return seal(
            kernels.render(
                scene.grid,
                scene.labels,
                scene.background,
                self.cells,
                self.ends,
                self.erases,
                self.passive,
                choice.astype(np.int64),
            )
        )


@lru_cache(maxsize=4096)
def _painted(action: str, scene: Scene) -> Painting:
    """Paint as ``paint`` does, once: the same actions are mixed again for each search on the same scenes."""
    return paint(action, scene)


def mix_palette(scene: Scene, actions: Sequence[str]) -> Palette:
    """Paint every action for every object of a scene.

    Raises:
        ParseError: a text names no action.
    """
    paintings = [_painted(action, scene) for action in actions]
    sizes = np.array([0, *(len(painting.cells) for painting in paintings)])
    offsets = np.cumsum(sizes)[:-1]
    everywhere = np.ones(scene.count, np.bool_)
    return Palette(
        scene,
        np.concatenate([painting.cells for painting in paintings]),
        np.stack([painting.ends for painting in paintings]) + offsets[:, None],
        np.stack([everywhere if painting.valid is None else painting.valid for painting in paintings]),
        np.array([erases(action) for action in actions]),
        np.array([action == "stay" for action in actions]),
    )
