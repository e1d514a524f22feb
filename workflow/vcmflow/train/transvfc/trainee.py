"""Training of a detector's feature codec: rate, feature, prediction and perception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.transvfc.detector import LAMBDAS, DetectorCodec
from vcmflow.nets.transvfc.mini import MiniTransVfc
from vcmflow.nets.transvfc.network import Latents, Step
from vcmflow.nets.transvfc.r50 import R50TransVfc
from vcmflow.nets.weights import load_halves, read_weights, save_halves
from vcmflow.train.trainee import Files, Measured, Place
from vcmflow.train.transvfc.runs import RunsTrainee, features_of, turn
from vcmflow.train.transvfc.settings import TransVfcSettings


class TransVfcTrainee(RunsTrainee):
    """See ``vcmflow.train.trainee``; of the mini detector.

    Args:
        settings: of the training.
        files: ``videos``; ``initial_weights``: the detector's file, or a codec's to go on from.

    Raises:
        VcmflowError: one of them is missing or unfit.
    """

    makes: ClassVar[type[MiniTransVfc | R50TransVfc]] = MiniTransVfc
    name, short_side = MiniTransVfc.name, MiniTransVfc.short_side
    network: DetectorCodec

    def __init__(self, settings: TransVfcSettings, files: Files) -> None:
        super().__init__(settings, files)
        self._own = settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = self.makes()
        ours = self._initial.suffix == ".safetensors"
        if ours and read_weights(self._initial)[1].get("model") == self.name:
            load_halves(self._initial, self.network, self.name)
        else:
            self.network.take_detector(self._initial)
            self.network.start()

    def loss(self, model: nn.Module, batch: Tensor, step: int, place: Place) -> Measured:
        """Rate and distortions of all P-frames of the runs, each decoded from the one before."""
        network, settings = self._inside(model), self._own
        stage = settings.stage(step)
        share = torch.tensor(((0, 0.5, 0, 0.5), (0.5,) * 4, (1.0,) * 4)[stage])
        features = features_of(network, batch.to(place.device))
        points = turn(len(batch), step, place)
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
        loss = (
            means.pop("weighted")
            + settings.feature_weight * means["mse_feature"]
            + settings.warp_weight * means["mse_warp"]
            + settings.perception_weight * means["mse_perception"]
        )
        return Measured(loss, means)

    def _errors(self, network: DetectorCodec, coded: Step, current: Tensor) -> dict[str, Tensor]:
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

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights in half precision."""
        del counts
        save_halves(path, network, self.name, asdict(self._settings))

    @torch.inference_mode()
    def validate(self, weights: Path) -> dict[str, float]:
        """Rate (bits per pixel) and squared error of the feature by operating point.

        ``copied``: the error of taking the reference as it is.
        """
        network = self.makes()
        load_halves(weights, network, self.name)
        network.eval().to(self._device).to(memory_format=torch.channels_last)
        features = features_of(network, self.held_out.to(self._device))
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

    @staticmethod
    def _inside(model: nn.Module) -> DetectorCodec:
        inner = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
        assert isinstance(inner, DetectorCodec)  # noqa: S101  (for the type checker)
        return inner


class R50Trainee(TransVfcTrainee):
    """The same of detectron2's Faster R-CNN R50-FPN."""

    makes = R50TransVfc
    name, short_side = R50TransVfc.name, R50TransVfc.short_side


def _pixels(feature: Tensor) -> int:
    """Pixels of the frame that a feature is of."""
    return 16 * feature.shape[-2] * feature.shape[-1]
