"""The embedders: what an embedding of params.yaml is an instance of."""

from __future__ import annotations

from vcmflow.core.registry import Entry

# name -> builder(weights: Path | None, device: str, **options) -> Embedder
EMBEDDERS: dict[str, Entry] = {
    "learned": Entry("vcmflow.embed.learned:build"),
    "imagenet": Entry("vcmflow.embed.imagenet:build"),
    "random": Entry("vcmflow.embed.untrained:build"),
    "grey": Entry("vcmflow.embed.grey:build"),
}

# Those that read a weights file; the others make do without.
NEEDS_WEIGHTS = frozenset({"learned", "imagenet"})
