"""``vcmflow stage sample`` end to end, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmflow.core.choices import Choice, write_choices
from vcmflow.core.decision import read_decision
from vcmflow.core.gaps import positions_from_gaps, read_gaps
from vcmflow.core.sequence import Sequence, write_sequence
from vcmflow.core.tracks import Track, write_tracks
from vcmflow.sample.registry import SAMPLERS


@pytest.fixture
def sequence(tmp_path):
    """A sequence with an embedding and tracks."""
    random = np.random.default_rng(4)
    write_sequence(
        tmp_path / "sequence.json", Sequence("seq0", "data", "scene", "none", 10, 10.0, 4, 4)
    )
    embedding = np.cumsum(random.normal(size=(10, 8)), axis=0).astype(np.float32)
    np.save(tmp_path / "embedding.npy", embedding)
    write_choices(tmp_path / "choices.csv", [Choice((0, 2, 5, 9), 30.0, 0.5, "every")])
    xs = np.cumsum(random.random(10) * 4)
    write_tracks(
        tmp_path / "tracks.json",
        [[Track(1, (float(x), 0.0, 30.0, 30.0), 0.9, 3)] for x in xs],
        detector="none",
    )
    return tmp_path


FILES = {
    "choices": "choices=choices.csv",
    "embedding": "embedding=embedding.npy",
    "tracks": "tracks=tracks.json",
}
NEEDS = {name: FILES[need] for name, entry in SAMPLERS.items() for need in entry.needs}


def arguments(folder, sampler, *more, need=None):
    name = sampler.strip("{}").partition(",")[0].rpartition(" ")[2]
    need = NEEDS.get(name) if need is None else need
    key, _, file = (need or "").partition("=")
    needs = ["--need", f"{key}={folder / file}"] if need else []
    return [
        *("sample", "--sampler", sampler, "--name", "it"),
        *("--sequence", str(folder / "sequence.json"), *needs),
        *("--decision-out", str(folder / "out.json"), "--gaps-out", str(folder / "out.gaps")),
        *more,
    ]


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_decision_and_gaps_agree(sequence, sampler):
    assert stage([*arguments(sequence, sampler), "--keep-every", "3"]) == 0
    decision = read_decision(sequence / "out.json")
    assert (decision.sequence, decision.sampler, decision.method) == ("seq0", "it", sampler)
    assert decision.m == (10 if sampler == "all" else 10 // 3 + 1)
    assert positions_from_gaps(read_gaps(sequence / "out.gaps")) == list(decision.frames)


def test_options_reach_the_sampler(sequence):
    spline = "{sampler: manifold, arc: spline, count: literal}"
    assert stage([*arguments(sequence, spline), "--count", "4"]) == 0
    assert read_decision(sequence / "out.json").options == {"arc": "spline", "count": "literal"}


@pytest.mark.parametrize(
    ("sampler", "more", "need", "words"),
    [
        ("manifold", ["--count", "11"], None, "sequence seq0: m is 11: of 10 frames, 2..10 can"),
        ("manifold", ["--count", "1"], None, "m is 1"),
        ("manifold", ["--keep-every", "0"], None, "1 or more"),
        ("{sampler: manifold, arc: cord}", ["--count", "4"], None, "'chord' or 'spline'"),
        ("{sampler: manifold, arcs: chord}", ["--count", "4"], None, "arc, count"),
        ("{arc: chord}", ["--count", "4"], "embedding=embedding.npy", "wanted: a name"),
        ("manyfold", ["--count", "4"], "embedding=embedding.npy", "did you mean 'manifold'"),
        ("manifold", ["--count", "4"], "", "sampler 'manifold' needs --need embedding=FILE"),
        ("manifold", ["--count", "4"], "embedding=no.npy", "no.npy: no such file"),
        ("manifold", ["--count", "4", "--need", "tracks=x"], None, "needs no tracks"),
        ("manifold", ["--count", "4", "--need", "tracks"], None, "wanted: need=file"),
        ("manifold", ["--count", "4", "--name", "It!"], None, "a-z"),
    ],
)
def test_bad_input_is_one_clear_line(sequence, capsys, sampler, more, need, words):
    assert stage([*arguments(sequence, sampler, need=need), *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (sequence / "out.json").exists()


@pytest.mark.parametrize(
    "content", ["[]", '{"id": "a"}', '{"id": "a", "frames": 0, "fps": 1}', "no json"]
)
def test_a_bad_sequence_file_is_named(sequence, capsys, content):
    (sequence / "sequence.json").write_text(content)
    assert stage([*arguments(sequence, "uniform"), "--count", "4"]) == 2
    assert "sequence.json" in capsys.readouterr().err


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
def test_a_bad_track_file_is_named(sequence, capsys, frames):
    (sequence / "tracks.json").write_text(json.dumps({"frames": frames}))
    assert stage([*arguments(sequence, "tracking"), "--count", "4"]) == 2
    assert "tracks.json" in capsys.readouterr().err


def test_an_array_that_is_no_embedding_is_named(sequence, capsys):
    (sequence / "embedding.npy").write_bytes(b"not numpy")
    assert stage([*arguments(sequence, "manifold"), "--count", "4"]) == 2
    assert "embedding.npy" in capsys.readouterr().err
