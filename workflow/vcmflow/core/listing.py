"""Pictures and videos in folders: which files count, in which order, and whether one is missing."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from vcmflow.core.errors import VcmflowError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm"})
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".webm", ".avi", ".mkv", ".mov", ".m4v", ".mpg", ".mpeg", ".ts"}
)
_NUMBER = re.compile(r"\d+")


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key that puts ``frame10`` after ``frame9``."""
    parts: list[tuple[int, str]] = []
    for part in re.split(r"(\d+)", name):
        parts.append((int(part), "") if part.isascii() and part.isdecimal() else (-1, part))
    return parts, name


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield (folder, names of its files) below ``root``, sorted, each real folder once.

    Links are followed, because data are often linked in from elsewhere; hidden entries are left
    out, and a link back to a folder already seen ends there.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(folder), sorted(name for name in files if not name.startswith("."))


def list_videos(root: Path) -> list[Path]:
    """All video files below a folder, at any depth, in a stable order.

    Made for pretraining on Kinetics-400 or any other collection: only file names are looked at;
    what folders or tables may say about classes is never read.

    Args:
        root: the folder.

    Returns:
        Paths that begin with ``root``, sorted by their relative path as text.

    Raises:
        VcmflowError: the folder is missing or holds no video.
    """
    root = Path(root)
    if not root.is_dir():
        raise VcmflowError(f"{root}: no such folder of videos")
    videos = [
        folder / name
        for folder, names in walk(root)
        for name in names
        if Path(name).suffix.lower() in VIDEO_SUFFIXES
    ]
    if not videos:
        raise VcmflowError(
            f"{root}: no videos in this folder; looked for {', '.join(sorted(VIDEO_SUFFIXES))}"
        )
    return sorted(videos, key=lambda path: path.relative_to(root).as_posix())


def list_pictures(folder: Path) -> list[Path]:
    """The pictures directly in a folder, in natural order; other files are left out.

    Raises:
        VcmflowError: the folder is missing or empty of pictures, or two pictures claim one frame.
    """
    if not folder.is_dir():
        raise VcmflowError(f"{folder}: no such folder of frames")
    pictures = sorted(
        (
            path
            for path in folder.iterdir()
            if path.suffix.lower() in PICTURE_SUFFIXES
            and not path.name.startswith(".")
            and path.is_file()
        ),
        key=lambda path: natural_key(path.name),
    )
    if not pictures:
        raise VcmflowError(
            f"{folder}: no pictures in this folder; looked for "
            f"{', '.join(sorted(PICTURE_SUFFIXES))}"
        )
    stems = Counter(path.stem for path in pictures)
    stem, count = stems.most_common(1)[0]
    if count > 1:
        names = ", ".join(path.name for path in pictures if path.stem == stem)
        raise VcmflowError(f"{folder}: {count} pictures for one frame ({names}); keep one")
    return pictures


def check_gaps(numbers: Sequence[int], where: str) -> None:
    """Check that ascending frame numbers have an even step.

    An odd number out is only called a gap where most steps agree and it is a multiple of them, so
    that time stamps and other irregular numbers pass.

    Raises:
        VcmflowError: frames are missing.
    """
    steps = [after - before for before, after in pairwise(numbers)]
    if not steps:
        return
    step, count = max(Counter(steps).items(), key=lambda item: (item[1], -item[0]))
    if step <= 0 or 2 * count < len(steps):
        return
    gaps = [index for index, value in enumerate(steps) if value > step and value % step == 0]
    if gaps:
        missing = sum(steps[index] // step - 1 for index in gaps)
        before, after = numbers[gaps[0]], numbers[gaps[0] + 1]
        raise VcmflowError(
            f"{where}: {missing} frame(s) missing, the first between {before} and {after}; add "
            f"them, or accept the jump with `gaps: keep`"
        )


def check_picture_gaps(pictures: Sequence[Path]) -> None:
    """`check_gaps` on the last number in the names, where nothing else in the names differs.

    Raises:
        VcmflowError: frames are missing.
    """
    numbers = []
    around = set()
    for path in pictures:
        found = list(_NUMBER.finditer(path.stem))
        if not found:
            return
        numbers.append(int(found[-1].group()))
        around.add((path.stem[: found[-1].start()], path.stem[found[-1].end() :]))
    if len(around) == 1:
        check_gaps(numbers, str(pictures[0].parent))
