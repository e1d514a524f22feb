"""Labelled pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vcmflow.core.video import Frame


@dataclass(frozen=True)
class Sample:
    """One labelled picture.

    Attributes:
        frame: uint8 H x W x 3, RGB.
        owner: uint8 H x W: 0 for the background, k for a pixel of the k-th object that is seen.
        categories: int64 (k,), COCO ids of objects 1..k.
    """

    frame: Frame
    owner: npt.NDArray[np.uint8]
    categories: npt.NDArray[np.int64]

    def objects(
        self, smallest: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the visible objects of at least ``smallest`` pixels.

        Returns:
            boxes float32 (k, 4) x0, y0, x1, y1 in pixels, categories (k,), masks bool (k, H, W).
        """
        boxes, categories, masks = [], [], []
        for index, category in enumerate(self.categories, start=1):
            mask = self.owner == index
            if np.count_nonzero(mask) < smallest:
                continue
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
            categories.append(category)
            masks.append(mask)
        return (
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(categories, np.int64),
            np.array(masks, np.bool_).reshape(-1, *self.owner.shape),
        )
