"""``python -m vcmflow sample`` end to end, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from vcmflow.__main__ import main
from vcmflow.core.decision import read_decision
from vcmflow.core.gaps import positions_from_gaps, read_gaps
from vcmflow.core.tracks import Track, write_tracks


@pytest.fixture
def batch(tmp_path):
    """Two sequences with embeddings and tracks."""
    random = np.random.default_rng(4)
    for number, n in enumerate((10, 25)):
        (tmp_path / f"{number}.json").write_text(
            json.dumps({"id": f"seq{number}", "frames": n, "fps": 10, "width": 4, "height": 4})
        )
        embedding = np.cumsum(random.normal(size=(n, 8)), axis=0).astype(np.float32)
        np.save(tmp_path / f"{number}.npy", embedding)
        xs = np.cumsum(random.random(n) * 4)
        write_tracks(
            tmp_path / f"{number}.tracks.json",
            [[Track(1, (float(x), 0.0, 30.0, 30.0), 0.9, 3)] for x in xs],
            detector="none",
        )
    return tmp_path


def arguments(folder, method, *more, count=2):
    def files(suffix):
        return [str(folder / f"{number}{suffix}") for number in range(count)]

    return [
        "sample", "--method", method, "--sampler-name", "it", "--sequences", *files(".json"),
        "--embeddings", *files(".npy"), "--tracks", *files(".tracks.json"),
        "--decisions-out", *files(".out.json"), "--gaps-out", *files(".gaps"), *more,
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["uniform", "tracking", "manifold", "all"])
def test_decision_and_gaps_agree(batch, method):
    assert main([*arguments(batch, method), "--keep-every", "3"]) == 0
    for number, n in enumerate((10, 25)):
        decision = read_decision(batch / f"{number}.out.json")
        assert decision.m == (n if method == "all" else n // 3 + 1)
        gaps = read_gaps(batch / f"{number}.gaps")
        assert positions_from_gaps(gaps) == list(decision.frames)


def test_options_reach_the_method(batch):
    more = ["--count", "4", "--option", "arc=spline", "--option", "count=literal"]
    assert main([*arguments(batch, "manifold"), *more]) == 0
    assert read_decision(batch / "0.out.json").options == {"arc": "spline", "count": "literal"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--count", "11"], "sequence seq0: m is 11: of 10 frames, 2..10 can be kept"),
        (["--count", "1"], "m is 1"),
        (["--keep-every", "0"], "1 or more"),
        (["--count", "4", "--option", "arc=cord"], "chord, spline"),
        (["--count", "4", "--option", "arcs=chord"], "arc, count"),
        (["--count", "4", "--method", "manyfold"], "manifold"),
        (["--count", "4", "--embeddings", "no.npy"], "1 files for 2 sequences"),
        (["--count", "4", "--embeddings", "no.npy", "no.npy"], "no.npy: no such file"),
        (["--count", "4", "--sampler-name", "It!"], "a-z"),
    ],
)
def test_bad_input_is_one_clear_line(batch, capsys, more, words):
    assert main([*arguments(batch, "manifold"), *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (batch / "0.out.json").exists()


@pytest.mark.parametrize(
    "content", ["[]", '{"id": "a"}', '{"id": "a", "frames": 0, "fps": 1}', "no json"]
)
def test_a_bad_sequence_file_is_named(batch, capsys, content):
    (batch / "1.json").write_text(content)
    assert main([*arguments(batch, "uniform"), "--count", "4"]) == 2
    assert "1.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "frames",
    [
        None,
        [1],
        [[{"id": 1}]],
        [[{"id": 1, "bbox": [0, 0, 0, 5], "score": 1, "category_id": 1}]],
        [[{"id": 1, "bbox": [0, float("nan"), 2, 5], "score": 1, "category_id": 1}]],
        [[{"id": "a", "bbox": [0, 0, 2, 5], "score": 1, "category_id": 1}]],
    ],
)
def test_a_bad_track_file_is_named(batch, capsys, frames):
    (batch / "0.tracks.json").write_text(json.dumps({"frames": frames}))
    assert main([*arguments(batch, "tracking"), "--count", "4"]) == 2
    assert "0.tracks.json" in capsys.readouterr().err


def test_an_array_that_is_no_embedding_is_named(batch, capsys):
    (batch / "1.npy").write_bytes(b"not numpy")
    assert main([*arguments(batch, "manifold"), "--count", "4"]) == 2
    assert "1.npy" in capsys.readouterr().err


def test_sampling_needs_no_torch_and_planning_no_numpy():
    code = (
        "import sys, vcmflow.sample.registry, vcmflow.core.gaps, vcmflow.core.decision;"
        "assert 'numpy' not in sys.modules;"
        "import vcmflow.sample.command, vcmflow.sample.manifold, vcmflow.sample.tracking;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
