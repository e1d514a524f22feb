"""Small file helpers: whole files or none, and JSON that is stable from run to run."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and move it there only if the block succeeds.

    The temporary name keeps the suffix of ``path``, because encoders and image writers read the
    format from it. Parent folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented UTF-8 JSON with a final newline, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(
            json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
        )


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        VcmflowError: the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise VcmflowError(f"{path}: not a JSON file ({error})") from None


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
