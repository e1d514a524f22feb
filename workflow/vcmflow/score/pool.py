"""From the scores of sequences to tables: per sequence, per scene, and for the whole data set.

Within a scene (or the data set) detections are pooled as if all frames were one long video, rates
are summed, PSNR and SSIM are means over frames, Jaccard and F1 means over sequences.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rows import Row, fixed
from vcmflow.score.detection import Matches, average_precision, mean_average_precision
from vcmflow.score.rates import Rate
from vcmflow.score.segmentation import mean_overlap
from vcmflow.score.sequence import UNCOMPRESSED, Condition, Measured, SequenceScore

CLASSES = ("person", "bicycle", "car")
ALL_SCENES = "all"

_IDENTITY = ("dataset", "scene", "sampler", "mode", "qp")
# fmt: off
SEQUENCE_COLUMNS = (
    "dataset", "scene", "sequence", "sampler", "mode", "qp", "n", "m", "stream_bytes",
    "metadata_bytes", "rate_bytes", "kbps", "bpp", "psnr", "ssim", "psnr_kept", "jaccard", "f1",
    "m_expected", "task", "ground_truth",
)
# fmt: on


def scene_columns(classes: Iterable[str] = ()) -> list[str]:
    """Columns of the scene table; ``classes`` are those beyond person, bicycle and car."""
    names = [*CLASSES, *classes]
    return [
        *_IDENTITY,
        *("sequences", "n", "m", "rate_bytes", "kbps", "map", "map50"),
        *(f"ap_{name}" for name in names),
        *(f"ap50_{name}" for name in names),
        *("psnr", "ssim", "jaccard", "f1", "bpp", "psnr_kept", "task", "ground_truth", "left_out"),
    ]


@dataclass(frozen=True)
class Pooled:
    """The three tables as text rows, the classes beyond the usual three, and who is not in them.

    ``left_out`` are the ids of the sequences without an object that counts, if those do not enter.
    """

    sequences: list[Row]
    scenes: list[Row]
    dataset: list[Row]
    classes: list[str]
    left_out: list[str]


def natural(text: str) -> list[tuple[int, str]]:
    """Sort key that puts 3_fire_site before 10_station_suelldorf."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


def pool(scores: Iterable[SequenceScore], require_objects: bool = False) -> Pooled:
    """Pool the scores of all sequences of one dataset.

    Args:
        scores: of each sequence.
        require_objects: leave sequences out whose ground truth has no object that counts, of any
            class; the tables then say how many those are, per scene and in all.

    Raises:
        VcmflowError: several datasets, a sequence twice, tasks that differ, a condition that some
            sequences of a scene lack, or nothing left.
    """
    every = sorted(scores, key=lambda s: (natural(s.sequence.scene), natural(s.sequence.id)))
    _check(every)
    given = [score for score in every if has_objects(score)] if require_objects else every
    if not given:
        raise VcmflowError(
            f"{every[0].sequence.dataset}: none of {len(every)} sequences has an object of the "
            "classes; check the labels, or set `require_objects: false`"
        )
    empty = [score.sequence for score in every if score not in given]
    scenes: dict[str, list[SequenceScore]] = {}
    for score in given:
        scenes.setdefault(score.sequence.scene, []).append(score)
    names = {
        column_name(name)
        for score in given
        for part in score.conditions.values()
        for name in part.matches
    }
    return Pooled(
        sequences=[row for score in given for row in _sequence_rows(score)],
        scenes=[
            row
            for scene, parts in scenes.items()
            for row in _pooled_rows(scene, parts, sum(video.scene == scene for video in empty))
        ],
        dataset=_pooled_rows(ALL_SCENES, given, len(empty)),
        classes=sorted(names - set(CLASSES)),
        left_out=[video.id for video in empty],
    )


def has_objects(score: SequenceScore) -> bool:
    """Whether anything in a sequence's ground truth counts; True where there is no task."""
    if score.sequence.task == "none" or score.sequence.ground_truth == "none":
        return True
    parts = score.conditions.values()
    if score.sequence.task == "detection":
        return any(matches.boxes for part in parts for matches in part.matches.values())
    return any(not math.isnan(part.overlap.jaccard) for part in parts)


def column_name(category: str) -> str:
    """A category's name as part of a column's name."""
    return re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")


