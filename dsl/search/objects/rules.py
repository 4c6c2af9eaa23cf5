"""The form ``object_rules``: a segmentation, rules in order, and a default, as a program.

``object_rules("sprites", when("max_size", "recolor #3"), when("not at_edge", "slide down"), "stay")`` gives each object
of the image the action of the first rule whose predicate holds for it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dsl.errors import ParseError, PrimitiveError
from dsl.grid import Grid
from dsl.program import Call, Literal, Program, form, text_literal
from dsl.search.cells.predicates import Predicate, parse_predicate
from dsl.search.cells.rules import WHEN
from dsl.search.objects.properties import plane_index, plane_kind, scene_planes
from dsl.search.objects.render import mix_palette
from dsl.search.objects.segments import Scene, scene_of

FORM = "object_rules"

Rules = tuple[tuple[Predicate, str], ...]


def write_rules(rules: Rules, default: str) -> tuple[Program, ...]:
    """Write rules and their default as the arguments of a form."""
    written = [Call(WHEN, (text_literal(str(predicate)), text_literal(choice))) for predicate, choice in rules]
    return (*written, text_literal(default))


def read_rules(arguments: tuple[Program, ...], kind_of: Callable[[str], int] = plane_kind) -> tuple[Rules, str]:
    """Read what :func:`write_rules` wrote, given the kinds of the planes that predicates name.

    Raises:
        ParseError: the arguments are no rules, or a predicate is none.
    """
    rules = []
    for rule in arguments[:-1]:
        if not isinstance(rule, Call) or rule.name != WHEN or len(rule.arguments) != 2:
            raise ParseError(f"expected {WHEN}(predicate, choice), got {str(rule)[:60]}")
        predicate, choice = (read_text(argument) for argument in rule.arguments)
        rules.append((parse_predicate(predicate, kind_of), choice))
    if not arguments:
        raise ParseError("rules end with a choice for all other objects")
    return tuple(rules), read_text(arguments[-1])


def read_text(program: Program) -> str:
    """Return a text constant; raises ``ParseError`` for anything else."""
    if not isinstance(program, Literal) or not isinstance(program.value, str):
        raise ParseError(f"expected a text constant, got {str(program)[:60]}")
    return program.value


def choose(rules: Rules, default: str, scene: Scene) -> list[str]:
    """Return the choice of the first rule that holds, for each object of a scene."""
    planes = scene_planes(scene)

    def plane(name: str) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = planes[plane_index()[name]]
        return found

    chosen = [default] * scene.count
    for predicate, choice in reversed(rules):
        for q in np.flatnonzero(predicate.mask(plane)).tolist():
            chosen[q] = choice
    return chosen


@form(FORM)
def _evaluate(arguments: tuple[Program, ...], grid: Grid) -> Grid:
    if len(arguments) < 2:
        raise ParseError(f"{FORM} takes a segmentation, rules {WHEN}(predicate, action), and an action")
    scene = scene_of(grid, read_text(arguments[0]))
    chosen = choose(*read_rules(arguments[1:]), scene)
    actions = sorted(set(chosen))
    result = mix_palette(scene, actions).render(np.array([actions.index(action) for action in chosen]))
    if result is None:
        raise PrimitiveError(f"an action of {', '.join(actions)} has no result for some object")
    return result
