"""``python -m vcmflow pretrain``: train the embedding network on unlabelled videos."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_options
from vcmflow.embed.weights import write_weights
from vcmflow.pretrain.log import plot_log
from vcmflow.pretrain.settings import PretrainSettings, settings_from
from vcmflow.pretrain.training import Checkpoints, Machine, pretrain

WORLD = "WORLD_SIZE"  # torchrun sets it in the processes that it starts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "options and their defaults (vcmflow/pretrain/settings.py explains them):\n"
        + "\n".join(f"  {field.name}={field.default}" for field in fields(PretrainSettings))
        + "\n\nseveral machines: torchrun --nnodes … -m vcmflow pretrain --device cuda …"
    )
    parser.add_argument(
        "--videos",
        type=Path,
        required=True,
        help="folder of mp4, webm, avi, mkv of any depth, or a text file with one path per line",
    )
    parser.add_argument("--weights-out", type=Path, required=True, metavar="SAFETENSORS")
    parser.add_argument("--log-out", type=Path, required=True, metavar="CSV")
    parser.add_argument("--plot-out", type=Path, metavar="PNG", help="the log, drawn")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the training, see below; repeatable",
    )
    parser.add_argument(
        "--initial-weights", type=Path, help="torchvision's ResNet-18 to start from"
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="save the state here, resume from it if it is there, remove it when done",
    )
    parser.add_argument(
        "--checkpoint-every", type=int, default=500, metavar="STEPS", help="default 500"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default cpu)")
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="that train together, each on a GPU of its own with cuda (default 1; 0 counts as 1)",
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default 1)")
    parser.add_argument("--workers", type=int, default=0, help="loader processes (default 0)")
    parser.add_argument(
        "--cache-mib", type=int, default=512, help="memory for decoded frames (default 512)"
    )


def run(args: argparse.Namespace) -> None:
    """Train, and write weights, log and plot."""
    settings = settings_from(parse_options(args.option))
    for flag, value, low in (
        ("--checkpoint-every", args.checkpoint_every, 1),
        ("--workers", args.workers, 0),
        ("--processes", args.processes, 0),
        ("--cache-mib", args.cache_mib, 0),
    ):
        if value < low:
            raise VcmflowError(f"{flag} is {value}; allowed: {low} or more")
    if args.processes > 1 and WORLD not in os.environ:
        train_together(args)
        return
    machine = Machine(args.device, args.threads, args.workers, args.cache_mib * 2**20)
    checkpoints = None
    if args.checkpoint is not None:
        checkpoints = Checkpoints(args.checkpoint, args.checkpoint_every)
    trained = pretrain(
        args.videos, settings, machine, args.initial_weights, checkpoints, args.log_out
    )
    if trained is None:
        return
    write_weights(args.weights_out, trained.state, trained.description)
    if args.checkpoint is not None:
        args.checkpoint.unlink(missing_ok=True)  # a later training is another one
    if args.plot_out is not None:
        plot_log(trained.rows, args.plot_out)


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
            print(f"vcmflow pretrain: error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
