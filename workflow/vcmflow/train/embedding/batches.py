"""What each training step sees, as a function of the seed and the step alone.

Nothing depends on how many processes load, on a cache, or on where training was resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from vcmflow.core.errors import VcmflowError
from vcmflow.train.embedding.augment import Augmentation, augment
from vcmflow.train.embedding.settings import EmbeddingSettings
from vcmflow.train.embedding.videos import VideoPool

_TRIES = 100  # unusable videos in a row before giving up
_POSITIVE, _NEGATIVE, _ORDER = 1, 2, 3  # separate streams of random numbers


@dataclass(frozen=True)
class Batch:
    """One step's pictures.

    Attributes:
        anchors: uint8 (B, 3, c, c), frames t.
        positives: uint8 (B, 3, c, c), frames t + 1 of the same videos.
        negatives: uint8 (K, 3, c, c), frames of negative videos.
        turns: int64 (2 B + K,), quarter turns of anchors, positives and negatives.
        pair_kinds: int64 (B,), the kinds of the pairs' videos; 0 for all where none are known.
        negative_kinds: int64 (K,), those of the negatives' videos; -1 for all where none are.
        unusable: names of videos that were passed over.
    """

    anchors: torch.Tensor
    positives: torch.Tensor
    negatives: torch.Tensor
    turns: torch.Tensor
    pair_kinds: torch.Tensor
    negative_kinds: torch.Tensor
    unusable: tuple[str, ...]


class Steps(Dataset[Batch]):
    """The batch of every step, for a loader.

    Args:
        positive: videos of the set T.
        negative: videos of the set N.
        settings: of the training.
        rank: this process's number, of ``world`` that share each step's batch.
        world: number of training processes.
    """

    def __init__(
        self,
        positive: VideoPool,
        negative: VideoPool,
        settings: EmbeddingSettings,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._positive = positive
        self._negative = negative
        self._seed = settings.seed
        self._pairs = range(rank, settings.pairs, world)
        self._negatives = range(rank, settings.negatives, world)
        self._per_step = settings.pairs, settings.negatives
        self._augmentation = Augmentation(
            settings.crop, settings.grey, settings.jitter, settings.rotation
        )
        videos = [*positive.videos, *negative.videos]
        folders = sorted({video.parent for video in videos})
        self._kinds = (
            {video: folders.index(video.parent) for video in videos}
            if settings.kinds == "folders"
            else None
        )
        self._epoch: tuple[int, Sequence[int]] = (-1, ())

    def __getitem__(self, step: int) -> Batch:
        """Return this process's share of the batch of ``step``.

        Raises:
            VcmflowError: no usable video is found.
        """
        unusable: list[str] = []
        pairs, pair_turns, pair_kinds = [], [], []
        for item in self._pairs:
            number = step * self._per_step[0] + item
            video, pictures, turns = self._draw(
                self._positive, _POSITIVE, number, self._scheduled(number), unusable, both=True
            )
            pairs.append(pictures)
            pair_turns.append(turns)
            pair_kinds.append(0 if self._kinds is None else self._kinds[video])
        negatives, negative_turns, negative_kinds = [], [], []
        for item in self._negatives:
            number = step * self._per_step[1] + item
            video, pictures, turns = self._draw(
                self._negative, _NEGATIVE, number, None, unusable, both=False
            )
            negatives.append(pictures[0])
            negative_turns.append(turns)
            negative_kinds.append(-1 if self._kinds is None else self._kinds[video])
        stacked = torch.stack(pairs)
        return Batch(
            anchors=stacked[:, 0],
            positives=stacked[:, 1],
            negatives=torch.stack(negatives),
            turns=torch.tensor(pair_turns + pair_turns + negative_turns),
            pair_kinds=torch.tensor(pair_kinds),
            negative_kinds=torch.tensor(negative_kinds),
            unusable=tuple(unusable),
        )

    def _scheduled(self, number: int) -> int:
        """Return the video of the number-th pair: every epoch is a permutation of T."""
        epoch, place = divmod(number, len(self._positive.videos))
        if self._epoch[0] != epoch:
            random = np.random.default_rng([self._seed, _ORDER, epoch])
            self._epoch = epoch, random.permutation(len(self._positive.videos)).tolist()
        return self._epoch[1][place]

    def _draw(
        self,
        pool: VideoPool,
        kind: int,
        number: int,
        video: int | None,
        unusable: list[str],
        both: bool,
    ) -> tuple[Path, torch.Tensor, int]:
        random = np.random.default_rng([self._seed, kind, number])
        for _ in range(_TRIES):
            chosen = int(random.integers(len(pool.videos))) if video is None else video
            try:
                frames = pool.pair(chosen, random.random())
            except VcmflowError:
                unusable.append(str(pool.videos[chosen]))
                video = None
                continue
            pictures, turns = augment(frames if both else frames[:1], self._augmentation, random)
            return pool.videos[chosen], pictures, turns
        raise VcmflowError(
            f"{pool.videos[0].parent}: {_TRIES} draws in a row gave no video with two frames that "
            f"can be decoded; the last was {unusable[-1]}"
        )
