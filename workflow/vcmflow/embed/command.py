"""``python -m vcmflow embed``: embed the frames of a batch of videos."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.core.options import parse_options
from vcmflow.core.registry import lookup
from vcmflow.core.video import open_source
from vcmflow.embed.registry import EMBEDDINGS
from vcmflow.embed.settings import check_settings
from vcmflow.embed.stream import embed_frames
from vcmflow.embed.types import Embedder, Embeddings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--embedding", required=True, help=f"one of: {', '.join(sorted(EMBEDDINGS))}"
    )
    parser.add_argument("--weights", type=Path, help="weights file, for learned and imagenet")
    parser.add_argument(
        "--videos", nargs="+", type=Path, required=True, help="video files, or folders of pictures"
    )
    parser.add_argument(
        "--out", nargs="+", type=Path, required=True, metavar="NPY", help="n x d, one per video"
    )
    parser.add_argument("--batch-size", type=int, default=16, help="frames at once (default 16)")
    parser.add_argument(
        "--threads", type=int, default=1, help="batches at once on a CPU (default 1)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the embedding, e.g. short_side=128 or precision=auto; repeatable",
    )


def run(args: argparse.Namespace) -> None:
    """Embed each video and write one array per video."""
    if len(args.out) != len(args.videos):
        raise VcmflowError(f"--out has {len(args.out)} files for {len(args.videos)} videos")
    for video in args.videos:
        if not video.exists():
            raise VcmflowError(f"{video}: no such video")
    embedder = build_embedder(args.embedding, args.weights, args.device, parse_options(args.option))
    for video, out in zip(args.videos, args.out, strict=True):
        embedding = embed_video(video, embedder, args.batch_size, args.threads)
        with whole_file(out) as temporary, temporary.open("wb") as file:
            np.save(file, embedding)
        print(f"{video}: {len(embedding)} frames embedded", file=sys.stderr, flush=True)


def embed_video(video: Path, embedder: Embedder, batch_size: int, workers: int) -> Embeddings:
    """Embed every frame of a video file, or of a folder of pictures: float32 n x d.

    Raises:
        VcmflowError: it cannot be read to its end, or an embedding is not finite.
    """
    embedding = embed_frames(open_source(video), embedder, batch_size, workers)
    if not np.isfinite(embedding).all():
        raise VcmflowError(f"{video}: its embedding has values that are not finite")
    return embedding


def build_embedder(
    name: str,
    weights: Path | None,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
) -> Embedder:
    """Build a registered embedder, whose batches take one thread of the CPU each.

    Args:
        name: an entry of ``EMBEDDINGS``.
        weights: weights file, for embedders that have one.
        device: "cpu", "cuda" or "auto".
        options: the builder's options.

    Raises:
        VcmflowError: an unknown name or option, or whatever the builder does not like.
    """
    builder = lookup(EMBEDDINGS, name, "embedding")
    given = check_settings(f"embedding {name!r}", builder, options or {}, _GIVEN)
    if "torch" in sys.modules:
        from vcmflow.core.device import steady

        steady(1)
    embedder: Embedder = builder(weights=weights, device=device, **given)
    return embedder


_GIVEN = frozenset({"weights", "device"})
