"""The command line: one word for each thing to do, results on standard output, progress and errors on standard error.

Every command imports what it needs when it runs, so that ``--help`` answers at once and only ``neural`` needs torch.

==========  =========================================================
exit code   meaning
==========  =========================================================
0           done
1           done, but some task failed, or a file is not valid
2           wrong use or bad input: one line says what to do
130         interrupted; what was finished is saved
==========  =========================================================
"""

import os
import sys
from collections.abc import Sequence

import typer

from ensemble.cli import bbh, data, doctor, language, results, solve, tasks, training
from ensemble.errors import EnsembleError

__all__ = ["app", "main"]

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="arc-ensemble",
    help="Solve ARC-AGI tasks with test-time training and program synthesis together.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_UsageError: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""Base of what typer raises on wrong use; its module moved between versions."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("arc-ensemble"))
        raise typer.Exit


@app.callback()
def _global(
    version: bool = typer.Option(False, "--version", is_eager=True, callback=_print_version, help="Print the version."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Options that stand before the command."""


app.command()(solve.solve)
app.command()(results.score)
app.command()(results.ablate)
app.command()(results.compare)
app.command()(results.report)
app.command()(results.export)
app.command()(results.validate)
app.command()(tasks.show)
app.command()(tasks.explain)
app.command()(training.pretrain)
app.command()(bbh.bbh)
app.command()(doctor.doctor)
app.add_typer(data.app, name="data")
app.add_typer(language.app, name="dsl")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (that of the process, if none is given) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = app(args=arguments, prog_name="arc-ensemble", standalone_mode=False)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if debug or not _is_users(error):
            raise
        if type(error).__name__ != "NoArgsIsHelpError":  # typer has shown the help
            typer.echo(f"error: {_line(error)}", err=True)
        return WRONG_USE
    return code if isinstance(code, int) else 0


def _is_users(error: Exception) -> bool:
    """Tell whether an error says what the user can do, so that a traceback would only hide it."""
    kinds: tuple[type[Exception], ...] = (EnsembleError, _UsageError, typer.Abort)
    if "dsl.errors" in sys.modules:
        from dsl.errors import DslError

        kinds += (DslError,)
    return isinstance(error, kinds)


def _line(error: Exception) -> str:
    message = " ".join((error.format_message() if hasattr(error, "format_message") else str(error)).split())
    context = getattr(error, "ctx", None)
    return message if context is None else f"{message.removesuffix('.')} (see {context.command_path} --help)"
