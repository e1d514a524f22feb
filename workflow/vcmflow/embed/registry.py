"""The embedders: what an embedding of params.yaml is an instance of."""

from __future__ import annotations

from vcmflow.core.registry import Entry

# name -> builder(**options) -> Embedder, with the parameters weights and device where it has them
EMBEDDERS: dict[str, Entry] = {
    "learned": Entry("vcmflow.embed.learned:build"),
    "imagenet": Entry("vcmflow.embed.imagenet:build"),
    "random": Entry("vcmflow.embed.untrained:build"),
    "grey": Entry("vcmflow.embed.grey:build"),
}
