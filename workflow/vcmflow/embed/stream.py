"""Embedding a video as a stream: decode and shrink in one thread, embed in another."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import islice
from typing import TypeVar

import numpy as np

from vcmflow.embed.types import Embedder, Embeddings
from vcmflow.errors import VcmflowError
from vcmflow.video import Frame

Item = TypeVar("Item")


def embed_frames(frames: Iterable[Frame], embedder: Embedder, batch_size: int = 16) -> Embeddings:
    """Embed every frame, with memory for two batches of shrunk frames and the result.

    Args:
        frames: uint8 H x W x 3, RGB, all of one size.
        embedder: what embeds them.
        batch_size: frames embedded at once, >= 1; does not change the result.

    Returns:
        float32 n x d.

    Raises:
        VcmflowError: there are no frames, or the batch size is below 1.
    """
    if batch_size < 1:
        raise VcmflowError(f"batch size {batch_size}; allowed: 1 or more")
    rows = []
    shrunk = (embedder.prepare(frame) for frame in frames)
    with closing(ahead(shrunk, depth=batch_size)) as prepared:
        while batch := list(islice(prepared, batch_size)):
            rows.append(embedder.embed(batch))
    if not rows:
        raise VcmflowError("no frames to embed")
    return np.concatenate(rows)


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
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
