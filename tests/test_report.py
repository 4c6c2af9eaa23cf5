"""The report: one page that needs no network and says what the run says."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from dsl.draw import PALETTE
from dsl.grid import grid_from_text
from ensemble.config import Config, MergeConfig
from ensemble.errors import RunError
from ensemble.pictures import cell_pixels, picture, png_address
from ensemble.report import outcome_of, render, write_report
from ensemble.scoring import TaskScore
from tests.fake_run import decoded, program, small_run, task

PLAIN = Config(merge=MergeConfig(invariants=False))


class Page(HTMLParser):
    """Collect the tags of a page, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def page(**changes):
    return Page(render(small_run(**changes)))


def test_page_loads_nothing_from_outside():
    html = render(small_run())
    assert "http:" not in html.replace("http://www.w3.org", "")
    assert "https:" not in html
    assert all(attrs["src"].startswith("data:image/png;base64,") for attrs in Page(html).all("img"))
    assert not Page(html).all("link")


def test_every_task_has_a_card_with_outcome_and_half():
    cards = {card["id"]: (card["data-outcome"], card["data-half"]) for card in page(config=PLAIN).all("article")}
    assert cards == {
        "both": ("first", "both"),
        "neither": ("wrong", "neither"),
        "network": ("second", "only_neural"),
        "programs": ("second", "only_symbolic"),
    }


def test_figures_are_counts_with_intervals():
    text = page().text
    assert "3/4 tasks" in text
    assert "95 % interval 30.1 to 95.4 %" in text


def test_every_image_is_described_by_its_size():
    images = page(tasks=[task("both", test_inputs=("123",))], answers={"both": ["21/43"]}).all("img")
    assert {attrs["alt"] for attrs in images} == {"2x2 grid", "1x3 grid"}


def test_program_text_and_votes_are_shown():
    text = page().text
    assert "flip_left_right(input)" in text
    assert "3 votes; 1 program; views identity, transpose" in text


def test_differing_cells_are_outlined():
    paths = [attrs["d"] for attrs in page(pool=[decoded("both", "21/44")]).all("path") if "class" not in attrs]
    assert paths == ["M1 1h1M1 2h1M1 1v1M2 1v1"]


def test_right_and_wrong_attempts_are_told_apart():
    captions = page(pool=[decoded("both", "21/43"), decoded("both", "21/44", log_score=-9)]).all("figcaption")
    assert [attrs["class"] for attrs in captions if "class" in attrs][:2] == ["right", "wrong"]


def test_attempt_of_another_shape_says_so():
    assert "is 1x2, not 2x2" in page(pool=[decoded("both", "21")]).text


def test_errors_are_escaped_and_marked():
    html = render(small_run())
    assert "Traceback: &lt;line 7&gt;" in html
    assert [card["id"] for card in Page(html).all("article") if card["data-failed"] == "1"] == ["programs"]


def test_hostile_text_stays_text():
    where = program("both", "1", '</pre><script>alert("x")</script>', verified=False)
    html = render(small_run(pool=[where]))
    assert "<script>alert" not in html


def test_run_without_answers_shows_attempts_without_scores():
    shown = page(answers={})
    assert "answers are not known" in shown.text
    assert {card["data-outcome"] for card in shown.all("article")} == {"unknown"}
    assert "pass@2" not in shown.text
    assert "attempt 1" in shown.text


def test_task_without_candidates_says_so():
    assert page(pool=[]).text.count("no candidate") == 4


def test_costs_of_each_solver_are_summed_up():
    cells = page().text.split("Cost")[1]
    assert "symbolic42.02.01 MiB0" in cells
    assert "neural43.24.01 MiB1" in cells


@pytest.mark.parametrize(
    ("first", "second", "oracle", "outcome"),
    [
        ((True, True), (True, True), (True, True), "first"),
        ((True, False), (True, True), (True, True), "second"),
        ((True, False), (True, False), (True, True), "found"),
        ((True, False), (True, False), (True, False), "partly"),
        ((False, False), (False, False), (True, False), "wrong"),
    ],
)
def test_outcome_of_a_task(first, second, oracle, outcome):
    assert outcome_of(TaskScore("t", {"pass@1": first, "pass@2": second, "oracle": oracle})) == outcome


def test_image_is_indexed_and_holds_the_grid_in_the_palette():
    grid = grid_from_text("012/389")
    image = Image.open(io.BytesIO(base64.b64decode(png_address(grid).partition(",")[2])))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), grid)
    color = image.convert("RGB").getpixel((2, 1))
    assert "#{:02X}{:02X}{:02X}".format(*color) == PALETTE[9]


def test_outline_runs_around_the_group_of_cells():
    drawn = picture(grid_from_text("11/11"), 9, grid_from_text("22/11"))
    assert drawn.outline.count("h1") == 4
    assert drawn.outline.count("v1") == 2
    assert picture(grid_from_text("1"), 9).outline == ""


def test_large_grids_get_small_cells():
    assert cell_pixels(task("t")) == 20
    assert cell_pixels(task("t", test_inputs=("1" * 30,))) == 5


def test_report_is_written_and_says_where_it_cannot_be(tmp_path):
    write_report(small_run(), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(RunError, match="cannot write"):
        write_report(small_run(), tmp_path / "no" / "report.html")
