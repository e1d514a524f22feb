"""The embeddings that a sampler can be built on. Light, so that planning can use it."""

from __future__ import annotations

from vcmflow.core.registry import Entry

# name -> builder(weights: Path | None, device: str, **options) -> Embedder
EMBEDDINGS: dict[str, Entry] = {
    "learned": Entry("vcmflow.embed.learned:build"),
    "imagenet": Entry("vcmflow.embed.imagenet:build"),
    "random": Entry("vcmflow.embed.untrained:build"),
    "grey": Entry("vcmflow.embed.grey:build"),
}

# Those that read a weights file; the others make do without.
NEEDS_WEIGHTS = frozenset({"learned", "imagenet"})
