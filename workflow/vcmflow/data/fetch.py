"""Fetch one file over HTTP: resumed, checked, and whole or not at all.

Ours, because pooch (1.9) checks digests but begins every try at the first byte, which tens of
gigabytes on a slow line do not survive; the same goes for torch.hub and for plain requests.

What has arrived stays beside the target as ``<target>.part`` with the server's validator in
``<target>.part.json``, so that a later call (or Snakemake's next try) goes on from there. A server
that ignores Range, or whose file has changed meanwhile, makes it start over.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vcmflow import __version__
from vcmflow.core import files
from vcmflow.core.errors import VcmflowError
from vcmflow.data.catalogue import is_http

_CHUNK = 1 << 20
_REPORT_EVERY = 15.0  # seconds
# Worth another try: overload, gateways, time-outs. Everything else in 4xx is final.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        timeout: seconds without a byte until a connection counts as dead.
        retries: further tries after the first that bring nothing new; progress resets the count.
        backoff: seconds before the first retry, doubled each time.
        longest_wait: seconds between two tries at most.
        longest: seconds for one call, however it goes on; the next one goes on from there.
    """

    timeout: float = 60.0
    retries: int = 5
    backoff: float = 2.0
    longest_wait: float = 120.0
    longest: float = 2 * 86_400.0


