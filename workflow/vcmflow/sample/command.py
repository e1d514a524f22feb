"""``python -m vcmflow sample``: choose the frames to keep of a batch of sequences."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vcmflow.core.arrays import read_embedding
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.gaps import write_gaps
from vcmflow.core.options import parse_options
from vcmflow.core.tracks import read_tracks
from vcmflow.sample.decide import choose_frames, count_to_keep
from vcmflow.sample.registry import SAMPLERS, complete_options, find_method


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--method", required=True, help=f"one of: {', '.join(sorted(SAMPLERS))}")
    parser.add_argument(
        "--sampler-name", required=True, help="the sampler's name in the experiment, [a-z0-9_-]+"
    )
    add_choice_arguments(parser)
    parser.add_argument(
        "--sequences", nargs="+", type=Path, required=True, metavar="JSON", help="sequence.json"
    )
    parser.add_argument(
        "--embeddings", nargs="+", type=Path, metavar="NPY", help="n x d, one file per sequence"
    )
    parser.add_argument(
        "--tracks", nargs="+", type=Path, metavar="JSON", help="one file per sequence"
    )
    parser.add_argument(
        "--gaps-out", nargs="+", type=Path, required=True, metavar="GAPS", help="the metadata bytes"
    )


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that any way of choosing has: options, how many, and where to."""
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the method, e.g. arc=spline or count=literal; repeatable",
    )
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--keep-every", type=int, metavar="K", help="keep m = n // K + 1 frames")
    amount.add_argument("--count", type=int, metavar="M", help="keep m = M frames, 2 <= M <= n")
    parser.add_argument(
        "--decisions-out", nargs="+", type=Path, required=True, metavar="JSON", help="the choices"
    )


def run(args: argparse.Namespace) -> None:
    """Choose, and write one decision and one gaps file per sequence."""
    needs = find_method(args.method).needs
    options = complete_options(args.method, parse_options(args.option))
    if not re.fullmatch(r"[a-z0-9_-]+", args.sampler_name):
        raise VcmflowError(f"--sampler-name {args.sampler_name!r} may hold only a-z, 0-9, _ and -")
    count = len(args.sequences)
    material: Sequence[Path] = []
    if needs == "embedding":
        material = _one_each("--embeddings", args.embeddings, count)
    elif needs == "tracks":
        material = _one_each("--tracks", args.tracks, count)
    _one_each("--decisions-out", args.decisions_out, count)
    _one_each("--gaps-out", args.gaps_out, count)
    for number, sequence in enumerate(args.sequences):
        name, n, fps = read_sequence(sequence)
        m = count_to_keep(n, args.keep_every) if args.count is None else args.count
        given: dict[str, Any] = {}
        if needs == "embedding":
            given["embedding"] = read_embedding(material[number])
        elif needs == "tracks":
            given["tracks"] = read_tracks(material[number])
        try:
            frames = choose_frames(args.method, n, m, options=options, **given)
        except VcmflowError as error:
            raise VcmflowError(f"sequence {name}: {error}") from None
        decision = Decision(name, args.sampler_name, args.method, n, m, tuple(frames), fps, options)
        if len(frames) > m and not find_method(args.method).keeps_all:
            print(
                f"sequence {name}: {len(frames)} frames kept, not {m}: "
                "a gap may drop 255 frames at most",
                file=sys.stderr,
            )
        write_gaps(args.gaps_out[number], decision.gaps)
        write_decision(args.decisions_out[number], decision)


def read_sequence(path: Path) -> tuple[str, int, float]:
    """Return id, number of frames and frames per second from a ``sequence.json``.

    Raises:
        VcmflowError: the file is missing or lacks one of them.
    """
    content = read_json(path)
    try:
        name, n, fps = str(content["id"]), int(content["frames"]), float(content["fps"])
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(f"{path}: needs id, frames (integer) and fps (number)") from None
    if n < 1 or not 0 < fps < float("inf"):
        raise VcmflowError(f"{path}: frames is {n}, fps is {fps}; both must be above 0")
    return name, n, fps


def _one_each(flag: str, paths: Sequence[Path] | None, count: int) -> Sequence[Path]:
    if paths is None:
        raise VcmflowError(f"{flag} is missing: the method needs one file per sequence")
    if len(paths) != count:
        raise VcmflowError(f"{flag} has {len(paths)} files for {count} sequences")
    return paths
