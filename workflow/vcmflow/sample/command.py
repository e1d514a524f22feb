"""``vcmflow stage sample``: choose the frames to keep of a batch of sequences."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.gaps import write_gaps
from vcmflow.core.needs import read_needs
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import find
from vcmflow.core.sequence import read_sequence
from vcmflow.sample.decide import all_options, choose_frames, count_to_keep
from vcmflow.sample.registry import SAMPLERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--sampler",
        required=True,
        metavar="INSTANCE",
        help=f"one of {', '.join(sorted(SAMPLERS))}; with options '{{sampler: name, option: 1}}'",
    )
    parser.add_argument(
        "--name", help="the sampler's name in the experiment, [a-z0-9_-]+; default: the plug-in's"
    )
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--keep-every", type=int, metavar="K", help="keep m = n // K + 1 frames")
    amount.add_argument("--count", type=int, metavar="M", help="keep m = M frames, 2 <= M <= n")
    parser.add_argument(
        "--sequence", type=Path, required=True, metavar="JSON", help="sequence.json"
    )
    parser.add_argument(
        "--need", action="append", default=[], metavar="NEED=FILE", help="embedding=…, tracks=…"
    )
    parser.add_argument("--decision-out", type=Path, required=True, metavar="JSON")
    parser.add_argument(
        "--gaps-out", type=Path, required=True, metavar="GAPS", help="the metadata bytes"
    )


def run(args: argparse.Namespace) -> None:
    """Choose, and write the decision and the gaps."""
    plugin, given = parse_instance(args.sampler, "sampler")
    entry = find(SAMPLERS, plugin, "sampler")
    name = args.name or plugin
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise VcmflowError(f"--name {name!r} may hold only a-z, 0-9, _ and -")
    sequence = read_sequence(args.sequence)
    n = sequence.frames
    m = count_to_keep(n, args.keep_every) if args.count is None else args.count
    needs = read_needs(args.need, entry.needs, f"sampler {plugin!r}")
    try:
        frames = choose_frames(plugin, n, m, needs, given, sequence.id)
    except VcmflowError as error:
        raise VcmflowError(f"sequence {sequence.id}: {error}") from None
    decision = Decision(
        sequence.id, name, plugin, n, m, tuple(frames), sequence.fps, all_options(plugin, given)
    )
    if len(frames) > m and not entry.keeps_all:
        print(
            f"sequence {sequence.id}: {len(frames)} frames kept, not {m}: "
            "a gap may drop 255 frames at most",
            file=sys.stderr,
        )
    write_gaps(args.gaps_out, decision.gaps)
    write_decision(args.decision_out, decision)
