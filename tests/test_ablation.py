"""Ablation and comparison on runs made up by hand."""

from dataclasses import replace

import pytest

from dsl.grid import grid_from_text
from dsl.task import Example, Task
from ensemble.ablation import ablate, compare, kinds_of_task, solved_by
from ensemble.config import Config, MergeConfig
from ensemble.errors import DataError
from ensemble.merge import RULES
from ensemble.types import Candidate
from tests.fake_run import FakeRun, decoded, program, small_run, task


def solved(ablation, name):
    return ablation.as_json()["rows"][name]["pass@2"]["task"]["n"]


def test_halves_and_ensemble_are_scored_on_their_own_candidates():
    ablation = ablate(small_run())
    assert [solved(ablation, name) for name in ("symbolic", "neural", "ensemble")] == [2, 2, 3]


def test_every_merge_rule_has_a_row_on_all_candidates():
    rows = ablate(small_run()).as_json()["rows"]
    assert set(RULES) < set(rows)
    assert {rows[name]["rule"] for name in RULES} == set(RULES)
    assert {rows[name]["oracle"]["task"]["n"] for name in RULES} == {3}


def test_what_the_network_only_judges_is_none_of_its_candidates():
    run = small_run()
    judged = replace(decoded("neither", "43/21", log_score=-0.1).provenance, engine="judge", draws=0)
    run.pool.append(Candidate("neither", 0, grid_from_text("21/43"), -0.1, judged))
    ablation = ablate(run)
    assert [solved(ablation, name) for name in ("neural", "no_judging")] == [2, 3]
    assert "no_judging" not in ablate(small_run()).rows


def test_a_row_does_without_invariants_if_the_run_has_them():
    train = tuple(Example(grid_from_text(source), grid_from_text(source[::-1])) for source in ("12", "34"))
    shown = Task("one", train, (grid_from_text("56"),))
    pool = [program("one", "777", "longer", cost=0.5), program("one", "65", cost=0.6)]
    for invariants, first in ((True, {"ensemble": 1, "no_invariants": 0}), (False, {"ensemble": 0})):
        run = FakeRun([shown], {"one": ("65",)}, pool, config=Config(merge=MergeConfig(invariants=invariants)))
        rows = ablate(run).as_json()["rows"]
        assert {name: rows[name]["pass@1"]["task"]["n"] for name in first} == first
        assert ("no_invariants" in rows) is invariants


def test_ensemble_row_uses_the_rule_of_the_run():
    run = small_run(config=Config(merge=MergeConfig(rule="flat")))
    assert ablate(run).as_json()["rows"]["ensemble"]["rule"] == "flat"


def test_every_row_hears_what_the_run_hears():
    judged = replace(decoded("both", "1").provenance, engine="judge", draws=0)
    programs = [program("both", "12/34", cost=1.0), program("both", "21/43", "other", cost=0.5)]
    pool = [
        *programs,
        *(Candidate("both", 0, c.grid, score, judged) for c, score in zip(programs, (-1, -9), strict=True)),
    ]
    truth = {"both": ("12/34",)}
    limits = {cells: Config(merge=MergeConfig(max_judged_cells=cells, invariants=False)) for cells in (700, 0)}
    first = {
        cells: ablate(FakeRun([task("both")], truth, pool, config=config)).as_json()["rows"]["ensemble"]["pass@1"][
            "task"
        ]["n"]
        for cells, config in limits.items()
    }
    assert first == {700: 1, 0: 0}


def test_oracle_of_a_half_sees_only_its_candidates():
    rows = ablate(small_run()).as_json()["rows"]
    assert [rows[name]["oracle"]["task"]["n"] for name in ("symbolic", "neural", "ensemble")] == [2, 2, 3]


def test_solved_by_table_holds_every_task_once():
    table = ablate(small_run()).as_json()["solved_by"]
    assert {name: entry["tasks"] for name, entry in table.items()} == {
        "both": ["both"],
        "only_symbolic": ["programs"],
        "only_neural": ["network"],
        "neither": ["neither"],
    }
    assert {(entry["n"], entry["of"]) for entry in table.values()} == {(1, 4)}


