"""COCO's category ids: 80 classes, whose ids run from 1 to 90 with gaps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_UNUSED = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})

# Class k of a network trained on COCO's 80 classes, from 0 and without background -> category id.
COCO_IDS: npt.NDArray[np.int64] = np.array(
    [category for category in range(1, 91) if category not in _UNUSED], np.int64
)
