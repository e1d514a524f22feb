"""Files between stages: whole or none, with a checksum beside them that their readers compare.

What is written here leaves its SHA-256 in a *record*, the hidden file ``.<name>.sha256`` beside it,
in the format of ``sha256sum``. Readers pass the path through :func:`intact`. A file without a
record (a user's own, or one that was copied alone) is read as it is.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError

PART = ".part-"  # what temporary names begin with


@contextmanager
def whole_file(path: Path, *, recorded: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and move it there only if the block succeeds.

    The temporary name keeps the suffix of ``path``, because encoders and image writers read the
    format from it. Parent folders are made.

    Args:
        path: the file.
        recorded: leave a record beside it; not for files that people keep and edit.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PART, suffix=path.suffix)
    os.close(handle)
    temporary, line = Path(name), Path(f"{name}.sha256")
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        if recorded:
            _write_line(line, temporary, path.name)
        # Whoever is killed in between leaves a file without a record, never one with a wrong one.
        record(path).unlink(missing_ok=True)
        temporary.replace(path)
        if recorded:
            line.replace(record(path))
    finally:
        temporary.unlink(missing_ok=True)
        line.unlink(missing_ok=True)


def record(path: Path) -> Path:
    """Where the checksum of a file stands."""
    return path.with_name(f".{path.name}.sha256")


def write_record(path: Path) -> str:
    """Record a file that something else wrote, and return its SHA-256."""
    return _write_line(record(path), path, path.name)


def _write_line(target: Path, file: Path, name: str) -> str:
    digest = sha256(file)
    target.write_text(f"{digest}  {name}\n", "utf-8")
    return digest


def recorded_digest(path: Path) -> str | None:
    """The SHA-256 in a file's record; None where it has none.

    Raises:
        VcmflowError: the record cannot be read.
    """
    try:
        return record(path).read_text("ascii", "replace").partition(" ")[0]
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return None
        raise VcmflowError(f"{record(path)}: cannot be read ({error.strerror})") from None


def intact(path: Path) -> Path:
    """The path of a file that is as it was written, or that has no record.

    Raises:
        VcmflowError: its content is not what its record says.
    """
    path = Path(path)
    wanted = recorded_digest(path)
    if wanted is not None and path.is_file():
        status = path.stat()
        if _digest(path, status.st_ino, status.st_size, status.st_mtime_ns) != wanted:
            raise VcmflowError(
                f"{path}: damaged, or changed since it was written: not the SHA-256 in "
                f"{record(path).name} beside it; `python -m vcmflow stage verify --remove` removes "
                "it and says what makes it again; if the change is yours, remove the record"
            )
    return path


@lru_cache(maxsize=4096)
def _digest(path: Path, *_: int) -> str:
    """SHA-256; a job that opens a file again and again computes it once."""
    return sha256(path)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented UTF-8 JSON with a final newline, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(
            json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
        )


def read_json(path: Path) -> Any:
    """Read a JSON file; its numbers are finite.

    Raises:
        VcmflowError: the file is missing, damaged, or is not JSON.
    """
    try:
        text = intact(path).read_text("utf-8")
        return json.loads(text, parse_float=_finite, parse_int=_integer, parse_constant=_no)
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
    except RecursionError:
        raise VcmflowError(f"{path}: not a JSON file (nested too deeply)") from None
    except ValueError as error:
        raise VcmflowError(f"{path}: not a JSON file ({error})") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _integer(text: str) -> int:
    if len(text) > 300:  # no number of ours is longer than a float can be
        raise ValueError(f"the number {text[:20]} is too large")
    return int(text)


def _no(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal.

    Raises:
        VcmflowError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
