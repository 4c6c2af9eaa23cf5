"""Say of candidates which invariants of the demonstrations they break."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dsl.grid import GridKey, grid_key
from dsl.task import Task
from ensemble.types import Candidate


def examined(task: Task, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield candidates with the invariants that they break; those that say it already as they are."""
    invariants = None
    known: dict[tuple[int, GridKey], tuple[str, ...]] = {}
    for candidate in candidates:
        if candidate.provenance.breaks is not None:
            yield candidate
            continue
        key = candidate.test_index, grid_key(candidate.grid)
        if key not in known:
            if invariants is None:
                from dsl.search.invariants import Invariants  # it loads scipy

                invariants = Invariants(task.train)
            known[key] = invariants.broken(task.test_inputs[candidate.test_index], candidate.grid)
        yield replace(candidate, provenance=replace(candidate.provenance, breaks=known[key]))
