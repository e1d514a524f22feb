"""The ffmpeg program that imageio-ffmpeg brings along: found, run and checked.

Files go in through standard input and out under ``file:``, so that no name of a file is ever read
as an option, a protocol or a pattern; demuxers are named, so that no content is ever probed.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

from vcmflow.core.errors import VcmflowError
from vcmflow.core.guard import die_with_parent


def executable() -> str:
    """Path of the ffmpeg program (``IMAGEIO_FFMPEG_EXE`` overrides the bundled one).

    Raises:
        VcmflowError: there is none for this platform.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise VcmflowError(f"no ffmpeg: {error}; set IMAGEIO_FFMPEG_EXE to one") from None


def encode(arguments: Sequence[str], source: Path, target: Path) -> str:
    """Run ffmpeg from ``source``, on its standard input, into ``target``; return its messages.

    Args:
        arguments: input (``-i pipe:0``) and encoder settings, with the output's format last.
        source: the file that ffmpeg reads.
        target: the file that it writes. Not its standard output: VVenC prints its remarks there,
            and they would end up between the NAL units.

    Raises:
        VcmflowError: ffmpeg lacks the encoder, or failed; the message has its first error.
    """
    command = [
        *(executable(), "-y", "-nostats", "-loglevel", "level+verbose"),
        *(*arguments, f"file:{target}"),
    ]
    with source.open("rb") as stdin:
        process = subprocess.run(
            command,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            preexec_fn=die_with_parent,
        )
    messages = process.stderr.decode("utf-8", "replace")
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise VcmflowError(f"ffmpeg was killed ({name}); out of memory, or by hand: run it again")
    if process.returncode != 0:
        if missing := re.search(r"Unknown encoder '(\w+)'", messages):
            raise VcmflowError(
                f"{command[0]} has no encoder {missing[1]}; unset IMAGEIO_FFMPEG_EXE, or set it "
                "to an ffmpeg that has one"
            )
        reason = first_error(messages)
        raise VcmflowError(f"ffmpeg failed with status {process.returncode}: {reason}")
    return messages


def first_error(messages: str) -> str:
    """The first error among ffmpeg's messages, without memory addresses."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", messages) if line.strip()]
    errors = [line for line in lines if "[error]" in line or "[fatal]" in line]
    line = next(iter(errors or lines), "no message")
    return re.sub(r"\[(error|fatal)\] ", "", re.sub(r"\[(\S+) @ 0x[0-9a-f]+\]", r"\1:", line))


def version(messages: str) -> str:
    """The version in the banner that ffmpeg writes before anything else."""
    return said(r"(?m)^(?:\[info\] )?ffmpeg version (\S+)", messages)


def said(pattern: str, messages: str) -> str:
    """What a pattern's first group finds in messages, "unknown" where it finds nothing."""
    found = re.search(pattern, messages)
    return found.group(1) if found else "unknown"
