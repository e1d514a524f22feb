"""H.265/HEVC with Kvazaar, and a QP per coding tree unit from an importance map (8 bit).

The one encoder of the bundled ffmpeg that takes offsets at a constant QP, so that it checks the
others, which take them in their rate control only. Its offsets are those of 64 x 64 px: a map of
any other grid would be read, and applied to other blocks. It codes 8 bit, and sizes that are
multiples of 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from vcmflow.core.arrays import BLOCK
from vcmflow.core.errors import VcmflowError
from vcmflow.encode.allocation import Allocation, Limit, Offsets, RegionShare, Strength
from vcmflow.encode.bitstream import HEVC_8_BIT
from vcmflow.encode.bundled import Bundled, Structure
from vcmflow.encode.codec import Codec, Report, Video
from vcmflow.encode.x264 import Preset  # the same names

UNIT = 64  # px
IntraPeriod = Annotated[int, Field(ge=8, le=1024, multiple_of=8)]


@dataclass(frozen=True)
class KvazaarRoi(Bundled):
    """Settings of Kvazaar; see ``build``.

    Attributes:
        preset: Kvazaar's.
        intra_period: distance of intra pictures in random access.
        allocation: how importance becomes offsets.
        offsets: the file with those of the clip that is coded.
    """

    syntax = HEVC_8_BIT

    preset: str
    intra_period: int
    allocation: Allocation
    offsets: Path | None = None

    def arguments(self, point: float) -> list[str]:
        """Constant QP, no note about the settings, one thread."""
        settings = f"preset={self.preset},qp={point:g},info=0,hash=none,threads=0,owf=0"
        if self.structure == "ai":
            settings += ",period=1,gop=0"
        else:
            settings += f",period={self.intra_period},gop=8"
        return ["-c:v", "libkvazaar", "-kvazaar-params", settings]

    def threaded(self, arguments: list[str]) -> list[str]:
        """The settings, with the file of the offsets, whose name shapes nothing."""
        return [*arguments[:-1], f"{arguments[-1]},roi={self.offsets}"]

    def about(self, messages: str, path: Path) -> dict[str, str]:  # noqa: ARG002
        """The name: it tells its version nowhere."""
        return {"encoder": "Kvazaar (ffmpeg's libkvazaar)"}

    def encode(
        self, video: Video, needs: Mapping[str, Any], point: float, out: Mapping[str, Path]
    ) -> Report:
        """Encode; see ``Codec``."""
        shape = video.shape
        if shape.width % 8 or shape.height % 8:
            raise VcmflowError(
                f"frames are {shape.width}x{shape.height}; Kvazaar takes multiples of 8"
            )
        offsets = self.allocation.offsets(needs["importance"], shape.width, shape.height)
        path = video.scratch / "offsets.txt"
        path.write_text(as_text(offsets[:, :: UNIT // BLOCK, :: UNIT // BLOCK]), "ascii")
        coder = replace(self, offsets=path)
        return super(KvazaarRoi, coder).encode(video, needs, point, out)


def as_text(offsets: Offsets) -> str:
    """Kvazaar's format: width and height, then the offsets, row by row, for every picture."""
    _, rows, columns = offsets.shape
    return "".join(
        f"{columns} {rows}\n" + "".join(" ".join(map(str, row)) + "\n" for row in picture)
        for picture in offsets.tolist()
    )


def build(
    *,
    structure: Structure = "ra",
    preset: Preset = "faster",
    intra_period: IntraPeriod = 32,
    strength: Strength = 1.0,
    limit: Limit = 6,
    region: RegionShare | None = None,
    threads: int = 1,
) -> Codec:
    """Take the settings. Operating points are QPs.

    Args:
        structure: "ra" or "ai".
        preset: Kvazaar's.
        intra_period: distance of intra pictures in random access, a multiple of 8.
        strength: of the offsets; 0 gives all units the same QP.
        limit: largest offset, in QP.
        region: share of the units that are the region of interest; null grades all of them.
        threads: of the decoder.
    """
    allocation = Allocation(strength, limit, UNIT, region)
    return KvazaarRoi(structure, threads, preset, intra_period, allocation)
