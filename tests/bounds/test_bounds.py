"""Trying choices of frames: the search, its file, the command, and the oracle that reads it."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.__main__ import stage
from vcmflow.bounds.search import try_choices
from vcmflow.core.choices import Choice, best, percentile, read_choices, write_choices
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import write_json
from vcmflow.core.sequence import Sequence, write_sequence
from vcmflow.core.video import write_video
from vcmflow.sample.decide import choose_frames

# --- search ---------------------------------------------------------------------------------------


def worth_of(positions):
    """Worth by how well the kept frames cover points on a line."""

    def evaluate(frames):
        kept = np.asarray([positions[frame] for frame in frames])
        missed = [float(np.min(np.abs(kept - place))) for place in positions]
        return -sum(missed), -max(missed)

    return evaluate


@settings(deadline=None)
@given(data=st.data())
def test_all_choices_are_tried_where_they_are_few(data):
    n = data.draw(st.integers(2, 9))
    m = data.draw(st.integers(2, n))
    found = list(try_choices(n, m, 1000, 0, worth_of(range(n)), {}))
    assert [one.frames for one in found] == [
        (0, *some, n - 1) for some in combinations(range(1, n - 1), m - 2)
    ]
    assert {one.found for one in found} == {"every"}


def test_of_many_choices_some_are_drawn_and_the_best_is_improved():
    positions = np.cumsum(np.random.default_rng(3).exponential(size=24))
    evaluate = worth_of(positions)
    found = list(try_choices(24, 8, 50, 1, evaluate, {"mine": (0, 1, 2, 3, 4, 5, 6, 23)}))
    drawn = [one for one in found if one.found == "drawn"]
    by_psnr, by_accuracy = (one for one in found if one.found == "exchanged")
    assert len({one.frames for one in drawn}) == len(drawn) == 50
    assert [one.frames for one in found if one.found == "mine"] == [(0, 1, 2, 3, 4, 5, 6, 23)]
    assert by_psnr.psnr > max(one.psnr for one in drawn)
    assert by_accuracy.accuracy >= max(one.accuracy for one in drawn)
    assert all((one.psnr, one.accuracy) == evaluate(one.frames) for one in found)
    # No single exchange betters what is called the best.
    for old in by_psnr.frames[1:-1]:
        for new in {*range(24)} - {*by_psnr.frames}:
            other = tuple(sorted({*by_psnr.frames, new} - {old}))
            assert evaluate(other)[0] <= by_psnr.psnr
    again = list(try_choices(24, 8, 50, 1, evaluate, {}))
    assert [one for one in again if one.found == "drawn"] == drawn


def test_a_choice_that_the_gaps_cannot_say_is_not_tried():
    found = list(try_choices(300, 3, 1000, 0, worth_of(range(300)), {}))
    assert len(found) < comb(298, 1)
    assert all(b - a <= 256 for one in found for a, b in pairwise(one.frames))


# --- the file, and what is made of it -------------------------------------------------------------

CHOICES = [
    Choice((0, 1, 4), 20.0, 0.5, "every"),
    Choice((0, 2, 4), 30.0, 0.5, "every"),
    Choice((0, 3, 4), 25.0, 0.2, "every"),
    Choice((0, 2, 4), 30.0, 0.5, "uniform"),
]


def test_what_is_written_is_read(tmp_path):
    given = [*CHOICES, Choice((0, 4), math.nan, math.nan, "x")]
    write_choices(tmp_path / "c.csv", given)
    assert repr(read_choices(tmp_path / "c.csv")) == repr(given)


@pytest.mark.parametrize("frames", ["", "1 4", "0 2 2", "0 x"])
def test_what_is_no_choice_is_refused(tmp_path, frames):
    (tmp_path / "c.csv").write_text(f"frames,psnr,accuracy,found\n{frames},1,1,every\n")
    with pytest.raises(VcmflowError, match=r"c\.csv: .* is no choice of frames"):
        read_choices(tmp_path / "c.csv")


def test_percentiles_count_equal_choices_half():
    assert percentile(CHOICES, 30.0, "psnr") == pytest.approx(100 * 2.5 / 3)
    assert percentile(CHOICES, 0.5, "accuracy") == pytest.approx(100 * 2 / 3)
    assert percentile(CHOICES, 10.0, "psnr") == 0
    assert math.isnan(percentile(CHOICES, math.nan, "psnr"))


def test_the_oracle_takes_the_best_choice_of_as_many_frames():
    needs = {"choices": [*CHOICES, Choice((0, 1, 2, 4), 99.0, 0.9, "every")]}
    assert choose_frames("oracle", 5, 3, needs, {"by": "psnr"}) == [0, 2, 4]
    assert choose_frames("oracle", 5, 3, needs, {"by": "accuracy"}) == [0, 1, 4]
    undefined = [Choice(one.frames, one.psnr, math.nan, one.found) for one in CHOICES]
    assert best(undefined, "accuracy").frames == (0, 2, 4)
    with pytest.raises(VcmflowError, match="none of the 5 choices keeps 2 of 5"):
        choose_frames("oracle", 5, 2, needs)


# --- the command ----------------------------------------------------------------------------------


def textures(count):
    random = np.random.default_rng(2)
    return [random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


@pytest.fixture
def sequence(tmp_path):
    """Six frames, all but the last of them equal, with a box of ground truth each."""
    frames = textures(6)
    frames[1:5] = [frames[0]] * 4
    write_video(tmp_path / "frames.mkv", frames, 10)
    write_sequence(
        tmp_path / "sequence.json", Sequence("yard", "data", "yard", "boxes", 6, 10.0, 64, 48)
    )
    box = {"category_id": 1, "bbox": [4, 4, 20, 30], "area": 600, "iscrowd": 0}
    write_json(
        tmp_path / "truth.json",
        {
            "images": [{"id": frame} for frame in range(6)],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": [{"id": k + 1, "image_id": k, **box} for k in range(6)],
        },
    )
    decision = Decision("yard", "uniform", "uniform", 6, 3, (0, 2, 5), 10.0)
    write_decision(tmp_path / "uniform.json", decision)
    return tmp_path


def words(folder, *more):
    files = [f"--{key}={folder / name}" for key, name in (
        ("sequence", "sequence.json"), ("frames", "frames.mkv"), ("truth", "truth.json"),
        ("decisions", "uniform.json"), ("out", "choices.csv"),
    )]  # fmt: skip
    model = ["--kind", "detection", "--model", "faster_rcnn_mini"]
    return ["bounds", *files, *model, "--reconstructor", "hold", "--keep-every", "3", *more]


def test_the_command_tries_every_choice_and_places_the_samplers(sequence):
    assert stage(words(sequence)) == 0
    found = read_choices(sequence / "choices.csv")
    assert [one.frames for one in found if one.found == "every"] == [(0, k, 5) for k in range(1, 5)]
    worth = {one.frames: one for one in found if one.found == "every"}
    (placed,) = (one for one in found if one.found == "uniform")
    assert (placed.psnr, placed.accuracy) == (worth[0, 2, 5].psnr, worth[0, 2, 5].accuracy)
    # Frames 1 to 4 are frame 0 again: keeping frame 4 loses nothing, dropping it for frame 1 does.
    assert worth[0, 4, 5].psnr == max(one.psnr for one in found) > 90
    assert worth[0, 4, 5].psnr > worth[0, 1, 5].psnr + 20


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--keep-every", "0"], "keep every 0 frames: must be 1 or more"),
        (["--reconstructor", "magic"], "unknown reconstructor 'magic'"),
        (["--model", "magic"], "unknown model 'magic'"),
    ],
)
def test_bad_choices_are_one_line(sequence, capsys, more, message):
    assert stage(words(sequence, *more)) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert len(errors) == 1
    assert message in errors[0]


def test_another_video_is_refused(sequence, capsys):
    write_video(sequence / "frames.mkv", textures(5), 10)
    assert stage(words(sequence)) == 2
    assert "5 frames; " in capsys.readouterr().err
