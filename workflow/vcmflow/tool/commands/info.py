"""``vcmflow info``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from vcmflow.tool.container import open_container
from vcmflow.tool.info import read_info
from vcmflow.tool.method import describe

EXAMPLES = """\
vcmflow info out.vcm
vcmflow info out.vcm --json | python -m json.tool"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("input", type=Path, help="a container")
    parser.add_argument("--json", action="store_true", help="everything, gaps included, as JSON")


def run(args: argparse.Namespace) -> None:
    """Say what is in it; one that is not whole is an error afterwards."""
    with open_container(args.input) as reader:
        info = read_info(reader)
        print(json.dumps(info) if args.json else describe_info(info))
        reader.check()


def describe_info(info: dict[str, Any]) -> str:
    """The same as lines of text."""
    header = info["header"]
    streams = ", ".join(f"{role} {size:,}" for role, size in info["stream_bytes"].items())
    rate = "" if info["kbps"] is None else f", {info['kbps']:.1f} kbit/s"
    codec = describe(header["codec"], "codec")
    lines = [
        f"frames     {info['kept']} of {info['frames']} kept, {info['seconds']:.2f} s, "
        f"{header['width']}x{header['height']}, {header['fps']:g} frames/s on average",
        f"bytes      {info['bytes']:,}: {streams}, everything else {info['overhead_bytes']:,}"
        + rate,
        f"sampler    {describe(header['sampler'], 'sampler')}, share {header['keep']}",
        f"codec      {codec}, at {header['point']:g}",
        f"rebuilt    {describe(header['reconstructor'], 'reconstructor')}",
    ]
    if header.get("rotation"):
        lines.append(f"rotation   {header['rotation']} degrees")
    lines.append("segment    start s  frames  kept  largest gap  CRC-32    bytes of streams")
    for number, part in enumerate(info["segments"], start=1):
        sizes = ", ".join(f"{role} {size:,}" for role, size in part["stream_bytes"].items())
        lines.append(
            f"{number:>7}  {part['start']:>9.2f}  {part['frames']:>6}  {part['kept']:>4}  "
            f"{max(part['gaps'], default=0):>11}  {part['crc32']}  {sizes}"
        )
    return "\n".join(lines)
