"""What may import what: the table in docs/architecture.md, held against the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / "workflow"
MODULES = sorted(
    path for name in ("vcmflow", "vcmrender") for path in (WORKFLOW / name).rglob("*.py")
)


def module(path: Path) -> str:
    return ".".join(path.relative_to(WORKFLOW).with_suffix("").parts).removesuffix(".__init__")


def package(name: str) -> str:
    """``vcmflow.<stage>``, or ``vcmrender``."""
    parts = name.split(".")
    return parts[0] if parts[0] != "vcmflow" else ".".join(parts[:2])


@cache
def allowed() -> dict[str, set[str]]:
    """The table: package -> what it may import beside itself."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("## What may import what")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|(.*)\|$", section, re.MULTILINE)[2:]
    return {
        left.strip("` "): {part.strip("` ") for part in right.split(",") if part.strip()}
        for left, right in rows
    }


def imports(path: Path) -> set[str]:
    """Modules of the project that a module imports, where it runs; not those for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name for name in inner if is_module(name)} or {node.module}
    return {name for name in names if name.split(".")[0] in ("vcmflow", "vcmrender")}


def is_module(name: str) -> bool:
    base = WORKFLOW.joinpath(*name.split("."))
    return base.is_dir() or base.with_suffix(".py").is_file()


def refused(name: str, imported: str) -> bool:
    own, other = package(name), package(imported)
    if own == other or name == "vcmflow.__main__" or imported == "vcmflow":
        return False
    if name.endswith(".registry"):
        return other != "vcmflow.core"
    may = allowed().get(own, allowed()["a stage"])
    if imported.endswith(".registry") and "registries" in may:
        return False
    return not any(imported == part or imported.startswith(f"{part}.") for part in may)


def test_the_table_is_read() -> None:
    assert allowed()["vcmflow.core"] == set()
    assert "registries" in allowed()["a stage"]
    assert {package(module(path)) for path in MODULES} >= set(allowed()) - {"a stage"}


@pytest.mark.parametrize("path", MODULES, ids=module)
def test_imports_follow_the_table(path: Path) -> None:
    name = module(path)
    wrong = sorted(other for other in imports(path) if refused(name, other))
    assert not wrong, f"{name} imports {wrong}; allowed: docs/architecture.md"


def test_nothing_imports_in_a_circle() -> None:
    edges = {module(path): imports(path) for path in MODULES}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for other in edges.get(name, ()):
                if other != name:
                    visit(other, (*above, name))
            done.add(name)

    for name in edges:
        visit(name, ())
