"""The wheel, unpacked somewhere else: the tool needs nothing of the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the wheel, of a copy of the checkout, in an empty folder."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *("git", "-C", str(ROOT), "checkout-index", "--all", f"--prefix={folder}/copy/"),
        ],
        check=True,
    )
    build = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    subprocess.run(
        [sys.executable, "-c", build], cwd=folder / "copy", check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_tool_works_without_the_checkout(unpacked, make_video, tmp_path):
    program = (
        "import sys; sys.modules['torch'] = None\n"  # as in the light environment
        "from vcmflow.__main__ import main, __file__ as here\n"
        f"assert here.startswith({str(unpacked)!r}), here\n"
        "for line in sys.argv[1:]:\n"
        "    assert main(line.split()) == 0\n"
    )
    video = make_video(6)
    said = subprocess.run(
        [
            *(sys.executable, "-P", "-c", program),
            f"compress {video} a.vcm --method uniform_x264 --keep 1/2",
            "restore a.vcm b.mp4",
            "info a.vcm",
            f"evaluate {video} a.vcm",
        ],
        env={"PYTHONPATH": str(unpacked), "PATH": ""},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "6 of 6 frames written" in said
    assert "3 of 6 kept" in said
    assert "PSNR" in said
