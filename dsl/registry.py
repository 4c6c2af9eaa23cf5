"""Registry of primitives, fed by one decorator that reads the annotations."""

import hashlib
import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dsl.errors import RegistryError
from dsl.types import Kind, kind_of_annotation

Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULT_COST = 4.0

_BUILTIN = "dsl.primitives."
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = ("input", "true", "false")
"""Names of the grammar of programs (``dsl.program``)."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A typed function of the language.

    Attributes:
        name: name in program text, unique.
        function: pure function; raises ``DslError`` where it has no result.
        parameters: kinds of the arguments, in order.
        result: kind of the result.
        cost: description length in bits of choosing it in a program.
        choices: for each parameter the integers that search tries as constants; None where it tries none.
        concept: the module it stands in (``color``, ``geometry``, ...).
        doc: first line of its docstring.
        origin: file and line of its definition.
    """

    name: str
    function: Callable[..., Any]
    parameters: tuple[Kind, ...]
    result: Kind
    cost: float
    choices: tuple[tuple[int, ...] | None, ...]
    concept: str
    doc: str
    origin: str

    @property
    def signature(self) -> str:
        """Return ``name(kind, kind) -> kind``."""
        return f"{self.name}({', '.join(self.parameters)}) -> {self.result}"


_PRIMITIVES: dict[str, Primitive] = {}


def primitive(
    *, cost: float = DEFAULT_COST, name: str | None = None, choices: Mapping[str, Sequence[int]] | None = None
) -> Callable[[Function], Function]:
    """Register a typed function as a primitive; its annotations are its type, its docstring its entry.

    Args:
        cost: description length in bits, above 0.
        name: name in program text; the function's own name if not given.
        choices: integers that search tries as constants, by parameter; parameters not named take computed values only
            (colors and truth values are always tried).

    Raises:
        RegistryError: an annotation is missing or no type of the language, there is no docstring, or the name is taken
            or cannot stand in a program.
    """
    if cost <= 0:
        raise RegistryError(f"cost must be above 0 bits, got {cost}")

    def register(function: Function) -> Function:
        entry = _describe(function, name or function.__name__, cost, choices or {})
        known = _PRIMITIVES.get(entry.name)
        if known is not None and known.origin != entry.origin:
            raise RegistryError(f"primitive {entry.name!r} of {entry.origin} is already defined in {known.origin}")
        _PRIMITIVES[entry.name] = entry
        return function

    return register


def _describe(function: Callable[..., Any], name: str, cost: float, choices: Mapping[str, Sequence[int]]) -> Primitive:
    origin = f"{inspect.getsourcefile(function)}:{function.__code__.co_firstlineno}"
    if not _NAME.fullmatch(name):
        raise RegistryError(
            f"primitive name must be an identifier of ASCII letters, digits and _, got {name!r} in {origin}"
        )
    if name in _WORDS or (not function.__module__.startswith(_BUILTIN) and _is_form(name)):
        raise RegistryError(f"primitive name {name!r} means something else in a program: choose another ({origin})")
    doc = (inspect.getdoc(function) or "").strip()
    if not doc:
        raise RegistryError(f"primitive {name!r} needs a docstring ({origin})")
    hints = typing.get_type_hints(function)
    parameters: list[Kind] = []
    tried: list[tuple[int, ...] | None] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise RegistryError(f"primitive {name!r}: parameter {parameter.name!r} needs an annotation ({origin})")
        parameters.append(_kind(hints[parameter.name], name, origin))
        tried.append(tuple(choices[parameter.name]) if parameter.name in choices else None)
        if tried[-1] is not None and parameters[-1] is not Kind.INT:
            raise RegistryError(
                f"primitive {name!r}: choices are for int parameters, {parameter.name!r} is none ({origin})"
            )
    unknown = set(choices) - set(inspect.signature(function).parameters)
    if unknown:
        raise RegistryError(f"primitive {name!r}: choices for unknown parameter {min(unknown)!r} ({origin})")
    if "return" not in hints:
        raise RegistryError(f"primitive {name!r} needs a return annotation ({origin})")
    concept = function.__module__.rpartition(".")[2]
    result = _kind(hints["return"], name, origin)
    return Primitive(
        name, function, tuple(parameters), result, cost, tuple(tried), concept, doc.splitlines()[0], origin
    )


def _is_form(name: str) -> bool:
    """Tell whether a form has a name; not to be asked while the language itself loads, which the forms build on."""
    from dsl.program import is_form

    return is_form(name)


def _kind(annotation: object, name: str, origin: str) -> Kind:
    try:
        return kind_of_annotation(annotation)
    except RegistryError as error:
        raise RegistryError(f"primitive {name!r}: {error} ({origin})") from None


def get_primitive(name: str) -> Primitive:
    """Return a primitive by name; raises ``RegistryError`` if there is none."""
    _load_builtin()
    try:
        return _PRIMITIVES[name]
    except KeyError:
        raise RegistryError(f"no primitive {name!r}; 'arc-ensemble dsl list' shows all") from None


def all_primitives() -> tuple[Primitive, ...]:
    """Return every registered primitive, sorted by name."""
    _load_builtin()
    return tuple(_PRIMITIVES[name] for name in sorted(_PRIMITIVES))


def language_hash() -> str:
    """Return a digest of all names, types, costs and files of primitives: it names the language that a run used.

    Whole files count, with their constants and helpers; other modules that they import do not.
    """
    digest = hashlib.sha256()
    sources: dict[bytes, None] = {}
    for entry in all_primitives():
        digest.update(f"{entry.signature} {entry.cost}\n".encode())
        sources[_source(entry.function)] = None
    for source in sources:
        digest.update(source)
    return digest.hexdigest()[:16]


def _source(function: Callable[..., Any]) -> bytes:
    """Return the content of a function's file; its own source if it stands in none, such as in a notebook."""
    file = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")
    return file.read_bytes() if file.is_file() else inspect.getsource(function).encode()


def _load_builtin() -> None:
    import dsl.primitives  # noqa: F401  (importing registers)
