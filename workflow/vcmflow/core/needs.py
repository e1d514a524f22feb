"""What samplers and codecs may need beside the frames: where it lies, and who reads it.

A registry entry names its needs; an instance in params.yaml says which (``embedding: learned``).
On the command line a need is ``--need embedding=FILE``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError


@dataclass(frozen=True)
class Need:
    """Something that a stage computes from the original frames of a sequence, a row per frame.

    Attributes:
        file: where it lies below the dataset's results; ``{name}`` is what the instance says.
        reader: ``"module:function"`` from the path to the value.
        section: section and key of params.yaml in which the names stand; empty: there is one only.
    """

    file: str
    reader: str
    section: tuple[str, str] | None = None


NEEDS: dict[str, Need] = {
    "choices": Need(
        "bounds/{sequence}/{name}.csv", "vcmflow.core.choices:read_choices", ("task", "tasks")
    ),
    "embedding": Need(
        "embed/{sequence}/{name}.npy",
        "vcmflow.core.arrays:read_embedding",
        ("embed", "embeddings"),
    ),
    "importance": Need(
        "importance/{sequence}/{name}.npy",
        "vcmflow.core.arrays:read_importance",
        ("importance", "maps"),
    ),
    "tracks": Need("track/{sequence}.json", "vcmflow.core.tracks:read_tracks"),
}


def read_needs(pairs: Iterable[str], wanted: Iterable[str], who: str) -> dict[str, Any]:
    """Read ``["embedding=a.npy"]`` into {"embedding": array}.

    Args:
        pairs: ``need=file``.
        wanted: the needs of the plug-in.
        who: the plug-in, for error messages.

    Raises:
        VcmflowError: a need that is missing, is not one of the plug-in's, or cannot be read.
    """
    files: dict[str, Path] = {}
    for pair in pairs:
        name, equals, file = pair.partition("=")
        if not equals or not file or name in files:
            raise VcmflowError(f"--need {pair!r}; wanted: need=file, each need once")
        files[name] = Path(file)
    needed = list(wanted)
    for name in needed:
        if name not in files:
            raise VcmflowError(f"{who} needs --need {name}=FILE")
    for name in files:
        if name not in needed:
            raise VcmflowError(f"{who} needs no {name}; it needs: {', '.join(needed) or 'nothing'}")
    return {name: read_need(name, file) for name, file in files.items()}


def read_need(name: str, file: Path) -> Any:
    """Read one need with its reader."""
    module, _, function = NEEDS[name].reader.partition(":")
    return getattr(importlib.import_module(module), function)(file)


def rows_of(
    needs: Mapping[str, Any], frames: Sequence[int], count: int, who: str
) -> dict[str, Any]:
    """What needs say of some of the frames.

    Args:
        needs: name -> value, one row per frame of the video.
        frames: the frames that are asked for.
        count: frames of the video.
        who: the plug-in, for error messages.

    Raises:
        VcmflowError: a need is of a video of another length.
    """
    rows = {}
    for name, value in needs.items():
        if len(value) != count:
            raise VcmflowError(
                f"{who}: --need {name} is of {len(value)} frames, the video has {count}"
            )
        if isinstance(value, list):
            rows[name] = [value[frame] for frame in frames]
        else:
            rows[name] = value[list(frames)]
    return rows


def need_files(needs: Iterable[str], options: Mapping[str, Any]) -> dict[str, str]:
    """Need -> its file below the dataset's results, with ``{sequence}`` still in it."""
    return {need: NEEDS[need].file.replace("{name}", str(options.get(need, ""))) for need in needs}
