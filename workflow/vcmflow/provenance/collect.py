"""What a result depends on besides its inputs. All of it is read, none of it is asked for."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from vcmflow.core.encoding import read_encoding
from vcmflow.core.files import sha256
from vcmflow.core.machine import processor


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
        "diff_sha256": hashlib.sha256(difference.encode()).hexdigest() if difference else None,
    }


def packages() -> dict[str, str]:
    """Name -> version of every installed Python package, by name."""
    found = {
        str(package.metadata["Name"]): package.version
        for package in distributions()
        if package.metadata["Name"]
    }
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def encoders(files: Iterable[Path]) -> dict[str, Any]:
    """The program that encodes and decodes, and what the encoders said of themselves.

    Args:
        files: paths of ``encode.json``.

    Returns:
        ``ffmpeg``: file name, version and sha256 of the program of imageio-ffmpeg;
        ``used``: what wrote the streams, each once: the codec and its options, the encoder's own
        words, and the sha256 of its weights where it has some.
    """
    used: list[dict[str, Any]] = []
    for path in files:
        encoding = read_encoding(path)
        entry: dict[str, Any] = {"codec": dict(encoding.codec), "encoder": dict(encoding.encoder)}
        if encoding.weights is not None:
            entry["weights"] = encoding.weights
        if entry not in used:
            used.append(entry)
    program = Path(imageio_ffmpeg.get_ffmpeg_exe())
    version = imageio_ffmpeg.get_ffmpeg_version()
    return {
        "ffmpeg": {"file": program.name, "version": version, "sha256": sha256(program)},
        "used": sorted(used, key=str),
    }


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
