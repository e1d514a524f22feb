"""The ffmpeg program that imageio-ffmpeg brings along: found, run and checked.

Files go in and out through standard input and output, so that no name of a file is ever read as an
option, a protocol or a pattern; demuxers are named, so that no content is ever probed.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from vcmflow.errors import VcmflowError


def executable() -> str:
    """Path of the ffmpeg program (``IMAGEIO_FFMPEG_EXE`` overrides the bundled one).

    Raises:
        VcmflowError: there is none for this platform.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise VcmflowError(f"no ffmpeg: {error}; set IMAGEIO_FFMPEG_EXE to one") from None


def run(arguments: Sequence[str], source: Path, target: IO[bytes], what: str) -> str:
    """Run ffmpeg from ``source`` (``pipe:0``) into ``target`` (``pipe:1``) and return its messages.

    Args:
        arguments: everything after the program's name.
        source: the file that ffmpeg reads on its standard input.
        target: an open file that takes its standard output.
        what: what is being done, for the error message.

    Raises:
        VcmflowError: ffmpeg failed; the message has its first error line.
    """
    with source.open("rb") as stdin:
        process = subprocess.run(
            [executable(), *arguments],
            stdin=stdin,
            stdout=target,
            stderr=subprocess.PIPE,
            check=False,
        )
    messages = process.stderr.decode("utf-8", "replace")
    if process.returncode != 0:
        reason = first_error(messages)
        raise VcmflowError(f"{what}: ffmpeg failed with status {process.returncode}: {reason}")
    return messages


def first_error(messages: str) -> str:
    """The line of ffmpeg's messages that most likely says what went wrong, without addresses."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", messages) if line.strip()]
    telling = [line for line in lines if re.search(r"error|invalid|unknown|fail|not ", line, re.I)]
    line = next(iter(telling or lines), "no message")
    return re.sub(r"\[(\S+) @ 0x[0-9a-f]+\] ?", r"\1: ", line)


def version(messages: str) -> str:
    """The version in the banner that ffmpeg writes before anything else."""
    found = re.search(r"^ffmpeg version (\S+)", messages, re.M)
    return found.group(1) if found else "unknown"
