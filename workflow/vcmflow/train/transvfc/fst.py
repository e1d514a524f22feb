"""Training of the transfer from the detector's decoded features to the segmenter's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets import faster_rcnn_mini
from vcmflow.nets.spaces import SPACES
from vcmflow.nets.transvfc import transfer
from vcmflow.nets.transvfc.detector import LAMBDAS
from vcmflow.nets.transvfc.fst import FeatureSpaceTransfer
from vcmflow.nets.transvfc.mini import NAME as CODEC
from vcmflow.nets.transvfc.mini import MiniTransVfc
from vcmflow.nets.weights import load_halves
from vcmflow.nets.yolact import mini as yolact_mini
from vcmflow.nets.yolact.network import Yolact
from vcmflow.train.trainee import Files, Measured, Place
from vcmflow.train.transvfc.runs import RunsTrainee, features_of, turn
from vcmflow.train.transvfc.settings import FstSettings

SOURCE, TARGET = faster_rcnn_mini.SPACE, yolact_mini.SPACE


class FstTrainee(RunsTrainee):
    """See ``vcmflow.train.trainee``. Codec and segmenter stay as they are.

    Args:
        settings: of the training.
        files: ``videos``; ``initial_weights``: the codec's file.

    Raises:
        VcmflowError: one of them, or the segmenter's file, is missing or unfit.
    """

    name, short_side = transfer.NAME, MiniTransVfc.short_side
    network: FeatureSpaceTransfer

    def __init__(self, settings: FstSettings, files: Files) -> None:
        super().__init__(settings, files)
        self._own = settings
        self._codec, self._segmenter = MiniTransVfc(), Yolact(yolact_mini.CONFIG)
        load_halves(self._initial, self._codec, CODEC)
        load_halves(Path(settings.segmenter), self._segmenter, yolact_mini.NAME)
        for frozen in (self._codec, self._segmenter):
            frozen.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = FeatureSpaceTransfer(
                SPACES[SOURCE].channels, SPACES[TARGET].channels, settings.inner
            )

    def loss(self, model: nn.Module, batch: Tensor, step: int, place: Place) -> Measured:
        """Errors of feature, pyramid and picture, of all frames of the runs as they are decoded."""
        frames = self._to(place.device, batch)
        with torch.no_grad(), place.autocast():
            decoded = self._decoded(frames, turn(len(batch), step, place))
            wanted = self._wanted(frames)
        pictures = _pictures(frames)
        with place.autocast():
            feature, image = model(decoded)
            levels = self._segmenter.levels(feature)
            with torch.no_grad():
                targets = self._segmenter.levels(wanted)
        errors = {
            "mse_feature": F.mse_loss(feature.float(), wanted.float()),
            "mse_levels": _mean_error(levels, targets),
            "mse_image": F.mse_loss(image.float(), pictures / 255),
        }
        own = self._own
        weights = own.feature_weight, own.levels_weight, own.image_weight
        parts = [weight * error for weight, error in zip(weights, errors.values(), strict=True)]
        return Measured(torch.stack(parts).sum(), errors)

    def _to(self, device: torch.device, batch: Tensor) -> Tensor:
        for network in (self._codec, self._segmenter):
            network.to(device)
        return batch.to(device)

    def _decoded(self, frames: Tensor, points: Tensor | None) -> Tensor:
        """Of all frames but the coarse ones, those of one place in the runs after the other.

        Args:
            frames: uint8 (B, 1 + frames, crop, crop, 3).
            points: of the runs, (B,); None for features that are not coded.
        """
        coarse, first, *others = features_of(self._codec, frames)
        if points is None:
            return torch.cat([first, *others])
        given = [coarse]
        for current in others:
            given.append(self._codec.codec(current, given[-1], points).feature.float())
        return torch.cat(given)

    def _wanted(self, frames: Tensor) -> Tensor:
        """The segmenter's own features of the same frames."""
        config = self._segmenter.config
        pictures = _pictures(frames)
        mean, std = (
            torch.tensor(one, device=frames.device).view(3, 1, 1)
            for one in (config.mean, config.std)
        )
        given = ((pictures - mean) / std).contiguous(memory_format=torch.channels_last)
        wanted: Tensor = self._segmenter.backbone.features(given)  # type: ignore[operator]
        return wanted

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights in half precision."""
        del counts
        assert isinstance(network, FeatureSpaceTransfer)  # noqa: S101  (for the type checker)
        notes = {"source": SOURCE, "target": TARGET, **asdict(self._settings)}
        transfer.save(path, network, notes)

    @torch.inference_mode()
    def validate(self, weights: Path) -> dict[str, float]:
        """Squared errors of feature and pyramid, of features coded at a point or not coded.

        ``feature_power``, ``levels_power``: those of giving zeros, or their pyramid.
        """
        network = transfer.load(weights, str(self._device)).network
        frames = self._to(self._device, self.held_out)
        wanted = self._wanted(frames)
        targets = self._segmenter.levels(wanted)
        nothing = self._segmenter.levels(torch.zeros_like(wanted))
        found = {
            "feature_power": float(wanted.square().mean()),
            "levels_power": float(_mean_error(nothing, targets)),
        }
        for name, number in {"clean": None, **{str(x): k for k, x in enumerate(LAMBDAS)}}.items():
            points = None
            if number is not None:
                points = torch.full((len(frames),), number, device=self._device)
            feature = network(self._decoded(frames, points))[0]
            found[f"mse_feature_{name}"] = float(F.mse_loss(feature, wanted))
            found[f"mse_levels_{name}"] = float(
                _mean_error(self._segmenter.levels(feature), targets)
            )
        return found


def _pictures(frames: Tensor) -> Tensor:
    """Runs -> (frames B, 3, crop, crop), 0..255, in the order of ``FstTrainee._decoded``."""
    return frames[:, 1:].permute(1, 0, 4, 2, 3).flatten(0, 1).float()


def _mean_error(some: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    pairs = zip(some, others, strict=True)
    return torch.stack([F.mse_loss(one.float(), other.float()) for one, other in pairs]).mean()
