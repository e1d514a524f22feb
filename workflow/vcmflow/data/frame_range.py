"""Which frames of a sequence of known length are taken."""

from __future__ import annotations

from vcmflow.core.errors import VcmflowError
from vcmflow.data.types import SequenceSpec


def chosen_frames(spec: SequenceSpec, total: int) -> range:
    """Positions of the frames that a planned sequence takes out of ``total``.

    Raises:
        VcmflowError: the sequence is shorter than planned, or longer than one window although its
            length was not known to the planning.
    """
    name = f"sequence {spec.sequence!r}" + (f" camera {spec.camera!r}" if spec.camera else "")
    if spec.max_length is not None and total > spec.max_length:
        raise VcmflowError(
            f"{name} has {total} frames, more than one window of {spec.max_length}; name its "
            f"length in the dataset's configuration (lengths: {{{spec.sequence}: {total}}})"
        )
    if spec.frames is not None:
        end = spec.first + spec.frames
    else:
        end = total if spec.at_most is None else min(total, spec.first + spec.at_most)
    if end > total or spec.first >= total:
        asked = (
            f"{spec.frames} frames from {spec.first}" if spec.frames else f"from {spec.first} on"
        )
        raise VcmflowError(f"{name} has {total} frames; asked for {asked}")
    return range(spec.first, end)
