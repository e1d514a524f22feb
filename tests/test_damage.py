"""A file between stages that changed after it was written is named by its reader."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vcmflow.core.arrays import read_embedding
from vcmflow.core.decision import Decision, read_decision, write_decision
from vcmflow.core.encoding import CodedPoint, Encoding, Shape, read_encoding, write_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import read_features, write_features
from vcmflow.core.files import intact, record, whole_file, write_json
from vcmflow.core.gaps import read_gaps, write_gaps
from vcmflow.core.pictures import read_picture
from vcmflow.core.rows import read_csv, write_csv
from vcmflow.core.runs import Run, read_runs, write_runs
from vcmflow.core.scores import COLUMNS, read_scores, write_scores
from vcmflow.core.sequence import Sequence, read_sequence, write_sequence
from vcmflow.core.tracks import Track, read_tracks, write_tracks
from vcmflow.core.truth import read_truth
from vcmflow.core.video import read_frames, read_video, write_video
from vcmflow.nets.checkpoint import read_state
from vcmflow.nets.weights import read_weights, write_weights
from vcmflow.score.sequence import SequenceScore, read_score, write_score
from vcmrender.__main__ import main as render

FRAMES = [np.random.default_rng(k).integers(0, 255, (24, 32, 3), np.uint8) for k in range(4)]
SEQUENCE = Sequence("s", "d", "scene", "boxes", 4, 10.0, 32, 24)
SCORE = dict.fromkeys(COLUMNS, "") | {"dataset": "d", "scene": "all", "method": "uniform"}


def embedding(path: Path) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.arange(12, dtype=np.float32).reshape(4, 3))


def truth(path: Path) -> None:
    box = {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4], "id": 1}
    write_json(
        path,
        {
            "images": [{"id": k} for k in range(4)],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": [box],
        },
    )


def encoding(path: Path) -> None:
    points = {"22": CodedPoint([], ["-qp", "22"], 0.5)}
    write_encoding(path, Encoding({"codec": "vvenc"}, Shape(32, 24, 4, 10.0), {}, points))


TRACK = Track(1, (1.0, 2.0, 3.0, 4.0), 0.5, 1)
FOUND: list[dict[str, Any]] = [{"image_id": 0, "bbox": [1, 2, 3, 4], "score": 0.5}]
# Name of a file between stages -> its writer and its readers.
FILES: dict[str, tuple[Callable[[Path], Any], list[Callable[[Path], Any]]]] = {
    "frames.mkv": (
        lambda path: write_video(path, FRAMES, 10),
        [lambda path: list(read_video(path)), lambda path: list(read_frames(path, [0, 3], 4))],
    ),
    "truth.json": (truth, [read_truth]),
    "sequence.json": (lambda path: write_sequence(path, SEQUENCE), [read_sequence]),
    "learned.npy": (embedding, [read_embedding]),
    "tracks.json": (lambda path: write_tracks(path, [[TRACK]]), [read_tracks]),
    "uniform.json": (
        lambda path: write_decision(path, Decision("s", "uniform", "uniform", 4, 2, (0, 3), 10.0)),
        [read_decision],
    ),
    "uniform.gaps": (lambda path: write_gaps(path, [2, 1, 0]), [read_gaps]),
    "encode.json": (encoding, [read_encoding]),
    "22.npz": (
        lambda path: write_features(path, [{"a": np.ones(3)}]),
        [lambda path: list(read_features(path))],
    ),
    "000.json": (
        lambda path: write_runs(path, "detection", "m", [(Run("s", "22"), FOUND)]),
        [read_runs],
    ),
    "fidelity.csv": (
        lambda path: write_csv(path, ["a", "b"], [{"a": "1", "b": "2"}]),
        [lambda path: read_csv(path, ["a"])],
    ),
    "s.json": (lambda path: write_score(path, SequenceScore(SEQUENCE, {}, {}, {})), [read_score]),
    "scores.csv": (
        lambda path: write_scores(path, [SCORE | {"metric": "map", "value": "0.5"}]),
        [lambda path: read_scores([path])],
    ),
    "weights.safetensors": (
        lambda path: write_weights(path, {"a": torch.ones(9)}, {"model": "m"}),
        [read_weights, read_state],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_or_a_lost_end_is_named(tmp_path: Path, name: str) -> None:
    write, readers = FILES[name]
    path = tmp_path / name
    write(path)
    content = path.read_bytes()
    chance = random.Random(name)
    for _ in range(20):
        damaged = bytearray(content)
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        for read in readers:
            with pytest.raises(VcmflowError, match=f"{name}: damaged, or changed") as error:
                read(path)
            assert "\n" not in str(error.value)
    path.write_bytes(content)
    for read in readers:
        read(path)


def test_a_rendered_picture_is_named_too(tmp_path: Path) -> None:
    flags = ["--kind", "segmentation", "--split", "test", "--seed", "1", "--width", "64"]
    flags += ["--height", "64", "--sequences", "yard-crew", "--frames", "1"]
    assert render([*flags, "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("JPEGImages/*/*/[!.]*")
    read_picture(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(VcmflowError, match="damaged, or changed"):
        read_picture(path)


def test_frames_whose_record_is_gone_are_told_by_their_crc(tmp_path: Path) -> None:
    path = tmp_path / "frames.mkv"
    write_video(path, FRAMES, 10)
    record(path).unlink()
    content = path.read_bytes()
    for place in range(1000, len(content) - 300, 997):
        damaged = bytearray(content)
        damaged[place] ^= 16
        path.write_bytes(damaged)
        with pytest.raises(VcmflowError, match="damage"):
            list(read_video(path))


def test_files_of_others_need_no_record(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 250}.csv"
    path.write_text("a\n1\n", "utf-8")
    assert read_csv(path, ["a"]) == [{"a": "1"}]
    with whole_file(tmp_path / "page.md", recorded=False) as temporary:
        temporary.write_text("text", "utf-8")
    assert not record(tmp_path / "page.md").exists()


def test_a_file_that_is_written_again_has_a_new_record(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for value in (1, 2):
        write_json(path, value)
        assert intact(path) == path
