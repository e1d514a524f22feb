"""``vcmflow stage trajectory`` on embeddings whose measures are known."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from vcmflow.__main__ import stage
from vcmrender.api import write_speed

N = 61


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    """Two sequences that move along lines, one at a known, changing speed."""
    random = np.random.default_rng(5)
    speeds = np.repeat(random.uniform(0.0, 1.0, 10), 6)
    lengths = np.concatenate([[0.0], np.cumsum(speeds)])
    write_speed(tmp_path / "speed.json", "one", "8_station_altona", lengths.tolist())
    for name, places in (("one", lengths), ("two", np.arange(30.0))):
        line = places[:, None] * np.array([[3.0, 4.0, 0.0]])
        np.save(tmp_path / f"{name}.npy", line.astype(np.float32))
    files = [str(tmp_path / f"{name}.npy") for name in ("one", "two")]
    return [
        *("trajectory", "--variant", "mine", "--embedding-name", "small", "--embedding", "grey"),
        *("--method", "mine", "--differs", "embedder grey", "--embeddings", *files),
        *("--names", "one", "two", "--speeds", str(tmp_path / "speed.json")),
        *("--speed-names", "one", "--keep-every", "3", "--out", str(tmp_path / "out.csv")),
    ]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_per_sequence(flags: list[str], tmp_path: Path) -> None:
    assert stage(flags) == 0
    one, two = rows(tmp_path)
    assert (one["variant"], one["embedding"], one["embedder"]) == ("mine", "small", "grey")
    assert (one["n"], one["m"], one["dimension"], one["parameters"]) == ("61", "21", "3", "0")
    assert float(two["step_to_own"]) == pytest.approx(3 / 31, abs=1e-6)
    # In both: a step on a line. The pairs of both sequences together are farther apart or nearer.
    assert float(two["step_to_random"]) != pytest.approx(3 / 31, abs=1e-3)
    assert float(two["turning"]) == pytest.approx(0, abs=1e-3)
    assert (two["neighbours"], two["flicker"], two["correlation"]) == ("1.000000", "", "")
    assert one["flicker"] == "0" and float(one["correlation"]) > 0.9
    before = (tmp_path / "out.csv").read_bytes()
    assert stage(flags) == 0
    assert (tmp_path / "out.csv").read_bytes() == before


def test_a_speed_longer_than_the_sequence_is_cut(flags: list[str], tmp_path: Path) -> None:
    path = tmp_path / "one.npy"
    np.save(path, np.load(path)[:40])
    assert stage(flags) == 0
    assert rows(tmp_path)[0]["n"] == "40"
    np.save(path, np.zeros((80, 3), np.float32))
    assert stage(flags) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--names", "one"], "--names has 1 entries for 2 embeddings"),
        (["--keep-every", "3", "4", "5"], "--keep-every has 3 entries"),
        (["--speed-names", "three"], "'three' is not among --names"),
        (["--speed-names", "one", "two"], "--speed-names has 2 entries for 1 files"),
        (["--sampler", "uniform"], "not built on an embedding"),
        (["--sampler", "best"], "unknown sampler 'best'"),
        (["--sampler", "{sampler: manifold, arc: bow}"], "arc is 'bow'; allowed: 'chord' or"),
        (["--embedding", "none"], "grey"),
    ],
)
def test_bad_input_is_one_line(
    flags: list[str],
    more: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert stage([*flags, *more]) == 2
    message = capsys.readouterr().err
    assert words in message and message.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_embeddings_of_several_kinds_are_refused(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "two.npy", np.zeros((30, 4), np.float32))
    assert stage(flags) == 2
    assert "lengths [3, 4]" in capsys.readouterr().err
    (tmp_path / "speed.json").write_text(json.dumps({"seconds": "x"}))
    assert stage(flags) == 2
