"""Choose two attempts for each test input from the candidates of all solvers.

A rule sees the candidates of one test input and ranks the grids, best first. Rules are pure and do not depend on the
order of the candidates; grids that are level in everything else are ordered by their cells. A new rule is a function
under ``@rule``: the ablation then reports it.

======================== ============================================================================================
``likeliest``            the grids that are likeliest right by both halves' own odds
``learned``              the same evidence, weighed as a conditional logit has learned (``ensemble.selector``)
``lexicographic``        programs that reproduce every demonstration first, the network in the second place
``program_first``        the two most frequent outputs of such programs, else hierarchical voting (Li et al. 2024,
                         "Combining induction and transduction"; also the ensemble of Akyürek et al. 2024)
``hierarchical``         voting within views, then between them (Akyürek et al. 2024)
``flat``                 votes only: the most frequent grid wins
``log_likelihood``       product of experts (Franzen et al. 2025): log scores only
``votes_and_likelihood`` votes plus log scores
``one_slot_each``        the best grid of either family
======================== ============================================================================================
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from dsl.grid import Grid, GridKey, grid_key
from dsl.search.plausibility import lost_nats
from dsl.task import Task
from ensemble.config import MergeConfig, nearest
from ensemble.errors import ConfigError
from ensemble.examine import examined
from ensemble.selector import utility
from ensemble.types import Candidate, Prediction
from ensemble.voting import hierarchical_vote

__all__ = [
    "NUM_ATTEMPTS",
    "RULES",
    "Evidence",
    "Support",
    "cells_of",
    "evidence_of",
    "get_rule",
    "heard",
    "hierarchical_vote",
    "is_judged",
    "log_odds",
    "merge",
    "pools_of",
    "probability_right",
    "proposed_by",
    "rule",
    "support_of",
]

NUM_ATTEMPTS = 2

ABSENT_NATS = math.log(10)
"""A solver that did not give a grid counts as a tenth of the lowest likelihood that it gave."""

OWN_ESTIMATE = 0.75
"""Probability that the network's grid is right where it is sure of every cell."""

TEMPER = 0.25
"""Share of a grid's log-likelihood that counts for this: its cells are not doubted independently of each other, and a
grid of 5 nats is right far more often than one time in 150. Fitted on ``dev`` (``benchmarks/LOG.md``)."""

DOUBT = 0.3
"""Nats of log odds that a program's grid loses with each nat that the adapted network finds it less likely than the
program's grid that it finds likeliest. Fitted on ``dev`` (``benchmarks/LOG.md``)."""
MOST_UNLIKELY = 10.0
"""Nats of log-likelihood from which on all grids are as unlikely."""

LEAST = 1e-4
"""Least probability that a grid is right, or wrong."""

SYMBOLIC, NEURAL = "symbolic", "neural"

Rule = Callable[[Sequence[Candidate]], list[Grid]]

_RULES: dict[str, Rule] = {}
RULES: Mapping[str, Rule] = MappingProxyType(_RULES)
"""Every rule by name, in order of definition."""


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule: candidates of one test input in, distinct grids out, best first."""

    def register(function: Rule) -> Rule:
        _RULES[name] = function
        return function

    return register


def get_rule(name: str) -> Rule:
    """Return a rule by name; raises ``ConfigError`` if there is none."""
    if name not in _RULES:
        known = list(_RULES)
        raise ConfigError(f"unknown merge rule {name!r}; known: {', '.join(known)}{nearest(name, known)}")
    return _RULES[name]


def merge(task: Task, candidates: Iterable[Candidate], config: MergeConfig) -> Prediction:
    """Choose at most two attempts for each test input of a task.

    Raises:
        ConfigError: the rule is not known.
        ValueError: a candidate belongs to another task or to a test input that the task does not have.
    """
    ranked, found = get_rule(config.rule), list(candidates)
    for candidate in found:
        if candidate.task_id != task.task_id or not 0 <= candidate.test_index < len(task.test_inputs):
            raise ValueError(
                f"candidates must be for task {task.task_id}, test inputs 0..{len(task.test_inputs) - 1}, "
                f"got {candidate.task_id}, {candidate.test_index}"
            )
    pools = pools_of(task, heard(task, found, config))
    attempts = tuple(tuple(ranked(pool)[:NUM_ATTEMPTS]) if pool else () for pool in pools)
    return Prediction(task.task_id, attempts)


def pools_of(task: Task, candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Return the candidates of each test input."""
    pools: list[list[Candidate]] = [[] for _ in task.test_inputs]
    for candidate in candidates:
        pools[candidate.test_index].append(candidate)
    return pools


