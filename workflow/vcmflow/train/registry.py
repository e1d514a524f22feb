"""What can be trained: name -> builder of its settings. Light, so that planning can use it."""

from __future__ import annotations

from vcmflow.core.registry import Entry

# name -> builder(**options) -> settings with a method ``trainee(files) -> Trainee``
# (vcmflow.train.trainee)
TRAINEES: dict[str, Entry] = {
    "embedding": Entry("vcmflow.train.embedding.settings:EmbeddingSettings", gpu=True),
    "faster_rcnn_mini": Entry("vcmflow.train.models.settings:FasterRcnnSettings", gpu=True),
    "yolact_mini": Entry("vcmflow.train.models.settings:YolactSettings", gpu=True),
}