def _check(scores: Sequence[SequenceScore]) -> None:
    if not scores:
        raise VcmflowError("no scored sequences to pool")
    for name in ("dataset", "task", "ground_truth"):
        values = sorted({getattr(score.sequence, name) for score in scores})
        if len(values) > 1:
            raise VcmflowError(f"sequences to pool differ in {name}: {', '.join(values)}")
    ids = [score.sequence.id for score in scores]
    for identifier in ids:
        if ids.count(identifier) > 1:
            raise VcmflowError(f"sequence {identifier} is given twice")
    conditions = {key for score in scores for key in score.conditions}
    for score in scores:
        for key in sorted(conditions - set(score.conditions)):
            raise VcmflowError(
                f"sequence {score.sequence.id} has no scores for condition {key}, others have"
            )


def _identity(condition: Condition) -> Row:
    return {
        "sampler": condition.sampler,
        "mode": condition.mode,
        "qp": "" if condition == UNCOMPRESSED else str(condition.qp),
    }


def _order(condition: Condition) -> tuple[bool, list[tuple[int, str]], str, int]:
    return condition != UNCOMPRESSED, natural(condition.sampler), condition.mode, condition.qp


def _rate_fields(rate: Rate) -> Row:
    return {
        "rate_bytes": str(rate.bytes),
        "kbps": fixed(rate.kbps, 4),
        "bpp": fixed(rate.bpp, 6),
    }


def _sequence_rows(score: SequenceScore) -> Iterable[Row]:
    video = score.sequence
    for condition in sorted(score.conditions, key=_order):
        part = score.conditions[condition]
        row = {
            "dataset": video.dataset,
            "scene": video.scene,
            "sequence": video.id,
            **_identity(condition),
            "n": str(video.frames),
            "jaccard": fixed(part.overlap.jaccard, 6),
            "f1": fixed(part.overlap.f1, 6),
            "task": video.task,
            "ground_truth": video.ground_truth,
        }
        if part.coded is not None:
            row |= {
                "m": str(part.coded.m),
                "m_expected": str(part.coded.m_expected),
                "stream_bytes": str(part.coded.stream_bytes),
                "metadata_bytes": str(part.coded.metadata_bytes),
                **_rate_fields(score.rate(part.coded)),
                "psnr": fixed(part.coded.fidelity.psnr, 4),
                "ssim": fixed(part.coded.fidelity.ssim, 6),
                "psnr_kept": fixed(part.coded.fidelity.psnr_kept, 4),
            }
        yield row


def _pooled_rows(scene: str, scores: Sequence[SequenceScore], left_out: int) -> list[Row]:
    rows = []
    for condition in sorted(scores[0].conditions, key=_order):
        parts = [score.conditions[condition] for score in scores]
        overlap = mean_overlap(part.overlap for part in parts)
        row = {
            "dataset": scores[0].sequence.dataset,
            "scene": scene,
            **_identity(condition),
            "sequences": str(len(scores)),
            "n": str(sum(score.sequence.frames for score in scores)),
            "jaccard": fixed(overlap.jaccard, 6),
            "f1": fixed(overlap.f1, 6),
            "task": scores[0].sequence.task,
            "ground_truth": scores[0].sequence.ground_truth,
            "left_out": str(left_out),
            **_precision_fields([part.matches for part in parts]),
        }
        rows.append(row | _coded_fields(scores, parts))
    return rows


def _coded_fields(scores: Sequence[SequenceScore], parts: Sequence[Measured]) -> Row:
    coded = [part.coded for part in parts if part.coded is not None]
    if len(coded) < len(parts):
        return {}
    rates = [score.rate(part) for score, part in zip(scores, coded, strict=True)]
    fidelity = [part.fidelity for part in coded]
    frames = sum(part.frames for part in fidelity)
    kept = sum(part.kept for part in fidelity)
    return {
        "m": str(kept),
        **_rate_fields(reduce(add, rates)),
        "psnr": fixed(sum(part.psnr * part.frames for part in fidelity) / frames, 4),
        "ssim": fixed(sum(part.ssim * part.frames for part in fidelity) / frames, 6),
        "psnr_kept": fixed(sum(part.psnr_kept * part.kept for part in fidelity) / kept, 4),
    }


def _precision_fields(matches: Sequence[Mapping[str, Matches]]) -> Row:
    names = sorted({name for part in matches for name in part})
    precision = {
        column_name(name): average_precision(part[name] for part in matches if name in part)
        for name in names
    }
    mean = mean_average_precision(part.ap for part in precision.values())
    mean50 = mean_average_precision(part.ap50 for part in precision.values())
    row = {"map": fixed(mean, 6), "map50": fixed(mean50, 6)}
    for name, part in precision.items():
        if not math.isnan(part.ap):
            row |= {f"ap_{name}": fixed(part.ap, 6), f"ap50_{name}": fixed(part.ap50, 6)}
    return row