class _Passing(Exception):
    """A failure that another try may cure."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def fetch(
    url: str,
    target: Path,
    sha256: str | None = None,
    size: int | None = None,
    patience: Patience | None = None,
    seen: Path | None = None,
) -> str:
    """Fetch ``url`` to ``target``, or accept the file that is there if it is the right one.

    Args:
        url: http or https.
        target: the file; it appears complete and checked, or not at all.
        sha256: expected digest, 64 hexadecimal digits; None where it is not known.
        size: expected number of bytes; None where it is not known.
        patience: time-outs and retries.
        seen: a file of digests of earlier downloads, which stand in where ``sha256`` is None: the
            first download's is noted there, and later ones have to equal it.

    Returns:
        The file's sha256.

    Raises:
        VcmflowError: it cannot be fetched, is not what was expected, does not fit on the disk, or
            another process is fetching it.
    """
    patience = patience or Patience()
    if not is_http(url):
        raise VcmflowError(f"{url}: not an http or https address")
    if target.exists():
        return check_file(target, sha256, size)
    noted = None if sha256 or seen is None else seen_digest(seen, url)
    sha256 = sha256 or noted
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with _locked(part):
        # Where an old beginning turns out to be what is wrong: once more, from the start.
        again = part.exists() and part.stat().st_size > 0
        while True:
            _download(url, part, sha256, size, patience)
            try:
                digest = check_file(part, sha256, size, name=url)
                break
            except VcmflowError:
                _discard(part)
                if not again:
                    raise
                again = False
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
        _discard(part)
    if seen is not None and sha256 is None:
        with seen.open("a", encoding="utf-8") as file:
            file.write(f"{digest}  {url}\n")
    return digest


def seen_digest(seen: Path, url: str) -> str | None:
    """The digest that a file had when it was first fetched, as far as ``seen`` knows.

    Raises:
        VcmflowError: ``seen`` is something else than a list of digests and addresses.
    """
    try:
        lines = seen.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise VcmflowError(f"{seen}: cannot be read; it lists what was fetched before") from None
    known = {address: digest for digest, _, address in (line.partition("  ") for line in lines)}
    digest = known.get(url)
    if digest is not None and not re.fullmatch("[0-9a-f]{64}", digest):
        raise VcmflowError(f"{seen}: {digest[:80]!r} is no sha256; remove the line of {url}")
    return digest


def check_file(path: Path, sha256: str | None, size: int | None, name: str | None = None) -> str:
    """Check a file's size and digest and return its sha256.

    Args:
        path: the file.
        sha256: expected digest, or None.
        size: expected number of bytes, or None.
        name: what to call it in the message.

    Raises:
        VcmflowError: it is another file.
    """
    if not path.is_file():
        raise VcmflowError(f"{path}: is there already and is not a file; remove it")
    hint = f"; delete {path} to fetch it again" if name is None else ""
    actual = path.stat().st_size
    if size is not None and actual != size:
        raise VcmflowError(f"{name or path}: has {actual} bytes, expected {size}{hint}")
    digest = files.sha256(path)
    if sha256 is not None and digest != sha256.lower():
        raise VcmflowError(f"{name or path}: sha256 is {digest}, expected {sha256.lower()}{hint}")
    return digest


def _download(
    url: str, part: Path, sha256: str | None, size: int | None, patience: Patience
) -> None:
    """Fill ``part`` until it is as long as expected, or as the server says."""
    failures = 0
    end = time.monotonic() + patience.longest
    while True:
        before = part.stat().st_size if part.exists() else 0
        if size is not None and before == size:
            return
        try:
            _attempt(url, part, sha256, size, patience.timeout, end)
            return
        except _Passing as failure:
            after = part.stat().st_size if part.exists() else 0
            failures = 1 if after > before else failures + 1
            if failures > patience.retries:
                raise VcmflowError(
                    f"{url}: {failure}; gave up after {failures} tries without progress "
                    f"({after} bytes are kept, the next call goes on from there)"
                ) from None
            wait = min(patience.backoff * 2 ** (failures - 1), patience.longest_wait)
            wait = min(max(wait, failure.wait or 0.0), patience.longest_wait)
            print(f"{url}: {failure}; again in {wait:g} s", file=sys.stderr, flush=True)
            time.sleep(wait)


def _attempt(
    url: str, part: Path, sha256: str | None, size: int | None, timeout: float, end: float
) -> None:
    offset = part.stat().st_size if part.exists() else 0
    tag = _read_tag(part, url) if offset else None
    # Without a tag only the digest can tell whether two halves belong together.
    joinable = tag is not None and (tag != "" or sha256 is not None)
    if offset and (not joinable or (size is not None and offset > size)):
        _discard(part)
        offset = 0
    headers = {"User-Agent": f"vcmflow/{__version__}", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if tag:
            headers["If-Range"] = tag
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  scheme checked by fetch
    try:
        with urllib.request.build_opener(_HttpOnly).open(request, timeout=timeout) as answer:
            _receive(url, answer, part, offset, size, end)
    except urllib.error.HTTPError as error:
        if error.code == 416 and offset:
            _discard(part)
            raise _Passing("the part that is here does not fit the server's file") from None
        if error.code in _PASSING:
            raise _Passing(f"HTTP status {error.code}", _retry_after(error.headers)) from None
        raise VcmflowError(f"{url}: HTTP status {error.code} ({error.reason})") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        words = "no answer in time" if isinstance(reason, TimeoutError) else str(reason)
        raise _Passing(words or type(error).__name__) from None


def _receive(url: str, answer: Any, part: Path, offset: int, size: int | None, end: float) -> None:
    if not is_http(answer.url):
        raise VcmflowError(f"{url}: leads to {answer.url}, which is not http or https")
    kind = str(answer.headers.get("Content-Type", ""))
    if kind.startswith("text/html") and not urlsplit(url).path.endswith((".html", ".htm")):
        raise VcmflowError(
            f"{url}: the server sends a web page in place of the file; fetch it with a browser"
        )
    start, total = _extent(answer, offset)
    if size is not None and total is not None and total != size:
        raise VcmflowError(f"{url}: the server's file has {total} bytes, expected {size}")
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise VcmflowError(
            f"{url}: {total - start} bytes to fetch, {free} are free in {part.parent}"
        )
    _write_tag(part, url, answer.headers)
    limit = size if size is not None else total
    most = start + free // 2 if limit is None else limit  # an endless answer fills no disk
    count = start
    reported = time.monotonic()
    with part.open("r+b" if part.exists() else "wb") as file:
        file.truncate(start)
        file.seek(start)
        while True:
            try:
                # read1 returns what has arrived: all of it is on disk when the connection breaks.
                chunk = answer.read1(_CHUNK)
            except http.client.IncompleteRead:
                raise _Passing("the connection closed in the middle of the file") from None
            if not chunk:
                break
            count += len(chunk)
            if count > most:
                _discard(part)
                raise VcmflowError(f"{url}: the server sends more than {most} bytes")
            if time.monotonic() > end:
                raise VcmflowError(
                    f"{url}: too slow; {count} bytes are kept, the next call goes on from there"
                )
            try:
                file.write(chunk)
            except OSError as error:
                raise VcmflowError(f"{url}: cannot be stored ({error.strerror})") from None
            if time.monotonic() - reported > _REPORT_EVERY:
                reported = time.monotonic()
                share = f" ({count / limit:.0%})" if limit else ""
                print(f"{url}: {count >> 20} MiB{share}", file=sys.stderr, flush=True)
    if limit is not None and count < limit:
        raise _Passing(f"the connection closed after {count} of {limit} bytes")
    if count == 0:
        raise VcmflowError(f"{url}: the server's file is empty")


def _extent(answer: Any, offset: int) -> tuple[int, int | None]:
    """(position that the answer begins at, length of the whole file or None)."""
    length = answer.headers.get("Content-Length")
    stated = int(length) if length and length.isdecimal() else None
    if answer.status != 206:
        return 0, stated
    unit, _, span = str(answer.headers.get("Content-Range", "")).partition(" ")
    place, _, whole = span.partition("/")
    if unit != "bytes" or place.partition("-")[0] != str(offset):
        raise _Passing("the server sends another range than was asked for")
    if whole.isdecimal():
        return offset, int(whole)
    return offset, None if stated is None else offset + stated


def _read_tag(part: Path, url: str) -> str | None:
    """What identifies the server's file that ``part`` is the beginning of; None: another file."""
    try:
        value = json.loads(_notes(part).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(value, dict) or value.get("url") != url:
        return None
    tag = value.get("tag")
    return tag if isinstance(tag, str) else None


def _write_tag(part: Path, url: str, headers: Any) -> None:
    # A weak tag promises only equal meaning, not equal bytes.
    tag = headers.get("ETag") or ""
    if not tag or tag.startswith("W/"):
        tag = headers.get("Last-Modified") or ""
    _notes(part).write_text(json.dumps({"url": url, "tag": tag}), "utf-8")


def _notes(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _retry_after(headers: Any) -> float | None:
    value = str(headers.get("Retry-After", ""))
    return float(value) if value.isdecimal() else None


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only: the library would also go to ftp."""

    def redirect_request(self, *args: Any) -> urllib.request.Request | None:
        request = super().redirect_request(*args)
        if request is not None and not is_http(request.full_url):
            raise VcmflowError(
                f"{args[0].full_url}: leads to {request.full_url}; not http or https"
            )
        return request


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    """Keep a second process from writing the same part."""
    lock = part.with_name(part.name + ".lock")
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = os.fstat(handle.fileno()).st_ino == lock.stat().st_ino
        except OSError:
            held = False
        if not held:
            raise VcmflowError(f"{part}: another process is fetching this file")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
