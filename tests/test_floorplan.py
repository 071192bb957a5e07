"""Imports point up the page: a module imports only from lines above its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kinescribe"
DESIGN = ROOT / "design" / "0001-the-house.md"


def floorplan() -> list[list[str]]:
    """The living list: the code block under 'Floor plan' in design/0001-the-house.md."""
    block = DESIGN.read_text().split("```")[1]
    return [[word.rstrip("/") for word in line.split("  ")[0].split()] for line in block.strip().splitlines()]


LEVEL = {name: i for i, line in enumerate(floorplan()) for name in line}


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = [f for f in sorted(PACKAGE.rglob("*.py")) if f != PACKAGE / "__init__.py"]


def imported(tree: ast.AST) -> list[str]:
    """Every ``kinescribe.x`` that a module imports, wherever the import stands."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "absolute imports only"
            module = node.module or ""
            names += (
                [f"{module}.{alias.name}" for alias in node.names] if module == "kinescribe" else [module]
            )
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.startswith("kinescribe.") and name != "kinescribe.__version__"]


@pytest.mark.parametrize("file", MODULES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_up(file: Path) -> None:
    here = room(file)
    assert here in LEVEL, f"{here} has no place in design/0001-the-house.md"
    for name in imported(ast.parse(file.read_text())):
        there = name.split(".")[1]
        assert there in LEVEL, f"{file.name} imports {name}, which has no place in the floor plan"
        assert there == here or LEVEL[there] < LEVEL[here], f"{file.name} imports {name} from below"


def test_every_place_on_the_plan_exists() -> None:
    for name in LEVEL:
        assert (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file(), name


def test_stages_do_not_import_backends() -> None:
    for file in (PACKAGE / "stages").glob("*.py"):
        for name in imported(ast.parse(file.read_text())):
            assert not name.startswith("kinescribe.backends."), (
                f"{file.name} must use plugins.load, not {name}"
            )
