"""The reconstructors. Light, so that planning can use it.

Adding one is one file (see ``vcmflow.reconstruct.reconstructor.Reconstructor``) and one entry here.
"""

from __future__ import annotations

from dataclasses import dataclass

from vcmflow.core.registry import Entry


@dataclass(frozen=True)
class ReconstructorEntry(Entry):
    """A reconstructor.

    Attributes:
        takes: what it can work on, of all that codecs give ("frames", "features").
    """

    takes: tuple[str, ...] = ("frames",)


RECONSTRUCTORS: dict[str, ReconstructorEntry] = {
    "blend": ReconstructorEntry("vcmflow.reconstruct.blend:build"),
    "ema_vfi": ReconstructorEntry("vcmflow.reconstruct.ema_vfi:build", gpu=True),
    "flow": ReconstructorEntry("vcmflow.reconstruct.flow:build"),
    "hold": ReconstructorEntry("vcmflow.reconstruct.hold:build", takes=("frames", "features")),
}
