"""The models that ``vcmflow train`` can train: name -> ``"module:builder"`` of its ``Trainee``."""

from __future__ import annotations

from vcmflow.core.registry import Entry

DETECTION_TRAINEES: dict[str, Entry] = {
    "faster_rcnn_mini": Entry("vcmflow.task.train.faster_rcnn:trainee"),
}

SEGMENTATION_TRAINEES: dict[str, Entry] = {
    "yolact_mini": Entry("vcmflow.task.train.yolact:trainee"),
}

TRAINEES: dict[str, dict[str, Entry]] = {
    "detection": DETECTION_TRAINEES,
    "segmentation": SEGMENTATION_TRAINEES,
}
