"""Locks of a killed run go; those of a run that goes on stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vcmflow.plan.unlock import LOCKS, clear_after_kill, running_here

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workflow of one rule, with the lock that a killed run leaves."""
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text('rule all:\n    output: "a"\n    shell: "touch a"\n', "utf-8")
    LOCKS.mkdir(parents=True)
    (LOCKS / "0.output.lock").write_text("a\n", "utf-8")
    return tmp_path


HOLDS = """
import os, sys
from vcmflow.plan.unlock import clear_after_kill
held = clear_after_kill()
print("up", flush=True)
sys.stdin.read()
"""


def holder() -> subprocess.Popen[str]:
    """A run that goes on until its input ends."""
    run = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None and run.stdout.readline() == "up\n"
    return run


@pytest.mark.usefixtures("locked")
def test_the_next_run_removes_what_a_killed_one_left() -> None:
    part = Path("results/mini/.part-abc.json")
    part.parent.mkdir(parents=True)
    part.write_text("half", "utf-8")
    first, second = holder(), holder()
    assert not part.exists()
    part.write_text("half", "utf-8")
    LOCKS.mkdir()
    first.kill()
    first.communicate()
    third = holder()
    assert LOCKS.exists() and part.exists(), "the second run still goes on"
    for run in (second, third):
        run.kill()
        run.communicate()
    held = clear_after_kill()
    assert held is not None
    held.close()
    assert not LOCKS.exists() and not part.exists()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_run_is_found_in_its_folder(
    locked: Path, tmp_path_factory: pytest.TempPathFactory, elsewhere: bool
) -> None:
    program = tmp_path_factory.mktemp("bin") / "snakemake"
    program.write_text(SLEEP, "utf-8")
    folder = tmp_path_factory.mktemp("other") if elsewhere else locked
    running = subprocess.Popen(
        [sys.executable, str(program)], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None and running.stdout.readline() == "up\n"
        assert (running.pid in running_here(locked)) is not elsewhere
    finally:
        running.kill()
        running.communicate()
