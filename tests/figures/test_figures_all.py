"""What holds for every registered figure, drawn through the command from files."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from figures_measure import legend_labels, outside, overlapping, texts
from matplotlib.figure import Figure
from PIL import Image

from vcmflow.__main__ import stage
from vcmflow.core.registry import lookup
from vcmflow.figures import command, style
from vcmflow.figures.registry import FIGURES

Flags = Callable[[str], list[str]]
NOTE = "synthetic mini data"
# Every axis tells its quantity, and its unit where it has one.
UNITS = {
    "fig4": ["rate (kbit/s), random access", "mAP (IoU 0.50:0.95)"],
    "fig5": ["rate (kbit/s), all-intra", "mAP (IoU 0.50:0.95)"],
    "fig6": ["kbit/s", "QP 37", "frame 5, interpolated from 3 and 6"],
    "fig7": ["kbit/s", "QP 37", "frame 5, interpolated from 1 and 8"],
    "fig8": ["frame of the sequence", "(a) random initialisation", "(b) this training"],
    "timeline": ["frame", "embedding speed"],
    "rate_scores": ["rate (kbit/s)", "PSNR (dB)", "SSIM", "Jaccard", "F1", "mAP", "AP50"],
    "accuracy_m": ["m/n", "mAP", "rate (kbit/s)"],
    "rd": ["rate (kbit/s)", "PSNR (dB)", "SSIM"],
    "frontier": ["rate (kbit/s), random access, all scenes", "mAP", "m/n = 0.40", "convex hull"],
    "compare": ["rate (kbit/s), all scenes", "mAP", "railway: detection", "railway: second"],
    "importance": ["kbit/s", "importance of blocks", "coded QP", "bright = finer; 31 to 43"],
    "features": [
        "bits per pixel",
        "before coding",
        "λ 16, error",
        "channel 5",
        "context",
        "motion",
    ],
    "time": ["time (min)"],
    "training": ["step", "loss", "cosine similarity", "learning rate"],
}
SAMPLERS = {
    "fig4": ["uniform", "tracking", "manifold", "all frames kept", "uncompressed"],
    "fig5": ["uniform", "tracking", "manifold", "all frames kept", "uncompressed"],
    "rate_scores": ["tracking", "manifold", "all frames kept", "uncompressed"],
    "accuracy_m": ["uniform", "manifold", "all frames kept", "uncompressed"],
    "rd": ["uniform", "tracking", "manifold", "all frames kept"],
    "frontier": ["uniform", "tracking", "manifold", "all frames kept"],
    "compare": [
        *("uniform", "manifold", "all frames kept", "uncompressed"),
        *("random access", "hevc", "av1", "avc", "flow", "hold"),
    ],
}


def parse(figure: str, flags: Flags) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    given = ["--figure", figure, *map(str, flags(figure)), "--note", NOTE, "--out", "x.png"]
    return parser.parse_args(given)


def build(figure: str, flags: Flags) -> Figure:
    inputs = command.read_inputs(parse(figure, flags))
    built: Figure = lookup(FIGURES, figure, "figure")(inputs)
    return built


def test_every_figure_is_tested_here() -> None:
    assert set(UNITS) == set(FIGURES)


@pytest.fixture(scope="module")
def drawn(flags: Flags) -> Callable[[str], Figure]:
    return cache(lambda figure: build(figure, flags))


@pytest.mark.parametrize("figure", FIGURES)
def test_drawn_twice_the_files_are_whole_and_equal(
    figure: str, flags: Flags, drawn: Callable[[str], Figure], tmp_path: Path
) -> None:
    before = dict(matplotlib.rcParams)
    png, pdf, again = (tmp_path / name for name in ("x.png", "x.pdf", "again.pdf"))
    given = ["figures", "--figure", figure, *map(str, flags(figure)), "--note", NOTE]
    assert stage([*given, "--out", str(png), str(pdf)]) == 0
    style.save(drawn(figure), [again])
    assert pdf.read_bytes() == again.read_bytes()
    picture = np.asarray(Image.open(png).convert("L"))
    assert picture.shape[1] >= style.COLUMN * style.DPI
    assert np.mean(picture < 128) > 0.003  # something is drawn
    assert pdf.read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in pdf.read_bytes()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("figure", FIGURES)
def test_texts_are_there_do_not_overlap_and_stay_on_the_page(
    figure: str, drawn: Callable[[str], Figure]
) -> None:
    found = texts(drawn(figure))
    assert overlapping(found) == []
    assert outside(drawn(figure), found) == []
    words = [text for text, _ in found]
    assert NOTE in words
    for wanted in UNITS[figure]:
        assert any(wanted in text for text in words), wanted


def test_overlapping_texts_and_texts_off_the_page_would_be_seen() -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.51, "other")
    figure.text(0.98, 0.1, "far out")
    found = texts(figure)
    assert overlapping(found) == [("one", "other")]
    assert outside(figure, found) == ["far out"]


@pytest.mark.parametrize("figure", SAMPLERS)
def test_all_samplers_are_in_the_legend(figure: str, drawn: Callable[[str], Figure]) -> None:
    wanted = SAMPLERS[figure]
    assert legend_labels(drawn(figure))[: len(wanted)] == wanted


def test_other_process_same_bytes_no_torch_no_pyplot(flags: Flags, tmp_path: Path) -> None:
    given = ["figures", "--figure", "fig4", *map(str, flags("fig4")), "--out"]
    assert stage([*given, str(tmp_path / "here.pdf"), str(tmp_path / "here.png")]) == 0
    program = (
        "import sys; from vcmflow.__main__ import stage; status = stage(sys.argv[1:]);"
        "bad = {'torch', 'matplotlib.pyplot', 'sklearn'} & set(sys.modules);"
        "sys.exit(status or (str(bad) if bad else 0))"
    )
    there = [str(tmp_path / "there.pdf"), str(tmp_path / "there.png")]
    environment = os.environ | {"PYTHONHASHSEED": "7", "MPLCONFIGDIR": str(tmp_path)}
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9\naxes.facecolor: red\n")
    subprocess.run([sys.executable, "-c", program, *given, *there], check=True, env=environment)
    for suffix in ("pdf", "png"):
        here, other = tmp_path / f"here.{suffix}", tmp_path / f"there.{suffix}"
        assert here.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--figure", "fig9", "--out", "x.png"], "unknown figure 'fig9'; allowed: accuracy_m"),
        (["--figure", "fig4", "--out", "x.png"], "figure fig4 needs --scores"),
        (["--figure", "fig4", "--scores", "no.csv", "--out", "x.png"], "no.csv: no such file"),
        (["--figure", "fig4", "--scores", "no.csv", "--out", "x.gif"], ".pdf, .png, .svg"),
        (
            ["--figure", "time", "--benchmarks", "a", "b", "--names", "c", "--out", "x.png"],
            "--names",
        ),
        (["--figure", "fig8", "--option", "speed=3", "--out", "x.png"], "needs --embeddings"),
        (
            [
                *("--figure", "fig8", "--embeddings", "a", "b", "c", "--names", "x"),
                *("--labels", "l", "m", "--out", "x.png"),
            ],
            "--embeddings has 3 files; wanted: one of 1 --names for each of 2 --labels, 2 in all",
        ),
        (
            ["--figure", "rd", "--scores", "a", "--option", "a=3", "--out", "x.png"],
            "no option 'a'",
        ),
    ],
)
def test_bad_input_is_one_clear_line(
    given: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert stage(["figures", *given]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
