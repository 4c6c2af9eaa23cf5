"""Every operation on pictures gives the result of its slow twin, or keeps a stated law."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dsl.kernels import picture_codes as codes
from dsl.kernels.pictures import apply_picture
from tests import naive_pictures as naive

Cells = NDArray[np.uint8]
Picture = tuple[Cells, int, int]


def random_cells(rng: np.random.Generator, shape: tuple[int, int], filled: float, colors: int) -> Cells:
    return np.where(rng.random(shape) < filled, rng.integers(1, colors + 1, shape), 0).astype(np.uint8)


def scattered_copies(rng: np.random.Generator) -> list[Cells]:
    """Return pictures of a thing of several colors and, elsewhere, single colors of its turned, enlarged copies."""
    pictures = []
    for k in range(6):
        thing = np.full((2 + k % 2, 3), 1, np.uint8)
        thing[0, 0], thing[-1, 1 + k % 2] = 2, 2 + k % 3
        a = np.zeros((15, 17), np.uint8)
        a[1 : 1 + thing.shape[0], 1:4] = thing
        for top, left, scale in ((8, 0, 1), (8, 8, 2), (0, 10, 1)):
            copy = np.kron(naive.dihedral(thing, int(rng.integers(8))), np.ones((scale, scale), np.uint8))
            a[top : top + copy.shape[0], left : left + copy.shape[1]] = np.where(copy != 1, copy, 0)
        pictures.append(a)
    return pictures


def random_pictures() -> list[Picture]:
    """Return pictures of many shapes: noise, one color, all black, scaled, periodic with gaps, scattered things."""
    rng = np.random.default_rng(5)
    cells = [np.zeros((1, 1), np.uint8), np.zeros((4, 3), np.uint8), np.full((3, 3), 9, np.uint8)]
    for shape in ((1, 1), (1, 6), (5, 1), (2, 2), (3, 4), (5, 5), (7, 6), (8, 8), (9, 12)):
        for filled, colors in ((0.3, 1), (0.6, 2), (0.9, 5)):
            cells.append(random_cells(rng, shape, filled, colors))
    for factor in (2, 3):
        cells.append(np.kron(random_cells(rng, (3, 2), 0.6, 3), np.ones((factor, factor), np.uint8)))
    for rows, columns in ((1, 3), (2, 1), (2, 3), (3, 2)):
        tiled = np.tile(random_cells(rng, (rows, columns), 1.0, 3), (8, 8))[:10, :11]
        cells.append(np.where(rng.random(tiled.shape) < 0.8, tiled, 0).astype(np.uint8))
    for filled in (0.06, 0.5):
        cells.append(random_cells(rng, (30, 30), filled, 3))
    cells.append(random_cells(rng, (14, 15), 0.25, 4))
    cells += scattered_copies(rng)
    return [(np.ascontiguousarray(a), int(rng.integers(-4, 6)), int(rng.integers(-4, 6))) for a in cells]


PICTURES = random_pictures()
GUARD = 64
"""Cells behind a buffer that nothing may write to."""


def applied(name: str, arg: int, picture: Picture, frames: list[int]) -> Picture | None:
    guarded, numbers = np.full(900 + GUARD, 99, np.uint8), np.full(4096 + GUARD, 77, np.int64)
    out = guarded[:900]
    a, y, x = picture
    h, w, y, x = apply_picture(getattr(codes, name), arg, a, y, x, np.array(frames), out, numbers[:4096])
    assert (guarded[900:] == 99).all(), f"{name} {arg} writes past its result"
    assert (numbers[4096:] == 77).all(), f"{name} {arg} writes past its scratch numbers"
    return None if h == 0 else (out[: h * w].reshape(h, w), y, x)


def check(name: str, arg: int, picture: Picture, frames: list[int]) -> None:
    before = picture[0].copy()
    found = applied(name, arg, picture, frames)
    expected = naive.apply_picture(name, arg, *picture, frames)
    np.testing.assert_array_equal(picture[0], before)
    where = f"{name} {arg} {picture}"
    assert (found is None) == (expected is None), where
    if found is not None and expected is not None:
        np.testing.assert_array_equal(found[0], expected[0], where)
        assert found[1:] == expected[1:], where


@pytest.mark.parametrize("name", list(codes.ARGUMENTS))
def test_an_operation_gives_what_its_twin_gives(name: str) -> None:
    for arg in codes.ARGUMENTS[name]:
        for picture in PICTURES:
            check(name, arg, picture, [7, 9, 12, 5])


@pytest.mark.parametrize("name", ["FIT", "RESIZE", "TILE", "MIRROR_TILE", "REFLOW", "CENTERED"])
@pytest.mark.parametrize("frames", [[1, 1, 0, 0], [30, 30, 1, 30]])
def test_an_operation_fills_any_frame_but_an_unknown_one(name: str, frames: list[int]) -> None:
    for arg in codes.ARGUMENTS[name]:
        for picture in PICTURES[::4]:
            check(name, arg, picture, frames)


def test_every_operation_has_a_number_of_its_own() -> None:
    numbers = {name: value for name, value in vars(codes).items() if isinstance(value, int)}
    assert list(numbers) == list(codes.ARGUMENTS)
    assert sorted(numbers.values()) == list(range(len(numbers)))


def test_many_operations_have_results_on_random_pictures() -> None:
    for name, arguments in codes.ARGUMENTS.items():
        for arg in arguments:
            assert any(applied(name, arg, picture, [7, 9, 12, 5]) for picture in PICTURES), (name, arg)


@pytest.mark.parametrize("direction", range(4))
def test_interlocked_bodies_fall_until_none_can_move(direction: int) -> None:
    hook = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    turned = np.ascontiguousarray(naive.dihedral(hook, (2, 4, 0, 7)[direction]))
    fallen = applied("FALL", direction, (turned, 0, 0), [1, 1, 1, 1])
    assert fallen is not None
    again = applied("FALL", direction, fallen, [1, 1, 1, 1])
    assert again is not None
    np.testing.assert_array_equal(fallen[0], again[0])
    assert not np.array_equal(fallen[0], turned)
