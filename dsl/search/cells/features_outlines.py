"""Planes of outlines: ends and corners of a cell's component, components of its shape, sides where it is cut off."""

from functools import partial

import numpy as np

from dsl.kernels.planes import NONE
from dsl.search.cells.planes import SEGMENTATIONS, Block, Group, Image, number

_NUMBERS = (("ends", 4.5), ("corners", 4.5), ("notches", 4.5), ("same_kind", 5.0), ("edges", 4.0))


def _outlines(segmentation: str, image: Image) -> Block:
    parts = image.components(segmentation)
    known = np.stack([getattr(parts.outlines, name) for name, _ in _NUMBERS])
    padded = np.concatenate([np.minimum(known, NONE - 1), np.full((len(known), 1), NONE)], axis=1)
    return padded.astype(np.uint8)[:, parts.labels]


def _group(segmentation: str) -> Group:
    extra = SEGMENTATIONS[segmentation][3]
    specs = tuple(number(f"{segmentation}.{name}", cost + extra) for name, cost in _NUMBERS)
    return Group(f"outlines_{segmentation}", specs, partial(_outlines, segmentation), basic=False)


GROUPS = tuple(_group(name) for name in ("m4", "m8", "x8"))
