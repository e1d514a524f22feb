"""Arrays between stages: a frame (H x W x 3, RGB), the embedding of a video (n x d)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError

Frame = npt.NDArray[np.uint8]
Embedding = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def read_embedding(path: Path) -> Embedding:
    """Map an embedding, float32 or float64 n x d, from an ``.npy`` file.

    Raises:
        VcmflowError: the file is missing, holds something else, or values that are not finite.
    """
    try:
        embedding = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise VcmflowError(f"{path}: not an .npy file ({error})") from None
    if not isinstance(embedding, np.ndarray) or embedding.dtype not in (np.float32, np.float64):
        raise VcmflowError(f"{path}: not an array of float32 or float64")
    if embedding.ndim != 2 or not np.isfinite(embedding).all():
        raise VcmflowError(f"{path}: embeddings are n x d finite numbers")
    return embedding
