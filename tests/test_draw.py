"""Drawing for terminals and notebooks."""

import re

from dsl.draw import PALETTE, html_of_task, svg_of_grid, text_of_grid, text_of_task
from dsl.grid import grid_from_text
from dsl.task import Example, Task

TASK = Task(
    "t<1>",
    (Example(grid_from_text("12/34/56"), grid_from_text("7")),),
    (grid_from_text("0"), grid_from_text("89")),
)


def plain(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_palette_is_the_official_one():
    assert PALETTE[:3] == ("#000000", "#0074D9", "#FF4136")
    assert len(set(PALETTE)) == 10


def test_digits_have_no_color_codes():
    assert text_of_grid(grid_from_text("12/30"), digits=True) == "1 2\n3 0"
    assert text_of_grid(grid_from_text("12/30"), digits=True, dense=True) == "12\n30"


def test_colors_take_two_columns_a_cell():
    text = text_of_grid(grid_from_text("12/30"))
    assert plain(text) == "    \n    "
    assert text.startswith("\x1b[48;2;0;116;217m  \x1b[48;2;255;65;54m  \x1b[0m")


def test_half_blocks_show_two_rows_in_a_line():
    lines = text_of_grid(grid_from_text("1/2/3"), dense=True).split("\n")
    assert lines[0] == "\x1b[38;2;0;116;217;48;2;255;65;54m▀\x1b[0m"
    assert lines[1] == "\x1b[38;2;46;204;64;49m▀\x1b[0m"


def test_task_shows_pairs_side_by_side_and_hides_answers():
    assert text_of_task(TASK, digits=True).split("\n") == [
        "task t<1>", "",
        "demonstration 1: 3x2 → 1x1", "1 2 → 7", "3 4", "5 6", "",
        "test input 1: 1x1 → ?", "0 → ?", "",
        "test input 2: 1x2 → ?", "8 9 → ?",
    ]  # fmt: skip


def test_task_shows_answers_that_are_given():
    text = text_of_task(TASK, (grid_from_text("5"), grid_from_text("4/3/2")), digits=True)
    assert text.split("\n")[-6:] == ["0 → 5", "", "test input 2: 1x2 → 3x1", "8 9 → 4", "      3", "      2"]


def test_right_grid_starts_in_the_same_column_on_every_line():
    task = Task("t", (Example(grid_from_text("1"), grid_from_text("2/3/4")),), ())
    assert [plain(line) for line in text_of_task(task).split("\n")[3:]] == ["   →   ", "       ", "       "]


def test_wide_task_is_drawn_dense():
    wide = grid_from_text("1" * 30)
    task = Task("t", (Example(wide, wide),), ())
    assert text_of_task(task, digits=True).split("\n")[-1] == "1" * 30 + " → " + "1" * 30
    assert len(plain(text_of_task(task)).split("\n")[-1]) == 63
    assert len(plain(text_of_task(task, max_columns=200)).split("\n")[-1]) == 123


def test_svg_joins_runs_of_one_color():
    svg = svg_of_grid(grid_from_text("112/112"))
    assert svg.count("<path") == 2
    assert 'd="M0 0h2v1h-2zM0 1h2v1h-2z"' in svg
    assert 'aria-label="2x3 grid"' in svg


def test_html_escapes_the_task_id():
    html = html_of_task(TASK)
    assert "t&lt;1&gt;" in html
    assert html.count("<svg") == 4
