"""H.266/VVC with VVenC, behind a filter that blurs what matters little.

VVenC has no public interface to a QP per block (ffmpeg's regions of interest change no byte of its
stream), so that bits are moved before it: a block that the bit allocation would code coarser by
dQP > 0 loses detail to a Gaussian of sigma = blur * dQP / limit px; a block that it would code
finer stays as it is. Works with any encoder. The formula is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from vcmflow.core.arrays import BLOCK
from vcmflow.core.encoding import Shape
from vcmflow.core.video import Frame
from vcmflow.encode.allocation import Allocation, BlockSize, Limit, RegionShare, Strength
from vcmflow.encode.bundled import Flag, IntraPeriod, Structure
from vcmflow.encode.codec import Codec, Report, Video
from vcmflow.encode.vvenc import Extra, Preset
from vcmflow.encode.vvenc import build as build_vvenc

Blur = Annotated[float, Field(gt=0, le=16)]

_LEVELS = 4  # pictures that are blurred; those in between are mixed from their neighbours


@dataclass(frozen=True)
class Prefiltered:
    """A codec that sees filtered frames; what it writes is decoded by itself.

    Attributes:
        codec: the codec.
        allocation: how importance becomes QP offsets.
        blur: sigma at the largest offset, in px.
    """

    codec: Codec
    allocation: Allocation
    blur: float

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Encode; see ``Codec``."""
        shape = video.shape
        offsets = self.allocation.offsets(needs["importance"], shape.width, shape.height)
        amounts = np.maximum(offsets, 0) / self.allocation.limit

        def read() -> Iterator[Frame]:
            for frame, amount in zip(video, amounts, strict=True):
                yield blurred(frame, amount.astype(np.float32), self.blur)

        filtered = Video(shape, read, video.scratch)
        report = self.codec.encode(filtered, {}, point, out)
        video.preparing += filtered.preparing
        return report

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Frame]:
        """Decode; see ``Codec``."""
        frames: Iterator[Any] = self.codec.decode(sent, shape)
        return frames


def blurred(frame: Frame, amount: npt.NDArray[np.float32], sigma: float) -> Frame:
    """The frame, blurred by block, with smooth passages between blocks.

    Args:
        frame: uint8 H x W x 3.
        amount: rows x columns of blocks, 0 (as it is) to 1.
        sigma: of the Gaussian at amount 1, in px.
    """
    if not amount.any():
        return frame
    rows, columns = amount.shape
    size = (columns * BLOCK, rows * BLOCK)
    smooth = cv2.resize(amount, size, interpolation=cv2.INTER_LINEAR)
    # Between two blocks no more than the lesser of them: what matters keeps all its pixels.
    own = cv2.resize(amount, size, interpolation=cv2.INTER_NEAREST)
    level = np.minimum(smooth, own)[: frame.shape[0], : frame.shape[1], None] * _LEVELS
    source = frame.astype(np.float32)
    result = source * np.clip(1 - level, 0, 1)
    for step in range(1, _LEVELS + 1):
        share = np.clip(1 - np.abs(level - step), 0, 1)
        if share.any():
            result += share * cv2.GaussianBlur(source, (0, 0), sigma * step / _LEVELS)
    pixels: Frame = np.rint(result).astype(np.uint8)
    return pixels


def build(
    *,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    gop_size: Literal[16, 32] | None = None,
    picture_hash: Flag = False,
    extra: Extra = "",
    strength: Strength = 1.0,
    limit: Limit = 6,
    block: BlockSize = 16,
    region: RegionShare | None = None,
    blur: Blur = 2.0,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are QPs.

    Args:
        structure: as of ``vvenc``, likewise the next five.
        preset: VVenC's.
        intra_period: distance of intra pictures in random access.
        gop_size: None takes 32 where the intra period is a multiple of it, else 16.
        picture_hash: put the MD5 of every decoded picture into the stream.
        extra: further VVenC settings.
        strength: of the offsets; 0 filters nothing.
        limit: offset at which the blur is strongest, in QP.
        block: side of the blocks, in px.
        region: share of the blocks that are the region of interest; null grades all of them.
        blur: sigma of the Gaussian there, in px.
        threads: at least 1.
    """
    vvenc = build_vvenc(
        structure=structure,
        preset=preset,
        intra_period=intra_period,
        gop_size=gop_size,
        picture_hash=picture_hash,
        extra=extra,
        threads=threads,
    )
    return Prefiltered(vvenc, Allocation(strength, limit, block, region), blur)
