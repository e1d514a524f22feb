"""The codecs. Light, so that planning can use it.

Adding a codec is one file (see ``vcmflow.encode.codec.Codec``) and one entry here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from vcmflow.core.encoding import point_text
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import Entry


@dataclass(frozen=True)
class CodecEntry(Entry):
    """A codec.

    Attributes:
        streams: what is sent: role -> suffix of its file, each another one. The rate is the sum of
            all of them.
        records: what is written beside the streams for figures, and not sent, in the same way.
        points: lowest and highest operating point, None for any number; whole numbers allow whole
            ones only.
        gives: what its decoder yields.
        space: of the features that it gives: those of which network and layer.
        rising: the rate rises with the point (a quality, a lambda), where that of a QP falls.
        lossless: it gives the kept frames back as they were.
        period_step: its intra period is a multiple of so many pictures.
        network: its jobs load PyTorch; those with ``gpu`` do so anyway.
    """

    streams: Mapping[str, str] = field(default_factory=dict, hash=False)
    records: Mapping[str, str] = field(default_factory=dict, hash=False)
    points: tuple[float, float] | None = None
    gives: Literal["frames", "features"] = "frames"
    space: str = ""
    rising: bool = False
    lossless: bool = False
    period_step: int = 1
    network: bool = False

    def files(self, point: float) -> dict[str, str]:
        """Role -> name of its file at an operating point, streams first."""
        suffixes = {**self.streams, **self.records}
        return {role: point_text(point) + suffix for role, suffix in suffixes.items()}


CODECS: dict[str, CodecEntry] = {
    "av1": CodecEntry("vcmflow.encode.av1:build", streams={"base": ".obu"}, points=(1, 63)),
    "kvazaar_roi": CodecEntry(
        "vcmflow.encode.kvazaar_roi:build",
        needs=("importance",),
        streams={"base": ".265"},
        points=(0, 51),
        period_step=8,
    ),
    "lossless": CodecEntry(
        "vcmflow.encode.lossless:build", streams={"base": ".mkv"}, points=(0, 0), lossless=True
    ),
    "transvfc": CodecEntry(
        "vcmflow.encode.transvfc:build",
        streams={"intra": ".intra", "features": ".tvfc"},
        records={"bits": ".bits.csv", "maps": ".maps.npz"},
        points=(16, 256),
        gives="features",
        space="faster_rcnn_mini.res2",
        network=True,
    ),
    # The published size, for a published detector.
    "transvfc_r50": CodecEntry(
        "vcmflow.encode.transvfc:r50",
        streams={"intra": ".intra", "features": ".tvfc"},
        records={"bits": ".bits.csv", "maps": ".maps.npz"},
        points=(16, 256),
        gives="features",
        space="faster_rcnn_r50.res2",
        network=True,
    ),
    "vvenc": CodecEntry(
        "vcmflow.encode.vvenc:build", streams={"base": ".266"}, points=(0, 63), period_step=16
    ),
    "vvenc_prefilter": CodecEntry(
        "vcmflow.encode.vvenc_prefilter:build",
        needs=("importance",),
        streams={"base": ".266"},
        points=(0, 63),
        period_step=16,
    ),
    "x264": CodecEntry("vcmflow.encode.x264:build", streams={"base": ".264"}, points=(0, 51)),
    "x264_roi": CodecEntry(
        "vcmflow.encode.x264_roi:build",
        needs=("importance",),
        streams={"base": ".264"},
        records={"qp": ".qp.npy"},
        points=(0, 51),
    ),
    "x265": CodecEntry("vcmflow.encode.x265:build", streams={"base": ".265"}, points=(0, 51)),
    "x265_mcfd": CodecEntry(
        "vcmflow.encode.x265_mcfd:build",
        streams={"base": ".265"},
        records={"qp": ".qp.npy"},
        points=(0, 51),
        network=True,
    ),
    "x265_mosaic": CodecEntry(
        "vcmflow.encode.x265_mosaic:build",
        streams={"mosaic": ".265", "ranges": ".ranges"},
        points=(0, 51),
        gives="features",
        space="faster_rcnn_mini.res2",
        network=True,
    ),
    "x265_roi": CodecEntry(
        "vcmflow.encode.x265_roi:build",
        needs=("importance",),
        streams={"base": ".265"},
        records={"qp": ".qp.npy"},
        points=(0, 51),
    ),
}
# On top of an ordinary codec, a semantic stream that networks make and read.
CODECS |= {
    f"vcs_{base}": CodecEntry(
        f"vcmflow.encode.vcs:{base}",
        gpu=True,
        streams={**CODECS[base].streams, "semantic": ".vcs"},
        points=CODECS[base].points,
        period_step=CODECS[base].period_step,
    )
    for base in ("vvenc", "x264", "x265")
}
CODECS["vcs_alone"] = CodecEntry(
    "vcmflow.encode.vcs:alone", gpu=True, streams={"semantic": ".vcs"}, points=(0, 0)
)


def check_points(codec: str, points: Sequence[float]) -> None:
    """Check the operating points of a codec's ladder.

    Raises:
        VcmflowError: none, one that the codec does not have, or one twice.
    """
    limits = CODECS[codec].points
    low, high = limits or (-sys.float_info.max, sys.float_info.max)
    whole = limits is not None and all(isinstance(limit, int) for limit in limits)
    texts = [point_text(point) for point in points]
    for point, text in zip(points, texts, strict=True):
        if not low <= point <= high or (whole and not float(point).is_integer()):
            numbers = "whole numbers" if whole else "numbers"
            allowed = f"{numbers} in {low}..{high}" if limits else numbers
            raise VcmflowError(f"codec {codec!r}: point {text}; allowed: {allowed}")
    if not texts or len(set(texts)) != len(texts):
        raise VcmflowError(
            f"codec {codec!r}: points {' '.join(texts) or 'none'}; wanted: at least one, each once"
        )
