"""Damaged files are named, with what makes them again, and removed on request."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from vcmflow.__main__ import stage
from vcmflow.core.files import record, write_json, write_record
from vcmflow.plan.verify import rebuilding

DECISION = Path("results/smoke/davis/sample/a b/uniform.json")
OTHER = Path("results/mini/metrics.json")
PICTURE = Path("data/mini/railway/x/1.png")
LIST = Path("data/mini/railway.sha256")


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of two presets, and a rendered picture."""
    monkeypatch.chdir(tmp_path)
    for path in (DECISION, OTHER):
        write_json(path, [1, 2, 3])
    PICTURE.parent.mkdir(parents=True)
    PICTURE.write_bytes(b"picture")
    write_record(PICTURE)
    LIST.write_text("the list of the folder", "utf-8")


def test_whole_results_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    DECISION.with_name("own.json").write_text("{}", "utf-8")
    assert stage(["verify"]) == 0
    assert capsys.readouterr().out == "3 of 3 files are as they were written\n"
    assert stage(["verify", "nowhere"]) == 2
    assert "nowhere: no such folder" in capsys.readouterr().err


def test_damaged_files_are_named_with_the_commands_that_make_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in (DECISION, OTHER, PICTURE):
        path.write_bytes(path.read_bytes()[:-1])
    assert stage(["verify"]) == 2
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        *(f"damaged: {path}" for path in (OTHER, DECISION, PICTURE)),
        "0 of 3 files are as they were written",
    ]
    assert said.err.count("\n") == 1
    mini = f"snakemake --cores all {OTHER} {LIST} --config preset=mini"
    smoke = f"snakemake --cores all '{DECISION}' --config preset=smoke"
    assert said.err.strip().endswith(f"then: {mini} && {smoke}")
    assert DECISION.exists()
    assert stage(["verify", "--remove"]) == 0
    assert mini in capsys.readouterr().out
    assert not any(path.exists() for path in (DECISION, OTHER, PICTURE, LIST))
    assert stage(["verify"]) == 0


def test_names_reach_the_shell_as_one_word() -> None:
    (command,) = rebuilding([Path("results/smoke/$(touch x)/a.json")])
    assert shlex.split(command)[3] == "results/smoke/$(touch x)/a.json"


def test_a_lost_record_is_no_damage() -> None:
    record(DECISION).unlink()
    DECISION.write_text("[]", "utf-8")
    assert stage(["verify"]) == 0
