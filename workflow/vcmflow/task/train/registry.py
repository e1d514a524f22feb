"""The models that ``vcmflow train`` can train: name -> ``"module:builder"`` of its ``Trainee``."""

from __future__ import annotations

DETECTION_TRAINEES: dict[str, str] = {
    "faster_rcnn_mini": "vcmflow.task.train.faster_rcnn:trainee",
}

SEGMENTATION_TRAINEES: dict[str, str] = {
    "yolact_mini": "vcmflow.task.train.yolact:trainee",
}

TRAINEES: dict[str, dict[str, str]] = {
    "detection": DETECTION_TRAINEES,
    "segmentation": SEGMENTATION_TRAINEES,
}
