"""Action recognition: whether a clip's label is the class with the highest score, or among five."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.sequence import Sequence
from vcmflow.core.truth import read_label


@dataclass(frozen=True)
class ActionEvaluator:
    """Finds the label of one clip among the classes, condition after condition."""

    label: str

    def measure(self, results: Many[Any], where: str) -> dict[str, Any]:
        """``place`` of the label in the order of scores, from 0.

        Args:
            results: one entry per class with its ``label``, the best first.
            where: where they came from, for messages.

        Raises:
            VcmflowError: an entry has no label, or the clip's is no class of the model's.
        """
        found = _labels(results, where)
        if self.label not in found:
            shown = ", ".join(sorted(found)[:5])
            raise VcmflowError(
                f"{where}: the clip's label {self.label!r} is none of the model's {len(found)} "
                f"classes ({shown}{', ...' if len(found) > 5 else ''}); take a model of these "
                "classes, or name its classes as the data do (option classes)"
            )
        return {"place": found.index(self.label)}


def _labels(results: Many[Any], where: str) -> list[str]:
    try:
        found = [entry["label"] for entry in results]
    except (TypeError, KeyError):
        raise VcmflowError(f"{where}: not the classes of a clip with their labels") from None
    if not found or not all(isinstance(label, str) for label in found):
        raise VcmflowError(f"{where}: not the classes of a clip with their labels")
    return found


def build(sequence: Sequence, truth: Path | None, source: Many[Any] | None) -> ActionEvaluator:
    """The evaluator of a clip; see ``score.registry``.

    Args:
        sequence: the original video.
        truth: its ground truth, with a label.
        source: classes found on its uncompressed frames, of which the first is taken to be true;
            None: ``truth`` is.

    Raises:
        VcmflowError: a file is broken.
    """
    if source is not None:
        return ActionEvaluator(_labels(source, f"{sequence.id}, uncompressed frames")[0])
    if truth is None:
        raise VcmflowError(f"{sequence.id}: has annotations, but no truth was given")
    return ActionEvaluator(read_label(truth))


def pool(evidence: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """``top1`` and ``top5``: share of clips whose label is the first class, or among five."""
    places = [int(part["place"]) for part in evidence]
    if not places:
        return {"top1": math.nan, "top5": math.nan}
    return {f"top{k}": sum(place < k for place in places) / len(places) for k in (1, 5)}
