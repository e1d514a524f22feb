"""Pseudo ground truth, for video without annotations: what the task finds on uncompressed frames.

Accuracy then says how far coding changes the task's answers, not how right they are. Whatever is
scored like this has the status ``pseudo``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vcmflow.core.truth import Annotation, Found, Truth

THRESHOLD = 0.5


def pseudo_truth(
    categories: Mapping[int, str],
    source: Iterable[Found],
    threshold: float = THRESHOLD,
    any_class: bool = False,
) -> Truth:
    """Make ground truth of detections.

    Args:
        categories: those of the task, id -> name.
        source: what was found on the uncompressed frames.
        threshold: smallest score that makes a detection true.
        any_class: take detections of every class, as objects of the first category; else those of
            ``categories`` alone. Every detection is an object of its own, because nothing says
            which detections of two frames are the same thing.
    """
    return Truth(
        categories,
        tuple(
            Annotation(
                frame=found.frame,
                category=min(categories) if any_class else found.category,
                box=found.box,
                area=found.box[2] * found.box[3],
                crowd=False,
                ignore=False,
                object_id=index,
                mask=found.mask,
            )
            for index, found in enumerate(source)
            if found.score >= threshold and (any_class or found.category in categories)
        ),
    )
