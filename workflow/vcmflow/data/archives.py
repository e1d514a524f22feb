"""Unpack archives from outside: nothing leaves the target folder, and all of it appears or nothing.

Refused: absolute paths, ``..``, drive letters, backslashes, links and devices of any kind, two
members of one name, encrypted members, and bombs (too many members, too many bytes, too high a
ratio). Sizes are counted while unpacking; what a header claims is not believed. tarfile's data
filter is asked, too, but does not do alone: it knows no zip, lets links inside the folder and
executable files pass, turns absolute paths into others, and counts nothing.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from vcmflow.core.errors import VcmflowError

if sys.version_info >= (3, 11, 4):
    import tarfile
else:  # Debian 12's Python, whose tarfile has no filters
    from backports import tarfile  # type: ignore[no-redef]

_CHUNK = 1 << 20
_HEADER = 1 << 16  # bytes of a tar header's extension
FORMATS = ("zip", "tar")


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to.

    Attributes:
        members: number of files and folders.
        total: bytes of all files together.
        ratio: bytes unpacked per byte of the archive, on the whole.
        slack: bytes that are always allowed, whatever the ratio (small archives of text).
    """

    members: int = 2_000_000
    total: int = 1 << 40
    ratio: float = 50.0
    slack: int = 64 << 20


@dataclass(frozen=True)
class _Member:
    name: str
    folder: bool
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, target: Path, kind: str, limits: Limits | None = None) -> int:
    """Unpack an archive into a folder that does not exist yet.

    A single top folder named like ``target`` is taken off.

    Args:
        archive: the file.
        target: the folder; it appears complete, or not at all.
        kind: ``zip`` or ``tar`` (plain, gzip, bzip2 or xz).
        limits: what it may grow to.

    Returns:
        The number of files.

    Raises:
        VcmflowError: the archive is damaged, or holds what is refused, or the target exists.
    """
    limits = limits or Limits()
    if kind not in FORMATS:
        raise VcmflowError(f"{archive}: format {kind!r}; allowed: {', '.join(FORMATS)}")
    if not archive.is_file():
        raise VcmflowError(f"{archive}: no such archive")
    if target.exists():
        raise VcmflowError(f"{target}: is there already; remove it to unpack {archive.name} again")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unpack-"))
    try:
        content = folder / "content"
        content.mkdir()
        count = _unpack(archive, content, kind, limits)
        top = [path.name for path in content.iterdir()]
        if top == [target.name] and (content / top[0]).is_dir():
            content = content / top[0]
        content.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return count


def _unpack(archive: Path, folder: Path, kind: str, limits: Limits) -> int:
    allowed = min(limits.total, int(archive.stat().st_size * limits.ratio) + limits.slack)
    files: set[PurePosixPath] = set()
    folders: set[PurePosixPath] = set()
    total = 0
    members = 0
    with _members(archive, kind, folder) as entries:
        for member in entries:
            members += 1
            if members > limits.members:
                raise VcmflowError(f"{archive}: more than {limits.members} members; refused")
            path = _safe(archive, member.name)
            if path in files and not member.folder:
                raise VcmflowError(f"{archive}: two members are named {str(path)!r}; refused")
            (folders if member.folder else files).add(path)
            folders.update(path.parents)
            if not files.isdisjoint({path, *path.parents} & folders):
                raise VcmflowError(f"{archive}: {str(path)!r} is a file and a folder; refused")
            if member.folder:
                (folder / path).mkdir(parents=True, exist_ok=True)
                continue
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, (folder / path).open("xb") as file:
                while chunk := source.read(_CHUNK):
                    total += len(chunk)
                    if total > allowed:
                        raise VcmflowError(
                            f"{archive}: unpacks to more than {allowed} bytes ({limits.ratio:g} "
                            "times its own size); refused"
                        )
                    file.write(chunk)
    if not files:
        raise VcmflowError(f"{archive}: holds no file")
    return len(files)


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if (
        path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or "\0" in name
        or re.match(r"[A-Za-z]:", name)
    ):
        raise _outside(archive, name)
    return path


def _outside(archive: Path, name: str) -> VcmflowError:
    return VcmflowError(f"{archive}: member {name!r} leads out of the target folder; refused")


@contextmanager
def _members(archive: Path, kind: str, folder: Path) -> Iterator[Iterator[_Member]]:
    reader = _zip_members if kind == "zip" else _tar_members
    try:
        yield reader(archive, folder)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        UnicodeError,
    ) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise VcmflowError(f"{archive}: damaged or not a {kind} archive ({words})") from None
    except OSError as error:
        words = error.strerror or " ".join(str(error).split())
        raise VcmflowError(f"{archive}: cannot be unpacked ({words})") from None


def _zip_members(archive: Path, folder: Path) -> Iterator[_Member]:  # noqa: ARG001
    with zipfile.ZipFile(archive) as source:
        for info in source.infolist():
            kind = (info.external_attr >> 16) & 0o170000
            if kind not in (0, 0o100000, 0o040000):
                raise VcmflowError(f"{archive}: {info.filename!r} is a link or a device; refused")
            # orig_filename: the library cuts names at NUL and would hide what follows.
            name = info.orig_filename
            yield _Member(name, info.is_dir(), lambda info=info: source.open(info))  # type: ignore[misc]


class _TarInfo(tarfile.TarInfo):
    """A header whose extension (a long name, say) is not read into memory where it is no name."""

    def _proc_member(self, source: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE) and self.size > _HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes; allowed: {_HEADER}")
        return super()._proc_member(source)  # type: ignore[misc, no-any-return]


def _tar_members(archive: Path, folder: Path) -> Iterator[_Member]:
    with tarfile.open(archive, "r:*", tarinfo=_TarInfo) as source:
        for info in source:
            if not (info.isreg() or info.isdir()):
                raise VcmflowError(f"{archive}: {info.name!r} is a link or a device; refused")
            try:
                tarfile.data_filter(info, str(folder))
            except tarfile.FilterError:
                raise _outside(archive, info.name) from None

            def opened(info: tarfile.TarInfo = info) -> IO[bytes]:
                file = source.extractfile(info)
                assert file is not None  # noqa: S101  a regular file
                return file

            yield _Member(info.name, info.isdir(), opened)
