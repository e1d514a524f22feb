"""Which figures there are. A builder takes ``inputs.Inputs`` and returns a ``Figure``."""

from __future__ import annotations

from vcmflow.core.registry import Entry

FIGURES: dict[str, Entry] = {
    "fig4": Entry("vcmflow.figures.rate_accuracy:random_access"),
    "fig5": Entry("vcmflow.figures.rate_accuracy:all_intra"),
    "fig6": Entry("vcmflow.figures.detections:build"),
    "fig7": Entry("vcmflow.figures.masks:build"),
    "fig8": Entry("vcmflow.figures.embeddings:build"),
    "timeline": Entry("vcmflow.figures.timeline:build"),
    "rate_scores": Entry("vcmflow.figures.rate_scores:build"),
    "accuracy_m": Entry("vcmflow.figures.accuracy_m:build"),
    "rd": Entry("vcmflow.figures.rate_distortion:build"),
    "time": Entry("vcmflow.figures.time:build"),
    "training": Entry("vcmflow.figures.training:build"),
}
