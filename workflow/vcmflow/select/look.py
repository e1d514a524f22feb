"""Computing what samplers and codecs need of videos that pass by as streams, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vcmflow.core.embedding import embed_frames, load_embedder
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, check_names, find
from vcmflow.core.tracking import track_video
from vcmflow.core.video import Frame
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.importance.maps import Blocks, Score, roim
from vcmflow.importance.registry import MAPS
from vcmflow.sample.registry import GIVEN, SAMPLERS
from vcmflow.task.registry import DETECTORS
from vcmflow.track.registry import TRACKERS

# Looks at a video: the number of its frames, and what a sampler or a codec needs, by name.
Look = Callable[[Iterable[Frame]], tuple[int, dict[str, Any]]]


@dataclass(frozen=True)
class Looking:
    """What needs are computed with; instances as on the command line.

    Attributes:
        embedding: the embedder.
        weights: its weights file.
        detector: of the tracks; None where nothing needs them.
        detector_weights: its weights file.
        tracker: of the tracks.
        map: the importance map.
        map_weights: weights file of its network.
        batch_size: frames at once; does not change the result.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU.
    """

    embedding: str = "learned"
    weights: Path | None = None
    detector: str | None = None
    detector_weights: Path | None = None
    tracker: str = "deepsort"
    map: str = "texture"
    map_weights: Path | None = None
    batch_size: int = 16
    device: str = "cpu"
    threads: int = 1


def load_look(needs: Iterable[str], looking: Looking, who: str) -> Look:
    """Load what computes the needs of a sampler or a codec.

    Args:
        needs: names of ``vcmflow.core.needs.NEEDS``.
        looking: with what.
        who: who needs it, for messages.

    Raises:
        VcmflowError: something else is needed than one embedding or the tracks, or what computes it
            cannot be loaded.
    """
    wanted = set(needs)
    lookers = {"embedding": _embedding, "tracks": _tracks}
    ends = sorted(wanted - {"importance"})
    if len(ends) > 1 or not lookers.keys() >= set(ends):
        raise VcmflowError(
            f"{who} needs {' and '.join(sorted(wanted))}; in one process there is an embedding or "
            "tracks: run the stages one by one (`vcmflow stage`)"
        )
    look = lookers[ends[0]](looking) if ends else _count
    return _with_importance(look, looking) if "importance" in wanted else look


def check_sampler(instance: str) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Name, options and needs of a sampler, without loading anything.

    Raises:
        VcmflowError: no such sampler or option.
    """
    name, options = parse_instance(instance, "sampler")
    entry = find(SAMPLERS, name, "sampler")
    check_names(SAMPLERS, name, "sampler", options, (*GIVEN, *entry.needs))
    return name, options, entry.needs


def _embedding(looking: Looking) -> Look:
    embedder = load_embedder(EMBEDDERS, looking.embedding, looking.weights, looking.device)

    def look(frames: Iterable[Frame]) -> tuple[int, dict[str, Any]]:
        embedding = embed_frames(frames, embedder, looking.batch_size, looking.threads)
        return len(embedding), {"embedding": embedding}

    return look


def _tracks(looking: Looking) -> Look:
    name, options = parse_instance(looking.tracker, "tracker")
    new_tracker = partial(build, TRACKERS, name, "tracker", options)
    new_tracker()  # what is wrong is said before a detector is loaded
    if looking.detector is None:
        raise VcmflowError(f"--detector is missing; allowed: {', '.join(sorted(DETECTORS))}")
    detector = load_model(
        *(DETECTORS, "detector", looking.detector, looking.detector_weights),
        *(looking.device, looking.threads),
    )

    def look(frames: Iterable[Frame]) -> tuple[int, dict[str, Any]]:
        tracks = track_video(frames, detector, new_tracker(), looking.batch_size)
        return len(tracks), {"tracks": tracks}

    return look


def _with_importance(look: Look, looking: Looking) -> Look:
    """The same, with every frame scored as it passes by."""
    name, options = parse_instance(looking.map, "map")
    offered = {"weights": looking.map_weights, "device": looking.device, "truth": None}
    if find(MAPS, name, "map").gpu:
        from vcmflow.core.device import choose_device, set_deterministic

        set_deterministic(looking.threads)
        offered["device"] = choose_device(looking.device)
    score: Score = build(MAPS, name, "map", options, offered=offered)

    def both(frames: Iterable[Frame]) -> tuple[int, dict[str, Any]]:
        blocks: list[Blocks] = []

        def scored() -> Iterator[Frame]:
            for index, frame in enumerate(frames):
                blocks.append(roim(score(frame, index)))
                yield frame

        n, needs = look(scored())
        return n, {**needs, "importance": np.stack(blocks)}

    return both


def _count(frames: Iterable[Frame]) -> tuple[int, dict[str, Any]]:
    return sum(1 for _ in frames), {}
