"""What the ablation measures of embeddings: which sequences, and what a job is told."""

from __future__ import annotations

import json
from typing import Any

from vcmflow.embed.registry import EMBEDDERS
from vcmflow.plan.code import version
from vcmflow.plan.grid import Dataset
from vcmflow.plan.jobs import Plan, Words, flag
from vcmflow.plan.variants import variants
from vcmflow.sample.registry import SAMPLERS
from vcmrender.api import CAMERA, SPEED_FILE, davis_speed_file


class Probes:
    """The rows of the ablation, and the sequences that they are measured on.

    Args:
        plan: the experiment.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.settings, self.grid = plan.settings, plan.grid
        self.variants = {row.name: row for row in variants(plan.settings, plan.grid)}

    def warped(self, sequence: str, embedding: str) -> str:
        """Embedding of a rendered sequence whose content speed is known."""
        return f"{self.plan.results}/trajectory/warps/{embedding}/{sequence}.npy"

    def probed(self, embedding: str) -> list[tuple[str, str, str, int]]:
        """(name, embedding file, speed file or "", keep_every) of every sequence measured."""
        warps = self.settings.data.warps
        if warps:
            folder = f"{self.plan.data}/warps"
            return [
                (
                    name,
                    self.warped(name, embedding),
                    f"{folder}/{name}/{SPEED_FILE}",
                    warps.keep_every,
                )
                for name in warps.sequences
            ]
        return [
            (
                f"{name}/{sequence}",
                f"{self.plan.results}/{name}/embed/{sequence}/{embedding}.npy",
                self._speed_file(dataset, sequence),
                dataset.settings.keep_every,
            )
            for name, dataset in self.grid.items()
            for sequence in dataset.sequences
        ]

    @staticmethod
    def _speed_file(dataset: Dataset, sequence: str) -> str:
        """Where a sequence's true content speed stands; empty where it is not known."""
        spec = dataset.sequences[sequence]
        if dataset.settings.source != "render" or spec.first:
            return ""
        if spec.loader == "osdar23":
            return str(spec.path / spec.sequence / SPEED_FILE)
        return str(davis_speed_file(spec.path, spec.sequence))

    @property
    def warp_videos(self) -> list[str]:
        """The frames of the rendered sequences."""
        warps = self.settings.data.warps
        names = warps.sequences if warps else []
        return [f"{self.plan.data}/warps/{name}/{CAMERA}" for name in names]

    @property
    def rendered(self) -> list[str]:
        """The rendered datasets whose true content speed is known."""
        if self.settings.data.warps:
            return ["warps"]
        return [name for name, d in self.grid.items() if d.settings.source == "render"]

    def embeddings(self, wildcards: Any) -> list[str]:
        """The embeddings that a row measures."""
        embedding = self.variants[wildcards.variant].embedding
        return [path for _, path, _, _ in self.probed(embedding)]

    def weights(self, wildcards: Any) -> list[str]:
        """The weights of a row's embedding, if it has any."""
        return self.plan.weights_of_embedding(self.variants[wildcards.variant].embedding)

    def code(self, wildcards: Any) -> str:
        """Version of the modules that a row depends on."""
        variant = self.variants[wildcards.variant]
        embedder = self.settings.embed.embeddings[variant.embedding].embedder
        entries = EMBEDDERS[embedder], SAMPLERS[variant.sampler]
        return version("vcmflow.trajectory.command", *entries)

    def words(self, wildcards: Any) -> Words:
        """What a row is, what is measured, how frames are chosen."""
        variant = self.variants[wildcards.variant]
        sequences = self.probed(variant.embedding)
        known = [(name, speed) for name, _, speed, _ in sequences if speed]
        return [
            *("--variant", variant.name, "--embedding-name", variant.embedding),
            *flag("--method", [variant.method] if variant.method else []),
            *([f"--differs={variant.differs}"] if variant.differs else []),
            *("--names", *(name for name, *_ in sequences)),
            *flag("--speed-names", [name for name, _ in known]),
            *flag("--speeds", [speed for _, speed in known]),
            *("--keep-every", *(str(share) for *_, share in sequences)),
            *("--sampler", json.dumps({"sampler": variant.sampler, **variant.options})),
            *("--embedding", self.settings.embed.embeddings[variant.embedding].job()),
        ]
