import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.grid import Grid, as_grid, grid_from_text, grid_to_text, same_grid
from dsl.task import Example, Task
from ensemble.augment import (
    DIHEDRAL,
    IDENTITY,
    PAPER_TURNS,
    SAME_COLORS,
    View,
    draw_colors,
    draw_view,
    inference_views,
    inverse_name,
    paper_views,
    transform,
)

CASES = [
    ("identity", "12/34/56"),
    ("rotate_90", "531/642"),
    ("rotate_180", "65/43/21"),
    ("rotate_270", "246/135"),
    ("flip_left_right", "21/43/65"),
    ("flip_up_down", "56/34/12"),
    ("transpose", "135/246"),
    ("anti_transpose", "642/531"),
]


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    height, width = draw(st.integers(1, 30)), draw(st.integers(1, 30))
    return as_grid(np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, 10, (height, width)))


def views() -> st.SearchStrategy[View]:
    return st.builds(
        View, st.sampled_from(DIHEDRAL), st.permutations(range(10)).map(tuple), st.permutations(range(3)).map(tuple)
    )


@pytest.mark.parametrize(("name", "expected"), CASES)
def test_transform_moves_cells_as_named(name: str, expected: str) -> None:
    assert grid_to_text(transform(grid_from_text("12/34/56"), name)) == expected


def test_every_transform_has_a_case() -> None:
    assert tuple(name for name, _ in CASES) == DIHEDRAL


@pytest.mark.parametrize("name", DIHEDRAL)
def test_inverse_of_a_transform_is_a_transform(name: str) -> None:
    grid = grid_from_text("12/34/56")
    assert same_grid(transform(transform(grid, name), inverse_name(name)), grid)


@given(grids(), views())
def test_undo_is_the_exact_inverse(grid: Grid, view: View) -> None:
    assert same_grid(view.undo(view.grid(grid)), grid)
    assert same_grid(view.grid(view.undo(grid)), grid)


@given(grids(), views())
def test_view_of_a_grid_is_a_sealed_grid(grid: Grid, view: View) -> None:
    shown = view.grid(grid)
    assert same_grid(shown, as_grid(shown))
    assert not shown.flags.writeable
    assert shown.flags.c_contiguous


def test_view_turns_inputs_and_outputs_alike_and_orders_demonstrations() -> None:
    train = tuple(Example(grid_from_text(f"{k}0"), grid_from_text(f"0{k}")) for k in (1, 2, 3))
    colors = (0, 3, 1, 2, 4, 5, 6, 7, 8, 9)
    shown = View("rotate_90", colors, (2, 0, 1)).task(Task("t", train, (grid_from_text("12"),)))
    assert [grid_to_text(e.input) for e in shown.train] == ["2/0", "3/0", "1/0"]
    assert [grid_to_text(e.output) for e in shown.train] == ["0/2", "0/3", "0/1"]
    assert grid_to_text(shown.test_inputs[0]) == "3/1"


@pytest.mark.parametrize(
    "wrong", [{"dihedral": "rotate_45"}, {"colors": (0,) * 10}, {"colors": (1, 0)}, {"order": (0, 0)}, {"order": (-1,)}]
)
def test_a_view_that_cannot_be_undone_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="got"):
        View(**wrong)  # type: ignore[arg-type]


def test_a_view_shows_no_demonstration_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="shows demonstration 1, got 1 demonstrations"):
        View(order=(1, 0)).examples((Example(grid_from_text("1"), grid_from_text("2")),))


def test_zero_stays_zero_on_request_only() -> None:
    rng = np.random.default_rng(0)
    assert all(draw_colors(rng, keep_zero=True)[0] == 0 for _ in range(50))
    assert any(draw_colors(rng, keep_zero=False)[0] != 0 for _ in range(50))


def test_drawn_views_reach_all_symmetries_and_orders() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_view(rng, 3) for _ in range(200)]
    assert {view.dihedral for view in drawn} == set(DIHEDRAL)
    assert len({view.order for view in drawn}) == 6


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_paper_s_views_leave_one_demonstration_out_and_keep_the_colors(count: int) -> None:
    views = paper_views(count, seed=0)
    assert views == paper_views(count, seed=0)
    assert len(views) == 3 * count + 5
    assert {view.colors for view in views} == {SAME_COLORS}
    shown = [set(view.order or ()) for view in views]
    assert all(len(order) == max(1, count - 1) for order in shown)
    as_they_are = [order for view, order in zip(views, shown, strict=True) if view.dihedral == "identity"]
    assert all(as_they_are.count(order) == 3 * count / max(1, len({*map(frozenset, shown)})) for order in as_they_are)
    assert [view.dihedral for view in views[:6]] == ["identity", *PAPER_TURNS]


def test_a_view_shows_the_demonstrations_that_it_names() -> None:
    pairs = tuple(Example(as_grid([[k]]), as_grid([[k]])) for k in range(3))
    assert [int(pair.input[0, 0]) for pair in View(order=(2, 0)).examples(pairs)] == [2, 0]


def test_inference_views_begin_with_the_task_as_it_is() -> None:
    views = inference_views(12, 3, seed=4)
    assert views[0] == IDENTITY
    assert tuple(view.name for view in views[:8]) == DIHEDRAL
    assert len(set(views)) == 12
    assert views[:5] == inference_views(5, 3, seed=4)
