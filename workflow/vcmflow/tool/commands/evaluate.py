"""``vcmflow evaluate``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vcmflow.core.machine import processors
from vcmflow.core.models import load_model
from vcmflow.core.video import Frame, open_source
from vcmflow.task.registry import DETECTORS
from vcmflow.tool.commands.flags import add_judge, add_machine, add_reconstructor
from vcmflow.tool.container import Reader, open_container
from vcmflow.tool.evaluate import Evaluation, evaluate, read_boxes
from vcmflow.tool.info import read_info
from vcmflow.tool.progress import Bar
from vcmflow.tool.restore import Receiver

EXAMPLES = """\
vcmflow evaluate in.mp4 out.vcm
vcmflow evaluate in.mp4 out.vcm --detector onnx --detector-weights fastestdet.onnx
vcmflow evaluate in.mp4 out.vcm --detector onnx --detector-weights m.onnx --truth coco.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("input", type=Path, help="the original: a video, or a folder of pictures")
    parser.add_argument("container", type=Path, help="what was made of it")
    add_judge(parser, required=False)
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    add_reconstructor(parser)
    parser.add_argument("--codec-weights", type=Path, metavar="FILE", help="of a learned codec")
    add_machine(parser)


def run(args: argparse.Namespace) -> None:
    """Evaluate, and say what was found."""
    threads = args.threads or processors()
    detector = None
    if args.detector is not None:
        detector = load_model(
            *(DETECTORS, "detector", args.detector, args.detector_weights),
            *(args.device, threads),
        )
    with open_container(args.container) as reader:
        truth = read_boxes(args.truth, reader.frames)
        info = read_info(reader)
        reader.check()
        receiver = Receiver(
            *(reader, args.interpolator, args.interpolator_weights, args.codec_weights),
            *(args.device, threads),
        )
        bar = Bar(reader.frames)
        try:
            evaluation = evaluate(
                open_source(args.input),
                _told(receiver, reader, bar),
                kept=kept_frames(info),
                detector=detector,
                truth=truth,
            )
        finally:
            bar.close()
    if args.json:
        rate = {key: info[key] for key in ("kbps", "bytes", "stream_bytes", "overhead_bytes")}
        print(json.dumps({**rate, "kept": info["kept"], **evaluation.to_json()}))
    else:
        print(describe(info, evaluation))


def kept_frames(info: dict[str, Any]) -> Iterator[int]:
    """The kept frames of the whole video by number."""
    place = 0
    for part in info["segments"]:
        yield place
        for gap in part["gaps"]:
            place += gap + 1
            yield place
        place += 1


def describe(info: dict[str, Any], evaluation: Evaluation) -> str:
    """The same as lines of text."""

    def number(value: float | None, digits: int, unit: str = "") -> str:
        return "undefined" if value is None else f"{value:.{digits}f}{unit}"

    lines = [
        f"frames     {info['kept']} of {info['frames']} kept",
        f"rate       {number(info['kbps'], 1, ' kbit/s')}, {info['bytes']:,} bytes",
        f"PSNR       {number(evaluation.psnr, 2, ' dB')}, "
        f"of the kept frames {number(evaluation.psnr_kept, 2, ' dB')}",
        f"SSIM       {number(evaluation.ssim, 4)}",
    ]
    if evaluation.accuracy:
        against = "what the detector finds on the original" if evaluation.status else "ground truth"
        lines.append(
            f"mAP        {number(evaluation.accuracy['map'], 3)}, "
            f"AP50 {number(evaluation.accuracy['map50'], 3)}, against {against}"
        )
        for name, value in evaluation.accuracy.items():
            if name.startswith("ap_"):
                lines.append(f"  {name.removeprefix('ap_'):<12} {number(value, 3)}")
    return "\n".join(lines)


def _told(receiver: Receiver, reader: Reader, bar: Bar) -> Iterator[Frame]:
    for number, timed in enumerate(receiver.frames(), start=1):
        bar(number, number / reader.header.fps)
        yield timed.frame
