"""File-safe ids for names of any kind, different ones for different names.

An id matches ``[A-Za-z0-9][A-Za-z0-9_.-]*``. Bytes of the name outside that set become ``--`` and
two hexadecimal digits; a dash that could be mistaken for such an escape is escaped itself; an id
that would begin with an escape gets an ``x`` before it. Ordinary names stay as they are.
"""

from __future__ import annotations

import os
import re

from vcmflow.core.errors import VcmflowError

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LONGEST = 180  # leaves room for suffixes: most file systems allow 255 bytes
_ALPHANUMERIC = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_SAFE = _ALPHANUMERIC | frozenset(b"_.-")
_DASH = ord("-")


def to_id(name: str) -> str:
    """Map a name to its id; different names have different ids.

    Raises:
        VcmflowError: the name is empty, or its id would be too long for a file name.
    """
    if not name:
        raise VcmflowError("a sequence's name is empty; every sequence needs one")
    raw = os.fsencode(name)
    escaped = [
        byte not in _SAFE
        or (index == 0 and byte not in _ALPHANUMERIC)
        or (
            byte == _DASH
            and index + 1 < len(raw)
            and (raw[index + 1] == _DASH or raw[index + 1] not in _SAFE)
        )
        for index, byte in enumerate(raw)
    ]
    marked = escaped[0]
    if raw[:1] == b"x" and len(raw) > 1 and escaped[1]:
        marked = escaped[0] = True  # else "x y" and " y" would meet
    body = "".join(
        f"--{byte:02x}" if escape else chr(byte) for byte, escape in zip(raw, escaped, strict=True)
    )
    identifier = f"x{body}" if marked else body
    if len(identifier) > _LONGEST:
        raise VcmflowError(
            f"the name {name!r} is too long for a file name once its special characters are "
            f"written out ({len(identifier)} of at most {_LONGEST} characters); rename it"
        )
    return identifier
