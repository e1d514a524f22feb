"""Accuracy on held-out pictures, for choosing and for the training log."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.optimize import linear_sum_assignment

from vcmflow.core.detections import Detections, Detector, Result, to_results
from vcmflow.train.models.samples import Sample

NAMES = {1: "person", 2: "bicycle", 3: "car"}


def found(detector: Detector, samples: Sequence[Sample]) -> list[Detections]:
    """Run a detector on the samples' frames."""
    return [detector.detect([sample.frame])[0] for sample in samples]


def average_precision(
    samples: Sequence[Sample], detections: Sequence[Detections], smallest: int
) -> dict[str, float]:
    """COCO AP (IoU 0.50:0.95) per class and "map", their mean over the classes that occur.

    Args:
        samples: the truth; objects with fewer than ``smallest`` visible pixels do not count.
        detections: one per sample.
        smallest: see above.
    """
    annotations: list[dict[str, Any]] = []
    results: list[Result] = []
    for index, (sample, one) in enumerate(zip(samples, detections, strict=True)):
        results += to_results(index, Detections(one.boxes, one.scores, one.categories))
        everything = sample.objects(1)
        for box, category, mask in zip(*everything, strict=True):
            x0, y0, x1, y1 = (float(side) for side in box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": int(category),
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                    "ignore": int(np.count_nonzero(mask) < smallest),
                }
            )
    scores: dict[str, float] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": index} for index in range(len(samples))],
            "annotations": annotations,
            "categories": [{"id": key, "name": name} for key, name in NAMES.items()],
        }
        truth.createIndex()
        if not results:
            return {"map": 0.0}
        for key, name in NAMES.items():
            evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
            evaluation.params.catIds = [key]
            evaluation.evaluate()
            evaluation.accumulate()
            precision = evaluation.eval["precision"][:, :, 0, 0, -1]
            if (precision > -1).any():
                scores[name] = float(precision[precision > -1].mean())
    scores["map"] = float(np.mean(list(scores.values()))) if scores else 0.0
    return scores


def mean_jaccard(
    samples: Sequence[Sample], detections: Sequence[Detections], smallest: int
) -> dict[str, float]:
    """Mean Jaccard index J, docs/paper.md, 7: the assignment with the greatest IoU, class ignored.

    Objects with fewer than ``smallest`` visible pixels do not count; unmatched ones count 0.
    """
    values: list[float] = []
    for sample, one in zip(samples, detections, strict=True):
        _, _, truth = sample.objects(smallest)
        if one.masks is None or len(truth) == 0:
            continue
        a = truth.reshape(len(truth), sample.owner.size).astype(np.float32)
        b = one.masks.reshape(len(one.masks), sample.owner.size).astype(np.float32)
        overlap = a @ b.T
        union = a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - overlap
        iou = overlap / np.maximum(union, 1)
        best = np.zeros(len(truth))
        rows, columns = linear_sum_assignment(iou, maximize=True)
        best[rows] = iou[rows, columns]
        values += [float(value) for value in best]
    return {"jaccard": float(np.mean(values)) if values else 0.0}
