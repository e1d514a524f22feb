"""What an embedder is, and embedding a video as a stream: decode in one thread, embed in others."""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import Entry, build
from vcmflow.core.video import Frame, open_source

Embeddings = npt.NDArray[np.float32]
Item = TypeVar("Item")


class Embedder(Protocol):
    """Maps single frames to points whose distances say how much the content differs.

    Builders have the form ``build(weights: Path | None, device: str, **options) -> Embedder``.
    """

    @property
    def dimension(self) -> int:
        """Length d of an embedding."""
        ...

    @property
    def parameters(self) -> int:
        """Number of trained values that the embedding needs."""
        ...

    def prepare(self, frame: Frame) -> Frame:
        """Shrink a frame to the embedder's input; cheap, and safe to call from another thread."""
        ...

    def embed(self, prepared: Sequence[Frame]) -> Embeddings:
        """Embed prepared frames of one size: float32 k x d, each row independent of the others."""
        ...


def load_embedder(
    embedders: Mapping[str, Entry], instance: str, weights: Path | None, device: str = "cpu"
) -> Embedder:
    """Build an embedder, whose batches take one thread of the CPU each.

    Args:
        embedders: the registry.
        instance: as on the command line (``vcmflow.core.options``).
        weights: weights file, for embedders that have one.
        device: "auto", "cpu" or "cuda".

    Raises:
        VcmflowError: an unknown name or option, or weights that do not fit.
    """
    name, options = parse_instance(instance, "embedder", "embedding")
    offered = {"weights": weights, "device": device}
    embedder: Embedder = build(embedders, name, "embedder", options, offered=offered)
    if "torch" in sys.modules:
        from vcmflow.core.device import set_deterministic

        set_deterministic(1)
    return embedder


def embed_video(video: Path, embedder: Embedder, batch_size: int, workers: int) -> Embeddings:
    """Embed every frame of a video file, or of a folder of pictures: float32 n x d.

    Raises:
        VcmflowError: it cannot be read to its end, or an embedding is not finite.
    """
    embedding = embed_frames(open_source(video), embedder, batch_size, workers)
    if not np.isfinite(embedding).all():
        raise VcmflowError(f"{video}: its embedding has values that are not finite")
    return embedding


def embed_frames(
    frames: Iterable[Frame], embedder: Embedder, batch_size: int = 16, workers: int = 1
) -> Embeddings:
    """Embed every frame, with memory for some batches of shrunk frames and the result.

    Args:
        frames: uint8 H x W x 3, RGB, all of one size.
        embedder: what embeds them.
        batch_size: frames embedded at once, >= 1; does not change the result.
        workers: batches embedded side by side, >= 1; does not change the result. On a CPU, workers
            of one thread each are faster than threads that share a batch.

    Returns:
        float32 n x d.

    Raises:
        VcmflowError: there are no frames, or the batch size or the workers are below 1.
    """
    for name, value in (("batch size", batch_size), ("workers", workers)):
        if value < 1:
            raise VcmflowError(f"{name} {value}; allowed: 1 or more")
    shrunk = (embedder.prepare(frame) for frame in frames)
    with closing(prefetch(shrunk, depth=batch_size)) as prepared:
        rows = list(_embed_batches(_batches(prepared, batch_size), embedder, workers))
    if not rows:
        raise VcmflowError("no frames to embed")
    return np.concatenate(rows)


def _batches(prepared: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    while batch := list(islice(prepared, size)):
        yield batch


def _embed_batches(
    batches: Iterator[list[Frame]], embedder: Embedder, workers: int
) -> Iterator[Embeddings]:
    """Embed batches in order, no more than ``workers`` of them under way."""
    if workers == 1:
        yield from map(embedder.embed, batches)
        return
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[Embeddings]] = deque()
        for batch in batches:
            pending.append(pool.submit(embedder.embed, batch))
            if len(pending) == workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def prefetch(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Yield ``items`` while a thread makes up to ``depth`` of them in advance.

    An exception of ``items`` is raised here, in its place in the order. When the consumer stops
    early, so does the thread.
    """
    waiting: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(entry: tuple[bool, Item | BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put((True, item)):
                    return
            put((False, None))
        except BaseException as error:  # handed over to the consumer's thread
            put((False, error))

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            more, entry = waiting.get()
            if more:
                yield entry  # type: ignore[misc]
            elif isinstance(entry, BaseException):
                raise entry
            else:
                return
    finally:
        stopped.set()
        thread.join()
