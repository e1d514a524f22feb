"""docs/extend.md, followed literally: its files and lines go into a copy, which then runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
from running import ROOT, copy_checkout, run_in

from vcmflow.core.encoding import read_encoding
from vcmflow.core.scores import read_scores

pytestmark = pytest.mark.workflow

PAGE = (ROOT / "docs" / "extend.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
METHODS = ["all_jpeg", "uniform_jpeg", "jump_jpeg", "jump_fade"]
POINTS = ["5", "15", "40", "80"]


def follow(folder: Path) -> list[str]:
    """Write what the page says into a copy; returns the command that it gives."""
    command: list[str] = []
    for language, name, registry, text in BLOCK.findall(PAGE):
        if language == "sh":
            command = shlex.split(text)
        elif not registry:
            assert not (folder / name).exists(), f"{name} is there already"
            (folder / name).write_text(text, "utf-8")
        else:
            path = folder / name
            before = path.read_text("utf-8")
            opening = rf"^{registry}: dict\[.*\] = \{{\n"
            assert len(re.findall(opening, before, re.MULTILINE)) == 1
            # A function, because the text is no template.
            after = re.sub(opening, lambda m, text=text: m[0] + text, before, flags=re.MULTILINE)
            path.write_text(after, "utf-8")
    return command


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the page's plug-ins in which its command has run."""
    folder = copy_checkout(tmp_path_factory.mktemp("extend"))
    command = follow(folder)
    assert command[0] == "snakemake"
    done = run_in(folder, *command, "--notemp")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return folder


def test_the_code_of_the_page_is_clean(extended: Path) -> None:
    for check in (["ruff", "check", "workflow"], ["ruff", "format", "--check", "workflow"]):
        done = run_in(extended, *check)
        assert done.returncode == 0, done.stdout
    done = run_in(extended, "mypy")
    assert done.returncode == 0, done.stdout


def test_bytes_of_every_stream_are_on_disk_and_in_the_scores(extended: Path) -> None:
    results = extended / "results/extend/railway"
    scores = read_scores([results / "score/scores.csv"])
    single = scores[scores["sequence"] != ""]
    for method, sampler, codec in (
        ("all_jpeg", "all", "jpeg_colour"),
        ("jump_jpeg", "jump", "jpeg"),
        ("jump_fade", "jump", "jpeg"),
    ):
        (folder,) = (results / "encode").glob(f"*/{sampler}/{codec}")
        encoding = read_encoding(folder / "encode.json")
        assert list(encoding.points) == POINTS
        rows = single[(single["method"] == method) & (single["metric"] == "stream_bytes")]
        written = dict(zip(rows["point"], rows["value"], strict=True))
        assert written == {p: (folder / f"{p}.jpgs").stat().st_size for p in POINTS}
        assert sorted(written.values()) == list(written.values())
    # The options reached the codec: full colour is another stream.
    (whole,) = (results / "encode").glob("*/all/jpeg_colour/encode.json")
    assert yaml.safe_load(whole.read_text("utf-8"))["codec"] == {"codec": "jpeg", "chroma": "4:4:4"}
    # Two methods that differ in the reconstructor share decision and streams.
    assert len([*(results / "encode").glob("*/jump/*")]) == 1


def test_decoded_frames_and_metrics_are_there(extended: Path) -> None:
    results = extended / "results/extend/railway"
    frames = [path.parent.name for path in (results / "reconstruct").glob("*/jump/jpeg/*/80.mkv")]
    assert sorted(frames) == ["fade", "interpolation"]
    scores = read_scores([results / "score/scores.csv"])
    pooled = scores[(scores["scene"] == "all") & (scores["method"] != "source")]
    values = pooled.pivot_table("value", ["method", "point"], ["task", "metric"])
    assert sorted(values.index) == sorted((name, point) for name in METHODS for point in POINTS)
    assert (values["", "psnr"] > 20).all()
    fine = values.xs("80", level="point")
    coarse = values.xs("5", level="point")
    assert (fine["", "psnr"] > coarse["", "psnr"]).all()
    assert fine.loc["jump_jpeg", ("", "psnr")] != fine.loc["jump_fade", ("", "psnr")]
    for task in ("detection", "moving"):
        for metric in ("map", "recall"):
            assert values[task, metric].between(0, 1).all()
    assert fine.loc["all_jpeg", ("detection", "recall")] > 0.5
    assert fine.loc["all_jpeg", ("moving", "recall")] > 0


def test_tables_have_the_new_methods_and_metrics(extended: Path) -> None:
    tables = extended / "results/extend/tables"
    compare = pd.read_csv(tables / "compare.csv")
    assert set(compare["method"]) == set(METHODS)
    assert set(compare["task"]) == {"detection", "moving"}
    accuracy = pd.read_csv(tables / "accuracy.csv")
    assert accuracy["recall"].between(0, 1).all()
    assert "Recall of boxes" in (tables / "accuracy.md").read_text("utf-8")
    checks = pd.read_csv(tables / "sanity.csv")
    falls = checks[checks["check"].str.contains("falls as quality falls")]
    assert len(falls) == 4 and set(falls["status"]) == {"pass"}