def heard(task: Task, candidates: Iterable[Candidate], config: MergeConfig) -> list[Candidate]:
    """Return the candidates that a merge hears, with the invariants that they break if these count.

    Judgements of the network on a task that is too large for it are left out.
    """
    known = is_judged(task, config)
    found = [candidate for candidate in candidates if known or candidate.provenance.draws > 0]
    return list(examined(task, found)) if config.invariants else [_unexamined(candidate) for candidate in found]


def _unexamined(candidate: Candidate) -> Candidate:
    return replace(candidate, provenance=replace(candidate.provenance, breaks=None))


def is_judged(task: Task, config: MergeConfig) -> bool:
    """Tell whether a task is small enough for the network's judgement of other solvers' grids to count."""
    return cells_of(task) <= config.max_judged_cells


def cells_of(task: Task) -> int:
    """Return the cells of all demonstrations and of the largest test input: what the network reads at once."""
    cells = sum(pair.input.size + pair.output.size for pair in task.train)
    return int(cells + max(grid.size for grid in task.test_inputs))


def probability_right(task: Task, candidates: Iterable[Candidate], config: MergeConfig) -> float:
    """Return the probability that the likeliest attempts are right for a whole task.

    Grids of one test input exclude each other: one of log odds ``o`` (``log_odds``) weighs ``exp(o)``, that none is
    right weighs 1.
    """
    right = 1.0
    for pool in pools_of(task, heard(task, candidates, config)):
        weights = sorted((math.exp(odds) for odds in log_odds(pool).values()), reverse=True)
        right *= math.fsum(weights[:NUM_ATTEMPTS]) / (1.0 + math.fsum(weights))
    return right


