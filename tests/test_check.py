import numpy as np
import pytest

from dsl import Grid, as_grid, primitive
from dsl.check import check_primitive, random_arguments
from dsl.errors import PrimitiveError
from dsl.grid import seal
from dsl.registry import _PRIMITIVES, all_primitives, get_primitive
from ensemble.cli import main

PLUGIN = '''
import numpy as np

from dsl import Grid, primitive
from dsl.grid import seal


@primitive(cost=3)
def {name}(grid: Grid) -> Grid:
    """Do something to a grid."""
    {body}
'''


@pytest.fixture
def register():
    """Register primitives for one test."""
    all_primitives()
    before = dict(_PRIMITIVES)
    yield lambda function: _checked(primitive()(function))
    _PRIMITIVES.clear()
    _PRIMITIVES.update(before)


def _checked(function):
    return check_primitive(get_primitive(function.__name__), samples=60)


def test_good_primitive_has_no_problem(register):
    def paint_it_black(grid: Grid) -> Grid:
        """Make every cell black."""
        return seal(np.zeros_like(grid))

    result = register(paint_it_black)
    assert result.problems == ()
    assert result.results == 60


def test_no_result_is_allowed(register):
    def only_single_cells(grid: Grid) -> Grid:
        """Keep a single cell as it is."""
        if grid.size > 1:
            raise PrimitiveError("more than one cell")
        return seal(np.where(grid == 3, 5, grid).astype(np.uint8))

    result = register(only_single_cells)
    assert result.problems == ()
    assert 1 <= result.results < 60


def too_large(grid: Grid) -> Grid:
    """Make a grid too large."""
    return seal(np.tile(grid, (31, 1)))


def writes_into_its_argument(grid: Grid) -> Grid:
    """Write into the argument."""
    grid[0, 0] = 0
    return grid


def draws_lots(grid: Grid) -> Grid:
    """Draw random cells."""
    return as_grid(np.random.default_rng().integers(0, 10, (5, 5)))


def raises_index_error(grid: Grid) -> Grid:
    """Look beyond the edge."""
    return as_grid([[grid[40, 40]]])


def returns_a_number(grid: Grid) -> Grid:
    """Return no grid."""
    return 5


def leaves_it_writable(grid: Grid) -> Grid:
    """Return an array that can be written to."""
    return grid + (grid == 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (too_large, "sides must be 1..30"),
        (writes_into_its_argument, "it writes into its arguments (they are read-only)"),
        (draws_lots, "it gives another result for the same arguments"),
        (raises_index_error, "it raises IndexError"),
        (returns_a_number, "it returns int, its annotation promises grid"),
        (leaves_it_writable, "that can be written to: return seal(...)"),
    ],
)
def test_broken_law_is_named(register, function, message):
    assert any(message in problem for problem in register(function).problems)


def test_copy_of_a_primitive_is_noticed(register):
    original = next(
        entry
        for entry in all_primitives()
        if entry.signature.endswith("(grid) -> grid") and check_primitive(entry, samples=60).results == 60
    )

    def copycat(grid: Grid) -> Grid:
        """Do what another one does."""
        return original.function(grid)

    assert any(original.name in note for note in register(copycat).notes)


def test_random_arguments_begin_with_the_extremes():
    entry = next(entry for entry in all_primitives() if entry.parameters[:1] == ("grid",))
    shapes = [arguments[0].shape for arguments in random_arguments(entry, 5, np.random.default_rng(0))]
    assert shapes[:2] == [(1, 1), (30, 30)]


@pytest.mark.parametrize(("name", "body", "code"), [
    ("plugin_good", "return seal(np.where(grid == 1, 2, grid).astype(np.uint8))", 0),
    ("plugin_bad", "return grid.astype(np.int64)", 1),
])  # fmt: skip
def test_dsl_check_judges_a_file(register, tmp_path, capsys, name, body, code):
    path = tmp_path / f"{name}.py"
    path.write_text(PLUGIN.format(name=name, body=body))
    assert main(["dsl", "check", str(path)]) == code
    out = capsys.readouterr().out
    assert f"{name}(grid) -> grid" in out
    assert ("problem" in out) == bool(code)


def test_plugin_is_listed_and_shown(register, tmp_path, capsys):
    path = tmp_path / "plugin_shown.py"
    path.write_text(PLUGIN.format(name="plugin_shown", body="return grid"))
    assert main(["dsl", "list", "--plugin", str(path), "--concept", "plugin_shown"]) == 0
    assert "plugin_shown(grid) -> grid" in capsys.readouterr().out
    assert main(["dsl", "show", "plugin_shown", "--plugin", str(path)]) == 0
    assert "def plugin_shown" in capsys.readouterr().out


def test_file_without_primitives_is_refused(tmp_path, capsys):
    path = tmp_path / "plugin_empty.py"
    path.write_text("x = 1\n")
    assert main(["dsl", "check", str(path)]) == 2
    assert "defines no primitive" in capsys.readouterr().err
