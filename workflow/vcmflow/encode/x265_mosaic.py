"""Features as a mosaic picture, coded with x265: the usual baseline of feature coding.

Each channel is scaled from its range over the clip to 10 bit and is one tile of a grey picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vcmflow.core.device import set_deterministic
from vcmflow.core.encoding import Cost, Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import Features
from vcmflow.core.operations import multiply_accumulates
from vcmflow.encode import ffmpeg
from vcmflow.encode.bitstream import HEVC, HEVC_GREY, Syntax, pictures_of
from vcmflow.encode.bundled import IntraPeriod, Structure, check_pictures
from vcmflow.encode.codec import Codec, Report, Video
from vcmflow.encode.decode import decode_pictures
from vcmflow.encode.x264 import Preset
from vcmflow.encode.x265 import X265
from vcmflow.nets.faster_rcnn_mini import SPACE
from vcmflow.nets.transvfc.mini import CHANNELS, MiniTransVfc

FloatArray = npt.NDArray[np.float32]

COLUMNS = 8  # tiles side by side
_PEAK = 1023
_MAGIC = b"TILE"


@dataclass(frozen=True)
class Mosaic:
    """See ``build``."""

    network: MiniTransVfc
    x265: X265
    syntax: Syntax

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Write the ranges, tile and encode; see ``Codec``."""
        del needs
        ranges = video.scratch / "ranges.npy"
        clip = video.once(
            f"mosaic-{'grey' if self.syntax.grey else 'colour'}",
            lambda path: self._write(video, path, ranges),
        )
        low, high = np.load(ranges)
        out["ranges"].write_bytes(_MAGIC + struct.pack(f"<{2 * CHANNELS}f", *low, *high))
        width, height = self._size(video.shape)
        rate = Fraction(video.shape.fps).limit_denominator(100_000)
        arguments = self.x265.arguments(point)
        messages = ffmpeg.encode(
            [
                *("-f", "rawvideo", "-pix_fmt", "gray10le" if self.syntax.grey else "yuv420p10le"),
                *("-video_size", f"{width}x{height}", "-framerate", str(rate), "-i", "pipe:0"),
                *(*arguments, "-f", self.syntax.format),
            ],
            clip,
            out["mosaic"],
        )
        check_pictures(out["mosaic"], self.syntax, self.x265.structure, video.shape.pictures)
        about = self.x265.about(messages, out["mosaic"])
        return Report({**about, "ffmpeg": ffmpeg.version(messages)}, arguments)

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Features]:
        """Yield ``{SPACE: float32 (32, h, w), "size": (H, W)}`` of every frame; see ``Codec``."""
        low, high = read_ranges(sent["ranges"])
        path, (width, height) = sent["mosaic"], self._size(shape)
        if (found := len(pictures_of(path, self.syntax))) != shape.pictures:
            raise VcmflowError(f"{path}: holds {found} pictures, {shape.pictures} are expected")
        count = 0
        for picture, size in decode_pictures(path, self.syntax):
            if size != (width, height) or count == shape.pictures:
                raise VcmflowError(f"{path}: not {shape.pictures} pictures of {width}x{height}")
            levels = untiled(picture[:height].astype(np.float32)) / _PEAK
            feature = low[:, None, None] + levels * (high - low)[:, None, None]
            yield {SPACE: feature, "size": np.array((shape.height, shape.width), np.int32)}
            count += 1
        if count != shape.pictures:
            raise VcmflowError(f"{path}: {count} of {shape.pictures} pictures could be decoded")

    def cost(self, shape: Shape) -> Cost:
        """Of the detector's first stages, which the sender runs; see ``Learned``."""
        frame = np.zeros((shape.height, shape.width, 3), np.uint8)
        macs = multiply_accumulates(lambda: self.network.extract(frame))
        parameters = sum(value.numel() for value in self.network.front.parameters())
        return Cost(parameters, macs / (shape.height * shape.width), 0.0)

    def _write(self, video: Video, path: Path, ranges: Path) -> None:
        """Find the channels' ranges, then write the mosaics."""
        low, high = np.full(CHANNELS, np.inf, np.float32), np.full(CHANNELS, -np.inf, np.float32)
        for feature in self._features(video):
            low = np.minimum(low, feature.min((1, 2)))
            high = np.maximum(high, feature.max((1, 2)))
        np.save(ranges, np.stack([low, high]))
        spread = np.maximum(high - low, 1e-6)[:, None, None]
        with path.open("wb") as file:
            for feature in self._features(video):
                levels = np.rint((feature - low[:, None, None]) / spread * _PEAK)
                picture = tiled(levels).astype("<u2")
                file.write(picture.tobytes())
                if not self.syntax.grey:
                    file.write(np.full(picture.size // 2, 512, "<u2").tobytes())

    def _features(self, video: Video) -> Iterator[FloatArray]:
        return (self.network.extract(frame)[0].numpy() for frame in video)

    def _size(self, shape: Shape) -> tuple[int, int]:
        """Width and height of the mosaic of a frame's features."""
        blank = np.zeros((shape.height, shape.width, 3), np.uint8)
        height, width = self.network.extract(blank).shape[2:]
        return COLUMNS * width, CHANNELS // COLUMNS * height


def tiled(feature: FloatArray) -> FloatArray:
    """(C, h, w) -> channels in rows of eight, (C / 8 h, 8 w)."""
    channels, height, width = feature.shape
    grid = feature.reshape(channels // COLUMNS, COLUMNS, height, width).transpose(0, 2, 1, 3)
    return grid.reshape(channels // COLUMNS * height, COLUMNS * width)


def untiled(picture: FloatArray) -> FloatArray:
    """The other way round."""
    rows, height, width = CHANNELS // COLUMNS, *picture.shape
    grid = picture.reshape(rows, height // rows, COLUMNS, width // COLUMNS)
    return grid.transpose(0, 2, 1, 3).reshape(CHANNELS, height // rows, width // COLUMNS)


def read_ranges(path: Path) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest values of the channels.

    Raises:
        VcmflowError: the file holds something else.
    """
    data = path.read_bytes()
    if len(data) != len(_MAGIC) + 8 * CHANNELS or not data.startswith(_MAGIC):
        raise VcmflowError(f"{path}: damaged, or no ranges of channels")
    low, high = np.frombuffer(data[len(_MAGIC) :], "<f4").reshape(2, CHANNELS)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
        raise VcmflowError(f"{path}: damaged: ranges that cannot be")
    return low, high


def build(
    weights: Path,
    *,
    chroma: Literal["4:0:0", "4:2:0"] = "4:0:0",
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
) -> Codec:
    """Take the settings. Operating points are QPs.

    Args:
        weights: the mini detector's, whose features they are.
        chroma: "4:2:0" for decoders that know no grey pictures; its colours are constant.
        structure: "ra" or "ai".
        preset: x265's.
        intra_period: distance of intra pictures in random access.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    set_deterministic(1)
    network = MiniTransVfc()
    network.take_detector(weights)
    network.eval()
    x265 = X265(structure, 1, preset, intra_period, picture_hash=False)
    return Mosaic(network, x265, HEVC_GREY if chroma == "4:0:0" else HEVC)
