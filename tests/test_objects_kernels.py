"""The object kernels against their twins, on random scenes."""

from collections.abc import Iterator

import numpy as np
import pytest

from dsl.errors import PrimitiveError
from dsl.grid import seal
from dsl.kernels import objects as kernels
from dsl.kernels import objects_judge, planes_objects
from dsl.search.objects.actions import paint
from dsl.search.objects.growth import DIRECTION_SETS, REGIONS, STOPS
from dsl.search.objects.render import mix_palette
from dsl.search.objects.segments import Scene
from dsl.search.objects.senders import PLACES
from dsl.search.objects.verbs import DIRECTIONS, Painting
from tests import naive_objects as naive

SHAPES = ((1, 1), (1, 7), (6, 1), (5, 8), (9, 9), (30, 30))
SOME_ACTIONS = (
    "stay",
    "delete",
    "slide down",
    "move 1 -1",
    "repeat right 0",
    "ray up_left blocked cells own",
    "fill frame #3",
    "recolor #2",
    "symmetrize both",
)


def random_scenes() -> Iterator[Scene]:
    rng = np.random.default_rng(7)
    for shape in SHAPES:
        for segmentation in ("sprites", "components", "components_4"):
            share = min(0.4, 12 / (shape[0] * shape[1])) if shape != (1, 1) else 1.0
            grid = np.where(rng.random(shape) < share, rng.integers(1, 5, shape), 0).astype(np.uint8)
            if shape[0] > 4 and shape[1] > 4:
                grid[1:4, 1:4] = 2
                grid[2, 2] = 0
            try:
                yield Scene(seal(grid), segmentation)
            except PrimitiveError:
                continue


def painted(painting: Painting, q: int) -> naive.Picture:
    return {(int(r), int(c)): int(color) for r, c, color in painting.cells[painting.ends[q] : painting.ends[q + 1]]}


def pictures(scene: Scene) -> list[naive.Picture]:
    return naive.pictures(scene.grid, scene.labels, scene.count)


def clipped(scene: Scene, picture: naive.Picture) -> naive.Picture:
    return {place: color for place, color in picture.items() if naive.inside(scene.grid, place)}


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    found = list(random_scenes())
    assert len(found) > 10
    return found


