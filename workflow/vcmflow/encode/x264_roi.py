"""H.264/AVC with x264, and a QP per macroblock from an importance map (PyAV's libx264, High 10)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
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
from vcmflow.encode.bitstream import AVC
from vcmflow.encode.bundled import Flag, IntraPeriod, Structure
from vcmflow.encode.codec import Codec
from vcmflow.encode.roi import RATIOS, Qps, Roi
from vcmflow.encode.x264 import Preset, take_note


@dataclass(frozen=True)
class X264Roi(Roi):
    """Settings of x264; see ``build``."""

    syntax = AVC
    encoder = "libx264"

    def options(self, point: float) -> dict[str, str]:
        """As ``X264``, but for the rate control that takes offsets."""
        settings = (
            f"crf={point:g}:qcomp=1:{RATIOS}:aq-mode=1:aq-strength=0.000001:mbtree=0"
            ":psy=0:threads=1:lookahead-threads=1:sliced-threads=0"
        )
        if self.structure == "ai":
            settings += ":keyint=1"
        else:
            settings += (
                f":keyint={self.intra_period}:min-keyint=1:scenecut=0:open-gop=1"
                ":bframes=7:b-adapt=0:b-pyramid=normal"
            )
        return {"preset": self.preset, "x264-params": settings}

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The version and the options."""
        return take_note(path)

    def qps(self, stream: Path, averages: Qps, offsets: Offsets) -> Qps:  # noqa: ARG002
        """Read them from the stream. Skipped macroblocks have the QP of the one before."""
        rows, columns = offsets.shape[1:]
        with stream.open("rb") as file, av.open(file, "r", format="h264") as container:
            video = container.streams.video[0]
            video.codec_context.options = {"export_side_data": "venc_params"}
            sides: list[Any] = [frame.side_data for frame in container.decode(video)]
        # 12 is what 10 bit add to QP.
        maps = [side["VIDEO_ENC_PARAMS"].qp_map() - 12 for side in sides]
        return np.stack(maps)[:, :rows, :columns].astype(np.float32)


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
    """Take the settings. Operating points are QPs of H.264, as those of ``x264``.

    Args:
        structure: "ra" or "ai".
        preset: x264's.
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
    return X264Roi(structure, threads, preset, intra_period, allocation, match_rate)
