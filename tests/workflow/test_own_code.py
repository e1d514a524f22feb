"""A checkout plans and runs its own code, whichever one the environment has installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import SMOKE, copy_checkout, run_in

pytestmark = pytest.mark.workflow

MARK = 'import sys\n\nprint("{} of the copy", file=sys.stderr)\n'


def test_planning_and_jobs_use_the_package_beside_the_snakefile(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path / "a copy")
    found = run_in(
        tmp_path, "python", "-c", "import vcmflow; print(vcmflow.__file__)", own_package=False
    )
    assert found.returncode == 0 and str(folder) not in found.stdout, "another one is installed"
    for module, name in (
        ("vcmflow/plan/jobs.py", "plan"),
        ("vcmflow/data/command.py", "job"),
        ("vcmrender/__main__.py", "renderer"),
    ):
        path = folder / "workflow" / module
        text = path.read_text("utf-8")
        after = "from __future__ import annotations\n"
        assert text.count(after) == 1
        path.write_text(text.replace(after, after + MARK.format(name)), "utf-8")

    target = "results/smoke/davis/frames/cars-crossing/sequence.json"
    done = run_in(folder, "snakemake", "--cores", "1", target, *SMOKE, own_package=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "plan of the copy" in done.stderr
    logs = folder / "results/smoke/logs/davis"
    said = (logs / "import_sequence/cars-crossing.log").read_text("utf-8")
    assert "job of the copy" in said
    assert "renderer of the copy" in (logs / "render_dataset.log").read_text("utf-8")
    again = run_in(folder, "snakemake", "-n", target, *SMOKE, own_package=False)
    assert "Nothing to be done" in again.stdout + again.stderr
