"""Training of the mini detector's feature codec: rate, feature, prediction and perception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame
from vcmflow.nets.transvfc.mini import LAMBDAS, NAME, MiniTransVfc
from vcmflow.nets.transvfc.network import Latents, Step
from vcmflow.nets.weights import load_halves, read_weights, save_halves
from vcmflow.train.trainee import Files, Measured, Place, Row, warm_cosine
from vcmflow.train.transvfc.clips import Clip, Clips, find_clips
from vcmflow.train.transvfc.settings import TransVfcSettings

SHORT_SIDE = 240  # px; what the detector resizes frames to
_QUALITIES = (30, 96)  # of the JPEG pictures that stand for intra frames
_HELD_OUT_RUNS = 8


class Runs(Dataset[Tensor]):
    """The runs of every step, uint8 (B, frames, crop, crop, 3), as a function of seed and step."""

    def __init__(self, clips: Clips, settings: TransVfcSettings, place: Place) -> None:
        self._clips = clips
        self._settings = settings
        self._own = range(place.rank, settings.batch, place.world)

    def __getitem__(self, step: int) -> Tensor:
        """Return this process's share of a step's runs."""
        frames = min(self._settings.frames, (2, 3, 12)[self._settings.stage(step)])
        runs = []
        for item in self._own:
            rng = np.random.default_rng(
                [self._settings.seed, 1, step * self._settings.batch + item]
            )
            runs.append(draw(self._clips, frames, self._settings.crop, rng))
        return torch.from_numpy(np.stack(runs))


def draw(clips: Clips, frames: int, crop: int, rng: np.random.Generator) -> Clip:
    """A random crop of a random run, mirrored and reversed at random, every or every other frame.

    The first frame is coded as JPEG, as the one that a codec starts from has errors, too.
    """
    number, place, stride = int(rng.integers(len(clips.paths))), rng.random(), rng.integers(1, 3)
    run = clips.run(number, place, (frames - 1) * int(stride) + 1)[:: int(stride)]
    height, width = run.shape[1:3]
    if min(height, width) < crop:
        raise VcmflowError(f"crop is {crop} px; {clips.paths[number]} has {width}x{height}")
    top, left = rng.integers(height - crop + 1), rng.integers(width - crop + 1)
    run = run[:, top : top + crop, left : left + crop]
    run = run[:, :, ::-1] if rng.random() < 0.5 else run
    run = run[::-1] if rng.random() < 0.5 else run
    return np.concatenate([coarse(run[0], int(rng.integers(*_QUALITIES)))[None], run])


def coarse(frame: Frame, quality: int) -> Frame:
    """A frame as JPEG gives it back."""
    data = cv2.imencode(".jpg", frame[..., ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


class TransVfcTrainee:
    """See ``vcmflow.train.trainee``.

    Args:
        settings: of the training.
        files: ``videos``; ``initial_weights``: the detector's file, or a codec's to go on from.

    Raises:
        VcmflowError: one of them is missing or unfit.
    """

    def __init__(self, settings: TransVfcSettings, files: Files) -> None:
        for flag, given in (("videos", files.videos), ("initial-weights", files.initial_weights)):
            if given is None:
                raise VcmflowError(f"trainee {NAME!r} needs --{flag}")
        assert files.videos is not None  # noqa: S101  (for the type checker)
        assert files.initial_weights is not None  # noqa: S101
        self._settings, self._files = settings, files
        self._device = torch.device("cpu")
        self.schedule = settings.schedule()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = MiniTransVfc()
        if read_weights(files.initial_weights)[1].get("model") == NAME:
            load_halves(files.initial_weights, self.network, NAME)
        else:
            self.network.take_detector(files.initial_weights)
            self.network.start_as_copy()
        paths = find_clips(files.videos)
        if len(paths) < settings.held_out:
            raise VcmflowError(
                f"{files.videos}: {len(paths)} clips; every {settings.held_out}th is held out "
                "(held_out), so that many are the least"
            )
        self._held = paths[:: settings.held_out]
        self._paths = [path for path in paths if path not in set(self._held)]

    @property
    def identity(self) -> Any:
        """Settings and clips."""
        return [asdict(self._settings), [path.name for path in self._paths]]

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Adam on all but the detector's part."""
        learned = [value for value in network.parameters() if value.requires_grad]
        return torch.optim.Adam(learned, lr=self._settings.learning_rate)

    def learning_rate(self, step: int) -> float:
        """A rise over 2 % of the steps, then a cosine to 1 %."""
        steps = self._settings.steps
        rise = max(1, round(0.02 * steps))
        return warm_cosine(step, steps, rise, self._settings.learning_rate, 0.01)

    def data(self, place: Place) -> Runs:
        """Open the clips."""
        if self._settings.batch % place.world:
            raise VcmflowError(
                f"trainee {NAME!r}: batch ({self._settings.batch}) must be a multiple of the "
                f"{place.world} processes"
            )
        self._device = place.device
        clips = Clips(self._paths, SHORT_SIDE, self._files.cache)
        return Runs(clips, self._settings, place)

    def loss(self, model: nn.Module, batch: Tensor, step: int, place: Place) -> Measured:
        """Rate and distortions of all P-frames of the runs, each decoded from the one before."""
        network = self._inside(model)
        stage = self._settings.stage(step)
        share = torch.tensor(((0, 0.5, 0, 0.5), (0.5,) * 4, (1.0,) * 4)[stage])
        features = self._features(network, batch.to(place.device))
        # With as many runs as points or more, each has its turn in every step.
        points = torch.arange(len(batch), device=place.device) + place.rank
        points = (points * max(1, place.world) + step) % len(LAMBDAS)
        lambdas = torch.tensor(LAMBDAS, device=place.device)[points]
        reference, parts = features[0], list[dict[str, Tensor]]()
        for current in features[2:]:
            with place.autocast():
                coded: Step = model(current, reference, points)
            rates = torch.stack(list(coded.bits()), 1) / _pixels(current)
            errors = self._errors(network, coded, current)
            reference = coded.feature.float()
            errors["weighted"] = (lambdas * (rates * share.to(rates.device)).sum(1)).mean()
            named = zip(Latents._fields, rates.mean(0), strict=True)
            errors |= {f"bpp_{name}": rate for name, rate in named}
            parts.append(errors)
        means = {key: torch.stack([part[key] for part in parts]).mean() for key in parts[0]}
        settings = self._settings
        loss = (
            means.pop("weighted")
            + settings.feature_weight * means["mse_feature"]
            + settings.warp_weight * means["mse_warp"]
            + settings.perception_weight * means["mse_perception"]
        )
        return Measured(loss, means)

    def _errors(self, network: MiniTransVfc, coded: Step, current: Tensor) -> dict[str, Tensor]:
        feature = coded.feature.float()
        levels = network.codec.task_head
        with torch.no_grad():
            wanted = levels(current)
        pairs = zip(levels(feature), wanted, strict=True)
        return {
            "mse_feature": F.mse_loss(feature, current),
            "mse_warp": F.mse_loss(coded.warped.float(), current),
            "mse_perception": torch.stack([F.mse_loss(*pair) for pair in pairs]).mean(),
        }

    @torch.no_grad()
    def _features(self, network: MiniTransVfc, batch: Tensor) -> list[Tensor]:
        """Of every frame, (B, 32, crop/4, crop/4): the coarse first one, then all."""
        transform = network.front.transform
        mean, std = (
            torch.tensor(one, device=batch.device).view(3, 1, 1)
            for one in (transform.image_mean, transform.image_std)
        )
        frames = batch.permute(1, 0, 4, 2, 3).float() / 255
        layout = torch.channels_last
        return [
            network.front.features(((frame - mean) / std).contiguous(memory_format=layout))
            for frame in frames
        ]

    def warning(self, rows: Sequence[Row]) -> str | None:
        """Nothing is watched."""
        del rows
        return None

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights in half precision."""
        del counts
        save_halves(path, network, NAME, asdict(self._settings))

    @torch.inference_mode()
    def validate(self, weights: Path) -> dict[str, float]:
        """Rate (bits per pixel) and squared error of the feature by operating point.

        ``copied``: the error of taking the reference as it is.
        """
        network = MiniTransVfc()
        load_halves(weights, network, NAME)
        network.eval().to(self._device).to(memory_format=torch.channels_last)
        features = self._features(network, self._held_out.to(self._device))
        found = {"mse_copied": float(torch.stack([
            F.mse_loss(features[0], current) for current in features[2:]
        ]).mean())}  # fmt: skip
        for number, weight in enumerate(LAMBDAS):
            points = torch.full((len(features[0]),), number, device=self._device)
            reference, rates, errors = features[0], [], []
            for current in features[2:]:
                coded: Step = network.codec(current, reference, points)
                reference = coded.feature
                rates.append(torch.stack(list(coded.bits())).sum(0).mean() / _pixels(current))
                errors.append(F.mse_loss(reference, current))
            found[f"bpp_{weight}"] = float(torch.stack(rates).mean())
            found[f"mse_{weight}"] = float(torch.stack(errors).mean())
        return found

    @cached_property
    def _held_out(self) -> Tensor:
        clips = Clips(self._held, SHORT_SIDE, self._files.cache)
        settings = self._settings
        rngs = (np.random.default_rng([settings.seed, 2, run]) for run in range(_HELD_OUT_RUNS))
        runs = [draw(clips, settings.frames, settings.crop, rng) for rng in rngs]
        return torch.from_numpy(np.stack(runs))

    @staticmethod
    def _inside(model: nn.Module) -> MiniTransVfc:
        inner = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
        assert isinstance(inner, MiniTransVfc)  # noqa: S101  (for the type checker)
        return inner


def _pixels(feature: Tensor) -> int:
    """Pixels of the frame that a feature is of."""
    return 16 * feature.shape[-2] * feature.shape[-1]
