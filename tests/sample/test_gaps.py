"""The metadata bytes and the decision file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vcmflow.core.decision import Decision, read_decision, write_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.gaps import (
    gaps_from_positions,
    positions_from_gaps,
    read_gaps,
    write_gaps,
)


@given(st.lists(st.integers(0, 255), max_size=50))
def test_gaps_and_positions_are_inverse(gaps):
    assert gaps_from_positions(positions_from_gaps(gaps)) == gaps
    assert positions_from_gaps(bytes(gaps)) == positions_from_gaps(gaps)


def test_the_file_holds_one_byte_per_gap(tmp_path):
    write_gaps(tmp_path / "a.gaps", [2, 0, 255])
    assert (tmp_path / "a.gaps").read_bytes() == b"\x02\x00\xff"
    assert read_gaps(tmp_path / "a.gaps") == [2, 0, 255]
    write_gaps(tmp_path / "one.gaps", [])
    assert positions_from_gaps(read_gaps(tmp_path / "one.gaps")) == [0]


def test_a_byte_holds_255_dropped_frames():
    assert gaps_from_positions([0, 256]) == [255]
    with pytest.raises(VcmflowError, match=r"drops 256 frames; allowed: 0\.\.255"):
        gaps_from_positions([0, 257])


@pytest.mark.parametrize("gaps", [[256], [-1]])
def test_what_a_byte_cannot_hold_is_refused(tmp_path, gaps):
    with pytest.raises(VcmflowError, match=r"0\.\.255"):
        write_gaps(tmp_path / "a.gaps", gaps)
    assert not (tmp_path / "a.gaps").exists()


@pytest.mark.parametrize("positions", [[], [1, 2], [0, 2, 2], [0, 300], [0, 5, 3]])
def test_positions_out_of_order_or_too_far_apart_are_refused(positions):
    with pytest.raises(VcmflowError):
        gaps_from_positions(positions)


def test_a_decision_survives_its_file(tmp_path):
    decision = Decision("seq", "ours-n4", "manifold", 10, 4, (0, 3, 7, 9), 10.0, {"arc": "chord"})
    write_decision(tmp_path / "d.json", decision)
    assert read_decision(tmp_path / "d.json") == decision
    content = json.loads((tmp_path / "d.json").read_text())
    assert content["m"] == 4
    assert content["gaps"] == [2, 3, 1]


@pytest.mark.parametrize(
    "change", [{"frames": [0, 9]}, {"gaps": [2, 3, 2]}, {"m": 5}, {"n": 11}, {"frames": "x"}]
)
def test_a_decision_that_contradicts_itself_is_refused(tmp_path, change):
    path = tmp_path / "d.json"
    write_decision(path, Decision("seq", "ours", "uniform", 10, 4, (0, 3, 7, 9), 10.0))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(VcmflowError, match=r"d\.json"):
        read_decision(path)
