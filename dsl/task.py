"""Tasks: demonstration pairs and test inputs, without the answers."""

from dataclasses import dataclass

from dsl.grid import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One demonstration pair."""

    input: Grid
    output: Grid


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One ARC-AGI task as a solver sees it: it carries no answers."""

    task_id: str
    train: tuple[Example, ...]
    test_inputs: tuple[Grid, ...]

    def _repr_html_(self) -> str:
        from dsl.draw import html_of_task

        return html_of_task(self)
