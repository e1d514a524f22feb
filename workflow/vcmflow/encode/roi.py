"""x264 and x265 with a QP for every block: constant quantiser, and offsets from importance.

Both run inside this process (PyAV), because the offsets of a picture travel with the picture: as
its regions of interest, which ffmpeg's filter ``addroi`` attaches. What was measured of them:

- They take regions only while their adaptive quantisation is on, so it is, at a strength that
  changes nothing, and the rate control is CRF without its complexity term: a constant quantiser.
- CRF gives the first intra picture the QP of P pictures, constant QP one that is 3 less. Offsets
  make up for that, so that every picture has the QP that the codecs ``x264`` and ``x265`` give it.
- x265 keeps the regions of earlier pictures in its buffers, and crashes where a buffer was made for
  a picture without any: every picture has one for each block, if only of offset 0.
"""

from __future__ import annotations

import ctypes
import math
import struct
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, cast

import av
import numpy as np
import numpy.typing as npt

from vcmflow.core.arrays import BLOCK
from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.encode import colour
from vcmflow.encode.allocation import Allocation, FloatArray, Offsets, texture_of
from vcmflow.encode.bundled import Bundled, check_pictures, write_clip
from vcmflow.encode.codec import Report, Video

INTRA = -3  # QP of intra pictures beside that of P pictures
# I pictures after the first are 2 below the mean of those before, mostly B pictures, which are 2
# above P pictures: with it, they too have the QP of P pictures.
RATIOS = "ipratio=1.26:pbratio=1.3"
QP_RANGE = 63  # QPs that an offset of 1 means: 51, and 6 for each bit beyond 8
QUALITY_PER_QP = 118  # ffmpeg's FF_QP2LAMBDA
CLOSE = 0.005  # of the anchor's bytes: equal enough
TRIES = 8
FARTHEST = 12.0  # mean offset, in QP

Qps = npt.NDArray[np.float32]  # pictures x rows x columns of blocks, or per picture


