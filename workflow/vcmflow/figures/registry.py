"""Which figures there are. A builder takes ``inputs.Inputs`` and returns a ``Figure``."""

from __future__ import annotations

FIGURES: dict[str, str] = {
    "fig4": "vcmflow.figures.rate_accuracy:random_access",
    "fig5": "vcmflow.figures.rate_accuracy:all_intra",
    "fig6": "vcmflow.figures.detections:build",
    "fig7": "vcmflow.figures.masks:build",
    "fig8": "vcmflow.figures.embeddings:build",
    "timeline": "vcmflow.figures.timeline:build",
    "rate_scores": "vcmflow.figures.rate_scores:build",
    "accuracy_m": "vcmflow.figures.accuracy_m:build",
    "rd": "vcmflow.figures.rate_distortion:build",
    "time": "vcmflow.figures.time:build",
    "training": "vcmflow.figures.training:build",
}
