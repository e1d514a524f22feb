"""A command ends in one line whatever goes wrong around it, and takes with it what it started."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from vcmflow.core.errors import VcmflowError
from vcmflow.core.guard import PARENT, guarded


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (VcmflowError("no"), "no"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/b.mkv"), "a/b.mkv: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "a: Permission denied"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a"), "a: Is a directory"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "pip install 'vcmflow[lea"),
        (ImportError("libGL.so.1: no\nsuch file", name="cv2"), "cv2 cannot be loaded: libGL"),
        (MemoryError(), "not enough memory; run fewer jobs at once"),
        (RuntimeError("CUDA out of memory. Tried\nto allocate"), "the GPU's memory is full"),
    ],
)
def test_what_goes_wrong_outside_is_one_line(error, told, capsys):
    def call() -> None:
        raise error

    assert guarded("vcmflow x", call) == 2
    line = capsys.readouterr().err
    assert line.startswith("vcmflow x: error: ") and told in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        RuntimeError("shapes differ"),
        ModuleNotFoundError("y", name="vcmflow.nothing"),
    ],
)
def test_a_mistake_in_the_code_keeps_its_traceback(error):
    def call() -> None:
        raise error

    with pytest.raises(type(error)):
        guarded("vcmflow x", call)


WAITS = """
import sys, time
from pathlib import Path
from vcmflow.core.files import whole_file
from vcmflow.core.guard import guarded

def call():
    with whole_file(Path(sys.argv[1])):
        print("up", flush=True)
        time.sleep(60)

sys.exit(guarded("vcmflow x", call))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_end_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    words = [sys.executable, "-c", WAITS, str(tmp_path / "a.json")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.wait(20) == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_a_job_ends_with_the_run_that_started_it(tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    words = [sys.executable, "-c", WAITS, str(tmp_path / "a.json")]
    around = os.environ | {PARENT: str(run.pid)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=around) as job:
        assert job.stdout is not None and job.stdout.readline() == "up\n"
        run.kill()
        run.wait()
        assert job.wait(20) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


ENCODES = """
import sys
from pathlib import Path
from vcmflow.encode.ffmpeg import encode
size = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "640x480", "-i", "pipe:0"]
encode([*size, "-c:v", "libx265", "-preset", "placebo", "-f", "hevc"],
       Path("/dev/zero"), Path(sys.argv[1]))
"""


def encoder(folder: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A job with an encoder that goes on until someone ends it."""
    words = [sys.executable, "-c", ENCODES, str(folder / "a.265")]
    job = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while True:
        for child in psutil.Process(job.pid).children():
            with suppress(psutil.NoSuchProcess):
                if "placebo" in child.cmdline():
                    return job, child
        time.sleep(0.05)


def test_an_encoder_ends_with_its_job(tmp_path: Path) -> None:
    job, child = encoder(tmp_path)
    job.kill()
    job.communicate()
    child.wait(20)


def test_an_encoder_that_was_killed_is_the_reason(tmp_path: Path) -> None:
    job, child = encoder(tmp_path)
    child.kill()
    assert "ffmpeg was killed (SIGKILL)" in job.communicate(timeout=20)[1]