@dataclass(frozen=True)
class Roi(Bundled):
    """An encoder with a QP per block; what it writes is decoded as any stream of its standard.

    Attributes:
        preset: the encoder's.
        intra_period: distance of intra pictures in random access.
        allocation: how importance becomes offsets.
        match_rate: shift the offsets until the stream is as long as one without any.
    """

    encoder: ClassVar[str]

    preset: str
    intra_period: int
    allocation: Allocation
    match_rate: bool

    @abstractmethod
    def options(self, point: float) -> dict[str, str]:
        """The encoder's options for P pictures of this QP (intra pictures in all-intra)."""

    @abstractmethod
    def qps(self, stream: Path, averages: Qps, offsets: Offsets) -> Qps:
        """The QP of every block, as coded as far as that can be read.

        Args:
            stream: what was coded.
            averages: mean QP of every picture, by the encoder's statistics.
            offsets: what was asked for.
        """

    def arguments(self, point: float) -> list[str]:
        """The settings as ffmpeg's flags."""
        point += INTRA if self.structure == "ai" else 0
        options = self.options(point).items()
        return ["-c:v", self.encoder, *(word for k, v in options for word in (f"-{k}", v))]

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Encode; see ``Codec``. The QPs of the blocks are recorded beside the stream."""
        clip = video.once("yuv420p10le", lambda path: write_clip(video, path))
        shape, target = video.shape, out["base"]
        offsets = self.offsets(video, clip, needs, point)

        def size(given: Offsets) -> int:
            self.code(clip, shape, point, given, target)
            self.about("", target)
            return target.stat().st_size

        arguments, mean = self.arguments(point), 0.0
        if self.match_rate and offsets(0).any():
            anchor = size(np.zeros_like(offsets(0)))
            mean, ratio = matched(lambda mean: size(offsets(mean)) / anchor)
            arguments += [f"mean offset {mean:+.3f}", f"rate {100 * (ratio - 1):+.2f} %"]
        chosen = offsets(mean)
        averages = self.code(clip, shape, point, chosen, target)
        about = self.about("", target)
        check_pictures(target, self.syntax, self.structure, shape.pictures)
        with out["qp"].open("wb") as file:
            np.save(file, self.qps(target, averages, chosen))
        encoder = {**about, "library": f"PyAV {av.__version__}", "colour": colour.DESCRIPTION}
        return Report(encoder, arguments)

    def offsets(
        self,
        video: Video,
        clip: Path,
        needs: Mapping[str, Any],
        point: float,  # noqa: ARG002
    ) -> Callable[[float], Offsets]:
        """The offsets of every block, as a function of a mean that is added to them.

        Args:
            video: the kept frames.
            clip: the same as headerless 10-bit 4:2:0 pictures.
            needs: the importance of every kept frame.
            point: QP.
        """
        shape, texture = video.shape, None
        if self.allocation.texture:
            texture = textures(clip, shape)

        def offsets(mean: float) -> Offsets:
            return self.allocation.offsets(
                needs["importance"], shape.width, shape.height, texture, mean
            )

        return offsets

    def code(self, clip: Path, shape: Shape, point: float, offsets: Offsets, target: Path) -> Qps:
        """Write the stream of a clip.

        Args:
            clip: headerless 10-bit 4:2:0 pictures.
            shape: of the frames.
            point: QP.
            offsets: QP offsets of the blocks of every picture.
            target: the file to write.

        Returns:
            The mean QP of every picture by the encoder's statistics, in display order.

        Raises:
            VcmflowError: the encoder is not there, or failed.
        """
        rate = Fraction(shape.fps).limit_denominator(100_000)
        words = self.arguments(point)[2:]
        options = {k.removeprefix("-"): v for k, v in zip(words[::2], words[1::2], strict=True)}
        averages = np.zeros(shape.pictures, np.float32)
        try:
            context = cast("av.VideoCodecContext", av.CodecContext.create(self.encoder, "w"))
            context.width, context.height = colour.coded_size(shape.width, shape.height)
            context.pix_fmt, context.thread_count = "yuv420p10le", 1
            context.framerate, context.time_base = rate, 1 / rate
            context.options = options
            with target.open("wb") as file:
                for frame in self._frames(clip, shape, offsets, context.time_base):
                    for packet in context.encode(frame):
                        file.write(bytes(packet))
                        averages[packet.pts] = _average(packet)
        except av.error.FFmpegError as error:
            raise VcmflowError(f"{self.encoder} failed: {error}") from None
        return averages

    def _frames(
        self, clip: Path, shape: Shape, offsets: Offsets, time_base: Fraction
    ) -> Iterator[av.VideoFrame | None]:
        """The pictures with their regions, and None for the end."""
        canvas = Canvas(*colour.coded_size(shape.width, shape.height), time_base)
        for number, picture in enumerate(read_clip(clip, shape)):
            intra = self.structure == "ra" and number % self.intra_period == 0
            yield canvas.fill(number, picture, offsets[number] + (INTRA if intra else 0))
        yield None


def _average(packet: av.Packet[av.VideoStream]) -> float:
    """The mean QP of a coded picture, as the encoder reports it beside the packet."""
    (quality,) = struct.unpack_from("<I", bytes(packet.get_sidedata("quality_stats")))
    return float(quality) / QUALITY_PER_QP


def matched(ratio: Callable[[float], float]) -> tuple[float, float]:
    """The mean offset at which ``ratio(mean)`` is nearest 1, and the ratio there.

    Args:
        ratio: bytes relative to the anchor's; falls with the mean, by about half per 6 QP.
    """
    tried: dict[float, float] = {}
    mean = 0.0
    while mean not in tried and len(tried) < TRIES:
        tried[mean] = ratio(mean)
        if abs(tried[mean] - 1) <= CLOSE:
            break
        longer = max((m for m, r in tried.items() if r > 1), default=None)
        shorter = min((m for m, r in tried.items() if r <= 1), default=None)
        if longer is None or shorter is None or shorter <= longer:
            mean += 6 * math.log2(tried[mean])
        else:  # between them, where a straight line of the logarithm meets 0
            above, below = math.log(tried[longer]), -math.log(tried[shorter])
            share = np.clip(above / (above + below), 0.1, 0.9)
            mean = longer + float(share) * (shorter - longer)
        mean = min(max(mean, -FARTHEST), FARTHEST)
    best = min(tried, key=lambda m: abs(tried[m] - 1))
    return best, tried[best]


class Canvas:
    """A frame with a region of interest for every block, which is filled anew for every picture.

    PyAV reads side data and has no way to add any. The filter ``addroi`` adds one region each time
    that a frame passes; once there, they are written over in place (AVRegionOfInterest: its size,
    top, bottom, left, right, and the offset as a fraction).
    """

    def __init__(self, width: int, height: int, time_base: Fraction) -> None:
        """Make it.

        Args:
            width: of the pictures, in px, even.
            height: likewise.
            time_base: seconds per picture.
        """
        rows, columns = -(-height // BLOCK), -(-width // BLOCK)
        graph = av.filter.Graph()
        graph.threads = 1
        form = av.VideoFormat("yuv420p10le", width, height)
        source = graph.add_buffer(width=width, height=height, format=form, time_base=time_base)
        graph.link_nodes(source, graph.add("addroi"), graph.add("buffersink")).configure()
        frame = av.VideoFrame(width, height, "yuv420p10le")
        frame.pts, frame.time_base = 0, time_base
        for _ in range(rows * columns):
            graph.push(frame)
            passed = graph.pull()
            assert isinstance(passed, av.VideoFrame)  # noqa: S101  (for the type checker)
            frame = passed
        self.frame = frame
        data = cast("Any", frame.side_data)["REGIONS_OF_INTEREST"]
        values = (ctypes.c_int32 * (data.buffer_size // 4)).from_address(data.buffer_ptr)
        regions = np.frombuffer(values, np.int32).reshape(rows, columns, -1)
        regions[..., 1] = BLOCK * np.arange(rows)[:, None]
        regions[..., 2] = np.minimum(regions[..., 1] + BLOCK, height)
        regions[..., 3] = BLOCK * np.arange(columns)
        regions[..., 4] = np.minimum(regions[..., 3] + BLOCK, width)
        regions[..., 6] = QP_RANGE
        self._offsets = regions[..., 5]
        self._planes = [
            np.frombuffer(cast("Any", plane), np.uint16).reshape(plane.height, -1)[:, : plane.width]
            for plane in frame.planes
        ]

    def fill(
        self, number: int, picture: colour.Picture, offsets: npt.NDArray[np.integer]
    ) -> av.VideoFrame:
        """The frame, with a picture and its offsets; valid until the next one is filled in.

        Args:
            number: of the picture.
            picture: 10-bit 4:2:0.
            offsets: rows x columns of blocks, whole QPs.
        """
        start = 0
        for plane in self._planes:
            samples = picture.reshape(-1)[start : start + plane.size]
            plane[:] = samples.reshape(plane.shape)
            start += plane.size
        self._offsets[:] = offsets
        self.frame.pts = number
        return self.frame


def textures(clip: Path, shape: Shape) -> FloatArray:
    """Texture of every block of every picture of a clip."""
    lumas = (picture[: shape.height, : shape.width] >> 2 for picture in read_clip(clip, shape))
    return np.stack([texture_of(luma) for luma in lumas])


def read_clip(path: Path, shape: Shape) -> Iterator[colour.Picture]:
    """The pictures of a headerless 10-bit 4:2:0 clip."""
    width, height = colour.coded_size(shape.width, shape.height)
    pictures = np.memmap(path, "<u2", "r", shape=(shape.pictures, height * 3 // 2, width))
    yield from pictures
