"""``vcmflow stage train``: train the embedding, a mini model, or what else there is."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vcmflow.core.device import DEVICES
from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, load
from vcmflow.train.loop import Machine, Output, train
from vcmflow.train.registry import TRAINEES
from vcmflow.train.trainee import Files

WORLD = "WORLD_SIZE"  # torchrun sets it in the processes that it starts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.epilog = "several machines: torchrun --nnodes … -m vcmflow stage train --device cuda …"
    parser.add_argument(
        "--trainee",
        required=True,
        metavar="INSTANCE",
        help="'{trainee: name, option: value, …}' or a name; one of: "
        + ", ".join(sorted(TRAINEES)),
    )
    files = parser.add_argument_group("what the trainee learns from; it says what it needs")
    files.add_argument(
        "--videos",
        type=Path,
        help="folder of videos of any depth, or a text file with one path per line",
    )
    files.add_argument(
        "--sequences",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="sequence folders (frames.mkv, truth.json)",
    )
    files.add_argument(
        "--validation-sequences",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="such folders to validate on",
    )
    files.add_argument("--initial-weights", type=Path, help="checkpoint to start from")
    files.add_argument(
        "--cache-mib", type=int, default=512, help="memory for decoded frames (default 512)"
    )
    parser.add_argument("--weights-out", type=Path, required=True, metavar="SAFETENSORS")
    parser.add_argument("--log-out", type=Path, required=True, metavar="CSV")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="save the state here, resume from it if it is there, remove it when done "
        "(default: beside the weights)",
    )
    parser.add_argument(
        "--checkpoint-every", type=int, default=500, metavar="STEPS", help="default 500"
    )
    parser.add_argument(
        "--device", default="cpu", choices=DEVICES, help="cpu, cuda or auto (default cpu)"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="that train together, each on a GPU of its own with cuda (default 1; 0 counts as 1)",
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default 1)")
    parser.add_argument("--workers", type=int, default=0, help="loader processes (default 0)")


def run(args: argparse.Namespace) -> None:
    """Train, and write weights and log."""
    for flag, low in (
        ("checkpoint_every", 1), ("workers", 0), ("processes", 0), ("threads", 1), ("cache_mib", 0)
    ):  # fmt: skip
        if getattr(args, flag) < low:
            name = flag.replace("_", "-")
            raise VcmflowError(f"--{name} is {getattr(args, flag)}; allowed: {low} or more")
    name, options = parse_instance(args.trainee, "trainee")
    settings = build(TRAINEES, name, "trainee", options)
    if args.processes > 1 and WORLD not in os.environ:
        train_together(args)
        return
    files = Files(
        args.videos,
        tuple(args.sequences),
        tuple(args.validation_sequences),
        args.initial_weights,
        args.cache_mib * 2**20,
    )
    checkpoint = args.checkpoint or args.weights_out.with_suffix(".checkpoint")
    out = Output(args.weights_out, args.log_out, checkpoint, args.checkpoint_every)
    machine = Machine(args.device, args.threads, args.workers)
    train(name, load(TRAINEES[name].trainee)(settings, files), machine, out)


def train_together(args: argparse.Namespace) -> None:
    """Run this command in several processes of this machine at once, as ``torchrun`` does.

    Raises:
        VcmflowError: one of them failed; its own line stands before.
    """
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=args.processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    try:
        elastic_launch(config, _train_one)(args)
    except ChildFailedError:
        raise VcmflowError(
            f"one of the {args.processes} training processes failed; see above"
        ) from None


def _train_one(args: argparse.Namespace) -> None:
    try:
        run(args)
    except VcmflowError as error:
        if os.environ.get("RANK") == "0":
            print(f"vcmflow stage train: error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
