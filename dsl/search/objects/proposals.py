"""Actions worth trying on a task: verbs whose kind of change the demonstrations show, with constants found in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsl.grid import Grid
from dsl.kernels import objects as kernels
from dsl.kernels import planes_objects as columns
from dsl.kernels.objects_regions import CLEAR
from dsl.search.objects.actions import TURNS
from dsl.search.objects.growth import BAR_NUMBERS, REGIONS, SOURCES, STOPS, write_pattern
from dsl.search.objects.moves import LEVELS
from dsl.search.objects.roles import ROLE_BITS
from dsl.search.objects.segments import Scene
from dsl.search.objects.verbs import DIRECTIONS

Option = tuple[str, float]
"""An action's text and its description length in bits."""

_MAX_REACH = 8
_MAX_VECTORS = 24
_MAX_STAMPS = 24
_MAX_STAMPED = 14
_STAMP_MARGINS = (1, 2, 3, 5)
_BACKGROUND_AS_OBJECT = ("regions", "panels", "tiles")
_DIAGONAL_BITS = 1.0
_DIAGONAL_PAIRS = ("rising", "falling", "upward", "downward", "leftward", "rightward")


@dataclass(frozen=True, slots=True)
class Changes:
    """What kinds of change the demonstrations show.

    Attributes:
        vacates: some filled cell becomes background.
        grows: some background cell is filled.
        recolors: some filled cell takes another color.
        colors: colors that cells change to, background left out.
        fresh: colors of outputs that their inputs do not have.
    """

    vacates: bool
    grows: bool
    recolors: bool
    colors: tuple[int, ...]
    fresh: tuple[int, ...]


def find_changes(scenes: Sequence[Scene], outputs: Sequence[Grid]) -> Changes:
    """Compare inputs with outputs cell by cell."""
    vacates = grows = recolors = False
    colors: set[int] = set()
    fresh: set[int] = set()
    for scene, output in zip(scenes, outputs, strict=True):
        changed = scene.grid != output
        was, now = scene.grid == scene.background, output == scene.background
        vacates |= bool((changed & now).any())
        grows |= bool((changed & was).any())
        recolors |= bool((changed & ~was & ~now).any())
        colors.update(np.unique(output[changed & ~now]).tolist())
        fresh.update(set(np.unique(output).tolist()) - set(np.unique(scene.grid).tolist()))
    if scenes[0].segmentation.partition(" ")[0] in _BACKGROUND_AS_OBJECT:
        vacates = grows = recolors = True
    return Changes(vacates, grows, recolors, tuple(sorted(colors)), tuple(sorted(fresh)))


def propose(scenes: Sequence[Scene], outputs: Sequence[Grid]) -> list[Option]:
    """List actions for demonstrations, fewest bits first."""
    changes = find_changes(scenes, outputs)
    many_colors = any((scene.table[:, columns.COLORS] > 1).any() for scene in scenes)
    found = [("stay", 0.5), ("delete", 2.0)]
    found.extend(_recolors(changes, many_colors))
    found.extend(_turns(changes))
    if changes.vacates and (changes.grows or changes.recolors):
        found.extend(_moves(changes, scenes, outputs))
    if changes.grows or changes.recolors:
        found.extend(_fills(changes))
        found.extend(_templates(scenes))
        found.extend(find_stamps(scenes, outputs))
    if changes.grows:
        found.extend(_copies(scenes, outputs))
        found.extend(_rays(changes, many_colors))
        found.extend(_rays_from_places(changes))
        found.extend(_bars(changes))
    unique: dict[str, float] = {}
    for text, bits in found:
        unique[text] = min(bits, unique.get(text, bits))
    return sorted(unique.items(), key=lambda proposal: proposal[1])


def _recolors(changes: Changes, many_colors: bool) -> Iterator[Option]:
    for color in changes.colors:
        yield f"recolor #{color}", 2.5
        if many_colors:
            yield f"recolor_main #{color}", 3.5
            yield f"recolor_rarest #{color}", 3.5
    for role, bits in ROLE_BITS.items():
        yield f"recolor {role}", bits + 0.5
    if many_colors:
        yield "swap_colors", 3.0


def _turns(changes: Changes) -> Iterator[Option]:
    for name, bits in TURNS.items():
        if bits not in (7, 52, 127):
            yield f"turn {name}", 3.5 if bits < 8 else 4.0
        if changes.grows:
            yield f"symmetrize {name}", 4.5 if bits < 127 else 5.0


