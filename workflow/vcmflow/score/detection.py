"""COCO average precision (docs/paper.md 7, 8; Eqs. 10, 11), matched per sequence, pooled per scene.

Both halves are pycocotools' own. In between, what is known of each detection is kept: its score
and, for each of the ten IoU thresholds 0.50, 0.55, ..., 0.95, whether it was matched and whether
it counts. That is all that average precision needs, so that pooling sequences into scenes, or into
the whole data set, costs nothing but a sort; the result equals one evaluation of all frames.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Many
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from vcmflow.core.errors import VcmflowError
from vcmflow.core.sequence import Sequence
from vcmflow.core.truth import Found, Truth, read_found, read_truth
from vcmflow.score.pseudo import THRESHOLD, pseudo_truth

THRESHOLDS = 10  # IoU 0.50:0.05:0.95
MOST_DETECTIONS = 100  # per frame and class, the best ones, as COCO does
_ALL_SIZES = [[0.0, 1e10]]
# The paper's classes by their COCO ids, where no ground truth says which classes count.
CLASSES = {1: "person", 2: "bicycle", 3: "car"}


@dataclass(frozen=True)
class Matches:
    """The detections of one class in some frames, by frame, best first within a frame.

    Attributes:
        scores: one per detection.
        matched: bit t is set where the detection has a ground truth box at IoU threshold t.
        ignored: bit t is set where the detection counts neither as right nor as wrong.
        boxes: number of ground truth boxes that count.
    """

    scores: tuple[float, ...]
    matched: tuple[int, ...]
    ignored: tuple[int, ...]
    boxes: int


@dataclass(frozen=True)
class Precision:
    """Average precision of one class, 0..1; NaN for a class without ground truth.

    Attributes:
        ap: mean over the IoU thresholds 0.50:0.05:0.95.
        ap50: at IoU 0.50.
    """

    ap: float
    ap50: float


class _Evaluation(COCOeval):  # type: ignore[misc]
    """pycocotools forgets ``ignore`` unless ``iscrowd`` says the same; here both count."""

    def _prepare(self) -> None:
        super()._prepare()
        for boxes in self._gts.values():
            for annotation in boxes:
                annotation["ignore"] = annotation["iscrowd"] or annotation["neutral"]


class Evaluator:
    """Matches detections against the boxes of one sequence, condition after condition.

    Args:
        truth: boxes per frame; only its categories are evaluated.
        frames: number of frames.
    """

    def __init__(self, truth: Truth, frames: int) -> None:
        self._categories = dict(sorted(truth.categories.items()))
        self._frames = frames
        self._truth = self._coco(
            {
                "image_id": annotation.frame,
                "category_id": annotation.category,
                "bbox": list(annotation.box),
                "area": annotation.area,
                "iscrowd": int(annotation.crowd),
                "neutral": int(annotation.ignore),
            }
            for annotation in truth.annotations
        )

    def match(self, detections: Iterable[Found]) -> dict[str, Matches]:
        """Match by descending score and per frame, as COCO does; category name -> matches."""
        results = self._coco(
            {
                "image_id": found.frame,
                "category_id": found.category,
                "bbox": list(found.box),
                "area": found.box[2] * found.box[3],
                "iscrowd": 0,
                "score": found.score,
            }
            for found in detections
            if found.category in self._categories
        )
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = _Evaluation(self._truth, results, "bbox")
            evaluation.params.areaRng = _ALL_SIZES
            evaluation.params.areaRngLbl = ["all"]
            evaluation.params.maxDets = [MOST_DETECTIONS]
            evaluation.evaluate()
        images = [image for image in evaluation.evalImgs if image is not None]
        return {
            name: _matches([image for image in images if image["category_id"] == category])
            for category, name in self._categories.items()
        }

    def measure(self, results: Many[Any], where: str) -> dict[str, Any]:
        """The matches of a COCO results list: category name -> fields of ``Matches``."""
        matches = self.match(read_found(results, self._frames, where))
        return {name: asdict(part) for name, part in matches.items()}

    def _coco(self, annotations: Iterable[dict[str, Any]]) -> Any:
        coco = COCO()
        coco.dataset = {
            "images": [{"id": frame} for frame in range(self._frames)],
            "categories": [{"id": key, "name": name} for key, name in self._categories.items()],
            # Ids count from 1: pycocotools takes a match with id 0 for none.
            "annotations": [
                {"id": index, **annotation} for index, annotation in enumerate(annotations, start=1)
            ],
        }
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
        return coco


def build(
    sequence: Sequence,
    truth: Path | None,
    source: Many[Any] | None,
    pseudo_threshold: float = THRESHOLD,
) -> Evaluator:
    """The evaluator of a sequence; see ``score.registry``.

    Args:
        sequence: the original video.
        truth: its COCO ground truth.
        source: COCO results on its uncompressed frames, to be ground truth; None: ``truth`` is.
        pseudo_threshold: smallest score that becomes pseudo ground truth.

    Raises:
        VcmflowError: a file or a result is broken.
    """
    return Evaluator(true_boxes(sequence, truth, source, pseudo_threshold), sequence.frames)


def true_boxes(
    sequence: Sequence,
    truth: Path | None,
    source: Many[Any] | None,
    pseudo_threshold: float = THRESHOLD,
) -> Truth:
    """The boxes that detections are held against; arguments as of :func:`build`."""
    own = None if truth is None else read_truth(truth, sequence.frames)
    if source is not None:
        # Categories of another kind of annotation are other classes under the same ids.
        known = own.categories if own is not None and sequence.annotations == "none" else {}
        where = f"{sequence.id}, uncompressed frames"
        found = read_found(source, sequence.frames, where)
        return pseudo_truth(known or CLASSES, found, pseudo_threshold)
    if own is None:
        raise VcmflowError(f"{sequence.id}: has annotations, but no truth was given")
    return own


def pool(evidence: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """``map``, ``map50``, and ``ap_<class>`` and ``ap50_<class>`` of sequences taken together."""
    given = [
        {name: Matches(**fields) for name, fields in sequence.items()} for sequence in evidence
    ]
    names = dict.fromkeys(name for part in given for name in part)
    precision = {
        column_name(name): average_precision(part[name] for part in given if name in part)
        for name in names
    }
    return {
        "map": mean_average_precision(part.ap for part in precision.values()),
        "map50": mean_average_precision(part.ap50 for part in precision.values()),
        **{f"ap_{name}": part.ap for name, part in precision.items()},
        **{f"ap50_{name}": part.ap50 for name, part in precision.items()},
    }


def column_name(category: str) -> str:
    """A category's name as part of a metric's name."""
    return re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")


def _matches(images: Many[Mapping[str, Any]]) -> Matches:
    scores: list[float] = []
    matched: list[int] = []
    ignored: list[int] = []
    boxes = 0
    bits = 1 << np.arange(THRESHOLDS)
    for image in images:
        scores.extend(float(score) for score in image["dtScores"])
        matched.extend(int(word) for word in bits @ (np.asarray(image["dtMatches"]) > 0))
        ignored.extend(int(word) for word in bits @ np.asarray(image["dtIgnore"], bool))
        boxes += int(np.count_nonzero(image["gtIgnore"] == 0))
    return Matches(tuple(scores), tuple(matched), tuple(ignored), boxes)


def average_precision(parts: Iterable[Matches]) -> Precision:
    """Average precision of one class over the sequences whose matches are given, in that order."""
    given = list(parts)
    if sum(part.boxes for part in given) == 0:
        return Precision(math.nan, math.nan)
    evaluation = COCOeval(iouType="bbox")
    parameters = evaluation.params
    parameters.imgIds = list(range(len(given)))
    parameters.catIds = [1]
    parameters.areaRng = _ALL_SIZES
    parameters.areaRngLbl = ["all"]
    # The limit per frame held while matching; here a sequence stands in for a frame.
    parameters.maxDets = [max(1, *(len(part.scores) for part in given))]
    evaluation._paramsEval = parameters
    evaluation.evalImgs = [
        {
            "dtScores": list(part.scores),
            "dtMatches": _bit_rows(part.matched),
            "dtIgnore": _bit_rows(part.ignored),
            "gtIgnore": np.zeros(part.boxes),
        }
        for part in given
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, 0, 0, 0]
    return Precision(float(precision.mean()), float(precision[0].mean()))


def _bit_rows(words: Many[int]) -> Any:
    return (np.asarray(words, np.int64)[None, :] >> np.arange(THRESHOLDS)[:, None]) & 1


def mean_average_precision(classes: Iterable[float]) -> float:
    """mAP, Eq. (11): mean over the classes that have ground truth; NaN if none has."""
    known = [value for value in classes if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
