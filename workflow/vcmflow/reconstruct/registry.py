"""The interpolators: name -> ``"module:builder"``, for ``vcmflow.core.registry.lookup``.

A builder takes the interpolator's options by name (and ``weights`` where it is a network) and
returns an ``Interpolator`` (see ``vcmflow.reconstruct.interpolator``).
"""

from __future__ import annotations

INTERPOLATORS: dict[str, str] = {
    "blend": "vcmflow.reconstruct.blend:build",
    "ema_vfi": "vcmflow.reconstruct.ema_vfi:build",
    "flow": "vcmflow.reconstruct.flow:build",
    "hold": "vcmflow.reconstruct.hold:build",
}

# Those that run on a GPU where there is one.
ON_GPU = frozenset({"ema_vfi"})
