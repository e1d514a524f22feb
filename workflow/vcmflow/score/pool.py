"""From the scores of sequences to one table: per sequence, per scene, and for the whole data set.

Within a scene (or the data set) amounts such as bytes and seconds are summed, PSNR and SSIM are
means over frames, and a task's evaluator pools its own evidence: detections as if all frames were
one long video, Jaccard and F1 as means over sequences.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import load
from vcmflow.core.rows import Row, fixed
from vcmflow.core.scores import ALL_SCENES, AMOUNTS, UNDEFINED, Method
from vcmflow.score.inputs import Numbers
from vcmflow.score.registry import EVALUATORS, evaluators_of
from vcmflow.score.sequence import UNCOMPRESSED, Condition, SequenceScore

# metric -> (decimals, what a sequence weighs in the mean)
MEANS: dict[str, tuple[int | None, str]] = {
    **{"psnr": (4, "n"), "ssim": (6, "n"), "psnr_kept": (4, "m")},
    **dict.fromkeys(("parameters", "encode_macs", "decode_macs"), (None, "n")),
}
TASK_DECIMALS = 6


@dataclass(frozen=True)
class Pooled:
    """Rows of the table of scores, and the ids of the sequences without an object left out."""

    rows: list[Row]
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
            class and task; the metric ``left_out`` says how many, per scene and in all.

    Raises:
        VcmflowError: several datasets, a sequence twice, methods or tasks that differ, a condition
            that some sequences lack, or nothing left.
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
    rows = [row for score in given for row in _rows([score], score.sequence.id)]
    scenes: dict[str, list[SequenceScore]] = {}
    for score in given:
        scenes.setdefault(score.sequence.scene, []).append(score)
    for scene, parts in scenes.items():
        rows += _rows(parts, "", scene, sum(video.scene == scene for video in empty))
    rows += _rows(given, "", ALL_SCENES, len(empty))
    return Pooled(rows, [video.id for video in empty])


def has_objects(score: SequenceScore) -> bool:
    """Whether anything in a sequence's ground truth counts; True where there is no task."""
    source = score.conditions.get(UNCOMPRESSED)
    accuracies = {entry.accuracy for entry in EVALUATORS.values()}
    return not score.tasks or any(
        metric in accuracies and not math.isnan(value)
        for name in score.tasks
        if source is not None
        for metric, value in _task_numbers([score], UNCOMPRESSED, name).items()
    )


def _check(scores: Sequence[SequenceScore]) -> None:
    if not scores:
        raise VcmflowError("no scored sequences to pool")
    datasets = sorted({score.sequence.dataset for score in scores})
    if len(datasets) > 1:
        raise VcmflowError(f"sequences to pool differ in dataset: {', '.join(datasets)}")
    ids = [score.sequence.id for score in scores]
    first = scores[0]
    for score in scores:
        if ids.count(score.sequence.id) > 1:
            raise VcmflowError(f"sequence {score.sequence.id} is given twice")
        for name in ("methods", "tasks"):
            if getattr(score, name) != getattr(first, name):
                raise VcmflowError(
                    f"sequences to pool differ in {name}: {first.sequence.id} has "
                    f"{', '.join(getattr(first, name)) or 'none'}, {score.sequence.id} has "
                    f"{', '.join(getattr(score, name)) or 'none'}"
                )
    conditions = {key for score in scores for key in score.conditions}
    for score in scores:
        for key in sorted(conditions - set(score.conditions), key=str):
            raise VcmflowError(
                f"sequence {score.sequence.id} has no scores for condition {key}, others have"
            )


def _rows(
    scores: Sequence[SequenceScore], sequence: str, scene: str = "", left_out: int = 0
) -> Iterable[Row]:
    """The rows of one sequence, or of the sequences of a scene."""
    video = scores[0].sequence
    place = {"dataset": video.dataset, "scene": scene or video.scene, "sequence": sequence}
    for key in scores[0].conditions:
        method = scores[0].methods.get(key.method, Method(key.method, "", "", ""))
        chain = {name: value for name, value in vars(method).items() if name != "name"}
        about: Row = place | {"method": key.method, **chain, "point": key.point}
        counts = {} if sequence else {"sequences": len(scores), "left_out": left_out}
        for metric, value in (_numbers(scores, key) | counts).items():
            text = fixed(value, _decimals(metric))
            yield about | {"task": "", "metric": metric, "value": text, "status": ""}
        for name, task in scores[0].tasks.items():
            if name not in scores[0].conditions[key].evidence:  # not applicable
                continue
            for metric, value in _task_numbers(scores, key, name).items():
                text = fixed(value, TASK_DECIMALS)
                status = UNDEFINED if math.isnan(value) else task.status
                yield about | {"task": name, "metric": metric, "value": text, "status": status}


def _decimals(metric: str) -> int:
    if metric in MEANS:
        return MEANS[metric][0] or 0
    return AMOUNTS.get(metric) or 0


def _task_numbers(scores: Sequence[SequenceScore], key: Condition, task: str) -> Numbers:
    found: Numbers = {}
    parts = [score.conditions[key].evidence for score in scores]
    if not all(task in part for part in parts):
        raise VcmflowError(f"{scores[0].sequence.id}: not all sequences have {task!r} at {key}")
    evidence = [part[task] for part in parts]
    for name, entry in evaluators_of(scores[0].tasks[task].kind).items():
        where = f"{scores[0].sequence.id}: condition {key}: task {task!r}"
        try:
            metrics = load(entry.pool)(part[name] for part in evidence)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise VcmflowError(f"{where}: the evidence of {name} is broken ({error!r})") from None
        accuracy = metrics.get(entry.accuracy, math.nan)
        if not (math.isnan(accuracy) or 0 <= accuracy <= 1):
            raise VcmflowError(f"{where}: {entry.accuracy} is {accuracy}; allowed: 0..1")
        found |= metrics
    return found


def _numbers(scores: Sequence[SequenceScore], key: Condition) -> Numbers:
    """The numbers of a condition, over all sequences together."""
    parts = [{"n": score.sequence.frames, **score.conditions[key].numbers} for score in scores]
    found: Numbers = {}
    # What only some of the sequences have says nothing about all of them.
    for metric in [name for name in parts[0] if all(name in part for part in parts)]:
        if metric in MEANS:
            weight = MEANS[metric][1]
            total = sum(part[metric] * part[weight] for part in parts)
            found[metric] = total / sum(part[weight] for part in parts)
        else:
            found[metric] = sum(part[metric] for part in parts)
    if "stream_bytes" in found:
        # Of the original video, however many of its frames were kept.
        videos = [score.sequence for score in scores]
        size = found["stream_bytes"] + found["metadata_bytes"]
        found["rate_bytes"] = size
        found["kbps"] = size * 8 / 1000 / sum(video.frames / video.fps for video in videos)
        found["bpp"] = size * 8 / sum(v.frames * v.width * v.height for v in videos)
    return found
