"""The one command line: help, one-line errors, and only what is needed is loaded."""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vcmflow import __version__
from vcmflow.__main__ import STAGES, main, stage
from vcmflow.core.sequence import Sequence, write_sequence
from vcmflow.core.video import write_video

RULES = Path(__file__).parents[1] / "workflow" / "rules"


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_without_a_command_there_is_help_that_fits_a_screen(words, capsys):
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_the_stages_are_listed(words, capsys):
    assert main(["stage", *words]) == 0
    text = capsys.readouterr().out
    for name, (_, line) in STAGES.items():
        assert name in text
        assert line in text


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"vcmflow {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["encodde"], "unknown command 'encodde'; see vcmflow --help"),
        (["encode"], "unknown command 'encode'; it is a stage: vcmflow stage encode"),
        (["stage", "encodde"], "unknown stage 'encodde'; allowed: import, "),
    ],
)
def test_an_unknown_command_says_what_to_do(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(STAGES))
def test_every_stage_describes_its_flags(name):
    module = importlib.import_module(STAGES[name][0])
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    assert callable(module.run)
    assert parser.format_help()


@pytest.mark.parametrize("rules", sorted(RULES.glob("*.smk")), ids=lambda path: path.name)
def test_rules_call_stages_that_exist(rules):
    for words in re.findall(r"-m vcmflow (\S+ \S+)", rules.read_text("utf-8")):
        call, name = words.split()
        assert call == "stage"
        assert name in STAGES


def test_errors_are_one_line_and_status_2(tmp_path):
    """As a user sees it: no traceback, standard output empty."""
    missing = tmp_path / "decision.json"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "vcmflow", "stage", "encode", "--frames", "f.mkv"),
            *("--decision", str(missing), "--points", "30", "--out", "."),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == f"vcmflow stage encode: error: {missing}: no such file\n"


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        # What planning comes through.
        (
            ["core.gaps", "core.decision", "sample.registry", "vcmrender.api"],
            {"numpy", "cv2", "av", "torch"},
        ),
        (
            ["encode.command", "reconstruct.command", "fidelity.command"],
            {"torch", "pandas", "skimage", "matplotlib", "scipy"},
        ),
        (["sample.command", "sample.manifold", "sample.tracking", "track.deepsort"], {"torch"}),
    ],
)
def test_what_is_light_loads_nothing_heavy(modules, heavy):
    names = [name if name.startswith("vcmrender") else f"vcmflow.{name}" for name in modules]
    program = f"import sys, {', '.join(names)}; print({heavy!r} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_a_stage_follows_another_one_in_the_same_process(tmp_path, capsys):
    frames = np.random.default_rng(0).integers(0, 256, (4, 16, 24, 3), np.uint8)
    write_video(tmp_path / "frames.mkv", frames, 10)
    yard = Sequence("yard", "own", "yard", "none", 4, 10.0, 24, 16)
    write_sequence(tmp_path / "sequence.json", yard)
    choose = [
        *("sample", "--sampler", "uniform", "--keep-every", "2"),
        *("--sequence", f"{tmp_path}/sequence.json", "--decision-out", f"{tmp_path}/d.json"),
        *("--gaps-out", f"{tmp_path}/d.gaps"),
    ]
    compare = [
        *("fidelity", "--original", f"{tmp_path}/frames.mkv", "--recons", f"{tmp_path}/frames.mkv"),
        *("--decision", f"{tmp_path}/d.json", "--points", "0", "--out", f"{tmp_path}/f.csv"),
    ]
    missing = [f"{tmp_path}/none.json" if word.endswith("ce.json") else word for word in choose]
    assert stage([*missing, "--then", *compare]) == 2
    assert "vcmflow stage sample: error" in capsys.readouterr().err
    assert stage([*choose, "--then", *compare]) == 0
    assert len((tmp_path / "f.csv").read_text("utf-8").splitlines()) == 1 + 4