@pytest.mark.parametrize(
    ("symbolic", "neural", "name"),
    [(1, 1, "both"), (1, 0, "only_symbolic"), (0, 1, "only_neural"), (0, 0, "neither")],
)
def test_solved_by_names(symbolic, neural, name):
    assert solved_by(bool(symbolic), bool(neural)) == name


def test_rows_are_compared_with_the_ensemble_task_by_task():
    against = ablate(small_run()).as_json()["rows"]["neural"]["against_ensemble"]
    assert against["mcnemar"] == {"only_left": 0, "only_right": 1, "p_value": 1.0}
    assert against["difference"]["mean"] == -0.25
    assert against["difference"]["ci"][0] < -0.25


def test_no_augmentation_row_keeps_identity_views_and_programs():
    ablation = ablate(small_run())
    assert solved(ablation, "no_augmentation") == 2
    assert solved(ablation, "neural_no_augmentation") == 1


def test_rows_without_two_sides_to_compare_are_left_out():
    rows = ablate(small_run(pool=[decoded("both", "21/43")])).rows
    assert not {"no_augmentation", "no_adaptation"} & set(rows)


def test_no_adaptation_row_appears_when_the_run_has_candidates_of_both_kinds():
    pool = [decoded("both", "21/43"), decoded("both", "99/99", adapted=False)]
    ablation = ablate(small_run(pool=pool))
    assert [solved(ablation, name) for name in ("ensemble", "neural_no_adaptation")] == [1, 0]


def test_groups_split_the_tasks_by_kind():
    groups = ablate(small_run()).as_json()["groups"]
    assert groups["shape"]["same"]["ensemble"]["n"] == 3
    assert {sum(entry["ensemble"]["of"] for entry in values.values()) for values in groups.values()} == {4}


def test_kinds_of_task():
    pair = Example(grid_from_text("1234/5678"), grid_from_text("12"))
    assert kinds_of_task(Task("t", (pair,) * 6, ())) == {
        "shape": "smaller output",
        "largest grid": "1 to 100 cells",
        "colors": "6 to 10",
        "demonstrations": "5 or more",
    }


def test_markdown_holds_counts_of_every_row():
    text = ablate(small_run()).markdown()
    assert "| symbolic " in text
    assert "2/4 = 50.0%" in text
    assert "+0/-1" in text


def test_run_without_answers_is_refused():
    with pytest.raises(DataError, match="no answers for 4 of the 4 tasks"):
        ablate(small_run(answers={}))


def test_comparison_names_gained_and_lost_tasks():
    better = small_run()
    worse = small_run(pool=[program("neither", "21/43")])
    result = compare(worse, better).as_json()
    assert (result["run_a"]["n"], result["run_b"]["n"]) == (1, 3)
    assert result["gained"] == ["both", "network", "programs"]
    assert result["lost"] == ["neither"]
    assert (result["mcnemar"]["only_left"], result["mcnemar"]["only_right"]) == (3, 1)
    assert result["difference"]["mean"] == 0.5


def test_comparison_leaves_out_what_only_one_run_was_asked_for():
    part = small_run(tasks=[task("both"), task("other")], answers={"both": ["21/43"], "other": ["1"]})
    comparison = compare(small_run(), part)
    assert comparison.only_asked == (3, 1)
    assert [figure.of for figure in comparison.figures] == [1, 1]
    assert "3 tasks that only A was asked for" in comparison.markdown()


def test_comparison_refuses_runs_on_other_data():
    with pytest.raises(DataError, match="no task in common"):
        compare(small_run(), small_run(tasks=[task("other")]))
    changed = [task(name, test_inputs=("1",)) for name in ("both", "neither", "network", "programs")]
    with pytest.raises(DataError, match="task both is not the same in both runs"):
        compare(small_run(), small_run(tasks=changed))
