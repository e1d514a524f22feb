"""A real Slurm on this machine: jobs through the profile, and what happens to them there.

Run with ``pytest -m cluster tests/cluster``, as root on Debian, where slurm.sh installs what it
needs; elsewhere the tests say why they do not run.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
SLURM = ROOT / "tests/cluster/slurm.sh"
# The whole chain on one sequence.
TARGET = "results/smoke/davis/score/scores.csv"
CONFIG = ("--config", "preset=smoke", "data={use: [davis]}", "sample={sweep: null}")
PROFILE = (
    *("--workflow-profile", "profiles/slurm", "--cores", "2"),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3"),
)


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    """Two nodes, as long as the tests of this file run."""
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip("a Slurm for this test is installed and started by root on Debian only")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install 'vcmflow[cluster]'")
    for verb in ("install", "start"):
        done = subprocess.run([SLURM, verb], capture_output=True, text=True, check=False)
        said = f"slurm.sh {verb}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        if done.returncode and verb == "install":
            pytest.skip(f"Debian's packages of Slurm cannot be installed here: {said}")
        assert done.returncode == 0, said
    yield
    subprocess.run([SLURM, "stop"], check=True)


def checkout(folder: Path) -> Path:
    """What git tracks or would track, as it is in the working tree."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start Snakemake in a copy of the checkout."""
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "workflow"),
    }
    return subprocess.Popen(
        [str(programs / "snakemake"), *words, *CONFIG, "--", TARGET],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def scores(folder: Path) -> list[list[str]]:
    """The table without what a clock says."""
    with (folder / TARGET).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if not row[9].endswith("_seconds")]


def command(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def running(rule: str) -> tuple[str, str]:
    """(id, node) of the first running job of a rule, or of a group with it; waits for it."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        for line in command("squeue", "-h", "-t", "R", "-o", "%A %N %k").splitlines():
            job, node, comment = line.split(maxsplit=2)
            if rule in comment:
                return job, node
        time.sleep(0.5)
    raise AssertionError(f"no job of {rule} started")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the same target was made without Slurm."""
    folder = checkout(tmp_path_factory.mktemp("local"))
    process = start(folder, "--cores", "2")
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said[-4000:]
    return folder


@pytest.mark.usefixtures("slurm")
def test_jobs_that_were_cancelled_stopped_or_on_a_node_that_went_down_run_again(
    local: Path, tmp_path: Path
) -> None:
    folder = checkout(tmp_path)
    process = start(folder, *PROFILE)
    try:
        job, _ = running("train")
        command("scancel", job)
        # Stopped, it lasts until its time is over.
        job, _ = running("task_source")
        command("scontrol", "update", f"JobId={job}", "TimeLimit=1")
        command("scancel", "--signal=STOP", "--full", job)
        late = job
        job, node = running("coding")
        command("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        time.sleep(5)
        command("scontrol", "update", f"NodeName={node}", "State=RESUME")
        said, _ = process.communicate(timeout=1200)
    finally:
        process.kill()
    assert process.returncode == 0, said[-6000:]
    assert "TIMEOUT" in command("scontrol", "show", "job", late)
    # The node's job is put back by Slurm itself, two minutes later.
    assert said.count("Trying to restart") >= 2, said[-6000:]
    assert scores(folder) == scores(local)
    lines = [line for line in said.splitlines() if " %  " in line]
    assert lines and max(map(len, lines)) < 200
