"""PSNR and SSIM of rebuilt frames; our SSIM, because scikit-image's takes three times as long.

Per frame and core, scikit-image 0.26 against this: 12.8 ms against 4.1 ms at 416 x 240, 217 ms
against 74 ms at 1920 x 1080. A test holds the two together to 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame

Plane = npt.NDArray[np.float64]

LUMA = (0.2126, 0.7152, 0.0722)  # BT.709 weights of R, G and B
PEAK = 255.0
WINDOW, SIGMA = 11, 1.5  # Wang et al. 2004
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


@dataclass(frozen=True)
class Fidelity:
    """How close one frame is to its original.

    Attributes:
        mse: mean squared error over the three channels.
        psnr: 10 log10(255^2 / mse) in dB; infinite for an equal frame.
        ssim: structural similarity of the luma, at most 1.
    """

    mse: float
    psnr: float
    ssim: float


class Original:
    """An original frame, prepared for comparing many reconstructions with it."""

    def __init__(self, frame: Frame) -> None:
        """Keep the frame (uint8 H x W x 3, RGB, at least 11 x 11) and its local statistics.

        Raises:
            VcmflowError: the frame is smaller than SSIM's window.
        """
        if min(frame.shape[:2]) < WINDOW:
            raise VcmflowError(
                f"frames are {frame.shape[1]}x{frame.shape[0]}; "
                f"SSIM needs at least {WINDOW}x{WINDOW}"
            )
        self._frame = frame
        self._luma = _luma(frame)
        self._mean = _local_mean(self._luma)
        self._variance = _local_mean(self._luma**2) - self._mean**2

    def compare(self, recon: Frame) -> Fidelity:
        """Measure one reconstruction of this frame.

        SSIM is what ``skimage.metrics.structural_similarity`` gives with ``gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, data_range=255``.

        Raises:
            VcmflowError: the reconstruction has another size.
        """
        if recon.shape != self._frame.shape:
            raise VcmflowError(
                f"a frame is {recon.shape[1]}x{recon.shape[0]}, "
                f"its original {self._frame.shape[1]}x{self._frame.shape[0]}"
            )
        error = cv2.norm(recon, self._frame, cv2.NORM_L2SQR) / recon.size
        psnr = 10.0 * math.log10(PEAK**2 / error) if error else math.inf
        return Fidelity(error, psnr, self._ssim(_luma(recon)))

    def _ssim(self, luma: Plane) -> float:
        mean = _local_mean(luma)
        variance = _local_mean(luma**2) - mean**2
        covariance = _local_mean(luma * self._luma) - mean * self._mean
        likeness = ((2 * mean * self._mean + C1) * (2 * covariance + C2)) / (
            (mean**2 + self._mean**2 + C1) * (variance + self._variance + C2)
        )
        # Near the border the window reaches beyond the picture; Wang et al. leave that out.
        edge = WINDOW // 2
        return float(likeness[edge:-edge, edge:-edge].mean())


def measure(
    original: Iterable[Frame], recons: Sequence[Iterable[Frame]]
) -> Iterator[list[Fidelity]]:
    """Yield, frame by frame, the fidelity of every reconstruction; the originals are read once.

    Args:
        original: the original frames.
        recons: reconstructed videos of the same length.

    Raises:
        VcmflowError: a video is longer or shorter than the original, or has another size.
    """
    streams = [iter(recon) for recon in recons]
    count = 0
    for frame in original:
        reference = Original(frame)
        row = []
        for number, stream in enumerate(streams):
            recon = next(stream, None)
            if recon is None:
                raise VcmflowError(f"reconstruction {number} ends after {count} frames")
            row.append(reference.compare(recon))
        yield row
        count += 1
    for number, stream in enumerate(streams):
        if next(stream, None) is not None:
            raise VcmflowError(f"reconstruction {number} has more than the original's {count}")


def _luma(frame: Frame) -> Plane:
    return np.asarray(cv2.transform(frame.astype(np.float64), np.array([LUMA])), np.float64)


def _local_mean(plane: Plane) -> Plane:
    mean = cv2.GaussianBlur(
        plane, (WINDOW, WINDOW), SIGMA, sigmaY=SIGMA, borderType=cv2.BORDER_REFLECT
    )
    return np.asarray(mean, np.float64)
