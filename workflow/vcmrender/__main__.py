"""``python -m vcmrender``: write the mini data set."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file, write_record
from vcmflow.core.guard import guarded
from vcmrender import davis, osdar, videos, warp
from vcmrender.actions import render_motion
from vcmrender.catalogue import ACTION_TEST, MOTIONS, TEST_SETS, TestSequence
from vcmrender.draw import FAMILIES, render_scene
from vcmrender.scene import SceneSpec
from vcmrender.seeds import stream
from vcmrender.speed import SPEED_FILE, davis_speed_file, write_speed
from vcmrender.textures import Half

# Mean scene time between two frames, seconds, where --step does not say otherwise. More than 1/fps:
# these short sequences have to hold a rest and a burst.
_STEPS = {
    ("detection", "test"): 0.15,
    ("detection", "train"): 0.3,
    ("segmentation", "test"): 0.06,
    ("segmentation", "train"): 0.2,
    ("videos", "train"): 0.08,
    ("actions", "test"): 0.05,
    ("actions", "train"): 0.05,
}
_MOST = 99_899  # sequences of a training set: their numbers have five digits
_TRAIN_FRAMES = {"detection": 4, "segmentation": 4, "videos": 24, "actions": 24}
_TRAIN_COUNTS = {"detection": 90, "segmentation": 60, "videos": 40, "actions": 100}


def main(argv: Sequence[str] | None = None) -> int:
    """Render what the flags ask for; 0, or 2 after a one-line error."""
    parser = argparse.ArgumentParser(prog="vcmrender", description="Render the mini data set.")
    add_arguments(parser)
    return guarded("vcmrender", lambda: run(parser.parse_args(argv)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--kind",
        required=True,
        choices=("detection", "segmentation", "videos", "actions"),
        help="detection: OSDaR23's layout; segmentation: DAVIS 2017's; videos: unlabelled .mp4, "
        "in a folder for every kind of scene; actions: square .mp4 in a folder for every motion",
    )
    parser.add_argument(
        "--split",
        default="test",
        choices=("test", "train"),
        help="the fixed test sequences, or random training scenes (videos: train only)",
    )
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other pictures")
    parser.add_argument(
        "--width", type=int, default=416, help="pixels (64 or more); actions: as high"
    )
    parser.add_argument("--height", type=int, default=240, help="pixels (64 or more)")
    parser.add_argument(
        "--frames", type=int, help="frames per sequence (test: the catalogue says; train: 4 or 24)"
    )
    parser.add_argument(
        "--sequences",
        nargs="+",
        metavar="NAME|COUNT",
        help="test: names (default: all); train: how many (default: 90, 60, 40 and 100 by kind)",
    )
    parser.add_argument(
        "--sequence",
        metavar="NAME",
        help="write this one sequence only and leave all else in --out alone (so that several runs "
        "can share the folder; ImageSets is not written)",
    )
    parser.add_argument(
        "--step",
        type=float,
        help="mean scene time between two frames in seconds (actions take the whole clip)",
    )
    parser.add_argument(
        "--sums-out", type=Path, help="also write the sha256 of every file, as sha256sum does"
    )


def run(args: argparse.Namespace) -> None:
    """Render what the flags ask for; a sequence appears in ``--out`` whole or not at all."""
    cv2.setNumThreads(1)
    if args.kind == "videos" and args.split == "test":
        raise VcmflowError("videos are for training only; use --split train")
    if args.seed < 0:
        raise VcmflowError(f"--seed is {args.seed}; allowed: 0 and more")
    least = 2 if args.kind == "actions" else 1
    if args.frames is not None and args.frames < least:
        raise VcmflowError(f"--frames is {args.frames}; allowed: {least} and more")
    for flag, length in (("--width", args.width), ("--height", args.height)):
        if not 64 <= length <= 8192:
            raise VcmflowError(f"{flag} is {length}; allowed: 64..8192 pixels")
    if args.out.exists() and not args.out.is_dir():
        raise VcmflowError(f"--out {args.out} is a file; give a folder")
    step = _STEPS[args.kind, args.split] if args.step is None else args.step
    if not 0 < step < 60:
        raise VcmflowError(f"--step is {step}; allowed: above 0, below 60 seconds")
    if args.sequence is not None and args.sequences is not None:
        raise VcmflowError("--sequence and --sequences exclude each other; give one")
    plan = _plan(args)
    if args.sequence is not None:
        plan = [item for item in plan if item.name == args.sequence]
        if not plan:
            raise VcmflowError(f"no sequence {args.sequence!r} in this set; see the catalogue")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent, prefix=".part-") as name:
        staging = Path(name)
        for item in plan:
            _render(staging, item, args, step)
            print(f"rendered {item.name} ({item.frames} frames)", file=sys.stderr, flush=True)
        if args.kind == "segmentation" and args.sequence is None:
            davis.write_image_set(staging, args.split, [item.name for item in plan])
        sums = _checksums(staging)
        _place(staging, args.out, _units(args.kind, staging))
    if args.sums_out:
        with whole_file(args.sums_out) as temporary:
            temporary.write_text(sums, "utf-8")


def _plan(args: argparse.Namespace) -> list[TestSequence]:
    """What to render: entries of the catalogue, or random scenes that take turns."""
    if args.split == "test":
        items = ACTION_TEST if args.kind == "actions" else TEST_SETS[args.kind]
        known = {item.name: item for item in items}
        names: Sequence[str] = args.sequences or list(known)
        for name in names:
            if name not in known:
                raise VcmflowError(f"unknown sequence {name!r}; allowed: {', '.join(known)}")
        if len(set(names)) < len(names):
            raise VcmflowError("--sequences names a sequence twice")
        return [
            TestSequence(
                item.name, item.scene, args.frames or item.frames, item.fps, item.first_frame
            )
            for item in (known[name] for name in names)
        ]
    frames = args.frames or _TRAIN_FRAMES[args.kind]
    scenes = MOTIONS if args.kind == "actions" else FAMILIES[args.kind]
    count = _TRAIN_COUNTS[args.kind]
    if args.sequence is not None:
        # The name holds the number.
        name = args.sequence.removesuffix(".mp4")
        digits = name.rpartition("." if args.kind == "detection" else "-")[2]
        plain = len(digits) <= 5 and digits.isascii() and digits.isdigit()
        count = min(int(digits) - 100, _MOST) if plain else 0
    elif args.sequences is not None:
        text = args.sequences[0]
        plain = len(args.sequences) == 1 and len(text) <= 5 and text.isascii() and text.isdigit()
        if not plain or not 1 <= int(text) <= _MOST:
            raise VcmflowError(f"--sequences of a training set is one number, 1..{_MOST}")
        count = int(text)
    plan = []
    for index in range(count):
        scene = scenes[index % len(scenes)]
        number = index + 101
        if args.kind == "detection":
            name, fps, first = f"{scene}_{scene.partition('_')[0]}.{number}", 10.0, index % 90
        elif args.kind == "segmentation":
            name, fps, first = f"{scene.replace('_', '-')}-{number}", 24.0, 0
        elif args.kind == "actions":
            name, fps, first = f"{scene}/clip-{number}.mp4", 24.0, 0
        else:
            name, fps, first = f"clip-{number}", 24.0, 0
        plan.append(TestSequence(name, scene, frames, fps, first))
    return plan


def _render(root: Path, item: TestSequence, args: argparse.Namespace, step: float) -> None:
    rng = stream(args.seed, args.kind, args.split, item.name)
    half: Half = "left" if args.split == "test" else "right"
    if args.kind == "actions":
        (root / item.scene).mkdir(parents=True, exist_ok=True)
        pictures = render_motion(item.scene, item.frames, args.height, rng, half)
        videos.write_clip(root / item.name, pictures, item.fps)
        return
    times = warp.rests_and_bursts(rng, item.frames, step)
    spec = SceneSpec(item.scene, args.width, args.height, times, half)
    frames = render_scene(spec, rng)
    if args.kind == "detection":
        osdar.write_sequence(root / item.name, item.name, frames, item.fps, item.first_frame, rng)
        write_speed(root / item.name / SPEED_FILE, item.name, item.scene, times)
    elif args.kind == "segmentation":
        davis.write_sequence(root, item.name, frames)
        write_speed(davis_speed_file(root, item.name), item.name, item.scene, times)
    else:
        folder = root / item.scene
        folder.mkdir(parents=True, exist_ok=True)
        videos.write_clip(folder / f"{item.name}.mp4", (f.picture for f in frames), item.fps)


def _units(kind: str, root: Path) -> list[Path]:
    """What is moved in one piece: a sequence's folders or files, relative to ``root``."""
    depth = {"detection": 1, "segmentation": 3, "videos": 2, "actions": 2}[kind]
    found = root.glob("/".join("*" * depth))
    return sorted(path.relative_to(root) for path in found)


def _place(staging: Path, out: Path, units: Sequence[Path]) -> None:
    """Move finished pieces to ``out``; an older piece of the same name makes room."""
    for index, unit in enumerate(units):
        target = out / unit
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            old = staging / f".old-{index}"
            target.rename(old)
            (staging / unit).rename(target)
            shutil.rmtree(old)
        else:
            (staging / unit).replace(target)


def _checksums(root: Path) -> str:
    lines = []
    for path in sorted(path for path in root.rglob("[!.]*") if path.is_file()):
        digest = write_record(path)
        lines.append(f"{digest}  {path.relative_to(root).as_posix()}\n")
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
