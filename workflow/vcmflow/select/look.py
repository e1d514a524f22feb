"""Computing what samplers and codecs need of videos that pass by as streams, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vcmflow.core.embedding import embed_frames, load_embedder
from vcmflow.core.errors import VcmflowError
from vcmflow.core.models import load_model
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, check_names, find
from vcmflow.core.tracking import track_video
from vcmflow.core.video import Frame
from vcmflow.embed.registry import EMBEDDERS
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
        batch_size: frames at once; does not change the result.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU.
    """

    embedding: str = "learned"
    weights: Path | None = None
    detector: str | None = None
    detector_weights: Path | None = None
    tracker: str = "deepsort"
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
    wanted = tuple(sorted(set(needs)))
    lookers = {(): _count, ("embedding",): _embedding, ("tracks",): _tracks}
    if wanted not in lookers:
        raise VcmflowError(
            f"{who} needs {' and '.join(wanted)}; in one process there is an embedding or tracks: "
            "run the stages one by one (`vcmflow stage`)"
        )
    return lookers[wanted](looking)


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


def _count(looking: Looking) -> Look:
    del looking
    return lambda frames: (sum(1 for _ in frames), {})
