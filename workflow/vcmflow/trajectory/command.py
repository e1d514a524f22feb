"""``vcmflow stage trajectory``: measure the trajectories of an embedding, and its sampling."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vcmflow.core.arrays import read_embedding
from vcmflow.core.embedding import load_embedder
from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import find
from vcmflow.core.rows import fixed, write_csv
from vcmflow.core.trajectory import (
    Points,
    adjacent_distance,
    neighbour_share,
    pair_distance,
    speed_correlation,
    turning_angle,
)
from vcmflow.embed.registry import EMBEDDERS
from vcmflow.sample.decide import choose_frames, count_to_keep
from vcmflow.sample.registry import SAMPLERS
from vcmflow.trajectory.columns import COLUMNS
from vcmrender.api import ContentSpeed, read_speed


@dataclass(frozen=True)
class Sampling:
    """How frames are chosen: a sampler, its options, and one frame kept of how many."""

    sampler: str
    options: Mapping[str, Any]
    keep_every: Sequence[int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--variant", required=True, help="what the row of the table is called")
    parser.add_argument("--method", default="", help="the method with it; none if left out")
    parser.add_argument("--differs", default="", help="what is special about the variant, in words")
    parser.add_argument("--embedding-name", required=True, help="name of the embedding")
    parser.add_argument(
        "--embeddings", nargs="+", type=Path, required=True, metavar="NPY", help="n x d, float"
    )
    parser.add_argument(
        "--names", nargs="+", required=True, metavar="NAME", help="the sequences, one per embedding"
    )
    parser.add_argument(
        "--speeds", nargs="*", type=Path, default=[], metavar="JSON", help="content_speed.json"
    )
    parser.add_argument(
        "--speed-names", nargs="*", default=[], metavar="NAME", help="whose they are, one per file"
    )
    parser.add_argument(
        "--keep-every", nargs="+", type=int, required=True, metavar="K",
        help="keep m = n // K + 1 frames; one number, or one per embedding",
    )  # fmt: skip
    parser.add_argument(
        "--sampler",
        default="manifold",
        metavar="INSTANCE",
        help=f"'{{sampler: name, option: value, …}}' or a name; one of: {', '.join(SAMPLERS)}",
    )
    parser.add_argument(
        "--embedding",
        required=True,
        metavar="INSTANCE",
        help="'{embedder: name, option: value, …}' or a name, to count its weights; one of: "
        + ", ".join(EMBEDDERS),
    )
    parser.add_argument("--weights", type=Path, help="its weights file, if it has one")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help="row per sequence")


def run(args: argparse.Namespace) -> None:
    """Measure every sequence, and write one row for each."""
    count = len(args.embeddings)
    keep_every = args.keep_every * (count if len(args.keep_every) == 1 else 1)
    for flag, values in (("--names", args.names), ("--keep-every", keep_every)):
        if len(values) != count:
            raise VcmflowError(f"{flag} has {len(values)} entries for {count} embeddings")
    if len(args.speeds) != len(args.speed_names):
        raise VcmflowError(
            f"--speed-names has {len(args.speed_names)} entries for {len(args.speeds)} files"
        )
    for name in args.speed_names:
        if name not in args.names:
            raise VcmflowError(f"--speed-names: {name!r} is not among --names")
    sampler, options = parse_instance(args.sampler, "sampler")
    if "embedding" not in find(SAMPLERS, sampler, "sampler").needs:
        raise VcmflowError(f"--sampler {sampler}: is not built on an embedding")
    sampling = Sampling(sampler, options, keep_every)
    speeds = {
        name: read_speed(path) for name, path in zip(args.speed_names, args.speeds, strict=True)
    }
    embeddings = {
        name: np.asarray(read_embedding(path), np.float64)
        for name, path in zip(args.names, args.embeddings, strict=True)
    }
    embedder = load_embedder(EMBEDDERS, args.embedding, args.weights)
    name, _ = parse_instance(args.embedding, "embedder", "embedding")
    about = {
        "variant": args.variant,
        "embedding": args.embedding_name,
        "embedder": name,
        "sampler": args.method,
        "differs": args.differs,
        "parameters": embedder.parameters,
    }
    rows = [about | row for row in measure(embeddings, speeds, sampling)]
    write_csv(args.out, COLUMNS, rows)
    print(f"{args.variant}: {count} sequences measured", file=sys.stderr, flush=True)


def measure(
    embeddings: Mapping[str, Points], speeds: Mapping[str, ContentSpeed], sampling: Sampling
) -> list[dict[str, str]]:
    """One row per sequence, in the columns of the file.

    Args:
        embeddings: sequence -> n x d.
        speeds: sequence -> true content speed, where it is known; it may be longer than the
            sequence, of which frames may have been left out at the end.
        sampling: how frames are chosen, ``keep_every`` one per sequence.

    Raises:
        VcmflowError: embeddings of different lengths, or a speed that is too short.
    """
    dimensions = {array.shape[1] if array.ndim == 2 else 0 for array in embeddings.values()}
    if len(dimensions) != 1 or 0 in dimensions:
        raise VcmflowError(f"embeddings have lengths {sorted(dimensions)}; wanted: one for all")
    random_pair = pair_distance(list(embeddings.values()))
    rows = []
    for (name, array), keep_every in zip(embeddings.items(), sampling.keep_every, strict=True):
        n = len(array)
        m = count_to_keep(n, keep_every)
        step = adjacent_distance(array)
        speed = speeds.get(name)
        correlation = math.nan
        if speed is not None:
            if len(speed.seconds) < n - 1:
                raise VcmflowError(
                    f"sequence {name}: {len(speed.seconds)} content speeds for {n} frames"
                )
            kept = choose_frames(sampling.sampler, n, m, {"embedding": array}, sampling.options)
            correlation = speed_correlation(kept, np.asarray(speed.seconds[: n - 1]), m)
        rows.append(
            {
                "sequence": name,
                "n": str(n),
                "m": str(m),
                "dimension": str(array.shape[1]),
                "flicker": "" if speed is None else str(int(speed.flicker)),
                "step_to_random": fixed(_ratio(step, random_pair), 6),
                "step_to_own": fixed(_ratio(step, pair_distance([array])), 6),
                "turning": fixed(turning_angle(array), 4),
                "neighbours": fixed(neighbour_share(array), 6),
                "correlation": fixed(correlation, 6),
            }
        )
    return rows


def _ratio(step: float, pair: float) -> float:
    return step / pair if pair > 0 else math.nan
