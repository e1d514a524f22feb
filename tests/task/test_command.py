"""The command: several videos, one model, whole files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.files import read_json
from vcmflow.core.runs import Run, read_runs
from vcmflow.core.video import write_video
from vcmflow.task.registry import TASKS, ModelEntry

WEIGHTS = Path(__file__).parents[2] / "models" / "faster_rcnn_mini.safetensors"


@pytest.fixture
def videos(tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    paths = []
    for index, count in enumerate((3, 1)):
        path = tmp_path / f"{index}.mkv"
        write_video(path, rng.integers(0, 256, (count, 64, 96, 3)).astype(np.uint8), 10.0)
        paths.append(str(path))
    return paths


def command(*extra: str, weights: Path = WEIGHTS) -> list[str]:
    start = ["task", "--kind", "detection", "--model", "faster_rcnn_mini", "--device", "cpu"]
    return [*start, "--weights", str(weights), *extra]


def test_one_list_per_video_the_same_for_every_batch_size(
    videos: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for batch in ("1", "2"):
        outs = [str(tmp_path / f"{batch}-{index}.json") for index in range(2)]
        model = "{model: faster_rcnn_mini, score_threshold: 0.0, detections: 5}"
        run = command("--batch-size", batch, "--model", model, "--videos", *videos, "--out", *outs)
        assert stage(run) == 0
        texts.append([Path(out).read_bytes() for out in outs])
        assert {entry["image_id"] for entry in read_json(Path(outs[0]))} == {0, 1, 2}
        assert {entry["image_id"] for entry in read_json(Path(outs[1]))} == {0}
    assert texts[0] == texts[1]
    assert "video 2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--out", "a.json"), "--out has 1 entries for 2 videos"),
        (("--batch-size", "0", "--out", "a.json", "b.json"), "batch size 0"),
        (("--threads", "0", "--out", "a.json", "b.json"), "threads 0"),
        (
            ("--model", "{model: faster_rcnn_mini, colour: 1}", "--out", "a.json", "b.json"),
            "no option 'colour'",
        ),
        (("--runs-out", "a.json", "--sequence-ids", "x"), "--sequence-ids has 1 entries for 2"),
        (
            ("--runs-out", "a.json", "--sequence-ids", "x", "y", "--points", "1"),
            "--points has 1 entries",
        ),
        (("--runs-out", "a.json", "--sequence-ids", "x", "x"), "the run x is given twice"),
    ],
)
def test_bad_calls_end_in_one_line_and_write_nothing(
    videos: list[str],
    extra: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stage(command("--videos", *videos, *extra)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not list(tmp_path.glob("*.json"))


def test_many_runs_in_one_file(videos: list[str], tmp_path: Path) -> None:
    run = command("--videos", videos[1], videos[1], "--runs-out", str(tmp_path / "r.json"))
    assert stage([*run, "--sequence-ids", "a", "a", "--points", "22", "47"]) == 0
    runs = read_runs(tmp_path / "r.json")
    assert list(runs) == [Run("a", "22"), Run("a", "47")]
    assert runs[Run("a", "22")] == runs[Run("a", "47")]
    assert stage([*command("--videos", videos[1], "--out", str(tmp_path / "o.json"))]) == 0
    assert runs[Run("a", "22")] == read_json(tmp_path / "o.json")
    assert read_json(tmp_path / "r.json")["task"] == "detection"


class Reader:
    """A model that says what it was given."""

    def __init__(self, weights: Path | None, device: str) -> None:
        del weights, device

    def run(self, source: Any) -> list[dict[str, Any]]:
        return [{"list": isinstance(source, list), "shapes": [frame.shape for frame in source]}]


@pytest.mark.parametrize(("reads", "whole"), [("frames", False), ("clip", True)])
def test_a_model_gets_what_it_reads(
    reads: Any, whole: bool, videos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ModelEntry(f"{__name__}:Reader", reads=reads)
    monkeypatch.setitem(TASKS, "reading", {"reader": entry})
    words = ["task", "--kind", "reading", "--model", "reader", "--weights", str(WEIGHTS)]
    words += ["--videos", videos[0], "--out", str(tmp_path / "a.json")]
    assert stage(words) == 0
    expected = [{"list": whole, "shapes": [[64, 96, 3]] * 3}]
    assert read_json(tmp_path / "a.json") == expected


def test_a_broken_video_leaves_no_file(
    videos: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Path(videos[0])
    broken.write_bytes(broken.read_bytes()[:40])
    assert stage(command("--videos", str(broken), "--out", str(tmp_path / "a.json"))) == 2
    assert "0.mkv" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.json")) and not list(tmp_path.glob(".part*"))


def test_random_weights_are_never_taken_silently(
    videos: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["task", "--kind", "detection", "--model", "faster_rcnn_mini", "--device", "cpu"]
    assert stage([*start, "--videos", videos[1], "--out", str(tmp_path / "a.json")]) == 0
    assert "no weights were given: faster_rcnn_mini runs with fixed random" in (
        capsys.readouterr().err
    )
    assert stage(command("--videos", videos[1], "--out", str(tmp_path / "b.json"))) == 0
    assert "warning" not in capsys.readouterr().err
