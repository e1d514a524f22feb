"""Arrays between stages: a frame (H x W x 3), a video's embedding (n x d), its importance."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact

Frame = npt.NDArray[np.uint8]
Embedding = npt.NDArray[np.float32] | npt.NDArray[np.float64]


# float32 n x ceil(height / 16) x ceil(width / 16), >= 0: how much each block of 16 x 16 px matters
# to machines, in every frame relative to the mean of its blocks, which is 1.
Importance = npt.NDArray[np.float32]

BLOCK = 16  # px, of an importance map
# What NumPy raises at a damaged file; its header is a Python literal.
BAD_ARRAY = (OSError, ValueError, EOFError, SyntaxError, TokenError)
_MEAN_TOLERANCE = 1e-3  # of a frame's mean, which is rounded to float32


def read_embedding(path: Path) -> Embedding:
    """Map an embedding, float32 or float64 n x d, from an ``.npy`` file.

    Raises:
        VcmflowError: the file is missing, holds something else, or values that are not finite.
    """
    embedding = _mapped(path)
    if embedding.dtype not in (np.float32, np.float64):
        raise VcmflowError(f"{path}: not an array of float32 or float64")
    if embedding.ndim != 2 or not np.isfinite(embedding).all():
        raise VcmflowError(f"{path}: embeddings are n x d finite numbers")
    return embedding


def read_importance(path: Path) -> Importance:
    """Map the importance of every block of every frame from an ``.npy`` file; see ``Importance``.

    Raises:
        VcmflowError: the file is missing, holds something else, values that are negative or not
            finite, or a frame whose mean is not 1.
    """
    importance = _mapped(path)
    if importance.dtype != np.float32 or importance.ndim != 3 or 0 in importance.shape:
        raise VcmflowError(f"{path}: not an array of float32, frames x rows x columns of blocks")
    wrong = ~(np.isfinite(importance).all((1, 2)) & (importance >= 0).all((1, 2)))
    if wrong.any():
        raise VcmflowError(
            f"{path}: frame {int(wrong.argmax())} has an importance that is negative or not finite"
        )
    means = importance.mean((1, 2), dtype=np.float64)
    wrong = np.abs(means - 1) > _MEAN_TOLERANCE
    if wrong.any():
        number = int(wrong.argmax())
        raise VcmflowError(f"{path}: the mean of frame {number} is {means[number]:g}; wanted: 1")
    return importance


def _mapped(path: Path) -> npt.NDArray[Any]:
    try:
        array = np.load(intact(path), mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except BAD_ARRAY as error:
        raise VcmflowError(f"{path}: not an .npy file ({error})") from None
    if not isinstance(array, np.ndarray):
        raise VcmflowError(f"{path}: not an array")
    return array
