"""``vcmflow train``: train a mini detector or segmenter from scratch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import torch

from vcmflow.core.device import DEVICES, choose_device, steady
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import lookup
from vcmflow.task.train.folders import read_folder
from vcmflow.task.train.loop import Schedule, train
from vcmflow.task.train.registry import TRAINEES
from vcmflow.task.train.rendered import render_samples
from vcmflow.task.train.types import Sample, Trainee
from vcmflow.task.train.validate import average_precision, found, mean_jaccard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    schedule = Schedule(steps=1)
    parser.add_argument("--task", required=True, choices=sorted(TRAINEES), help="what to find")
    parser.add_argument("--model", required=True, help="registered model that can be trained")
    parser.add_argument(
        "--scenes", type=int, default=0, help="random scenes to render for training"
    )
    parser.add_argument(
        "--validation-scenes", type=int, default=0, help="random scenes to render for validation"
    )
    parser.add_argument(
        "--images",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="sequence folders (frames.mkv, truth.json) to train on, besides or instead of scenes",
    )
    parser.add_argument(
        "--validation-images",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="sequence folders to validate on",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides everything random")
    parser.add_argument("--steps", type=int, required=True, help="batches to learn from")
    parser.add_argument("--batch-size", type=int, default=schedule.batch, help="pictures a step")
    parser.add_argument("--rate", type=float, default=schedule.rate, help="highest learning rate")
    parser.add_argument(
        "--precision",
        default=schedule.precision,
        choices=("float32", "bfloat16"),
        help="bfloat16 is about twice as fast on processors that support it",
    )
    parser.add_argument(
        "--validate-every", type=int, default=schedule.validate_every, help="steps between checks"
    )
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where to train")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--out", required=True, type=Path, help="weights file (.safetensors)")
    parser.add_argument("--log", required=True, type=Path, help="losses and accuracy (.csv)")
    parser.add_argument(
        "--checkpoint", type=Path, help="where to go on after a break (default: beside --out)"
    )


def run(args: argparse.Namespace) -> None:
    """Gather samples, train, and write weights and log."""
    builder = lookup(TRAINEES[args.task], args.model, "trainable model")
    schedule = Schedule(
        steps=args.steps,
        batch=args.batch_size,
        rate=args.rate,
        seed=args.seed,
        precision=args.precision,
        validate_every=args.validate_every,
    )
    device = choose_device(args.device)
    steady(args.threads)
    cv2.setNumThreads(1)
    samples = gather(args.task, args.scenes, args.images, args.seed, "train")
    held_out = gather(
        args.task, args.validation_scenes, args.validation_images, args.seed, "validation"
    )
    torch.manual_seed(args.seed)
    trainee: Trainee = builder(device)
    checkpoint = args.checkpoint or args.out.with_suffix(".checkpoint.pt")
    scores = train(
        trainee,
        samples,
        schedule,
        lambda weights: validate(trainee, weights, held_out),
        args.out,
        args.log,
        checkpoint,
    )
    said = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    print(f"train {args.model}: done, validation {said}", file=sys.stderr, flush=True)


def gather(task: str, scenes: int, folders: list[Path], seed: int, split: str) -> list[Sample]:
    """Return rendered samples followed by those of folders.

    Raises:
        VcmflowError: neither is asked for, or the pictures differ in size.
    """
    flag = "" if split == "train" else "validation-"
    if scenes < 0 or (scenes == 0 and not folders):
        raise VcmflowError(
            f"nothing for {split}: give --{flag}scenes (1 or more) or --{flag}images"
        )
    samples = [sample for folder in folders for sample in read_folder(folder)]
    samples = render_samples(task, scenes, seed, split) + samples
    if split == "train" and len({sample.owner.shape for sample in samples}) > 1:
        raise VcmflowError("training pictures differ in size; give folders of one size")
    return samples


def validate(trainee: Trainee, weights: Path, samples: list[Sample]) -> dict[str, float]:
    """Accuracy of stored weights: AP per class and mAP, and J where the model makes masks."""
    detections = found(trainee.detector(weights), samples)
    scores = average_precision(samples, detections, smallest=1)
    if any(one.masks is not None for one in detections):
        scores |= mean_jaccard(samples, detections, smallest=1)
    return scores
