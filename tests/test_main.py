"""The one command line: help, one-line errors, and only what is needed is loaded."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

import pytest

from vcmflow import __version__
from vcmflow.__main__ import COMMANDS, main


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for command, (_, line) in COMMANDS.items():
        assert command in text
        assert line in text


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["--version"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out == f"vcmflow {__version__}\n"


def test_an_unknown_command_lists_what_there_is(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["encodde"])
    assert exit_info.value.code == 2
    assert "invalid choice: 'encodde'" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_describes_its_flags(command):
    module = importlib.import_module(COMMANDS[command][0])
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    assert callable(module.run)
    assert parser.format_help()


def test_errors_are_one_line_and_status_2(tmp_path):
    """As a user sees it: no traceback, standard output empty."""
    missing = tmp_path / "decision.json"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "vcmflow", "encode", "--frames", "f.mkv"),
            *("--decision", str(missing), "--points", "30", "--out", "."),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == f"vcmflow encode: error: {missing}: no such file\n"


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
