"""Fit how likely programs are right: the weights of ``dsl.search.ranking`` and ``dsl.search.plausibility``.

    python -m benchmarks.fit_ranking collect rows.jsonl --tasks fit --tasks new --tasks dev --nodes 100000
    python -m benchmarks.fit_ranking collect rows.jsonl --tasks re-arc --re-arc re_arc.zip --nodes 60000
    python -m benchmarks.fit_ranking fit rows.jsonl --output dsl/search/ranking.json

One logistic regression over the programs that the search finds: on features of a program among its rivals, and on the
invariants of the demonstrations that its predictions break. ``re-arc`` draws new demonstrations and a test for each
``fit`` task from RE-ARC (Hodel 2024). Fitted are ``fit``, ``re-arc`` and two thirds of ``new``; ``dev`` and the rest
of ``new`` only check. The language was developed on ``fit``, where programs are right more often than elsewhere, so
``new`` counts more. The evaluation set is never read. ``collect`` goes on where it stopped.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.draw_tasks import drawn_cases
from benchmarks.rule_engines import Case, training_cases
from dsl.grid import Grid, grid_key
from dsl.search.budget import Budget
from dsl.search.invariants import Invariants
from dsl.search.plausibility import lost_nats
from dsl.search.ranking import Field, family
from dsl.search.scheduler import synthesize
from dsl.search.solution import Solution
from dsl.search.warm import warm_up
from dsl.task import Task
from ensemble.data import dev_ids, load_tasks

MEMBERS = 12
"""Programs of one family that are looked at, likeliest first."""
LATER_SHARE = 0.3
"""What a program weighs whose prediction is not the task's first."""
PART_SHARES = {"new": 3.0}
"""What tasks weigh on which the language was not developed."""
RIDGE = 3.0
INVARIANT_RIDGE = 3.0
USUAL_NATS = 0.1
"""Nats that an invariant's weight is pulled to: what right outputs seldom break tells something before it was seen."""
LEAST_BROKEN = 6
"""Invariants that fewer programs break get no weight."""
SIGNS: dict[str, tuple[float | None, float | None]] = {
    "bits": (None, 0.0),
    "bits over long": (None, 0.0),
    "foretells half": (0.0, None),
    "foretells all": (0.0, None),
    "stable half": (0.0, None),
    "stable all": (0.0, None),
    "not first": (None, 0.0),
    "rivals": (None, 0.0),
    "bits after first": (None, 0.0),
    "agreed": (0.0, None),
    "agreed twice": (0.0, None),
}
"""Least and greatest weight of features whose sense is known."""
SETS = ("fit", "dev", "new", "re-arc")
FITTED = ("fit", "new", "re-arc")
CHECKED = ("dev", "new, held out")
FOLDS = 5

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """A program that fits all demonstrations.

    Attributes:
        answer: number of its predictions among those of the task, by falling odds when it was found.
        features: of ``dsl.search.ranking``.
        breaks: invariants that its predictions break.
        right: whether all of them are right.
    """

    answer: int
    features: Mapping[str, float]
    breaks: tuple[str, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A task, the part of the data that it belongs to, and the programs found."""

    task_id: str
    part: str
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """Log odds in nats by feature, and nats lost by broken invariant."""

    programs: Mapping[str, float]
    invariants: Mapping[str, float]

    def log_odds(self, found: Found) -> float:
        odds = sum(self.programs[name] * value for name, value in found.features.items())
        return odds - lost_nats(found.breaks, self.invariants)


def cases_of(name: str, re_arc: Path | None, seed: int) -> list[tuple[str, Case]]:
    """Return the tasks of a set, with the part of the data that each belongs to."""
    cases = training_cases()
    dev = dev_ids(task.task_id for task, _ in cases)
    if name == "dev":
        return [(name, case) for case in cases if case[0].task_id in dev]
    if name == "new":
        new = load_tasks("arc-agi-2/new")
        held_out = dev_ids(new.task_ids)
        return [
            ("new, held out" if task.task_id in held_out else name, (task, new.answers[task.task_id]))
            for task in new.tasks
        ]
    fit = {task.task_id: (task, answers) for task, answers in cases if task.task_id not in dev}
    if name == "fit":
        return [(name, case) for case in fit.values()]
    if re_arc is None:
        raise SystemExit("re-arc needs --re-arc PATH: its zip or folder")
    drawn = [(name, case) for case in drawn_cases(re_arc, "fit", seed)]
    return [drawn[i] for i in np.random.default_rng(seed).permutation(len(drawn))]


def row_of(part: str, task: Task, targets: Sequence[Grid], solutions: Sequence[Solution]) -> Row:
    """Return what is kept of ranked solutions."""
    fitting = [solution for solution in solutions if solution.fits == len(task.train)]
    field, invariants = Field(fitting, task), Invariants(task.train)
    right, counts = tuple(map(grid_key, targets)), Counter[str]()
    answers: dict[object, tuple[int, tuple[str, ...]]] = {}
    found = []
    for solution in fitting:
        outputs = [output for output in solution.outputs if output is not None]
        counts[family(solution)] += 1
        if len(outputs) < len(targets) or counts[family(solution)] > MEMBERS:
            continue
        key = tuple(map(grid_key, outputs))
        if key not in answers:
            answers[key] = len(answers), invariants.broken_by(task.test_inputs, outputs)
        features = {name: value for name, value in field.features(solution).items() if value}
        found.append(Found(answers[key][0], features, answers[key][1], key == right))
    return Row(task.task_id, part, tuple(found))


def collect(options: argparse.Namespace) -> None:
    """Search the tasks that the file does not have yet."""
    known = {row.task_id for row in read_rows(options.rows)} if options.rows.exists() else set[str]()
    warm_up()
    with options.rows.open("a", encoding="utf-8") as handle:
        for name in options.tasks:
            for part, (task, targets) in cases_of(name, options.re_arc, options.seed):
                if task.task_id not in known:
                    solutions = synthesize(task, Budget(600.0, nodes=options.nodes))
                    handle.write(json.dumps(asdict(row_of(part, task, targets, solutions))) + "\n")
                    handle.flush()


def read_rows(path: Path) -> list[Row]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        found = tuple(Found(f["answer"], f["features"], tuple(f["breaks"]), f["right"]) for f in values["found"])
        rows.append(Row(values["task_id"], values["part"], found))
    return rows


def fit(rows: Sequence[Row]) -> Weights:
    """Return the weights of a logistic regression over all programs of the tasks."""
    features = sorted({name for row in rows for found in row.found for name in found.features})
    counts = Counter(name for row in rows for found in row.found for name in found.breaks)
    broken = sorted(name for name, count in counts.items() if count >= LEAST_BROKEN)
    places = {name: k for k, name in enumerate([*features, *broken])}
    chosen = [(row, found) for row in rows for found in row.found]
    inputs = np.zeros((len(chosen), len(places)))
    for i, (_, found) in enumerate(chosen):
        for name, value in found.features.items():
            inputs[i, places[name]] = value
        inputs[i, [places[name] for name in found.breaks if name in places]] = -1.0
    right = np.array([found.right for _, found in chosen], np.float64)
    shares = np.array([PART_SHARES.get(row.part, 1.0) * (LATER_SHARE if f.answer else 1.0) for row, f in chosen])
    pulled = np.array([0.0] * len(features) + [USUAL_NATS] * len(broken))
    ridge = np.array([RIDGE] * len(features) + [INVARIANT_RIDGE] * len(broken))
    ridge *= np.maximum(1.0, np.abs(inputs).max(axis=0)) ** 2

    def loss(weights: Values) -> tuple[float, Values]:
        z, off = inputs @ weights, weights - pulled
        gradient = inputs.T @ (shares * (1.0 / (1.0 + np.exp(-z)) - right)) + 2.0 * ridge * off
        return float((shares * (np.logaddexp(0.0, z) - right * z)).sum() + (ridge * off**2).sum()), gradient

    bounds = [SIGNS.get(name.rpartition(", ")[2], (None, None)) for name in features] + [(0.0, None)] * len(broken)
    found = minimize(loss, pulled, jac=True, bounds=bounds, options={"maxiter": 1000}).x
    values = {name: round(float(found[k]), 3) for name, k in places.items()}
    lost = sorted((name for name in broken if values[name] > 0), key=lambda name: (-values[name], name))
    return Weights({name: values[name] for name in features}, {name: values[name] for name in lost})


def check(rows: Sequence[Row], weights: Weights) -> dict[str, float]:
    """Count right first and second answers, and measure how well the odds foretell the first."""
    result = Counter[str]()
    for row in rows:
        best: dict[int, tuple[float, bool]] = {}
        for found in row.found:
            odds = weights.log_odds(found)
            best[found.answer] = max(best.get(found.answer, (odds, found.right)), (odds, found.right))
        if best:
            (odds, right), *others = sorted(best.values(), key=lambda answer: -answer[0])
            result["tasks with a program"] += 1
            result["right first"] += right
            result["right in two attempts"] += right or any(right for _, right in others[:1])
            result["any right"] += any(right for _, right in best.values())
            result["likelier right than wrong"] += odds > 0
            result["right of these"] += odds > 0 and right
            result["log loss of first, nats"] += float(np.logaddexp(0.0, -odds if right else odds))
    return {name: round(value, 2) for name, value in result.items()}


def cross_validated(rows: Sequence[Row]) -> Iterator[dict[str, float]]:
    """Yield checks of folds of tasks by weights that were fitted without these tasks and their variants."""
    ids = sorted({row.task_id[:8] for row in rows})
    for fold in range(FOLDS):
        held_out = set(ids[fold::FOLDS])
        weights = fit([row for row in rows if row.task_id[:8] not in held_out])
        yield check([row for row in rows if row.task_id[:8] in held_out], weights)


def learn(options: argparse.Namespace) -> None:
    rows = read_rows(options.rows)
    fitted = [row for row in rows if row.part in FITTED]
    weights, total = fit(fitted), Counter[str]()
    for checked in cross_validated(fitted):
        total.update(checked)  # type: ignore[arg-type]
    record = {
        "fitted on": dict(Counter(row.part for row in fitted)),
        "cross-validated": {name: round(value, 2) for name, value in total.items()},
        "checked": {part: check([row for row in rows if row.part == part], weights) for part in CHECKED},
        "settings": {"ridge": [RIDGE, INVARIANT_RIDGE], "usual nats": USUAL_NATS, "shares": PART_SHARES},
    }
    text = json.dumps({"programs": weights.programs, "invariants": weights.invariants, "record": record}, indent=1)
    print(text)
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    search = commands.add_parser("collect")
    search.add_argument("rows", type=Path)
    search.add_argument("--tasks", choices=SETS, action="append", required=True)
    search.add_argument("--re-arc", type=Path)
    search.add_argument("--seed", type=int, default=1, help="of the draws from RE-ARC")
    search.add_argument("--nodes", type=int, default=100_000)
    search.set_defaults(run=collect)
    learned = commands.add_parser("fit")
    learned.add_argument("rows", type=Path)
    learned.add_argument("--output", type=Path)
    learned.set_defaults(run=learn)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
