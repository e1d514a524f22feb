"""The interpolators: name -> ``"module:builder"``, for ``vcmflow.core.registry.lookup``.

A builder takes the interpolator's options by name (and ``weights`` where it is a network) and
returns an ``Interpolator`` (see ``vcmflow.reconstruct.interpolator``).
"""

from __future__ import annotations

from vcmflow.core.registry import Entry

INTERPOLATORS: dict[str, Entry] = {
    "blend": Entry("vcmflow.reconstruct.blend:build"),
    "ema_vfi": Entry("vcmflow.reconstruct.ema_vfi:build", gpu=True),
    "flow": Entry("vcmflow.reconstruct.flow:build"),
    "hold": Entry("vcmflow.reconstruct.hold:build"),
}
