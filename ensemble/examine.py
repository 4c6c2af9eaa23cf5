"""Say of candidates which invariants of the demonstrations they break."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dsl.grid import GridKey, grid_key
from dsl.search.plausibility import OTHER_SHAPE
from dsl.task import Task
from ensemble.types import Candidate


def examined(task: Task, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield candidates with the invariants that they break; those that say it already as they are."""
    invariants = None
    shapes: Sequence[tuple[int, int]] = ()
    known: dict[tuple[int, GridKey], tuple[str, ...]] = {}
    for candidate in candidates:
        if candidate.provenance.breaks is not None:
            yield candidate
            continue
        key = candidate.test_index, grid_key(candidate.grid)
        if key not in known:
            if invariants is None:
                from dsl.search.cells.shape import expected_shapes
                from dsl.search.invariants import Invariants  # it loads scipy

                invariants = Invariants(task.train)
                shapes = expected_shapes(task)
            broken = invariants.broken(task.test_inputs[candidate.test_index], candidate.grid)
            is_other = bool(shapes) and candidate.grid.shape != shapes[candidate.test_index]
            known[key] = (*broken, OTHER_SHAPE) if is_other else broken
        yield replace(candidate, provenance=replace(candidate.provenance, breaks=known[key]))
