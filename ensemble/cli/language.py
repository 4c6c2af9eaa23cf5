"""``dsl``: the primitives of the language, and checks of one's own."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, show, check and time the primitives of the grid language.", no_args_is_help=True)

PluginFile = Annotated[
    list[Path] | None, typer.Option("--plugin", help="Python file with primitives; may be repeated.")
]


@app.command("list")
def list_primitives(
    concept: Annotated[str | None, typer.Option(help="One concept only, such as geometry.")] = None,
    plugin: PluginFile = None,
) -> None:
    """List every primitive: signature, and what it does."""
    from dsl.registry import all_primitives
    from ensemble.config import nearest
    from ensemble.errors import ConfigError
    from ensemble.plugins import load_plugins

    load_plugins(plugin or ())
    concepts = sorted({entry.concept for entry in all_primitives()})
    if concept is not None and concept not in concepts:
        raise ConfigError(f"unknown concept {concept!r}{nearest(concept, concepts)}; known: {', '.join(concepts)}")
    for name in [concept] if concept else concepts:
        typer.echo(name)
        for entry in all_primitives():
            if entry.concept == name:
                typer.echo(f"  {entry.signature:<60} {entry.doc}")


@app.command()
def steps() -> None:
    """List the steps of ``pipe`` programs: what they take, and their cost in bits."""
    from dsl.kernels.value_graph import PICTURE
    from dsl.search.graph.operations import all_operations
    from dsl.search.graph.prior import operation_costs

    operations = all_operations(range(1, 10), in_output=True)
    for operation, cost in zip(operations, operation_costs(operations), strict=True):
        taken = "picture" if operation.on == PICTURE else "pictures"
        size = "HEIGHT x WIDTH" if operation.needs_output else ""
        typer.echo(f"{taken:<9} {cost:4.1f}  {operation.text}{size}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a primitive.")],
    plugin: PluginFile = None,
) -> None:
    """Show one primitive: its type, cost, documentation and source."""
    import inspect

    from dsl.registry import get_primitive
    from ensemble.plugins import load_plugins

    load_plugins(plugin or ())
    entry = get_primitive(name)
    typer.echo(f"{entry.signature}\ncost {entry.cost:g} bits, concept {entry.concept}, {entry.origin}\n")
    typer.echo(inspect.getsource(entry.function).rstrip())


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Python file that defines primitives.")],
    samples: Annotated[int, typer.Option(min=1, help="Random calls of each primitive.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random calls.")] = 0,
) -> None:
    """Run a file's primitives on random values: types, shapes, purity, errors, duplicates; exit code 1 on a problem."""
    from dsl.check import check_primitive
    from dsl.registry import all_primitives
    from ensemble.errors import ConfigError
    from ensemble.plugins import load_plugin

    before = {entry.name for entry in all_primitives()}
    load_plugin(file)
    added = [entry for entry in all_primitives() if entry.name not in before]
    if not added:
        raise ConfigError(f"{file} defines no primitive: put @primitive() above a typed function")
    wrong = 0
    for entry in added:
        result = check_primitive(entry, samples=samples, seed=seed)
        wrong += bool(result.problems)
        typer.echo(
            f"{entry.signature}: {result.results} results of {samples}, {result.mean_seconds * 1e6:.0f} us a call"
        )
        for problem in result.problems:
            typer.echo(f"  problem: {problem}")
        for note in result.notes:
            typer.echo(f"  note: {note}")
    if wrong:
        raise typer.Exit(1)


@app.command()
def bench(
    samples: Annotated[int, typer.Option(min=1, help="Random calls of each primitive.")] = 100,
    top: Annotated[int, typer.Option(min=1, help="Print the slowest so many.")] = 30,
    plugin: PluginFile = None,
) -> None:
    """Time every primitive on random values, the slowest first."""
    from dsl.check import time_primitive
    from dsl.registry import all_primitives
    from ensemble.plugins import load_plugins

    load_plugins(plugin or ())
    timed = sorted(((time_primitive(entry, samples=samples), entry) for entry in all_primitives()), key=lambda t: -t[0])
    for seconds, entry in timed[:top]:
        typer.echo(f"{seconds * 1e6:10.1f} us  {entry.signature}")
    typer.echo(f"{sum(seconds for seconds, _ in timed) / len(timed) * 1e6:10.1f} us  mean of {len(timed)}", err=True)
