"""Which figures there are. A builder takes ``inputs.Inputs`` and returns a ``Figure``."""

from __future__ import annotations

from vcmflow.core.registry import Entry

FIGURES: dict[str, Entry] = {
    "fig4": Entry("vcmflow.figures.rates:per_scene"),
    "fig5": Entry("vcmflow.figures.rates:per_scene"),
    "fig6": Entry("vcmflow.figures.detections:build"),
    "fig7": Entry("vcmflow.figures.masks:build"),
    "fig8": Entry("vcmflow.figures.embeddings:build"),
    "timeline": Entry("vcmflow.figures.timeline:build"),
    "rate_scores": Entry("vcmflow.figures.rates:every_score"),
    "accuracy_m": Entry("vcmflow.figures.accuracy_m:build"),
    "rd": Entry("vcmflow.figures.rates:distortion"),
    "frontier": Entry("vcmflow.figures.frontier:build"),
    "compare": Entry("vcmflow.figures.rates:compare"),
    "importance": Entry("vcmflow.figures.importance:build"),
    "features": Entry("vcmflow.figures.features:build"),
    "time": Entry("vcmflow.figures.time:build"),
    "training": Entry("vcmflow.figures.training:build"),
}
