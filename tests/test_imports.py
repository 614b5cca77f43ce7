"""The arrows of the house: nothing on the left of the flow imports anything on its right, and starting is cheap."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from planner.cli import COMMANDS

# From left to right; a package may import its own layer and those before it.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "paths", "plan", "progress", "units", "workers"),
    ("source", "measurements", "error_summary"),
    ("scenario", "catalog", "architecture", "number_formats"),
    ("memory", "performance", "cost", "power", "rules", "training"),
    ("candidates",),
    ("solve", "plan_io", "plan_diff"),
    ("explain", "sweep", "report", "deploy"),
    ("cli",),
    ("__main__",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
HEAVY = ("ortools", "numpy", "pandas", "pydantic", "scipy", "jinja2", "yaml", "cel_expr_python")


def parts(root: Path) -> dict[str, list[Path]]:
    """Return the top-level parts of the package with their files."""
    package = root / "planner"
    found: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if inside.parts[0] != "__init__.py" and "_data" not in inside.parts:
            found.setdefault(inside.parts[0].removesuffix(".py"), []).append(path)
    return found


def imported(path: Path) -> set[str]:
    """Return the top-level parts of the package that a file imports, wherever in the file it does."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write imports in full"
            names += [
                f"{node.module}.{alias.name}" if node.module == "planner" else str(node.module) for alias in node.names
            ]
    return {name.split(".")[1] for name in names if name.startswith("planner.")}


def test_every_part_of_the_package_has_its_place_in_the_flow(root):
    assert sorted(set(parts(root)) - set(LAYER)) == []


def test_nothing_imports_what_lies_to_its_right(root):
    wrong = [
        f"{path.relative_to(root)} imports {other}"
        for part, paths in parts(root).items()
        for path in paths
        for other in sorted(imported(path))
        if LAYER.get(other, -1) > LAYER[part]
    ]
    assert wrong == []


def test_only_its_own_module_imports_the_slow_front_end_of_the_solver(root):
    """``ortools.sat.python.cp_model`` imports pandas, which takes longer than a whole solve."""
    for path in sorted((root / "planner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
                assert "ortools.sat.python.cp_model" not in names, path


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that are loaded in a fresh interpreter after ``code``."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_starting_the_command_line_imports_nothing_heavy():
    assert modules_after("import planner.cli") & set(HEAVY) == set()


def test_the_help_of_every_command_imports_nothing_heavy():
    from importlib.util import find_spec

    homes = [home.partition(":")[0] for home, _ in COMMANDS.values()]
    missing = [home for home in homes if find_spec(home) is None]
    assert missing == []
    assert modules_after("\n".join(f"import {home}" for home in homes)) & set(HEAVY) == set()


@pytest.mark.parametrize("name", ["planner", "planner.report.text", "planner.report.conflict"])
def test_the_default_report_needs_no_template_engine(name):
    assert modules_after(f"import {name}") & {"jinja2", "markupsafe", "numpy", "ortools"} == set()
