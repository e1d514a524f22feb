"""RGB to 4:2:0 and back: one explicit convention for both ends of the channel.

8-bit RGB <-> Y'CbCr with the BT.709 matrix in limited range, chroma subsampled 4:2:0 at the left
position, by swscale with a Lanczos filter and exact rounding (without ``accurate_rnd`` and
``full_chroma_int`` the round trip alone loses about 7 dB). The result is rounded to 8 bit, the
source's depth, and multiplied by 4: the codecs code 10 bit inside. What the decoder gives is turned
back from 10 bit. Odd sizes are padded to even by repeating the last column or row, and cropped.

The streams do not signal matrix and range (it would cost about 13 bytes each): the convention is
part of the system, as the metadata's format is.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame

# Planar 4:2:0, uint16 with 10 significant bits, (H * 3 / 2) x W: the rows of Y, then those of Cb
# and Cr packed two to a row. Its bytes are those of ffmpeg's yuv420p10le.
Picture = npt.NDArray[np.uint16]

MATRIX = "bt709"
CHROMA = "left"
SCALER = "lanczos+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"

DESCRIPTION: dict[str, str | int] = {
    "matrix": MATRIX,
    "range": "limited",
    "subsampling": "4:2:0",
    "chroma_location": CHROMA,
    "scaler": SCALER,
    "source_bits": 8,
    "coded_bits": 10,
}


def coded_size(width: int, height: int) -> tuple[int, int]:
    """The size that is coded for a video of ``width`` x ``height``: both even."""
    return width + width % 2, height + height % 2


class ToYuv420:
    """RGB frames of one size to 10-bit 4:2:0 pictures of the coded size."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.coded_width, self.coded_height = coded_size(width, height)
        self._graph = _graph(
            (self.coded_width, self.coded_height),
            "rgb24",
            "yuv420p",
            f"in_range=full:out_range=tv:out_color_matrix={MATRIX}:out_chroma_loc={CHROMA}",
        )

    def __call__(self, frame: Frame) -> Picture:
        """Convert one frame (uint8 H x W x 3, RGB).

        Raises:
            VcmflowError: the frame has another size.
        """
        if frame.shape != (self.height, self.width, 3):
            raise VcmflowError(
                f"a frame is {frame.shape[1]}x{frame.shape[0]}, "
                f"the first one is {self.width}x{self.height}"
            )
        bottom, right = self.coded_height - self.height, self.coded_width - self.width
        padded = np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge")
        planes = _convert(self._graph, av.VideoFrame.from_ndarray(padded, format="rgb24"))
        return np.left_shift(planes.astype(np.uint16), 2, dtype=np.uint16)


class FromYuv420:
    """10-bit 4:2:0 pictures of the coded size to RGB frames of ``width`` x ``height``."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.coded_width, self.coded_height = coded_size(width, height)
        self._graph = _graph(
            (self.coded_width, self.coded_height),
            "yuv420p10le",
            "rgb24",
            f"in_range=tv:out_range=full:in_color_matrix={MATRIX}:in_chroma_loc={CHROMA}",
        )

    def __call__(self, picture: Picture) -> Frame:
        """Convert one picture; returns uint8 H x W x 3, RGB."""
        coded = av.VideoFrame.from_ndarray(picture, format="yuv420p10le")
        frame = _convert(self._graph, coded)[: self.height, : self.width]
        return np.ascontiguousarray(frame)


def _graph(size: tuple[int, int], source: str, target: str, options: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    steps = [
        graph.add_buffer(
            width=size[0],
            height=size[1],
            format=av.VideoFormat(source, *size),
            time_base=Fraction(1, 25),
        ),
        graph.add("scale", f"{options}:flags={SCALER}"),
        graph.add("format", target),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*steps).configure()
    return graph


def _convert(graph: av.filter.Graph, frame: av.VideoFrame) -> Frame:
    frame.pts = 0
    graph.push(frame)
    converted = graph.pull()
    assert isinstance(converted, av.VideoFrame)  # noqa: S101  (for the type checker)
    return np.asarray(converted.to_ndarray(), np.uint8)
