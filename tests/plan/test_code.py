"""The modules that a job depends on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vcmflow.core.registry import ROOT, Entry
from vcmflow.plan.code import modules, version


def names(paths: list[str]) -> set[str]:
    return {str(Path(path).resolve().relative_to(ROOT)) for path in paths}


def test_the_closure_follows_imports() -> None:
    found = names(modules("vcmflow.core.files"))
    assert found == {"vcmflow/core/files.py", "vcmflow/core/errors.py"}


def test_a_registry_entry_counts_only_where_it_is_asked_for() -> None:
    without = names(modules("vcmflow.encode.command"))
    assert "vcmflow/encode/codec.py" in without
    assert "vcmflow/encode/registry.py" not in without  # a new codec reruns nothing
    assert "vcmflow/reconstruct/flow.py" not in without
    assert "vcmflow/sample/manifold.py" not in without
    flow = names(modules("vcmflow.reconstruct.command", Entry("vcmflow.reconstruct.flow:build")))
    assert "vcmflow/reconstruct/flow.py" in flow
    assert "vcmflow/reconstruct/blend.py" not in flow


def test_the_version_follows_the_content_of_the_modules_that_are_reached(tmp_path: Path) -> None:
    probe = (
        "import sys; sys.path.insert(0, 'workflow');"
        "from vcmflow.plan.code import version; print(version('vcmflow.core.gaps'))"
    )

    def asked() -> str:
        done = subprocess.run(
            [sys.executable, "-E", "-c", probe], cwd=tmp_path, check=True, capture_output=True
        )
        return done.stdout.decode()

    shutil.copytree(ROOT / "vcmflow", tmp_path / "workflow" / "vcmflow")
    before = asked()
    other = tmp_path / "workflow/vcmflow/core/scores.py"
    other.write_text(other.read_text("utf-8") + "# more\n", "utf-8")
    assert asked() == before, "not reached by its imports"
    errors = tmp_path / "workflow/vcmflow/core/errors.py"
    errors.write_text(errors.read_text("utf-8") + "# more\n", "utf-8")
    assert asked() != before
    assert version("vcmflow.core.gaps") != version("vcmflow.core.errors")


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"vcmflow\.nothing"):
        modules("vcmflow.nothing")


def test_planning_needs_no_torch() -> None:
    found = names(modules("vcmflow.plan.grid", "vcmflow.plan.variants"))
    assert not [name for name in found if "import torch" in (ROOT / name).read_text("utf-8")]
