"""The distance of intra pictures in time, so that every sampling has entry points as often."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vcmflow.core.registry import parameters
from vcmflow.encode.registry import CODECS


def intra_period(codec: str, options: Mapping[str, Any]) -> int | None:
    """Pictures from one intra picture to the next; None where a codec has no such period."""
    if options.get("structure") == "ai":
        return None
    default = parameters(CODECS[codec].builder).get("intra_period")
    period = options.get("intra_period") or default
    return int(period) if period else None


def in_time(codec: str, options: Mapping[str, Any], kept: int, frames: int) -> dict[str, Any]:
    """The options of a codec whose intra period counts frames of the original video.

    Of ``frames`` frames ``kept`` are coded, so that as many seconds hold fewer pictures. The result
    is the nearest multiple of what the codec allows (VVenC: of its GOP size), at least one of it:
    with few kept frames the entry points may still be rarer in time, never in pictures.

    Args:
        codec: its name in the registry.
        options: given by the user.
        kept: number of coded pictures.
        frames: number of frames of the original video.
    """
    period = intra_period(codec, options)
    if period is None or period == 1 or kept == frames:  # 1: all are intra
        return dict(options)
    step = CODECS[codec].period_step
    steps = max(1, round(Fraction(period * kept, frames * step)))
    return {**options, "intra_period": max(2, steps * step)}