def _moves(changes: Changes, scenes: Sequence[Scene], outputs: Sequence[Grid]) -> Iterator[Option]:
    for d, name in enumerate(DIRECTIONS):
        yield f"slide {name}", 3.0 if d < 4 else 3.0 + _DIAGONAL_BITS
        for gap in (0, 1, -1):
            yield f"shift {name} {gap}", (4.0 if d < 4 else 4.0 + _DIAGONAL_BITS) + abs(gap) * 0.5
        if d < 4:
            yield f"fall {name}", 3.5
            yield f"to_edge {name}", 3.5
    yield "approach any", 2.5
    yield "approach same_color", 3.5
    present = sorted({int(color) for scene in scenes for color in scene.table[:, columns.COLOR]})
    partners = ["largest", "smallest", "most_colors", *(f"#{color}" for color in present)]
    for role in ("same_color", "nearest_other_color", "largest", *(f"#{color}" for color in present)):
        yield f"reach {role}", 4.0
        yield f"reflect {role}", 4.5
    for role in partners:
        yield f"approach {role}", 3.5
        for edge in LEVELS:
            yield f"align {edge} {role}", 5.0
    for dy, dx in _vectors(scenes, outputs):
        yield f"move {dy} {dx}", 4.0 + 0.5 * (abs(dy) + abs(dx))


def _copies(scenes: Sequence[Scene], outputs: Sequence[Grid]) -> Iterator[Option]:
    for d, name in enumerate(DIRECTIONS):
        more = 0.0 if d < 4 else _DIAGONAL_BITS
        for gap in (0, 1, -1):
            yield f"repeat {name} {gap}", 5.0 + more
            yield f"beside {name} {gap}", 4.5 + more
            if d < 4:
                yield f"mirror {name} {gap}", 4.5
    for role in ("largest", "most_colors"):
        yield f"echo {role}", 5.0
    for dy, dx in _vectors(scenes, outputs):
        yield f"copy {dy} {dx}", 5.0 + 0.5 * (abs(dy) + abs(dx))


