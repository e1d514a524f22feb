"""What a result depends on besides its inputs. All of it is read, none of it is asked for."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.machine import processor
from vcmflow.encode import ffmpeg


def git_state(folder: Path) -> dict[str, Any] | None:
    """The revision of a checkout, and what differs from it.

    Returns:
        ``revision``, ``branch`` (None if detached), ``dirty``, ``changed`` (tracked files that
        differ, untracked ones that git does not ignore), ``diff_sha256`` of ``git diff HEAD`` if
        there is one; None outside of a checkout with a commit, or without git.
    """
    revision = _git(folder, "rev-parse", "HEAD")
    if revision is None:
        return None
    status = _git(folder, "status", "--porcelain=v1", "-z", "--no-renames") or ""
    # Two letters and a blank, then the path.
    changed = sorted(entry[3:] for entry in status.split("\0") if entry)
    difference = _git(folder, "diff", "HEAD", "--binary") or ""
    return {
        "revision": revision.strip(),
        "branch": (_git(folder, "symbolic-ref", "--short", "-q", "HEAD") or "").strip() or None,
        "dirty": bool(changed),
        "changed": changed,
        "diff_sha256": _sha256_of(difference.encode()) if difference else None,
    }


def packages() -> dict[str, str]:
    """Name -> version of every installed Python package, by name."""
    found = {
        str(package.metadata["Name"]): package.version
        for package in distributions()
        if package.metadata["Name"]
    }
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def encoders(files: Iterable[Path], settings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The program that encodes and decodes, and what the encoders said of themselves.

    Args:
        files: paths of ``encode.json``, in the order of ``settings``.
        settings: their contents.

    Returns:
        ``ffmpeg``: file name, version and sha256 of the program of imageio-ffmpeg;
        ``used``: the versions that wrote the bitstreams, each once.
    """
    program = Path(ffmpeg.executable())
    used: list[dict[str, str]] = []
    for path, content in zip(files, settings, strict=True):
        try:
            entry = {key: str(content[key]) for key in ("codec", "encoder", "ffmpeg")}
        except (KeyError, TypeError):
            raise VcmflowError(f"{path}: does not name codec, encoder and ffmpeg") from None
        if entry not in used:
            used.append(entry)
    banner = subprocess.run(
        [str(program), "-hide_banner", "-loglevel", "info", "-version"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return {
        "ffmpeg": {
            "file": program.name,
            "version": ffmpeg.version(banner),
            "sha256": sha256(program),
        },
        "used": sorted(used, key=lambda entry: entry["encoder"]),
    }


def sha256(path: Path) -> str:
    """Checksum of a file.

    Raises:
        VcmflowError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None


def machine() -> dict[str, Any]:
    """System, processor, number of usable cores, memory in bytes, GPUs. No names of hosts."""
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": _memory(),
        "gpus": _gpus(),
        "python": sys.version.split()[0],
    }


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _gpus() -> list[str]:
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines()] if done.returncode == 0 else []