def test_collected_cells_are_those_of_the_labels(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert [painted(Painting(scene.cells, scene.starts), q) for q in range(scene.count)] == pictures(scene)


def test_slides_end_at_the_first_obstacle(scenes: list[Scene]) -> None:
    for scene in scenes:
        steps, stops, _ = scene.slides
        for q, picture in enumerate(pictures(scene)):
            for d in range(8):
                expected = naive.free_slide(scene.grid, scene.labels, q, picture, d, scene.background)
                assert steps[q, d] == expected[0]
                assert (stops[q, d] == naive.EDGE) == (expected[1] == naive.EDGE)


def test_falls_pile_up(scenes: list[Scene]) -> None:
    for scene in scenes:
        order = np.arange(scene.count)[::-1].copy()
        for d in range(4):
            fast = kernels.falls(scene.grid, scene.labels, scene.cells, scene.starts, scene.background, order, d)
            slow = naive.falls(scene.grid, scene.labels, pictures(scene), scene.background, order.tolist(), d)
            assert fast.tolist() == slow


def test_repeats_cover_every_copy_in_the_image(scenes: list[Scene]) -> None:
    for scene in scenes:
        painting = paint("repeat down_right 1", scene)
        for q, picture in enumerate(pictures(scene)):
            top, bottom, left, right = naive.box(picture)
            down, across = bottom - top + 2, right - left + 2
            expected: naive.Picture = {}
            for k in range(31):
                expected |= clipped(scene, naive.moved(picture, k * down, k * across))
            assert painted(painting, q) == expected


def test_mirror_images_lie_beside_the_box(scenes: list[Scene]) -> None:
    for scene in scenes:
        painting = paint("mirror left 0", scene)
        for q, picture in enumerate(pictures(scene)):
            left = naive.box(picture)[2]
            image = {(r, 2 * left - 1 - c): color for (r, c), color in picture.items()}
            assert painted(painting, q) == clipped(scene, image) | picture


def test_a_partner_is_laid_middle_over_middle(scenes: list[Scene]) -> None:
    for scene in scenes:
        painting = paint("become largest", scene)
        found = pictures(scene)
        largest = found[int(scene.table[:, planes_objects.SIZE].argmax())]
        top, bottom, left, right = naive.box(largest)
        for q, picture in enumerate(found):
            box = naive.box(picture)
            down, across = (box[0] + box[1] - top - bottom) // 2, (box[2] + box[3] - left - right) // 2
            assert painted(painting, q) == clipped(scene, naive.moved(largest, down, across))


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("directions", ["up", "down_left", "sides", "all"])
def test_rays_reach_what_a_walk_reaches(scenes: list[Scene], directions: str, stop: str) -> None:
    for scene in scenes:
        painting = paint(f"ray {directions} {stop} cells #7", scene)
        for q, picture in enumerate(pictures(scene)):
            bits = DIRECTION_SETS[directions]
            reached = naive.rays(scene.grid, scene.labels, q, picture, scene.background, bits, stop)
            assert painted(painting, q) == dict.fromkeys(reached, 7) | picture


@pytest.mark.parametrize("region", REGIONS)
def test_regions_are_those_of_their_definition(scenes: list[Scene], region: str) -> None:
    for scene in scenes[:-3]:
        painting = paint(f"fill {region} #7", scene)
        for q, picture in enumerate(pictures(scene)):
            filled = naive.region(scene.grid, picture, region, scene.background)
            assert painted(painting, q) == picture | dict.fromkeys(filled, 7)


@pytest.mark.parametrize("turn", ["left_right", "up_down", "half", "transposed", "left", "right", "anti_transposed"])
def test_turns_keep_the_box(scenes: list[Scene], turn: str) -> None:
    for scene in scenes:
        painting = paint(f"turn {turn}", scene)
        for q, picture in enumerate(pictures(scene)):
            if painting.valid is None or painting.valid[q]:
                assert painted(painting, q) == naive.turned(picture, turn)


def test_judging_matches_a_cell_by_cell_comparison(scenes: list[Scene]) -> None:
    rng = np.random.default_rng(3)
    for scene in scenes:
        palette = mix_palette(scene, SOME_ACTIONS)
        choice = rng.integers(0, len(SOME_ACTIONS), scene.count)
        output = palette.render(choice)
        assert output is not None
        wrong = objects_judge.judge(scene.grid, scene.labels, output, palette.cells, palette.ends, palette.erases)
        explained = palette.explained(output)
        for a, action in enumerate(SOME_ACTIONS):
            painting = paint(action, scene)
            erases = bool(palette.erases[a])
            for q, picture in enumerate(pictures(scene)):
                made = painted(painting, q)
                assert wrong[a, q] == naive.is_wrong(scene.grid, output, picture, made, erases)
                expected = naive.explained(scene.grid, output, picture, made, erases, scene.background)
                assert explained[a, q] == expected


def test_the_actions_behind_an_output_are_never_refuted_unless_painted_over(scenes: list[Scene]) -> None:
    for scene in scenes:
        actions = ("stay", "recolor #7", "delete")
        palette = mix_palette(scene, actions)
        choice = np.arange(scene.count) % 3
        output = palette.render(choice)
        assert output is not None
        wrong = palette.wrong(output)
        assert wrong is not None
        assert not wrong[choice, np.arange(scene.count)].any()


def test_an_output_out_of_reach_is_recognized(scenes: list[Scene]) -> None:
    for scene in scenes:
        palette = mix_palette(scene, ("stay", "delete"))
        output = seal(np.full(scene.grid.shape, 9, np.uint8))
        assert palette.wrong(output) is None


def test_moves_are_counted_where_the_output_shows_them() -> None:
    grid = seal(np.array([[1, 0, 0], [0, 0, 0]], np.uint8))
    output = seal(np.array([[0, 0, 0], [0, 0, 1]], np.uint8))
    scene = Scene(grid, "components")
    counts = np.zeros((5, 5), np.int64)
    kernels.count_moves(grid, output, scene.labels, scene.cells, scene.starts, 2, counts)
    assert {(int(r) - 2, int(c) - 2) for r, c in np.argwhere(counts)} == {(1, 2)}


def test_directions_are_in_the_order_of_the_kernels(scenes: list[Scene]) -> None:
    grid = seal(np.pad(np.array([[1]], np.uint8), 1))
    scene = Scene(grid, "components")
    for d, name in enumerate(DIRECTIONS):
        assert list(painted(paint(f"slide {name}", scene), 0)) == [(1 + naive.STEPS[d][0], 1 + naive.STEPS[d][1])]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("directions", ["down_left", "sides", "diagonals"])
def test_rays_leave_the_box_from_a_place(scenes: list[Scene], place: str, directions: str) -> None:
    for scene in scenes:
        painting = paint(f"ray {directions} blocked {place} #7", scene)
        for q, picture in enumerate(pictures(scene)):
            cells = naive.rays_from(scene.grid, picture, place, DIRECTION_SETS[directions], scene.background)
            assert painted(painting, q) == dict.fromkeys(cells, 7) | picture


@pytest.mark.parametrize("side", range(4))
def test_bars_are_as_long_as_their_number(scenes: list[Scene], side: int) -> None:
    for scene in scenes:
        painting = paint(f"bar {DIRECTIONS[side]} size #7", scene)
        for q, picture in enumerate(pictures(scene)):
            cells = naive.bar(scene.grid, picture, side, len(picture), scene.background)
            assert painted(painting, q) == dict.fromkeys(cells, 7) | picture


def test_what_reaches_a_partner_stands_beside_it_and_what_is_reflected_as_far_behind_its_edge(
    scenes: list[Scene],
) -> None:
    for scene in scenes:
        found = pictures(scene)
        largest = int(scene.table[:, planes_objects.SIZE].argmax())
        top, bottom, left, right = naive.box(found[largest])
        moved, turned = paint("reach largest", scene), paint("reflect largest", scene)
        assert moved.valid is not None
        for q, picture in enumerate(found):
            rows, columns = naive.level(picture, found[largest])
            assert moved.valid[q] == (rows != columns)
            if rows == columns:
                continue
            box = naive.box(picture)
            if rows:
                edge = left if box[3] < left else right
                steps = left - box[3] - 1 if box[3] < left else right - box[2] + 1
                image = {(r, 2 * edge - c): color for (r, c), color in picture.items()}
                assert painted(moved, q) == clipped(scene, naive.moved(picture, 0, steps))
            else:
                edge = top if box[1] < top else bottom
                steps = top - box[1] - 1 if box[1] < top else bottom - box[0] + 1
                image = {(2 * edge - r, c): color for (r, c), color in picture.items()}
                assert painted(moved, q) == clipped(scene, naive.moved(picture, steps, 0))
            assert painted(turned, q) == clipped(scene, image)