def _vectors(scenes: Sequence[Scene], outputs: Sequence[Grid]) -> list[tuple[int, int]]:
    """Return the moves that most objects of the demonstrations could have made."""
    reach = min(_MAX_REACH, max(max(scene.shape) for scene in scenes) - 1)
    counts = np.zeros((2 * reach + 1, 2 * reach + 1), np.int64)
    for scene, output in zip(scenes, outputs, strict=True):
        kernels.count_moves(scene.grid, output, scene.labels, scene.cells, scene.starts, reach, counts)
    flat = counts.ravel()
    order = np.argsort(-flat, kind="stable")[:_MAX_VECTORS]
    return [(int(k) // len(counts) - reach, int(k) % len(counts) - reach) for k in order if flat[k] > 0]


def _rays(changes: Changes, many_colors: bool) -> Iterator[Option]:
    colors = [("own", 0.0), *((f"#{color}", 1.5) for color in changes.colors)]
    sets = [(name, 4.0 if d < 4 else 5.0) for d, name in enumerate(DIRECTIONS)]
    sets += [("up_down", 4.0), ("left_right", 4.0), ("sides", 4.0)]
    straight = {name for name, _ in sets if "_" not in name or name in ("up_down", "left_right")}
    sets += [("rising", 5.0), ("falling", 5.0), ("diagonals", 4.5), ("all", 5.0)]
    for source in SOURCES if many_colors else SOURCES[:2]:
        for directions, bits in sets:
            if source == "middle" and directions not in straight:
                continue
            for k, stop in enumerate(STOPS):
                for color, more in colors:
                    if stop == "to_same_color" and source == "rarest":
                        continue
                    yield f"ray {directions} {stop} {source} {color}", bits + more + (0.5 * k) + (source != "cells")
    if many_colors:
        for k, stop in enumerate(STOPS):
            for color, more in colors:
                yield f"shoot {stop} {color}", 4.5 + more + 0.5 * k


def _rays_from_places(changes: Changes) -> Iterator[Option]:
    known = (("own", 0.0), *((f"#{color}", 1.5) for color in changes.colors))
    for color, more in (*known, ("only_other", 1.5), ("nearest_other_color", 1.5)):
        for directions in (*DIRECTIONS[4:], *_DIAGONAL_PAIRS, "diagonals"):
            yield f"ray {directions} blocked corners {color}", 5.5 + more
        for directions in ("sides", "diagonals", "all"):
            yield f"ray {directions} blocked gaps {color}", 5.0 + more
        yield f"ray all blocked mouths {color}", 5.5 + more


def _bars(changes: Changes) -> Iterator[Option]:
    for color in ("main", *(f"#{color}" for color in changes.fresh or changes.colors)):
        for direction in DIRECTIONS[:4]:
            for number in BAR_NUMBERS:
                yield f"bar {direction} {number} {color}", 6.0


def _fills(changes: Changes) -> Iterator[Option]:
    colors = [(f"#{color}", 0.0) for color in changes.colors]
    colors += [(role, 0.5) for role in ("main", "rarest", "around", "contained", "only_other", "nearest_other_color")]
    for k, region in enumerate(REGIONS):
        for color, more in colors:
            yield f"fill {region} {color}", (3.5 if k < 3 else 4.5) + more


def _templates(scenes: Sequence[Scene]) -> Iterator[Option]:
    present = sorted({int(color) for scene in scenes for color in scene.table[:, columns.COLOR]})
    for role in ("largest", "most_colors", "most_filled", "only_image", "nearest", "same_shape", "in_row", "in_column"):
        yield f"become {role}", 4.0
    for color in present:
        yield f"become #{color}", 4.5
    for role in ("largest", "most_colors"):
        yield f"complete {role} kept", 4.5
        yield f"complete {role} turned", 5.0


def find_stamps(scenes: Sequence[Scene], outputs: Sequence[Grid]) -> list[Option]:
    """Return patterns that the outputs agree to show around all objects of one color and box size."""
    groups: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    for s, scene in enumerate(scenes):
        for q, row in enumerate(scene.table[:, [columns.COLOR, columns.HEIGHT, columns.WIDTH]].tolist()):
            groups.setdefault((row[0], row[1], row[2]), []).append((s, q))
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))[: _MAX_STAMPS // 2]
    found: dict[str, float] = {}
    padded = [_padded(scene.grid, output) for scene, output in zip(scenes, outputs, strict=True)]
    for (_, height, width), members in largest:
        if height * width > 25 or len(members) < 2:
            continue
        for margin in _STAMP_MARGINS:
            pattern = _agreed_pattern(scenes, padded, members, height + 2 * margin, width + 2 * margin, margin)
            if pattern is not None:
                found.setdefault(write_pattern(pattern), 5.0 + 2.5 * int((pattern != CLEAR).sum()))
    return [(f"stamp {text}", bits) for text, bits in found.items()][:_MAX_STAMPS]


def _padded(grid: Grid, output: Grid) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Surround an input and its output with cells of no color."""
    pad = max(_STAMP_MARGINS)
    return np.pad(grid, pad, constant_values=CLEAR), np.pad(output, pad, constant_values=CLEAR)


def _agreed_pattern(
    scenes: Sequence[Scene],
    padded: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
    members: Sequence[tuple[int, int]],
    height: int,
    width: int,
    margin: int,
) -> NDArray[np.uint8] | None:
    """Return what all windows around the members show in the output where some changed, trimmed evenly.

    Background counts only within the members' own boxes.
    """
    agreed = np.full((height, width), CLEAR, np.uint8)
    clash = np.zeros((height, width), np.bool_)
    changed = np.zeros((height, width), np.bool_)
    shift = max(_STAMP_MARGINS) - margin
    for s, q in members:
        top = int(scenes[s].table[q, columns.TOP]) + shift
        left = int(scenes[s].table[q, columns.LEFT]) + shift
        before, after = (part[top : top + height, left : left + width] for part in padded[s])
        clash |= (after != CLEAR) & (agreed != CLEAR) & (after != agreed)
        changed |= before != after
        agreed = np.where(after != CLEAR, after, agreed)
    beyond = np.ones((height, width), np.bool_)
    beyond[margin:-margin, margin:-margin] = False
    clash |= beyond & (agreed == scenes[members[0][0]].background)
    pattern = np.where(clash | ~changed, np.uint8(CLEAR), agreed)
    while pattern.shape[0] > 2 and pattern.shape[1] > 2 and (pattern[[0, -1]] == CLEAR).all():
        if not (pattern[:, [0, -1]] == CLEAR).all():
            break
        pattern = pattern[1:-1, 1:-1]
    painted = int((pattern != CLEAR).sum())
    return pattern if 0 < painted <= _MAX_STAMPED else None
