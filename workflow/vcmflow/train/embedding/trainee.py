"""The embedding as a trainee: SGD on Eq. (5) plus rotation prediction."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather
from torch.nn import functional

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.checkpoint import load_state, read_state
from vcmflow.nets.embedding import normalise, seeded_network
from vcmflow.nets.weights import write_weights
from vcmflow.train.embedding.batches import Batch, Steps
from vcmflow.train.embedding.loss import contrastive_loss, cosine_similarities, semi_hard
from vcmflow.train.embedding.settings import EmbeddingSettings
from vcmflow.train.embedding.videos import VideoPool, check_kinds, find_videos, split_videos
from vcmflow.train.trainee import Files, Measured, Place, Row, warm_cosine

# Untrained networks map everything to nearly one direction, so the first steps say nothing.
_COLLAPSED = 0.95


class EmbeddingTrainee:
    """The embedding network, taught by unlabelled videos (see ``vcmflow.train.trainee``).

    Args:
        settings: of the training.
        files: ``videos``, and ``initial_weights`` (torchvision's ResNet-18) to start from.

    Raises:
        VcmflowError: no videos, or unfit weights.
    """

    def __init__(self, settings: EmbeddingSettings, files: Files) -> None:
        if files.videos is None:
            raise VcmflowError("trainee 'embedding' needs --videos")
        self._settings = settings
        self._files = files
        videos = find_videos(files.videos)
        self._split = split_videos(videos, settings.negative_videos, settings.seed)
        if settings.kinds == "folders":
            check_kinds(self._split)
        self.schedule = settings.schedule(len(self._split.positive))
        self.network = seeded_network(settings.dimension, settings.seed)
        initial = files.initial_weights
        if initial is not None:
            state = {k: v for k, v in read_state(initial).items() if not k.startswith("fc.")}
            load_state(self.network.backbone, state, initial, "torchvision's ResNet-18")

    @property
    def identity(self) -> object:
        """Settings, and names and sizes of the files."""
        initial = self._files.initial_weights
        files = [*self._split.positive, *self._split.negative, *([initial] if initial else [])]
        sizes = [(path.name, path.stat().st_size if path.is_file() else -1) for path in files]
        return [asdict(self._settings), sizes]

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """SGD."""
        return torch.optim.SGD(
            network.parameters(),
            lr=self._settings.learning_rate,
            momentum=self._settings.momentum,
            weight_decay=self._settings.weight_decay,
        )

    def learning_rate(self, step: int) -> float:
        """A linear rise, then half a cosine to zero."""
        steps = self.schedule.steps
        return warm_cosine(step, steps, self._settings.warmup * steps, self._settings.learning_rate)

    def data(self, place: Place) -> Steps:
        """Open the two sets of videos and decode what the memory budget holds."""
        settings, split = self._settings, self._split
        if settings.pairs % place.world or settings.negatives % place.world:
            raise VcmflowError(
                f"trainee 'embedding': pairs ({settings.pairs}) and negatives "
                f"({settings.negatives}) must be multiples of the {place.world} processes"
            )
        share = len(split.negative) / (len(split.negative) + len(split.positive))
        cache = self._files.cache
        pools = (
            VideoPool(split.positive, settings.short_side, int(cache * (1 - share))),
            VideoPool(split.negative, settings.short_side, int(cache * share)),
        )
        kept = sum(pool.preload() for pool in pools)
        if place.rank == 0:
            print(
                f"{len(split.positive)} videos for pairs, {len(split.negative)} for negatives; "
                f"{kept} of them kept in memory",
                file=sys.stderr,
                flush=True,
            )
        return Steps(*pools, settings, place.rank, place.world)

    def loss(self, model: nn.Module, batch: Batch, step: int, place: Place) -> Measured:
        """Eq. (5) on the mined negatives, and the cross-entropy of the rotations."""
        settings = self._settings
        pictures = torch.cat([batch.anchors, batch.positives, batch.negatives])
        pictures = normalise(pictures.to(place.device, non_blocking=True))
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        turns = batch.turns.to(place.device, non_blocking=True)
        with place.autocast():
            embeddings, logits = model(pictures)
        embeddings, logits = embeddings.float(), logits.float()
        pairs = len(batch.anchors)
        anchors, positives, negatives = embeddings.split([pairs, pairs, len(batch.negatives)])
        kinds = batch.negative_kinds.to(place.device)
        if place.world > 1:
            # With gradients, so that every anchor sees them all.
            negatives = torch.cat(all_gather(negatives))  # type: ignore[no-untyped-call]
            kinds = torch.cat(all_gather(kinds))  # type: ignore[no-untyped-call]
        similarities = cosine_similarities(anchors, positives, negatives)
        candidates = batch.pair_kinds.to(place.device)[:, None] != kinds
        through = step / self.schedule.steps
        quantile = settings.radius_start + through * (settings.radius_end - settings.radius_start)
        mined = semi_hard(similarities, quantile, settings.hardest, candidates)
        keep = mined.keep if settings.mining else candidates
        contrastive = contrastive_loss(similarities, keep, settings.temperature)
        rotation = functional.cross_entropy(logits, turns)
        # Without the task its head still takes part, at weight 0, as several processes demand.
        weight = settings.rotation_weight if settings.rotation else 0.0
        means: dict[str, Tensor | float] = {
            "contrastive_loss": contrastive,
            "positive_similarity": similarities.positive.mean(),
            "negative_similarity": similarities.negative.mean(),
        }
        if settings.rotation:
            means["rotation_loss"] = rotation
            means["rotation_accuracy"] = (logits.argmax(dim=1) == turns).float().mean()
        if settings.mining:
            means |= {"radius": mined.radius, "kept_share": mined.share}
        counts = {
            "epoch": pairs / len(self._split.positive),
            "unusable_videos": float(len(batch.unusable)),
        }
        return Measured(contrastive + weight * rotation, means, counts)

    def warning(self, rows: Sequence[Row]) -> str | None:
        """A line when the embeddings begin to collapse to one direction."""
        return collapse_warning(rows, max(100.0, 0.1 * self.schedule.steps))

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights with what the embedder and a reader have to know."""
        initial = self._files.initial_weights
        about = {
            "settings": asdict(self._settings),
            "steps": self.schedule.steps,
            "positive_videos": len(self._split.positive),
            "negative_videos": len(self._split.negative),
            "unusable_draws": round(counts["unusable_videos"]),
            "initial": "random" if initial is None else initial.name,
        }
        header = {
            "kind": "embedding",
            "dimension": self._settings.dimension,
            "short_side": self._settings.short_side,
            "training": about,
        }
        write_weights(path, network.state_dict(), header)

    def validate(self, weights: Path) -> Mapping[str, float]:
        """Nothing is held out; ``vcmflow stage trajectory`` measures embeddings."""
        del weights
        return {}


def collapse_warning(rows: Sequence[Row], warmup: float) -> str | None:
    """Return a line of warning when the embeddings begin to collapse to one direction, else None.

    Args:
        rows: of the log so far; the last one is the news.
        warmup: steps in which nothing is said.
    """
    collapsed = [row["step"] > warmup and row["negative_similarity"] >= _COLLAPSED for row in rows]
    if not collapsed[-1] or any(collapsed[:-1]):
        return None
    return (
        f"step {rows[-1]['step']:.0f}: frames of different videos have a similarity of "
        f"{rows[-1]['negative_similarity']:.3f}: the embedding collapses; use more pairs and "
        "negatives, change learning_rate, lower temperature, or raise rotation_weight"
    )
