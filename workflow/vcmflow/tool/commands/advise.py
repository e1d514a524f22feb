"""``vcmflow advise``."""

from __future__ import annotations

import argparse
import itertools
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from vcmflow.core.encoding import point_text
from vcmflow.core.errors import VcmflowError
from vcmflow.core.machine import processors
from vcmflow.core.models import load_model
from vcmflow.core.truth import Truth
from vcmflow.task.registry import DETECTORS
from vcmflow.tool.advise import Candidate, Excerpt, Goal, Trial, advise, candidates
from vcmflow.tool.commands.flags import add_judge, add_machine, add_method, method_of
from vcmflow.tool.compress import Spool
from vcmflow.tool.evaluate import read_boxes
from vcmflow.tool.method import parse_keep
from vcmflow.tool.plot import curves_of, picture_plot, terminal_plot
from vcmflow.tool.source import open_timed

EXAMPLES = """\
vcmflow advise in.mp4 --detector onnx --detector-weights fastestdet.onnx --kbps 200
vcmflow advise in.mp4 --detector onnx --detector-weights m.onnx --accuracy 0.8 --plot a.png
vcmflow advise in.mp4 --detector onnx --detector-weights m.onnx --kbps 200 --keeps 1/2 1/5"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("input", type=Path, help="a video, or a folder of pictures")
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--kbps", type=float, help="the best accuracy at this rate at most")
    goal.add_argument(
        "--accuracy", type=float, metavar="A", help="the lowest rate at this mAP at least"
    )
    add_judge(parser, required=True)
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw what was tried")
    grid = parser.add_argument_group("what is tried")
    grid.add_argument(
        "--keeps",
        nargs="+",
        default=["1/2", "1/3"],
        metavar="SHARE",
        help="of frames, beside all of them (default 1/2 1/3)",
    )
    grid.add_argument(
        "--qps",
        nargs="+",
        type=float,
        default=[32, 37, 42, 47],
        metavar="QP",
        help="default 32 37 42 47",
    )
    grid.add_argument(
        "--samplers",
        nargs="+",
        metavar="NAME",
        default=["uniform", "manifold"],
        help="default uniform manifold",
    )
    grid.add_argument(
        "--codecs", nargs="+", metavar="NAME", help="default: that of the method, vvenc"
    )
    grid.add_argument(
        "--from", dest="start", type=float, metavar="S", help="seconds; default: the middle"
    )
    grid.add_argument(
        "--count", type=int, metavar="N", default=96, help="frames of the excerpt (default 96)"
    )
    parser.add_argument("--fps", type=float, help="of pictures (default 25)")
    add_method(parser, tracking=False)
    add_machine(parser)


def run(args: argparse.Namespace) -> None:
    """Try, show, and say what to type."""
    goal = Goal(args.kbps, args.accuracy)
    if args.count < 2:
        raise VcmflowError(f"--count {args.count}; allowed: 2 or more frames")
    for keep in args.keeps:
        parse_keep(keep)
    method = method_of(args)
    curves = candidates(method, args.codecs or [method.codec], args.samplers, args.keeps)
    detector = load_model(
        *(DETECTORS, "detector", args.detector, args.detector_weights),
        *(args.device, args.threads or processors()),
    )
    with tempfile.TemporaryDirectory(prefix="vcmflow-") as folder:
        spool = Spool(Path(folder, "excerpt.rgb"))
        fps, first = cut(args, spool)
        truth = part_of(read_boxes(args.truth), first, len(spool.times))
        excerpt = Excerpt(spool, fps, detector, truth)
        trials = advise(
            *(excerpt, curves, args.qps, goal, told),
            device=args.device,
            threads=args.threads,
        )
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    print(table(trials, goal))
    print()
    print(terminal_plot(trials, goal))
    title = f"{args.input.name}, frames {first} to {first + excerpt.frames - 1}"
    if args.plot is not None:
        picture_plot(args.plot, trials, goal, title)
    against = "what the detector finds on the original" if excerpt.pseudo else "the ground truth"
    print(f"\n{title}; mAP against {against}, {excerpt.objects} objects")
    print(verdict(trials, goal))
    print(f"\n  {command(args, trials[0])}")


def cut(args: argparse.Namespace, spool: Spool) -> tuple[float, int]:
    """Write the excerpt's frames down; its frames per second and the number of its first frame."""
    source = open_timed(args.input, args.fps)
    if args.start is not None:
        first = int(args.start * source.fps)
    else:
        first = max(0, (source.count or 0) - args.count) // 2
    frames = itertools.islice(source.frames, first, first + args.count)
    if sum(1 for _ in spool.record(frames)) < 2:
        raise VcmflowError(f"{args.input}: has not two frames from frame {first} on; see --from")
    return source.fps, first


