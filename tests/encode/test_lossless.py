"""The codec without loss: the ceiling of every sampler."""

from __future__ import annotations

import numpy as np
import pytest
from test_codecs import encode, reconstruct, write_sequence

from vcmflow.__main__ import stage as main
from vcmflow.core.encoding import read_encoding
from vcmflow.core.files import record
from vcmflow.core.video import read_video

CODEC = {"codec": "lossless"}


def test_the_kept_frames_come_back_as_they_were(moving_frames, tmp_path):
    kept = [0, 3, 4]
    folder = write_sequence(tmp_path, frames := moving_frames(5, 51, 33), kept)
    assert encode(folder, CODEC, [0]) == 0
    assert main(reconstruct(folder, "0")) == 0
    decoded = list(read_video(folder / "out" / "0.mkv"))
    assert all(np.array_equal(decoded[number], frames[number]) for number in kept)
    (stream,) = read_encoding(folder / "sent" / "encode.json").points["0"].streams
    assert stream.bytes == (folder / "sent" / "0.mkv").stat().st_size
    again = (folder / "sent" / "0.mkv").read_bytes()
    assert encode(folder, CODEC, [0]) == 0
    assert (folder / "sent" / "0.mkv").read_bytes() == again


@pytest.mark.parametrize("kept", [[0, 4], [0, 1, 2, 4]])
def test_another_number_of_frames_is_refused(moving_frames, tmp_path, capsys, kept):
    folder = write_sequence(tmp_path, moving_frames(5, 48, 32), [0, 2, 4])
    assert encode(folder, CODEC, [0]) == 0
    report = folder / "sent" / "encode.json"
    report.write_text(report.read_text().replace('"frames": 3', f'"frames": {len(kept)}'))
    record(report).unlink()
    write_sequence(tmp_path, moving_frames(5, 48, 32), kept)
    assert main(reconstruct(folder, "0")) == 2
    assert "0.mkv: " in capsys.readouterr().err
