"""The one command line: help, one-line errors, and only what is needed is loaded."""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vcmflow import __version__
from vcmflow.__main__ import STAGES, main

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
