"""Everything that is measured of one sequence under all its conditions, and the file for it.

The file (``score/<sequence>.json``) holds what pooling needs: rates, fidelity, overlap of masks,
and for detection which detections matched a box (``detection.Matches``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json, whole_file
from vcmflow.core.runs import SOURCE
from vcmflow.score.detection import Evaluator, Matches
from vcmflow.score.inputs import Fidelity, Found, Sequence, Truth
from vcmflow.score.pseudo import THRESHOLD, pseudo_truth
from vcmflow.score.rates import Rate
from vcmflow.score.segmentation import Absent, MaskEvaluator, Overlap


@dataclass(frozen=True, order=True)
class Condition:
    """How a sequence was coded. The uncompressed frames are sampler "source", mode "", qp -1."""

    sampler: str
    mode: str
    qp: int

    def __str__(self) -> str:
        return f"{self.sampler}/{self.mode}/{self.qp}" if self.mode else self.sampler


UNCOMPRESSED = Condition(SOURCE, "", -1)


@dataclass(frozen=True)
class Coded:
    """What was sent for one condition.

    Attributes:
        m: frames kept.
        m_expected: frames that the sampler was to keep.
        stream_bytes: the bitstream.
        metadata_bytes: the gaps.
        fidelity: of the n reconstructed frames.
    """

    m: int
    m_expected: int
    stream_bytes: int
    metadata_bytes: int
    fidelity: Fidelity


@dataclass(frozen=True)
class Measured:
    """The scores of one sequence under one condition.

    Attributes:
        coded: None for the uncompressed frames.
        overlap: segmentation only, NaN otherwise.
        matches: detection only: category name -> matches.
    """

    coded: Coded | None
    overlap: Overlap = field(default_factory=lambda: Overlap(math.nan, math.nan))
    matches: Mapping[str, Matches] = field(default_factory=dict)


@dataclass(frozen=True)
class SequenceScore:
    """One sequence with the scores of all its conditions."""

    sequence: Sequence
    conditions: Mapping[Condition, Measured]

    def rate(self, coded: Coded) -> Rate:
        """The rate of one condition, against the original video."""
        video = self.sequence
        return Rate(
            coded.stream_bytes,
            coded.metadata_bytes,
            video.frames / video.fps,
            video.frames * video.width * video.height,
        )


def score_sequence(
    sequence: Sequence,
    truth: Truth | None,
    coded: Mapping[Condition, Coded],
    results: Mapping[Condition, list[Found]],
    absent: Absent = "skip",
    pseudo_threshold: float = THRESHOLD,
) -> SequenceScore:
    """Score one sequence.

    Args:
        sequence: the original video.
        truth: its ground truth; None where it has none. Only the categories of pseudo ground truth
            are read; it is made of the results on the uncompressed frames.
        coded: what was sent, per condition.
        results: what the task found, per condition and for ``UNCOMPRESSED``; empty for task "none".
        absent: see ``segmentation``.
        pseudo_threshold: see ``pseudo``.

    Raises:
        VcmflowError: results and coded conditions differ, or ground truth is missing.
    """
    if sequence.task == "none" or sequence.ground_truth == "none":
        return SequenceScore(sequence, {key: Measured(part) for key, part in sorted(coded.items())})
    if truth is None:
        raise VcmflowError(
            f"{sequence.id}: has ground_truth {sequence.ground_truth!r}, but no truth was given"
        )
    for key in sorted({UNCOMPRESSED, *coded} ^ set(results)):
        lacks = "results of the task" if key not in results else "bitstream"
        raise VcmflowError(f"{sequence.id}: condition {key} has no {lacks}")
    if sequence.ground_truth == "pseudo":
        found_on_source = results[UNCOMPRESSED]
        truth = pseudo_truth(truth.categories, found_on_source, sequence.task, pseudo_threshold)
    measured: dict[Condition, Measured] = {}
    if sequence.task == "detection":
        boxes = Evaluator(truth, sequence.frames)
        for key, found in sorted(results.items()):
            measured[key] = Measured(coded.get(key), matches=boxes.match(found))
    else:
        size = (sequence.height, sequence.width)
        masks = MaskEvaluator(truth, sequence.frames, size, absent, sequence.id)
        for key, found in sorted(results.items()):
            measured[key] = Measured(coded.get(key), overlap=masks.score(found))
    return SequenceScore(sequence, measured)


def write_score(path: Path, score: SequenceScore) -> None:
    """Write a sequence's scores as JSON, one condition per line."""
    lines = []
    for key, part in sorted(score.conditions.items()):
        entry: dict[str, Any] = {"sampler": key.sampler, "mode": key.mode, "qp": key.qp}
        if part.coded is not None:
            coded = vars(part.coded)
            entry |= {name: value for name, value in coded.items() if name != "fidelity"}
            entry |= {
                name: _plain(value)
                for name, value in vars(part.coded.fidelity).items()
                if name in ("psnr", "ssim", "psnr_kept")
            }
        entry |= {"jaccard": _plain(part.overlap.jaccard), "f1": _plain(part.overlap.f1)}
        entry["matches"] = {name: vars(matches) for name, matches in part.matches.items()}
        lines.append(json.dumps(entry, separators=(",", ":"), allow_nan=False))
    head = json.dumps(vars(score.sequence), ensure_ascii=False, allow_nan=False)
    body = ",\n".join(lines)
    with whole_file(path) as temporary:
        temporary.write_text(f'{{"sequence": {head},\n"conditions": [\n{body}\n]}}\n', "utf-8")


def read_score(path: Path) -> SequenceScore:
    """Read what :func:`write_score` wrote.

    Raises:
        VcmflowError: it is missing or something else.
    """
    content: Any = read_json(path)
    try:
        sequence = Sequence(**content["sequence"])
        conditions = {
            Condition(entry["sampler"], entry["mode"], entry["qp"]): _measured(sequence, entry)
            for entry in content["conditions"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise VcmflowError(f"{path}: not the scores of a sequence ({error!r})") from None
    return SequenceScore(sequence, conditions)


def _measured(sequence: Sequence, entry: Mapping[str, Any]) -> Measured:
    coded = None
    if "m" in entry:
        fidelity = Fidelity(
            psnr=_number(entry["psnr"]),
            ssim=_number(entry["ssim"]),
            psnr_kept=_number(entry["psnr_kept"]),
            frames=sequence.frames,
            kept=entry["m"],
        )
        coded = Coded(
            entry["m"],
            entry["m_expected"],
            entry["stream_bytes"],
            entry["metadata_bytes"],
            fidelity,
        )
    matches = {
        name: Matches(
            tuple(part["scores"]), tuple(part["matched"]), tuple(part["ignored"]), part["boxes"]
        )
        for name, part in entry["matches"].items()
    }
    return Measured(coded, Overlap(_number(entry["jaccard"]), _number(entry["f1"])), matches)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
