"""The embeddings that a sampler can be built on. Light, so that planning can use it."""

from __future__ import annotations

# name -> builder(weights: Path | None, device: str, **options) -> Embedder
EMBEDDINGS: dict[str, str] = {
    "learned": "vcmflow.embed.learned:build",
    "imagenet": "vcmflow.embed.imagenet:build",
    "random": "vcmflow.embed.untrained:build",
    "grey": "vcmflow.embed.grey:build",
}

# Those that read a weights file; the others make do without.
NEEDS_WEIGHTS = frozenset({"learned", "imagenet"})