def proposed_by(family: str, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return what the solvers of a family propose themselves, without what they have only judged."""
    return [c for c in candidates if c.provenance.family == family and c.provenance.draws > 0]


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """All candidates that propose one grid, and what they say together.

    Attributes:
        grid: the proposed output.
        candidates: who proposed it.
        votes: draws of all candidates together.
        fits: most demonstrations that a program behind it reproduces, -1 without a program.
        evidence: log2 of the summed ``2 ** -cost``, probabilities to be right, of its distinct programs; ``-inf``
            without a program.
    """

    grid: Grid
    candidates: tuple[Candidate, ...]
    votes: int
    fits: int
    evidence: float


def support_of(candidates: Iterable[Candidate]) -> dict[GridKey, Support]:
    """Group the candidates of one test input by grid, in the order of the grids' keys."""
    groups: dict[GridKey, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(grid_key(candidate.grid), []).append(candidate)
    return {key: _support(tuple(groups[key])) for key in sorted(groups)}


def _support(candidates: tuple[Candidate, ...]) -> Support:
    return Support(
        grid=candidates[0].grid,
        candidates=candidates,
        votes=sum(candidate.provenance.draws for candidate in candidates),
        fits=max(-1 if candidate.provenance.fits is None else candidate.provenance.fits for candidate in candidates),
        evidence=_evidence(candidates),
    )


def _evidence(candidates: Sequence[Candidate]) -> float:
    """Add up ``2 ** -cost`` over distinct programs, in bits: agreement of likely programs outweighs one."""
    costs: dict[str, float] = {}
    for candidate in candidates:
        program, cost = candidate.provenance.program, candidate.provenance.cost
        if program is not None and cost is not None:
            costs[program] = min(cost, costs.get(program, math.inf))
    if not costs:
        return -math.inf
    least = min(costs.values())
    return math.log2(math.fsum(2.0 ** (least - cost) for cost in costs.values())) - least


def _log_likelihoods(supports: Mapping[GridKey, Support]) -> dict[GridKey, float]:
    """Sum the log score of every grid over all solvers, absent ones at a floor: a product of experts.

    Log scores compare within a solver only. Every grid is judged by the same solvers, so a solver's offset cancels.
    """
    solvers: dict[str, dict[GridKey, float]] = {}
    for key, support in supports.items():
        for candidate in support.candidates:
            scores = solvers.setdefault(candidate.provenance.solver, {})
            scores[key] = max(candidate.log_score, scores.get(key, -math.inf))
    floors = {solver: min(scores.values()) - ABSENT_NATS for solver, scores in solvers.items()}
    return {key: math.fsum(found.get(key, floors[name]) for name, found in solvers.items()) for key in supports}


def _view(candidate: Candidate) -> str:
    """Name the view that a vote comes from; no solver's name is a view's, not even that of ``identity``."""
    return candidate.provenance.view or f"solver {candidate.provenance.solver}"


def _ranked(supports: Mapping[GridKey, Support], score: Callable[[GridKey], tuple[float, ...]]) -> list[Grid]:
    """Order grids by falling score, then by key."""
    order = sorted(supports, key=lambda key: (*(-part for part in score(key)), key))
    return [supports[key].grid for key in order]


def _by_programs(candidates: Iterable[Candidate]) -> list[Grid]:
    supports = support_of(candidates)
    return _ranked(supports, lambda key: (supports[key].fits, supports[key].evidence))


def _by_votes(candidates: Iterable[Candidate]) -> list[Grid]:
    supports = support_of(candidates)
    likelihoods = _log_likelihoods(supports)
    return _ranked(supports, lambda key: (supports[key].votes, likelihoods[key]))


def _distinct(*rankings: Sequence[Grid]) -> list[Grid]:
    """Chain rankings, each grid at its first place only."""
    chained: dict[GridKey, Grid] = {}
    for ranking in rankings:
        for grid in ranking:
            chained.setdefault(grid_key(grid), grid)
    return list(chained.values())


def _family(candidates: Sequence[Candidate], family: str) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.provenance.family == family]


def _verified(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.provenance.verified]


def _interleaved(first: Sequence[Grid], second: Sequence[Grid]) -> list[Grid]:
    """Take the best of the first ranking, then the best other grid of the second, then what is left."""
    leader = {grid_key(grid) for grid in first[:1]}
    others = [grid for grid in second if grid_key(grid) not in leader]
    return _distinct(first[:1], others[:1], first, second)


@rule("likeliest")
def likeliest(candidates: Sequence[Candidate]) -> list[Grid]:
    """Rank by :func:`log_odds`; solvers of neither family come last, by votes.

    At equal odds programs come first, the cheapest of them (odds have a floor, costs do not), then what the network
    finds likeliest.
    """
    odds, programs = log_odds(candidates), support_of(_family(candidates, SYMBOLIC))
    likelihoods = _log_likelihoods(support_of(_family(candidates, NEURAL)))

    def cheapest(key: GridKey) -> float:
        return min(_costs(programs[key])) if key in programs else math.inf

    ranked = _ranked(
        {**support_of(proposed_by(NEURAL, candidates)), **programs},
        lambda key: (odds[key], -cheapest(key), likelihoods.get(key, -math.inf)),
    )
    others = _by_votes(c for c in candidates if c.provenance.family not in (SYMBOLIC, NEURAL))
    return _distinct(ranked, others)


def log_odds(candidates: Sequence[Candidate]) -> dict[GridKey, float]:
    """Return the log odds, in nats, that each grid of programs or of the network is right, for one test input.

    A program's are those of its cost, the network's those of its own estimate; a grid is wrong if both halves are. A
    program's grid is doubted the more the less likely the adapted network finds it than another program's, and any grid
    the more it breaks of what the demonstrations have in common.
    """
    return {
        key: _logit(1.0 - (1.0 - said.program) * (1.0 - said.estimate)) - DOUBT * said.doubt - said.broken
        for key, said in evidence_of(candidates).items()
    }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What both halves say of one grid.

    Attributes:
        program: probability that it is right by its best program, 0 without one.
        fits: whether a program behind it reproduces every demonstration.
        estimate: probability that it is right by the network; 0 if no view gave it.
        doubt: nats of log-likelihood by which the adapted network finds it less likely than another program's grid, at
            most ``MOST_UNLIKELY``; 0 without a program. What the network had no time to judge has the mean.
        by_program: whether a program gives it.
        broken: nats of log odds that it loses by invariants of the demonstrations that it breaks.
    """

    program: float
    fits: bool
    estimate: float
    doubt: float
    by_program: bool
    broken: float

    def features(self) -> dict[str, float]:
        """Return the features of the learned selector."""
        return {
            "program": _logit(self.program),
            "fits": float(self.fits),
            "estimate": math.log(max(self.estimate, LEAST)),
            "doubt": self.doubt,
            "only network": float(not self.by_program),
            "broken": self.broken,
        }


def evidence_of(candidates: Sequence[Candidate]) -> dict[GridKey, Evidence]:
    """Return what is known of each grid of programs or of the network, for one test input."""
    programs = support_of(_family(candidates, SYMBOLIC))
    views = support_of(proposed_by(NEURAL, candidates))
    likelihoods = _log_likelihoods(support_of(_family(candidates, NEURAL)))
    judged = [likelihoods[key] for key in programs if key in likelihoods]
    best = max(judged, default=0.0)
    mean = math.fsum(min(best - value, MOST_UNLIKELY) for value in judged) / max(1, len(judged))
    found = {}
    for key in (*programs, *(key for key in views if key not in programs)):
        by_program = key in programs
        doubt = min(best - likelihoods[key], MOST_UNLIKELY) if key in likelihoods else mean
        found[key] = Evidence(
            program=max(2.0**-cost for cost in _costs(programs[key])) if by_program else 0.0,
            fits=any(c.provenance.verified for c in programs[key].candidates) if by_program else False,
            estimate=OWN_ESTIMATE * math.exp(TEMPER * likelihoods[key]) if key in views else 0.0,
            doubt=doubt if by_program else 0.0,
            by_program=by_program,
            broken=_broken(programs[key] if by_program else views[key]),
        )
    return found


def _broken(support: Support) -> float:
    """Return the most that a candidate of the grid loses: runs of several versions may have found different breaks."""
    return max(lost_nats(candidate.provenance.breaks or ()) for candidate in support.candidates)


def _logit(probability: float) -> float:
    probability = min(max(probability, LEAST), 1.0 - LEAST)
    return math.log(probability) - math.log1p(-probability)


def _costs(support: Support) -> list[float]:
    """Return the costs of a grid's programs; a program without one is as good as wrong."""
    return [math.inf if c.provenance.cost is None else c.provenance.cost for c in support.candidates]


@rule("learned")
def learned(candidates: Sequence[Candidate]) -> list[Grid]:
    """Rank by the utility of ``ensemble.selector``, learned from right grids; other solvers come last, by votes."""
    utilities = {key: utility(said.features()) for key, said in evidence_of(candidates).items()}
    grids = support_of(c for c in candidates if c.provenance.family in (SYMBOLIC, NEURAL))
    ranked = _ranked({key: grids[key] for key in utilities}, lambda key: (utilities[key],))
    others = _by_votes(c for c in candidates if c.provenance.family not in (SYMBOLIC, NEURAL))
    return _distinct(ranked, others)


@rule("lexicographic")
def lexicographic(candidates: Sequence[Candidate]) -> list[Grid]:
    """Rank verified programs by how likely they are right, then votes over views; the families alternate at the top.

    Without a verified program the network has both places. Programs that miss a demonstration, and solvers of
    neither family, come after everything else.
    """
    verified = _verified(candidates)
    votes = _by_votes(proposed_by(NEURAL, candidates))
    misses = _by_programs(c for c in _family(candidates, SYMBOLIC) if not c.provenance.verified)
    others = _by_votes(c for c in candidates if c.provenance.family not in (SYMBOLIC, NEURAL))
    return _distinct(_interleaved(_by_programs(verified), votes), misses, others)


@rule("program_first")
def program_first(candidates: Sequence[Candidate]) -> list[Grid]:
    """Submit the two most frequent outputs of verified programs if there are any, else vote hierarchically."""
    supports = support_of(_verified(candidates))
    if not supports:
        return hierarchical(proposed_by(NEURAL, candidates))
    return _ranked(supports, lambda key: (supports[key].votes, supports[key].evidence))[:NUM_ATTEMPTS]


@rule("hierarchical")
def hierarchical(candidates: Sequence[Candidate]) -> list[Grid]:
    """Vote within each view, then between views; a solver without views counts as one view."""
    votes = [(_view(c), c.grid) for c in candidates for _ in range(c.provenance.draws)]
    return _distinct(hierarchical_vote(votes)) if votes else []


@rule("flat")
def flat(candidates: Sequence[Candidate]) -> list[Grid]:
    """Rank by votes only."""
    supports = support_of(candidates)
    return _ranked(supports, lambda key: (supports[key].votes,))


@rule("log_likelihood")
def log_likelihood(candidates: Sequence[Candidate]) -> list[Grid]:
    """Rank by the product of experts, then by votes."""
    supports = support_of(candidates)
    likelihoods = _log_likelihoods(supports)
    return _ranked(supports, lambda key: (likelihoods[key], supports[key].votes))


@rule("votes_and_likelihood")
def votes_and_likelihood(candidates: Sequence[Candidate]) -> list[Grid]:
    """Rank by the sum of votes and log score."""
    supports = support_of(candidates)
    likelihoods = _log_likelihoods(supports)
    return _ranked(supports, lambda key: (supports[key].votes + likelihoods[key],))


@rule("one_slot_each")
def one_slot_each(candidates: Sequence[Candidate]) -> list[Grid]:
    """Give the best program the first place and the network's best other grid the second."""
    programs = _by_programs(_family(candidates, SYMBOLIC))
    votes = _by_votes(proposed_by(NEURAL, candidates))
    return _distinct(_interleaved(programs, votes), _by_votes(candidates))
