"""Which modules of this package a job's result can depend on.

Their version is a parameter of the job, so that editing a module reruns the jobs that it can change
and no others. They are not inputs: Snakemake looks at every input of every job that is ready each
time that it starts one, and notes the checksum of each with every output. The modules are the
closure of the import statements, read from the source without running it; registries name their
entries as strings, so an entry counts only where a job asks for it.
"""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

from vcmflow.core.registry import ROOT, Entry

_asked = True
PACKAGES = ("vcmflow.", "vcmrender.")


def modules(*names: str | Entry) -> list[str]:
    """Paths of the named modules and of everything of this package that they import.

    Args:
        names: dotted module names, or entries of a registry.

    Returns:
        Sorted paths relative to the working directory where that is possible.

    Raises:
        ModuleNotFoundError: a name is not a module of this package.
    """
    return list(_closure(_plain(names), Path.cwd()))


def version(*names: str | Entry) -> str:
    """SHA-256 of the modules that `modules` finds, names and contents; in hexadecimal."""
    return _version(_plain(names), Path.cwd()) if _asked else ""


def leave_versions_out() -> None:
    """Make `version` return nothing: a cluster's job reads the rules, and decides nothing.

    That is done by the process that submitted it; finding all versions takes half a second.
    """
    global _asked
    _asked = False


@cache
def _version(names: tuple[str, ...], here: Path) -> str:
    lines = (f"{path} {_digest(path)}\n" for path in _closure(names, here))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _plain(names: tuple[str | Entry, ...]) -> tuple[str, ...]:
    return tuple(name.builder if isinstance(name, Entry) else name for name in names)


@cache
def _closure(names: tuple[str, ...], here: Path) -> tuple[str, ...]:
    pending = [name.partition(":")[0] for name in names]
    found: dict[str, Path] = {}
    while pending:
        name = pending.pop()
        if name in found:
            continue
        path = _locate(name)
        if path is None:
            raise ModuleNotFoundError(f"{name} is not a module of vcmflow")
        found[name] = path
        pending.extend(imported for imported in _imports(path) if imported not in found)
    return tuple(
        sorted(
            str(path.relative_to(here) if path.is_relative_to(here) else path)
            for path in found.values()
        )
    )


@cache
def imports(builder: str, package: str) -> bool:
    """Whether ``"module:function"`` imports a library with it, or may through others."""
    wanted = re.compile(rf"^(?:import|from) {re.escape(package)}\b", re.MULTILINE)
    return any(wanted.search(path.read_text("utf-8")) for path in map(Path, modules(builder)))


def _locate(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def _imports(path: Path) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import module` and `from module import function` look alike.
            candidates = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        names.update(c for c in candidates if c.startswith(PACKAGES) and _locate(c))
    # A registry holds names; what one of them stands for is an argument of `modules`, so that a new
    # entry reruns nothing.
    names -= {name for name in names if name.endswith(".registry") and ".core." not in name}
    return tuple(sorted(names))
