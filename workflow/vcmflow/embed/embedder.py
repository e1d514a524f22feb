"""An embedder that looks at frames through a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from vcmflow.core.device import choose_device
from vcmflow.core.embedding import Embeddings
from vcmflow.core.ranges import Precision
from vcmflow.core.resize import fit_short_side, resize
from vcmflow.core.video import Frame
from vcmflow.nets.embedding import normalise
from vcmflow.nets.fuse import fold_batch_norms

ShortSide = Annotated[int, Field(ge=32)]  # px; the networks divide the size by 32

_GPU_CHUNK = 16


class NetworkEmbedder:
    """Frames to embeddings: a network's pooled features, or their projection.

    Args:
        backbone: normalised pictures (B, 3, H, W) to features (B, F).
        features: F.
        projection: the embedding layer, or None for the features themselves.
        short_side: px; frames are resized to it, their aspect ratio kept.
        device: "auto", "cpu" or "cuda".
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the hardware computes it.
        normalised: scale embeddings to length 1: Eq. (6) trains directions alone, so lengths are
            chance. False takes Eq. (7) literally.
        chunk: pictures that the network always looks at together, filled up where there are fewer.
            By default 16 on a GPU, whose kernels depend on their number; as many as are given on a
            CPU, where a row does not.
        fold: put batch normalisations into the convolutions before them.

    Raises:
        VcmflowError: there is no such device.
    """

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        projection: nn.Linear | None,
        short_side: int,
        device: str,
        precision: Precision = "float32",
        normalised: bool = True,
        chunk: int | None = None,
        fold: bool = True,
    ) -> None:
        self._features = features
        trained = [backbone, *([] if projection is None else [projection])]
        self._parameters = sum(p.numel() for module in trained for p in module.parameters())
        self._short_side = short_side
        self._normalised = normalised
        self._device = torch.device(choose_device(device))
        if self._device.type == "cuda":
            # By its number, because every thread has a current GPU of its own.
            self._device = torch.device("cuda", torch.cuda.current_device())
        if precision == "auto":
            precision = "bfloat16" if _computes_bfloat16(self._device) else "float32"
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._chunk = _GPU_CHUNK if chunk is None and self._device.type == "cuda" else chunk
        backbone = fold_batch_norms(backbone) if fold else backbone.eval()
        self._backbone = backbone.to(self._device, self._dtype)
        self._backbone.to(memory_format=torch.channels_last)
        self._projection = None if projection is None else projection.to(self._device)

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._features if self._projection is None else self._projection.out_features

    @property
    def parameters(self) -> int:
        """Number of trained values, batch normalisation included."""
        return self._parameters

    def prepare(self, frame: Frame) -> Frame:
        """Resize a frame (uint8 H x W x 3) to the network's short side."""
        height, width = fit_short_side(frame.shape[0], frame.shape[1], self._short_side)
        return resize(frame, height, width)

    def embed(self, prepared: Sequence[Frame]) -> Embeddings:
        """Embed frames (uint8 h x w x 3, RGB) of one size: float32 k x d.

        A row has the same bits whatever the other frames are and however many there are.
        """
        size = self._chunk or len(prepared)
        chunks = [prepared[start : start + size] for start in range(0, len(prepared), size)]
        return np.concatenate([self._embed(chunk) for chunk in chunks])

    @torch.inference_mode()
    def _embed(self, prepared: Sequence[Frame]) -> Embeddings:
        # Convolutions of a single picture take another path on a CPU, so it is never alone.
        wanted = self._chunk or max(2, len(prepared))
        pictures = np.stack([*prepared, *[prepared[-1]] * (wanted - len(prepared))])
        images = torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2)
        features = self._backbone(normalise(images).to(self._dtype)).float()
        if self._projection is not None:
            # Summed row by row: a matrix product's order depends on the number of rows.
            weight, bias = self._projection.weight, self._projection.bias
            features = (features[:, None, :] * weight).sum(dim=2) + bias
        if self._normalised:
            features = functional.normalize(features)
        result: Embeddings = features[: len(prepared)].cpu().numpy()
        return result


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
