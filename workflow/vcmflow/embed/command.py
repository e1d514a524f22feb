"""``vcmflow stage embed``: embed the frames of a batch of videos."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from vcmflow.core.embedding import embed_video, load_embedder
from vcmflow.core.files import whole_file
from vcmflow.core.models import check_files
from vcmflow.embed.registry import EMBEDDERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--embedding",
        required=True,
        metavar="INSTANCE",
        help="'{embedder: name, option: value, …}' or a name; one of: "
        + ", ".join(sorted(EMBEDDERS)),
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


def run(args: argparse.Namespace) -> None:
    """Embed each video and write one array per video."""
    check_files(args.videos, {"--out": args.out})
    embedder = load_embedder(EMBEDDERS, args.embedding, args.weights, args.device)
    for video, out in zip(args.videos, args.out, strict=True):
        embedding = embed_video(video, embedder, args.batch_size, args.threads)
        with whole_file(out) as temporary, temporary.open("wb") as file:
            np.save(file, embedding)
        print(f"{video}: {len(embedding)} frames embedded", file=sys.stderr, flush=True)
