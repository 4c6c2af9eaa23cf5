"""What all demonstrations of a task have in common, and which of it a proposed output breaks.

A trait that is the same for all demonstrations is an invariant. A program or a network that has not understood a task
breaks invariants which right outputs keep; ``dsl.search.plausibility`` says how much each of them tells.
"""

from collections.abc import Sequence
from typing import Any

from dsl.grid import Grid, GridKey, grid_key
from dsl.search.traits import traits_of
from dsl.task import Example

FAR = 2
"""A number is far outside of those of the demonstrations from this many times their greatest or least on."""

_NUMBERS = (
    "height",
    "width",
    "number of colors",
    "colored cells",
    "things",
    "pieces",
    "ground pieces",
    "holes",
    "changed cells",
    "changed pieces",
)
"""Traits whose range over the demonstrations counts too."""


class Invariants:
    """What all demonstrations have in common.

    Args:
        train: demonstrations.
    """

    def __init__(self, train: Sequence[Example]) -> None:
        self._shown = [traits_of(example.input, example.output) for example in train]
        outputs = [grid_key(example.output) for example in train]
        self._outputs = frozenset(outputs) if len(set(outputs)) == len(outputs) > 1 else frozenset[GridKey]()
        """Outputs of several demonstrations, if all of them are different."""
        self._colors = {color for shown in self._shown for color in shown["colors"]}
        self._changes = {change for shown in self._shown for change in shown.get("changes", ())}

    def broken_by(self, sources: Sequence[Grid], outputs: Sequence[Grid | None]) -> tuple[str, ...]:
        """Return the names of the invariants that outputs of some inputs break together, sorted; None breaks none."""
        pairs = [(source, output) for source, output in zip(sources, outputs, strict=True) if output is not None]
        return tuple(sorted({name for pair in pairs for name in self.broken(*pair)}))

    def broken(self, source: Grid, output: Grid) -> tuple[str, ...]:
        """Return the names of the invariants that a proposed output breaks, sorted."""
        traits = traits_of(source, output)
        broken: set[str] = set()
        for name, value in traits.items():
            shown = self._values(name)
            if value is None or len(shown) < 2:
                continue
            if len(set(shown)) == 1 and value != shown[0]:
                broken.add(_name_of(name, shown[0]))
            if name in _NUMBERS:
                broken |= _outside(name, value, shown)
        unseen = traits["colors"] - self._colors
        if unseen:
            broken.add("color from nowhere" if unseen & traits["new colors"] else "color never in an output")
        if self._changes and not traits.get("changes", frozenset()) <= self._changes:
            broken.add("change never shown")
        if grid_key(output) in self._outputs:
            broken.add("an output again")
        return tuple(sorted(broken))

    def _values(self, name: str) -> list[Any]:
        """Return the values of a trait in the demonstrations; none unless it applies to all, or to two for a color."""
        values = [shown[name] for shown in self._shown if shown.get(name) is not None]
        return values if len(values) == len(self._shown) or name[-1].isdigit() else []


def _name_of(trait: str, value: object) -> str:
    """Return the name of an invariant: that of the trait without a color, and which way a yes or no was."""
    return f"{'not ' if value is False else ''}{trait.rstrip('0123456789 ')}"


def _outside(name: str, value: Any, shown: Sequence[Any]) -> set[str]:
    """Name the side on which a number is outside of those shown."""
    least, most = min(shown), max(shown)
    if value > most:
        return {f"{'far ' if value > FAR * most + 1 else ''}above: {name}"}
    if value < least:
        return {f"{'far ' if FAR * value + 1 < least else ''}below: {name}"}
    return set()
