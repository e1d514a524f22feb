"""TransVFC: features of a detector, coded with a network (docs/transvfc.md).

Intra frames are pictures in a stream of a real codec, whose decoded pictures go through the
detector's first stages; all others are predicted from the feature before and coded as features.
"""

from __future__ import annotations

import csv
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from vcmflow.core.device import set_deterministic
from vcmflow.core.encoding import Cost, Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.features import Features, write_features
from vcmflow.core.operations import multiply_accumulates
from vcmflow.core.registry import build as build_entry
from vcmflow.core.video import Frame
from vcmflow.encode.codec import Codec, Report, Video
from vcmflow.encode.registry import CODECS
from vcmflow.encode.transvfc_stream import (
    CodedFrame,
    Header,
    read_frames,
    read_header,
    write_frame,
    write_header,
)
from vcmflow.nets.spaces import SPACES
from vcmflow.nets.transvfc.coder import FrameCoder, fingerprint, padded
from vcmflow.nets.transvfc.detector import LAMBDAS, DetectorCodec
from vcmflow.nets.transvfc.mini import MiniTransVfc
from vcmflow.nets.transvfc.network import Latents
from vcmflow.nets.weights import fixed_weights, load_halves

Intra = Literal["x265", "vvenc", "lossless"]
Period = Annotated[int, Field(ge=1, le=1024)]
IntraQp = Annotated[int, Field(ge=0, le=51)]
# A latent's bits, estimated and real, of every frame: the columns of the record.
COLUMNS = ("frame", "kind", "bytes", *(f"{kind}_{name}" for name in Latents._fields
                                      for kind in ("bytes", "estimated")))  # fmt: skip


SHOWN = 4  # channels of a record of maps: those that vary most