def part_of(truth: Truth | None, first: int, count: int) -> Truth | None:
    """The ground truth of an excerpt, whose frames count from 0."""
    if truth is None:
        return None
    inside = (part for part in truth.annotations if first <= part.frame < first + count)
    return Truth(
        truth.categories, tuple(replace(part, frame=part.frame - first) for part in inside)
    )


def told(trial: Trial) -> None:
    """Show on a terminal what is being tried."""
    if sys.stderr.isatty():
        words = f"{trial.candidate.name} at {point_text(trial.point)}: {trial.kbps:.0f} kbit/s"
        print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


def table(trials: list[Trial], goal: Goal) -> str:
    """All trials by curve and rate; those that meet the goal have a star."""
    width = max(len(trial.candidate.name) for trial in trials)
    lines = [f"{'method':<{width}}     QP    kbit/s    mAP"]
    for name, points in curves_of(trials).items():
        for trial in points:
            star = "*" if goal.met(trial) else " "
            lines.append(
                f"{name:<{width}}  {point_text(trial.point):>5}  {trial.kbps:>8.1f}  "
                f"{trial.accuracy:.3f} {star}"
            )
    return "\n".join(lines)


def verdict(trials: list[Trial], goal: Goal) -> str:
    """What to use, and what the other way would have given."""
    best = trials[0]
    lines = [] if goal.met(best) else ["No point that was tried meets the goal. The nearest one:"]
    lines.append(f"Use {words(best)}.")
    whole = _keeps_all(best.candidate)
    other = next((trial for trial in trials if _keeps_all(trial.candidate) != whole), None)
    if other is not None:
        if goal.met(other) != goal.met(best):
            lines.append(
                f"{'Dropping frames' if whole else 'Keeping all frames'} does not meet the goal: "
                f"{words(other)}."
            )
        else:
            lines.append(
                f"{'Dropping frames' if whole else 'Keeping all frames'} would give {words(other)}."
            )
    return "\n".join(lines)


def words(trial: Trial) -> str:
    """A trial in words."""
    return (
        f"{trial.candidate.name} at QP {point_text(trial.point)}: mAP {trial.accuracy:.3f} at "
        f"{trial.kbps:.0f} kbit/s"
    )


def command(args: argparse.Namespace, trial: Trial) -> str:
    """The command line that compresses like that."""
    method = trial.candidate.method
    output = Path(args.input.name).with_suffix(".vcm")
    line = ["vcmflow", "compress", str(args.input), str(output)]
    line += ["--keep", trial.candidate.keep, "--qp", point_text(trial.point)]
    line += ["--codec", method.codec]
    if not _keeps_all(trial.candidate):
        line += ["--sampler", method.sampler]
        if method.looking.embedding != "grey":
            line += ["--embedding", method.looking.embedding]
    files = {
        "--weights": None if _keeps_all(trial.candidate) else method.looking.weights,
        "--codec-weights": method.codec_weights,
        "--map-weights": method.looking.map_weights,
        "--fps": args.fps,
    }
    for flag, value in files.items():
        if value is not None:
            line += [flag, str(value)]
    if args.map is not None:
        line += ["--map", args.map]
    if method.reconstructor != "flow":
        line += ["--interpolator", method.reconstructor]
    return shlex.join(line)


def _keeps_all(candidate: Candidate) -> bool:
    return candidate.keep == "1"
