"""What an embedder is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vcmflow.core.video import Frame

Embeddings = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Maps single frames to points whose distances say how much the content differs.

    Builders have the form ``build(weights: Path | None, device: str, **options) -> Embedder``.
    """

    @property
    def dimension(self) -> int:
        """Length d of an embedding."""
        ...

    @property
    def parameters(self) -> int:
        """Number of trained values that the embedding needs."""
        ...

    def prepare(self, frame: Frame) -> Frame:
        """Shrink a frame to the embedder's input; cheap, and safe to call from another thread."""
        ...

    def embed(self, prepared: Sequence[Frame]) -> Embeddings:
        """Embed prepared frames of one size: float32 k x d, each row independent of the others."""
        ...
