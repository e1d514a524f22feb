"""From a dataset's label to ground truth: which class; counts, a crowd, or ignored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vcmflow.data.types import LabelRules, TruthObject

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def apply_rules(
    rules: LabelRules,
    label: str,
    *,
    kind: str | None,
    hidden: float | None,
    box: tuple[float, float, float, float] | None,
    mask: npt.NDArray[np.bool_] | None = None,
    object_id: int | None,
    crowd: bool = False,
    ignore: bool = False,
) -> TruthObject | None:
    """Make a ground-truth object of a labelled one.

    Args:
        rules: the dataset's rules.
        label: its label.
        kind: finer label, matched as ``label:kind`` before ``label`` alone.
        hidden: percent of it that is hidden at least; None where unknown.
        box: x, y, width, height in px of the source frame, or None with a mask.
        mask: bool H x W, or None.
        object_id: constant over time, or None.
        crowd: the dataset itself marks it as a crowd.
        ignore: the dataset itself marks it as one to ignore.

    Returns:
        The object, or None if no rule names its label.
    """
    for name in (f"{label}:{kind}", label) if kind else (label,):
        if name in rules.classes:
            category = rules.classes[name]
            if rules.occlusion_max is not None and hidden is not None:
                ignore = ignore or hidden >= rules.occlusion_max
            if rules.min_size and box is not None:
                ignore = ignore or math.sqrt(max(box[2], 0) * max(box[3], 0)) < rules.min_size
            break
        if name in rules.crowd:
            category, crowd = rules.crowd[name], True
            break
        if name in rules.ignore:
            category, ignore = rules.ignore[name], True
            break
    else:
        return None
    return TruthObject(category, object_id, box, crowd, ignore, mask)
