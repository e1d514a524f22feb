"""VCS: an ordinary codec's stream and a learned semantic stream, fused by the receiver.

Y. Tian et al., "A coding framework and benchmark towards low-bitrate video understanding" (2024).
The base codec codes the frames as it always does. A network sees the frames and what the base
decodes to, and sends a code of what was lost; the receiver's network puts both together. The
semantic stream is four bytes, the CRC-32 of the frames' size and number and of what follows, and
then the range-coded integers of the code.

Frames pass in pieces: memory does not grow with the length of a video.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vcmflow.core.encoding import Cost, Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.operations import multiply_accumulates
from vcmflow.core.registry import check_options
from vcmflow.core.video import Frame
from vcmflow.encode import vvenc as vvenc_codec
from vcmflow.encode import x264 as x264_codec
from vcmflow.encode import x265 as x265_codec
from vcmflow.encode.bundled import IntraPeriod, Structure
from vcmflow.encode.codec import Codec, Report, Video

if TYPE_CHECKING:
    from torch import Tensor

    from vcmflow.nets.factorised import Tables
    from vcmflow.nets.vcs.codec import Vcs

PIECE = 8  # frames that are computed at once
Semantics = Literal["sent", "zero"]


class Networks:
    """The trained networks on their device, and how frames go in and come out.

    Args:
        weights: a file of ``vcmflow.nets.vcs.codec``.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU.

    Raises:
        VcmflowError: no or unfit weights.
    """

    network: Vcs
    tables: Tables

    def __init__(self, weights: Path | None, device: str, threads: int) -> None:
        from vcmflow.core.device import choose_device, set_deterministic
        from vcmflow.nets.vcs.codec import load_codec

        if weights is None:
            raise VcmflowError("needs --weights, those of a training of 'vcs'")
        set_deterministic(threads)
        self.device = choose_device(device)
        self.network, self.tables = load_codec(Path(weights))
        self.network.to(self.device)

    def tensor(self, frames: list[Frame]) -> Tensor:
        """uint8 frames as (1, 3, T, H, W) in 0..1, padded to whole steps of the code."""
        import torch

        from vcmflow.nets.vcs.codec import padded

        stacked = torch.from_numpy(np.stack(frames)).to(self.device)
        return padded(stacked.permute(3, 0, 1, 2)[None].float() / 255)


@dataclass(frozen=True)
class VcsCodec:
    """A base codec and a semantic stream; see ``vcmflow.encode.codec.Codec``.

    Attributes:
        base: codes and decodes all roles but "semantic".
        weights: of the networks; both ends need them.
        device: of the networks.
        threads: of the receiver's network. The sender's has one: its rounded code must not depend
            on their number.
        semantics: "zero" sends no code, so that the receiver's network works alone.
    """

    base: Codec
    weights: Path | None
    device: str
    threads: int
    semantics: Semantics

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Encode; see ``Codec``."""
        streams = _base(out)
        report = self.base.encode(video, needs, point, streams)
        payload = b""
        if self.semantics == "sent":
            decoded: Any = self.base.decode(streams, video.shape)
            payload = self._code(video, decoded)
        out["semantic"].write_bytes(_checksum(video.shape, payload) + payload)
        return Report(report.encoder, [*report.arguments, f"semantics={self.semantics}"])

    def _code(self, video: Iterable[Frame], decoded: Iterable[Frame]) -> bytes:
        import torch

        from vcmflow.nets.factorised import Encoder
        from vcmflow.nets.vcs.causal import State
        from vcmflow.nets.vcs.codec import rounded

        networks = Networks(self.weights, self.device, 1)
        encoder, state = Encoder(networks.tables), State()
        with torch.inference_mode():
            for pairs in pieces(zip(video, decoded, strict=True)):
                frames, seen = (networks.tensor(list(part)) for part in zip(*pairs, strict=True))
                code = rounded(networks.network.sem_enc(frames, seen, state))
                encoder.write(code[0].flatten(1).int().cpu().numpy())
        return encoder.bytes()

    def cost(self, shape: Shape) -> Cost:
        """Of both networks; see ``vcmflow.encode.codec.Learned``."""
        import torch

        from vcmflow.nets.vcs.causal import State
        from vcmflow.nets.vcs.codec import rounded

        networks = Networks(self.weights, self.device, 1)
        parts = networks.network.sem_enc, networks.network.lfn
        with torch.inference_mode():
            seen = networks.tensor([np.zeros((shape.height, shape.width, 3), np.uint8)])
            code = None
            encode = 0.0
            if self.semantics == "sent":
                encode = multiply_accumulates(lambda: parts[0](seen, seen, State()))
                code = rounded(parts[0](seen, seen, State()))
            decode = multiply_accumulates(lambda: parts[1](seen, code, State()))
        used = parts if self.semantics == "sent" else parts[1:]
        parameters = sum(value.numel() for part in used for value in part.parameters())
        pixels = shape.height * shape.width
        return Cost(parameters, encode / pixels, decode / pixels)

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Frame]:
        """Decode; see ``Codec``."""
        import torch

        from vcmflow.nets.factorised import Decoder
        from vcmflow.nets.vcs.causal import State
        from vcmflow.nets.vcs.config import STRIDE

        payload = _checked(sent["semantic"], shape)
        networks = Networks(self.weights, self.device, self.threads)
        rows, columns = -(-shape.height // STRIDE), -(-shape.width // STRIDE)
        decoder = Decoder(networks.tables, payload) if self.semantics == "sent" else None
        state = State()
        base: Any = self.base.decode(_base(sent), shape)
        for frames in pieces(base):
            code = None
            if decoder is not None:
                values = decoder.read(len(frames) * rows * columns)
                code = torch.from_numpy(values).view(1, -1, len(frames), rows, columns)
                code = code.to(networks.device, torch.float32)
            # Not around the yield, which would leave the caller in this mode.
            with torch.inference_mode():
                made = networks.network.lfn(networks.tensor(frames), code, state)
                made = made[0, :, :, : shape.height, : shape.width]
                levels = (made * 255).round().clamp(0, 255).byte()
                pixels = levels.permute(1, 2, 3, 0).contiguous().cpu().numpy()
            yield from pixels


def _base(files: Mapping[str, Path]) -> dict[str, Path]:
    return {role: path for role, path in files.items() if role != "semantic"}


def pieces(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Consecutive lists of at most ``PIECE`` items."""
    rest = iter(items)
    while piece := list(islice(rest, PIECE)):
        yield piece


def _checksum(shape: Shape, payload: bytes) -> bytes:
    size = struct.pack("<III", shape.width, shape.height, shape.pictures)
    return struct.pack("<I", zlib.crc32(size + payload))


def _checked(path: Path, shape: Shape) -> bytes:
    content = path.read_bytes()
    if content[:4] != _checksum(shape, content[4:]):
        raise VcmflowError(
            f"{path}: damaged, or not of {shape.pictures} frames of {shape.width}x{shape.height}"
        )
    return content[4:]


def build(
    base: Callable[..., Codec],
    *,
    weights: Path | None,
    structure: Structure = "ra",
    preset: x264_codec.Preset | vvenc_codec.Preset = "faster",
    intra_period: IntraPeriod = 32,
    semantics: Semantics = "sent",
    device: str = "auto",
    threads: int = 1,
) -> Codec:
    """VCS on a base codec, whose QPs are the operating points.

    Args:
        base: its builder.
        weights: of a training of ``vcs``.
        structure: of the base codec, as the next two, in its own terms.
        preset: of its speed.
        intra_period: distance of intra pictures in random access.
        semantics: "sent", or "zero" for the receiver's network alone.
        device: "auto", "cpu" or "cuda".
        threads: of encoder, decoder and receiver's network.
    """
    options = {"structure": structure, "preset": preset, "intra_period": intra_period}
    own = check_options(base, "base codec of vcs", options, options)
    return VcsCodec(base(**own, threads=threads), weights, device, threads, semantics)


x264 = partial(build, x264_codec.build)
x265 = partial(build, x265_codec.build)
vvenc = partial(build, vvenc_codec.build)


@dataclass(frozen=True)
class Grey:
    """Sends nothing; its receiver sees grey."""

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Write nothing; see ``Codec``."""
        del video, needs, point, out
        return Report({"base": "grey"}, [])

    def decode(self, sent: Mapping[str, Path], shape: Shape) -> Iterator[Frame]:
        """Grey frames; see ``Codec``."""
        del sent
        for _ in range(shape.pictures):
            yield np.full((shape.height, shape.width, 3), 128, np.uint8)


def alone(*, weights: Path | None, device: str = "auto", threads: int = 1) -> Codec:
    """The semantic stream without a base, in whose place both ends see grey. There is one point.

    Args:
        weights: of a training of ``vcs``.
        device: "auto", "cpu" or "cuda".
        threads: of the receiver's network.
    """
    return VcsCodec(Grey(), weights, device, threads, "sent")