@dataclass(frozen=True)
class TransVfc:
    """See ``build``."""

    network: DetectorCodec
    coders: Callable[[int], FrameCoder]
    fingerprint: bytes
    intra: str
    intra_period: int
    intra_qp: int

    def encode(
        self,
        video: Video,
        needs: Mapping[str, Any],
        point: float,
        out: Mapping[str, Path],
    ) -> Report:
        """Code intra frames, then every frame's feature; see ``Codec``."""
        if point not in LAMBDAS:
            raise VcmflowError(f"point {point:g}; allowed: {', '.join(map(str, LAMBDAS))}")
        number, shape = LAMBDAS.index(int(point)), video.shape
        count = -(-shape.pictures // self.intra_period)
        pictures = Shape(shape.width, shape.height, count, shape.fps)
        folder = video.scratch / "intra"
        folder.mkdir(exist_ok=True)
        still = Video(pictures, lambda: _every(video, self.intra_period), folder)
        codec, qp = self._intra(), self._qp(number)
        report = codec.encode(still, needs, qp, {"base": out["intra"]})
        decoded = self._pictures(out["intra"], pictures)
        coder = self.coders(number)
        # The last frame of the first group has gone through the most predictions.
        shown = min(self.intra_period, shape.pictures) - 1
        reference: Tensor | None = None
        with (
            out["features"].open("wb") as file,
            out["bits"].open("w", newline="", encoding="utf-8") as notes,
        ):
            table = csv.writer(notes, lineterminator="\n")
            table.writerow(COLUMNS)
            for place, frame in enumerate(video):
                if place % self.intra_period == 0 or reference is None:
                    feature = self.network.extract(next(decoded))
                    if place == 0:
                        write_header(file, self._header(number, feature, shape.pictures))
                    reference = padded(feature)
                    size = write_frame(file, CodedFrame(checksum(reference), None))
                    table.writerow([place, "I", size, *[0] * (len(COLUMNS) - 3)])
                else:
                    coded = coder.encode(self._padded(frame), reference)
                    reference = coded.feature
                    size = write_frame(file, CodedFrame(checksum(reference), coded.streams))
                    sizes = zip(coded.streams, coded.estimates, strict=True)
                    parts = [
                        x for data, bits in sizes for x in (len(data), f"{float(bits) / 8:.1f}")
                    ]
                    table.writerow([place, "P", size, *parts])
                if place == shown:
                    write_maps(out["maps"], self.network.extract(frame), reference)
        for _ in decoded:  # its last checks come after its last picture
            pass
        about = {
            "encoder": self.network.name,
            "network": self.fingerprint.hex(),
            "intra": dict(report.encoder),
        }
        return Report(about, [f"--lambda {point:g}", self.intra, *report.arguments])

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Features]:
        """Yield ``{space: float32 (C, h, w), "size": (H, W)}`` of every frame; see ``Codec``."""
        path = sent["features"]
        frames = np.array((shape.height, shape.width), np.int32)
        with path.open("rb") as file:
            header = read_header(file, path)
            self._check(header, shape, path)
            height, width = header.height, header.width
            coder = self.coders(header.point)
            count = -(-shape.pictures // self.intra_period)
            pictures = Shape(shape.width, shape.height, count, shape.fps)
            decoded = self._pictures(sent["intra"], pictures)
            reference: Tensor | None = None
            for place, frame in enumerate(read_frames(file, path, header.frames)):
                if frame.intra != (place % self.intra_period == 0):
                    raise VcmflowError(f"{path}: frame {place} is damaged: not of the kind due")
                if frame.streams is None:
                    reference = padded(self.network.extract(next(decoded)))
                elif reference is not None:
                    reference = self._frame(
                        coder, frame.streams, reference, f"{path}: frame {place}"
                    )
                assert reference is not None  # noqa: S101  (the first frame is intra)
                if checksum(reference) != frame.checksum:
                    raise VcmflowError(
                        f"{path}: frame {place} is not what was coded: the stream is damaged, or "
                        "this machine computes otherwise than the one that coded it"
                    )
                feature = reference[0, :, :height, :width].contiguous().numpy()
                yield {self.network.space: feature, "size": frames}
            for _ in decoded:
                pass

    def cost(self, shape: Shape) -> Cost:
        """Of a P-frame, or where there are none of the detector's first stages; see ``Learned``."""
        frame = np.zeros((shape.height, shape.width, 3), np.uint8)
        pixels = shape.height * shape.width
        if self.intra_period == 1:
            macs = multiply_accumulates(lambda: self.network.extract(frame)) / pixels
            return Cost(_values(self.network.front), macs, macs)
        coder, reference = FrameCoder(self.network.codec, 0, threads=1), self._padded(frame)
        streams = coder.encode(reference, reference).streams
        ends = (
            lambda: coder.encode(self._padded(frame), reference),
            lambda: coder.decode(streams, reference),
        )
        return Cost(_values(self.network), *(multiply_accumulates(end) / pixels for end in ends))

    def _padded(self, frame: Frame) -> Tensor:
        return padded(self.network.extract(frame))

    def _frame(
        self, coder: FrameCoder, streams: tuple[bytes, ...], reference: Tensor, where: str
    ) -> Tensor:
        try:
            return coder.decode(streams, reference)
        except VcmflowError as error:
            raise VcmflowError(f"{where}: {error}") from None

    def _intra(self) -> Codec:
        options: dict[str, Any] = {} if self.intra == "lossless" else {"structure": "ai"}
        codec: Codec = build_entry(CODECS, self.intra, "codec", options)
        return codec

    def _pictures(self, path: Path, shape: Shape) -> Iterator[Frame]:
        """The decoded intra frames."""
        frames: Iterator[Any] = self._intra().decode({"base": path}, shape)
        return frames

    def _qp(self, number: int) -> int:
        """Of intra frames: by QP = 3 log2(lambda) + c, as P-frames get coarser, too."""
        if self.intra == "lossless":
            return 0
        return min(51, self.intra_qp + round(3 * math.log2(LAMBDAS[number] / LAMBDAS[0])))

    def _header(self, number: int, feature: Tensor, frames: int) -> Header:
        height, width = feature.shape[2:]
        return Header(self.fingerprint[:16], number, height, width, frames)

    def _check(self, header: Header, shape: Shape, path: Path) -> None:
        if header.network != self.fingerprint[:16]:
            raise VcmflowError(
                f"{path}: coded with other weights ({header.network.hex()[:12]}…) than these "
                f"({self.fingerprint.hex()[:12]}…)"
            )
        _, height, width = SPACES[self.network.space].shape(shape.height, shape.width)
        found = header.height, header.width, header.frames
        if found != (height, width, shape.pictures) or header.point >= len(LAMBDAS):
            raise VcmflowError(
                f"{path}: holds {header.frames} features of {header.width}x{header.height}, "
                f"{shape.pictures} of {width}x{height} are expected"
            )


def checksum(feature: Tensor) -> int:
    """CRC-32 of a feature's values, in single precision."""
    return zlib.crc32(feature.contiguous(memory_format=torch.contiguous_format).numpy().tobytes())


def write_maps(path: Path, before: Tensor, after: Tensor) -> None:
    """Write a few channels of a feature as it was and as it is decoded, for figures.

    Args:
        path: as ``core.features`` writes: ``channels``, and ``before`` and ``after``, float16.
        before: (1, C, h, w).
        after: the same, padded.
    """
    height, width = before.shape[2:]
    spread = before[0].flatten(1).std(1)
    channels = spread.argsort(descending=True, stable=True)[:SHOWN]
    maps = {
        name: one[0, channels, :height, :width].half().contiguous().numpy()
        for name, one in (("before", before), ("after", after))
    }
    write_features(path, [{"channels": channels.numpy(), **maps}])


def _values(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def _every(video: Video, period: int) -> Iterator[Frame]:
    return (frame for place, frame in enumerate(video) if place % period == 0)


def build(
    weights: Path | None,
    *,
    intra: Intra = "x265",
    intra_period: Period = 12,
    intra_qp: IntraQp = 27,
) -> Codec:
    """The codec. Operating points are weights of the rate: 16, 32, 128 and 256.

    It runs on one thread of the CPU, whatever there is: decoding has to repeat every rounding.

    Args:
        weights: safetensors file from ``vcmflow stage train``; None for fixed random values.
        intra: codec of intra frames; "lossless" is the published one's column.
        intra_period: frames from one intra frame to the next.
        intra_qp: of intra frames at point 16; 3 log2(point / 16) more at others.

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    return _codec(MiniTransVfc(), weights, intra, intra_period, intra_qp)


def r50(
    weights: Path | None,
    *,
    intra: Intra = "x265",
    intra_period: Period = 12,
    intra_qp: IntraQp = 27,
) -> Codec:
    """The codec as published, for detectron2's Faster R-CNN R50-FPN; see ``build``.

    Args:
        weights: safetensors file of a training of ``transvfc_r50``; None for fixed random values.
        intra: as of ``build``, like the others.
        intra_period: frames from one intra frame to the next.
        intra_qp: of intra frames at point 16.
    """
    from vcmflow.nets.transvfc.r50 import R50TransVfc

    return _codec(R50TransVfc(), weights, intra, intra_period, intra_qp)


def _codec(
    network: DetectorCodec, weights: Path | None, intra: Intra, intra_period: int, intra_qp: int
) -> Codec:
    set_deterministic(1)
    if weights is None:
        fixed_weights(network)
    else:
        load_halves(weights, network, network.name)
    network.eval()
    coders = cache(partial(FrameCoder, network.codec))
    return TransVfc(network, coders, fingerprint(network), intra, intra_period, intra_qp)
