"""Pseudo ground truth, for video without annotations: what the task finds on uncompressed frames.

Accuracy then says how far coding changes the task's answers, not how right they are. Whatever is
scored like this is marked ``pseudo`` in every table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vcmflow.score.inputs import Annotation, Found, Truth

THRESHOLD = 0.5


def pseudo_truth(
    categories: Mapping[int, str], source: Iterable[Found], task: str, threshold: float = THRESHOLD
) -> Truth:
    """Make ground truth of detections.

    Args:
        categories: those of the task, id -> name.
        source: what was found on the uncompressed frames.
        task: "detection": detections of the given categories. "segmentation": instances of any
            class, as objects of the only category there; every instance is an object of its own,
            because nothing says which instances of two frames are the same thing.
        threshold: smallest score that makes a detection true.
    """
    of_any_class = task == "segmentation"
    return Truth(
        categories,
        tuple(
            Annotation(
                frame=found.frame,
                category=min(categories) if of_any_class else found.category,
                box=found.box,
                area=found.box[2] * found.box[3],
                crowd=False,
                ignore=False,
                object_id=index,
                mask=found.mask,
            )
            for index, found in enumerate(source)
            if found.score >= threshold and (of_any_class or found.category in categories)
        ),
    )
