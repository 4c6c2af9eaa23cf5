import subprocess
import sys

import numpy as np
import pytest

from dsl import Grid, Object, Objects, as_grid, primitive
from dsl.check import check_primitive, random_arguments
from dsl.errors import PrimitiveError
from dsl.grid import seal
from dsl.registry import _PRIMITIVES, all_primitives, get_primitive
from ensemble.cli import main
from ensemble.plugins import check_plugins, load_plugins
from tests.tasks import task_json, write_json

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


@pytest.fixture
def register_with_choices(register):
    """Register primitives with integers to try, by parameter."""
    return lambda function, **choices: _checked(primitive(choices=choices)(function))


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


def forgets_a_return(grid: Grid) -> Grid:
    """Return a grid on one of two branches."""
    if grid.shape[0] > 3:
        return grid


def asks_no_shape(left: Grid, right: Grid) -> Grid:
    """Take two grids for granted to be of one shape."""
    return seal(np.where(left == 0, right, left))


def leaves_it_mirrored(grid: Grid) -> Grid:
    """Return a view that is read-only, but not in C order."""
    return grid[:, ::-1]


def makes_an_object_of_anything(grid: Grid) -> Object:
    """Fill an object's fields with what is at hand."""
    return Object(grid.astype(np.int64), np.ones((1, 1), np.bool_), 0.5, None)


def makes_an_object_between_cells(grid: Grid) -> Object:
    """Place an object at half a row."""
    return Object(grid, seal(np.ones(grid.shape, np.bool_)), 0.5, 0)


def makes_an_object_without_cells(grid: Grid) -> Objects:
    """Put an object of no cells into a list."""
    return (Object(seal(np.zeros_like(grid)), seal(np.zeros(grid.shape, np.bool_)), 0, 0),)


def leaves_cells_around_an_object(grid: Grid) -> Object:
    """Leave cells outside of the mask."""
    mask = np.zeros(grid.shape, np.bool_)
    mask[0, 0] = True
    return Object(seal(np.full_like(grid, 3)), seal(mask), 0, 0)


def makes_a_crowd(grid: Grid) -> Objects:
    """Make more objects than a list holds."""
    return tuple(Object(grid, seal(np.ones(grid.shape, np.bool_)), 0, k) for k in range(300))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (forgets_a_return, "it returns NoneType, its annotation promises grid"),
        (asks_no_shape, "it raises ValueError"),
        (leaves_it_mirrored, "that is not in C order: return seal(...)"),
        (makes_an_object_of_anything, "an object whose patch is an array of int64"),
        (makes_an_object_between_cells, "an object at row 0.5, column 0"),
        (makes_an_object_without_cells, "an object without a cell"),
        (leaves_cells_around_an_object, "an object with cells outside of its mask"),
        (makes_a_crowd, "a list of 300 objects"),
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


def test_an_integer_with_choices_is_tried_on_others_too(register_with_choices):
    """Search fills it with computed values as well, where it is the only one."""

    def divides(grid: Grid, number: int) -> int:
        """Divide six."""
        return 6 // number

    result = register_with_choices(divides, number=(1, 2))
    assert any("it raises ZeroDivisionError" in problem for problem in result.problems)


def test_random_images_have_different_shapes_in_some_calls():
    entry = next(entry for entry in all_primitives() if entry.parameters == ("grid", "grid"))
    calls = list(random_arguments(entry, 12, np.random.default_rng(0)))
    assert 1 <= sum(left.shape != right.shape for left, right in calls) <= 4


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


def test_solve_refuses_a_plugin_that_breaks_a_law(register, tmp_path, capsys):
    path = tmp_path / "plugin_of_many_colors.py"
    path.write_text(PLUGIN.format(name="plugin_of_many_colors", body="return seal(grid + np.uint8(100))"))
    tasks = write_json(tmp_path / "task.json", task_json())
    assert main(["solve", str(tasks), "--solvers", "identity", "-o", str(tmp_path / "run"), "--plugin", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"plugin {path}: plugin_of_many_colors: it returns a grid with the value 1" in line
    assert line.endswith(f"see arc-ensemble dsl check {path}")


def test_solve_takes_a_plugin_that_keeps_the_laws(register, tmp_path):
    path = tmp_path / "plugin_of_fives.py"
    path.write_text(PLUGIN.format(name="plugin_of_fives", body="return seal(np.full_like(grid, 5))"))
    load_plugins([path])
    check_plugins([path])


def test_plugin_that_takes_a_known_name_is_the_one_at_fault(tmp_path):
    """Also in a process that has not used the language before."""
    path = tmp_path / "plugin_of_a_known_name.py"
    path.write_text(PLUGIN.format(name="rotate_90", body="return grid"))
    code = f"import pathlib, ensemble.plugins as plugins; plugins.load_plugin(pathlib.Path({str(path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert f"primitive 'rotate_90' of {path}" in last
    assert "geometry.py" in last.partition("is already defined in")[2]


def test_plugin_that_exits_is_an_error(tmp_path, capsys):
    path = tmp_path / "plugin_that_exits.py"
    path.write_text("import sys\n\nsys.exit(3)\n")
    assert main(["dsl", "list", "--plugin", str(path)]) == 2
    assert f"plugin {path} fails: SystemExit: 3" in capsys.readouterr().err


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
