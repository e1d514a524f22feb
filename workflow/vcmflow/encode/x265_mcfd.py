"""H.265/HEVC with x265, and QPs that spare deep features (see ``vcmflow.encode.mcfd``).

Slow: every clip is coded seven times per operating point, and seen six times by the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vcmflow.core.arrays import BLOCK
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.encode.allocation import (
    Allocation,
    BlockSize,
    FloatArray,
    Offsets,
    block_areas,
    block_sums,
    rounded,
    spread,
)
from vcmflow.encode.bundled import Flag, IntraPeriod, Structure
from vcmflow.encode.codec import Codec, Video
from vcmflow.encode.decode import decode_stream
from vcmflow.encode.mcfd import STEPS, Layers, choose, context_distortion, corrected
from vcmflow.encode.roi import textures
from vcmflow.encode.x264 import Preset
from vcmflow.encode.x265_roi import X265Roi

Features = Callable[[Frame], Layers]


@dataclass(frozen=True)
class X265Mcfd(X265Roi):
    """Settings of x265; see ``build``.

    Attributes:
        features: loads the network; it gives the layers of a frame.
    """

    features: Callable[[], Features]

    def offsets(
        self,
        video: Video,
        clip: Path,
        needs: Mapping[str, Any],  # noqa: ARG002
        point: float,
    ) -> Callable[[float], Offsets]:
        """Choose the step of every block, and once more after the choice was coded."""
        shape, features = video.shape, self.features()
        texture = textures(clip, shape)

        def code(offsets: Offsets) -> tuple[Path, int]:
            path = video.scratch / f"{offsets.flat[0]}-{offsets.flat[-1]}.265"
            self.code(clip, shape, point, offsets, path)
            self.about("", path)
            return path, path.stat().st_size

        def distortions(paths: list[Path]) -> FloatArray:
            decoded = [decode_stream(path, self.syntax, shape, self.threads) for path in paths]
            return np.stack(list(_distortions(features, video, decoded)), axis=1)

        flat = [np.full(texture.shape, step, np.int8) for step in STEPS]
        coded = [code(offsets) for offsets in flat]
        sizes = np.array([size for _, size in coded], np.float64)
        bits = sizes[:, None, None, None] * (texture / texture.sum())
        found = distortions([path for path, _ in coded])
        budget, step = float(sizes[STEPS.index(0)]), self.allocation.block // BLOCK

        def choice(bits: FloatArray) -> Offsets:
            large = choose(block_sums(found, step), block_sums(bits, step), budget)
            return spread(large, step, texture.shape)

        chosen = choice(bits)
        path, size = code(chosen)
        found = corrected(found, chosen, distortions([path])[0])
        index = np.searchsorted(STEPS, chosen)[None]
        predicted = float(np.take_along_axis(bits, index, 0).sum())
        chosen = choice(bits * (size / predicted))
        area = block_areas(shape.width, shape.height)
        return lambda mean: rounded(chosen.astype(np.float64) + mean, area)


def _distortions(
    features: Features, video: Video, decoded: list[Iterator[Frame]]
) -> Iterator[FloatArray]:
    """Of every picture: those of each decoded version."""
    width, height = video.shape.width, video.shape.height
    for frame, *others in zip(video, *decoded, strict=True):
        original = features(frame)
        yield np.stack([
            context_distortion(original, features(other), width, height) for other in others
        ])  # fmt: skip


def proxy_features(weights: Path, threads: int) -> Features:
    """The maps of the proxy's backbone at strides 4 to 32 (``vcmflow.nets.proxy_mini``).

    Raises:
        VcmflowError: weights that are missing, damaged or of another network.
    """
    import torch

    from vcmflow.core.device import set_deterministic
    from vcmflow.nets.embedding import normalise
    from vcmflow.nets.proxy_mini import NAME, ProxyNetwork
    from vcmflow.nets.weights import load_halves

    set_deterministic(threads)
    network = ProxyNetwork()
    load_halves(weights, network, NAME)
    network.eval()

    def features(frame: Frame) -> Layers:
        with torch.inference_mode():
            picture = torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None]
            return [layer[0].numpy() for layer in network.stages(normalise(picture)).values()]

    return features


def build(
    *,
    weights: Path | None,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    block: BlockSize = 64,
    match_rate: Flag = False,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are QPs, as those of ``x265``.

    Args:
        weights: of the network ``proxy_mini``; a decoder reads none.
        structure: "ra" or "ai".
        preset: x265's.
        intra_period: distance of intra pictures in random access.
        block: side of the blocks that choose, in px. Small ones depend on what their neighbours do.
        match_rate: shift the offsets until the stream is as long as one without any.
        threads: of the decoder and the network.
    """

    def features() -> Features:
        if weights is None:
            raise VcmflowError("codec 'x265_mcfd' needs --weights, those of network 'proxy_mini'")
        return proxy_features(Path(weights), threads)

    allocation = Allocation(block=block)
    return X265Mcfd(structure, threads, preset, intra_period, allocation, match_rate, features)
