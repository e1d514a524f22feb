"""From a dataset's label to ground truth: which class; counts, a crowd, or ignored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from vcmflow.core.errors import VcmflowError
from vcmflow.data.types import TruthObject

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# COCO ids, so that detectors trained on COCO need no mapping of their own.
DETECTION_CATEGORIES: Mapping[str, int] = {"person": 1, "bicycle": 2, "car": 3}
SEGMENTATION_CATEGORIES: Mapping[str, int] = {"object": 1}

# An option of loaders: label -> class.
Labels = dict[str, Literal["person", "bicycle", "car"]]


@dataclass(frozen=True)
class LabelRules:
    """How a dataset's labels become ground truth.

    Keys are label types, or ``type:kind`` where an annotation carries a kind (OSDaR23's attribute
    ``type``); the longer key wins. Values are names of `DETECTION_CATEGORIES`.

    Attributes:
        classes: labels that count.
        crowd: labels that stand for a crowd of a class (COCO ``iscrowd``).
        ignore: labels that are neither a hit nor a miss for a class.
        occlusion_max: percent; objects that are hidden at least that much are ignored; None: none.
        min_size: px of the source frame; boxes with a smaller square root of area are ignored.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    crowd: Mapping[str, str] = field(default_factory=dict)
    ignore: Mapping[str, str] = field(default_factory=dict)
    occlusion_max: float | None = None
    min_size: float = 0.0

    def changed(self, **tables: Labels | None) -> LabelRules:
        """These rules with other tables; None keeps one.

        Raises:
            VcmflowError: no class is left, or a label stands in two tables.
        """
        given: dict[str, Any] = {key: table for key, table in tables.items() if table is not None}
        rules = replace(self, **given)
        if not rules.classes:
            raise VcmflowError("classes: is empty; name at least one label")
        seen: dict[str, str] = {}
        for key in ("classes", "crowd", "ignore"):
            for label in getattr(rules, key):
                if label in seen:
                    raise VcmflowError(f"{label!r} stands in {seen[label]} and in {key}")
                seen[label] = key
        return rules

    def apply(
        self,
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
            if name in self.classes:
                category = self.classes[name]
                if self.occlusion_max is not None and hidden is not None:
                    ignore = ignore or hidden >= self.occlusion_max
                if self.min_size and box is not None:
                    ignore = ignore or math.sqrt(max(box[2], 0) * max(box[3], 0)) < self.min_size
                break
            if name in self.crowd:
                category, crowd = self.crowd[name], True
                break
            if name in self.ignore:
                category, ignore = self.ignore[name], True
                break
        else:
            return None
        return TruthObject(category, object_id, box, crowd, ignore, mask)
