"""The registry reads a primitive's type from its annotations, and refuses what it cannot read."""

import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dsl.registry as registry
from dsl.errors import RegistryError
from dsl.grid import Grid
from dsl.registry import all_primitives, get_primitive, language_hash, primitive
from dsl.types import Color, Kind, Mask, Object, Objects, kind_of_annotation
from ensemble.plugins import load_plugin


@pytest.fixture(autouse=True)
def _own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register into a copy of the table, so that tests leave the language as it is."""
    all_primitives()
    monkeypatch.setattr(registry, "_PRIMITIVES", dict(registry._PRIMITIVES))


def test_annotations_are_the_type() -> None:
    @primitive(cost=2.5, choices={"times": (1, 2)})
    def sample_everything(grid: Grid, mask: Mask, item: Object, items: Objects, color: Color, times: int) -> bool:
        """Take one of each kind.

        More text.
        """
        return True

    entry = get_primitive("sample_everything")
    assert entry.signature == "sample_everything(grid, mask, object, objects, color, int) -> bool"
    assert entry.result is Kind.BOOL
    assert entry.cost == 2.5
    assert entry.choices == (None, None, None, None, None, (1, 2))
    assert entry.concept == "test_registry"
    assert entry.doc == "Take one of each kind."
    assert entry.function is sample_everything
    assert "test_registry.py:" in entry.origin


def test_a_name_can_be_given() -> None:
    @primitive(name="sample_named")
    def other(grid: Grid) -> Grid:
        """Return the grid."""
        return grid

    assert get_primitive("sample_named").function is other
    assert not any(entry.name == "other" for entry in all_primitives())


def no_result(grid: Grid):  # type: ignore[no-untyped-def]
    """Lack a result type."""


def no_parameter(grid) -> Grid:  # type: ignore[no-untyped-def]
    """Lack a parameter type."""


def no_doc(grid: Grid) -> Grid:
    return grid


def wrong_type(grid: Grid) -> str:
    """Return what is no type of the language."""
    return ""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_result, "'no_result' needs a return annotation"),
        (no_parameter, "parameter 'grid' needs an annotation"),
        (no_doc, "'no_doc' needs a docstring"),
        (wrong_type, "'wrong_type': annotation must be one of Grid, Mask, Object, Objects, Color, int, bool"),
    ],
)
def test_incomplete_functions_are_refused_with_their_place(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(RegistryError) as caught:
        primitive()(function)
    assert message in str(caught.value)
    assert "test_registry.py:" in str(caught.value)


def test_choices_must_fit_the_parameters() -> None:
    def sample_choice(grid: Grid, color: Color) -> Grid:
        """Return the grid."""
        return grid

    with pytest.raises(RegistryError, match="choices are for int parameters, 'color' is none"):
        primitive(choices={"color": (1,)})(sample_choice)
    with pytest.raises(RegistryError, match="choices for unknown parameter 'times'"):
        primitive(choices={"times": (1,)})(sample_choice)


def test_names_and_costs_are_checked() -> None:
    with pytest.raises(RegistryError, match="above 0 bits, got 0"):
        primitive(cost=0)
    with pytest.raises(RegistryError, match="must be an identifier of ASCII letters, digits and _, got 'two words'"):
        primitive(name="two words")(no_doc)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("größe", "must be an identifier of ASCII letters, digits and _, got 'größe'"),
        ("input", "'input' means something else in a program"),
        ("true", "'true' means something else in a program"),
        ("false", "'false' means something else in a program"),
        ("pipe", "'pipe' means something else in a program"),
        ("cell_rules", "'cell_rules' means something else in a program"),
    ],
)
def test_names_that_a_program_cannot_call_are_refused(name: str, message: str) -> None:
    def sample(grid: Grid) -> Grid:
        """Return the grid."""
        return grid

    with pytest.raises(RegistryError, match=re.escape(message)) as caught:
        primitive(name=name)(sample)
    assert "test_registry.py:" in str(caught.value)


def test_a_name_is_given_once() -> None:
    def rotate_180(grid: Grid) -> Grid:
        """Clash with a primitive of the language."""
        return grid

    with pytest.raises(RegistryError, match=r"primitive 'rotate_180' of .* is already defined in .*geometry\.py"):
        primitive()(rotate_180)


def test_the_same_definition_may_be_read_again() -> None:
    """Notebooks and reloads run a definition twice."""

    def define() -> None:
        @primitive()
        def sample_again(grid: Grid) -> Grid:
            """Return the grid."""
            return grid

    define()
    define()
    assert get_primitive("sample_again")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(RegistryError, match="no primitive 'nothing_such'"):
        get_primitive("nothing_such")


def test_all_primitives_are_sorted_and_documented() -> None:
    entries = all_primitives()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert len(entries) > 100
    for entry in entries:
        assert entry.doc.endswith("."), entry.name
        assert 1 <= entry.cost <= 8, entry.name


def test_int_arguments_of_the_language_are_tried_or_computed() -> None:
    """Search can reach every primitive: an int comes from choices, or from the primitives that return ints."""
    assert any(entry.result is Kind.INT for entry in all_primitives())
    for entry in all_primitives():
        for kind, choices in zip(entry.parameters, entry.choices, strict=True):
            assert choices is None or kind is Kind.INT
            assert choices is None or len(set(choices)) == len(choices)


def test_language_hash_follows_the_sources() -> None:
    before = language_hash()
    assert before == language_hash()
    assert len(before) == 16

    @primitive()
    def sample_hash(grid: Grid) -> Grid:
        """Return the grid."""
        return grid

    assert language_hash() != before


def test_language_hash_follows_what_a_primitive_uses_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plugin_with_helper.py"
    source = '''
from dsl import Grid, primitive


def _helper(grid):
    return grid


@primitive()
def plugin_with_helper(grid: Grid) -> Grid:
    """Do what the helper does."""
    return _helper(grid)
'''
    path.write_text(source)
    load_plugin(path)
    before = language_hash()
    assert before == language_hash()
    path.write_text(source.replace("return grid\n\n", "return grid.copy()\n\n"))
    assert language_hash() != before


def test_language_hash_needs_no_file() -> None:
    """What is defined in a notebook has a source, but no file."""
    source = 'def sample_typed(grid: Grid) -> Grid:\n    """Return the grid."""\n    return grid\n'
    linecache.cache["<typed>"] = (len(source), None, source.splitlines(keepends=True), "<typed>")
    names: dict[str, Any] = {"Grid": Grid, "__name__": "typed"}
    exec(compile(source, "<typed>", "exec"), names)
    before = language_hash()
    primitive()(names["sample_typed"])
    assert language_hash() != before


def test_kinds_are_read_from_annotations() -> None:
    assert kind_of_annotation(Grid) is Kind.GRID
    assert kind_of_annotation(Mask) is Kind.MASK
    assert kind_of_annotation(Objects) is Kind.OBJECTS
    assert kind_of_annotation(Color) is Kind.COLOR
    assert kind_of_annotation(bool) is Kind.BOOL
    with pytest.raises(RegistryError):
        kind_of_annotation(float)
