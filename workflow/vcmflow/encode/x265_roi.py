"""H.265/HEVC with x265, and a QP per block from an importance map (PyAV's libx265, Main 10)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vcmflow.encode.allocation import (
    Allocation,
    BlockSize,
    Limit,
    Offsets,
    RegionShare,
    Strength,
    TextureExponent,
)
from vcmflow.encode.bitstream import HEVC, nal_units, without_units
from vcmflow.encode.bundled import Flag, IntraPeriod, Structure
from vcmflow.encode.codec import Codec
from vcmflow.encode.ffmpeg import said
from vcmflow.encode.roi import RATIOS, Qps, Roi
from vcmflow.encode.x264 import Preset  # the same names


@dataclass(frozen=True)
class X265Roi(Roi):
    """Settings of x265; see ``build``."""

    syntax = HEVC
    encoder = "libx265"

    def options(self, point: float) -> dict[str, str]:
        """As ``X265``, but for the rate control that takes offsets.

        With qg-size 32, x265's default, the offsets of blocks of 16 px smear.
        """
        settings = (
            f"crf={max(point, 0):g}:qcomp=1:{RATIOS}:aq-mode=1:aq-strength=0.000001:cutree=0"
            ":qg-size=16:psy-rd=0:psy-rdoq=0:frame-threads=1:pools=none:wpp=0:log-level=error"
        )
        if self.structure == "ai":
            settings += ":keyint=1"
        else:
            settings += (
                f":keyint={self.intra_period}:min-keyint=1:scenecut=0:open-gop=1"
                ":bframes=7:b-adapt=0:b-pyramid=1"
            )
        return {"preset": self.preset, "x265-params": settings}

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The version, from the note in the stream, which is taken out."""
        stream = path.read_bytes()
        notes = b"".join(unit for unit in nal_units(stream) if _is_note(unit)).decode("latin-1")
        path.write_bytes(without_units(stream, _is_note))
        return {"encoder": "x265 " + said(r"x265 \(build \d+\) - ([^ :]+)", notes)}

    def qps(self, stream: Path, averages: Qps, offsets: Offsets) -> Qps:  # noqa: ARG002
        """What was asked for, around the mean QP of each picture that x265 reports.

        No decoder at hand exports the QPs of H.265.
        """
        means = offsets.mean((1, 2), keepdims=True)
        qps: Qps = (averages[:, None, None] + offsets - means).astype(np.float32)
        return qps


def _is_note(unit: bytes) -> bool:
    return (unit[0] >> 1) & 63 == 39  # supplemental enhancement information before a picture


def build(
    *,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    strength: Strength = 1.0,
    limit: Limit = 6,
    block: BlockSize = 16,
    region: RegionShare | None = None,
    texture: TextureExponent = 0.0,
    match_rate: Flag = False,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are QPs, as those of ``x265``.

    Args:
        structure: "ra" or "ai".
        preset: x265's.
        intra_period: distance of intra pictures in random access.
        strength: of the offsets; 0 gives all blocks the same QP.
        limit: largest offset, in QP.
        block: side of the blocks that get a QP, in px.
        region: share of the blocks that are the region of interest; null grades all of them.
        texture: exponent of the texture term.
        match_rate: shift the offsets until the stream is as long as one without any.
        threads: of the decoder.
    """
    allocation = Allocation(strength, limit, block, region, texture)
    return X265Roi(structure, threads, preset, intra_period, allocation, match_rate)
