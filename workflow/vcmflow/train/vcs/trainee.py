"""VCS as a trainee: Eq. (2) of the paper, in stages.

L = L1 + perceptual + rate * bits per pixel + contrast * L_contrast + real * L_GAN
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather
from torch.func import functional_call
from torch.nn import functional as F

from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import build
from vcmflow.importance.registry import NETWORKS
from vcmflow.nets.vcs.causal import fold
from vcmflow.nets.vcs.codec import Vcs, load_codec, rounded, save_codec
from vcmflow.nets.vcs.config import Config
from vcmflow.nets.vcs.contrast import Contrast
from vcmflow.nets.vcs.discriminator import PatchGan, look_real, tell_apart
from vcmflow.train.trainee import Files, Measured, Place, Row, warm_cosine
from vcmflow.train.vcs.clips import Batch, Clips, Coder, neighbours, split, stacked
from vcmflow.train.vcs.settings import VcsSettings

# The soft choices harden over the first half of the steps.
_KERNELS = (1.0, 0.1)
_MAPS = (1.0, 0.5)
_SIZES = 10  # times the learning rate: sizes are about 1, and Adam's steps the learning rate


class Perception(Protocol):
    """What tells how alike frames are to a network (``vcmflow.importance.gradient.Network``)."""

    module: nn.Module

    def features(self, frames: Tensor, /) -> Sequence[Tensor]:
        """Maps of several layers of frames (N, 3, H, W), RGB in 0..255."""
        ...


class Together(nn.Module):
    """All that learns, called as a whole: the codec, and what judges it.

    Args:
        settings: of the training.
    """

    def __init__(self, settings: VcsSettings) -> None:
        super().__init__()
        self.codec = Vcs(Config(width=settings.width))
        self.contrast = Contrast(settings.queue, settings.temperature, settings.momentum)
        self.discriminator = PatchGan()

    def forward(
        self,
        frames: Tensor,
        decoded: Tensor,
        *,
        code: bool,
        rated: bool,
        contrast: bool,
        real: bool,
    ) -> dict[str, Tensor]:
        """What a batch gives; both (B, 3, T, H, W) in 0..1.

        Args:
            frames: originals.
            decoded: by the base codec.
            code: the semantic code takes part.
            rated: its rate teaches the encoder.
            contrast: the contrastive loss does.
            real: the discriminator does.
        """
        out: dict[str, Tensor] = {}
        if code:
            out["made"], out["bits"] = self.codec(frames, decoded, rated=rated)
        else:
            out["made"] = self.codec.lfn(decoded, None)
        if contrast:
            out["contrast"], out["keys"] = self.contrast(out["made"], frames)
        if real:
            made, true = fold(out["made"]), fold(frames)
            # The codec learns from a discriminator that does not move for its sake.
            fixed = {name: value.detach() for name, value in self.discriminator.named_parameters()}
            out["real"] = look_real(functional_call(self.discriminator, fixed, (made,)))
            own = self.discriminator(true), self.discriminator(made.detach())
            out["discriminator"] = tell_apart(*own)
        return out


class VcsTrainee:
    """The networks, taught by unlabelled videos (see ``vcmflow.train.trainee``).

    Args:
        settings: of the training.
        files: ``videos``, and ``initial_weights``: those of the network ``settings.features``.

    Raises:
        VcmflowError: no videos, or no or unfit weights of features.
    """

    def __init__(self, settings: VcsSettings, files: Files) -> None:
        if files.videos is None:
            raise VcmflowError("trainee 'vcs' needs --videos")
        if settings.perceptual and files.initial_weights is None:
            raise VcmflowError(
                "trainee 'vcs' needs --initial-weights, those of the network "
                f"{settings.features!r} whose features are compared; or perceptual: 0"
            )
        self._settings = settings
        self._files = files
        self._videos, self._held_out = split(files.videos, settings.held_out)
        self._device = torch.device("cpu")
        self._perception: Perception | None = None
        self.schedule = settings.schedule()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network: nn.Module = Together(settings)
        if settings.perceptual:
            self._perception = build(
                *(NETWORKS, settings.features, "network", {}),
                weights=files.initial_weights,
                seed=0,
            )

    @property
    def identity(self) -> Any:
        """Settings, and names and sizes of the videos."""
        videos = [*self._videos, *self._held_out]
        return [asdict(self._settings), [(path.name, path.stat().st_size) for path in videos]]

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Adam; the code's sizes, by which alone its rate falls, move faster than weights do."""
        assert isinstance(network, Together)  # noqa: S101  (for the type checker)
        sizes = list(network.codec.sem_enc.scale.parameters())
        fast = {id(value) for value in sizes}
        learning = [v for v in network.parameters() if v.requires_grad and id(v) not in fast]
        groups: list[dict[str, Any]] = [{"params": learning}, {"params": sizes, "share": _SIZES}]
        return torch.optim.Adam(groups, lr=self._settings.learning_rate, betas=(0.9, 0.999))

    def learning_rate(self, step: int) -> float:
        """Constant over the first half, then a cosine to a tenth."""
        steps = self._settings.steps
        late = max(0, step - steps // 2)
        return warm_cosine(late, steps - steps // 2, 0, self._settings.learning_rate, 0.1)

    def data(self, place: Place) -> Clips:
        """Draw clips."""
        settings = self._settings
        for name, value in (("batch", settings.batch), ("queue", settings.queue)):
            if value % (place.world if name == "batch" else settings.batch):
                what = f"{place.world} processes" if name == "batch" else f"batch {settings.batch}"
                raise VcmflowError(
                    f"trainee 'vcs': {name} ({value}) must be a multiple of the {what}"
                )
        self._device = place.device
        if self._perception is not None:
            self._perception.module.to(place.device).requires_grad_(False)
        return Clips(self._videos, settings, place)

    def loss(self, model: nn.Module, batch: Batch, step: int, place: Place) -> Measured:
        """Eq. (2), with what has begun at this step."""
        settings = self._settings
        through = step / settings.steps
        network = model.module if hasattr(model, "module") else model
        assert isinstance(network, Together)  # noqa: S101  (for the type checker)
        network.codec.sem_enc.soften(_hardened(_KERNELS, through))
        network.contrast.soften(_hardened(_MAPS, through))
        frames = batch.frames.to(place.device).float() / 255
        decoded = batch.decoded.to(place.device).float() / 255
        code = through >= settings.code_from
        rated = through >= settings.rate_from
        contrast = settings.contrast > 0 and through >= settings.contrast_from
        real = settings.real > 0 and through >= settings.real_from
        with place.autocast():
            out = model(frames, decoded, code=code, rated=rated, contrast=contrast, real=real)
        out = {name: value.float() for name, value in out.items()}
        made = out["made"]
        distance = F.l1_loss(made, frames)
        total = distance
        means: dict[str, Tensor | float] = {
            "l1": distance,
            "l1_base": F.l1_loss(decoded, frames),
        }
        if self._perception is not None:
            means["perceptual"] = self._perceived(made, frames)
            total = total + settings.perceptual * means["perceptual"]
        if code:
            means["bpp"] = out["bits"].mean() / (frames[0, 0].numel())
            late = max(0.0, through - settings.rate_from)
            rise = min(1.0, late / max(settings.rate_rise, 1e-9)) if rated else 1.0
            total = total + settings.rate * rise * means["bpp"]
        if contrast:
            means["contrast"] = out["contrast"]
            total = total + settings.contrast * out["contrast"]
            keys = out["keys"]
            if place.world > 1:
                keys = torch.cat(all_gather(keys))  # type: ignore[no-untyped-call]
            network.contrast.follow(keys.detach())
        if real:
            means |= {"real": out["real"], "discriminator": out["discriminator"]}
            total = total + settings.real * out["real"] + out["discriminator"]
        # Parts that have not begun take part at weight 0, as several processes demand.
        idle = sum(value.sum() for value in network.parameters() if value.requires_grad)
        return Measured(total + 0.0 * idle if place.world > 1 else total, means)

    def _perceived(self, made: Tensor, frames: Tensor) -> Tensor:
        """Mean absolute difference of features, each layer in units of its own deviation."""
        assert self._perception is not None  # noqa: S101  (for the type checker)
        with torch.no_grad():
            right = self._perception.features(fold(frames) * 255)
        found = self._perception.features(fold(made) * 255)
        parts = [
            F.l1_loss(own, other) / other.std().clamp_min(1e-6)
            for own, other in zip(found, right, strict=True)
        ]
        return torch.stack(parts).mean()

    def warning(self, rows: Sequence[Row]) -> str | None:
        """Say if the code says nothing any more."""
        used = rows[-1].get("validation_used")
        return None if used is None or used > 0 else "every value of the code rounds to zero"

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the codec, without what judged it."""
        del counts
        assert isinstance(network, Together)  # noqa: S101  (for the type checker)
        save_codec(path, network.codec, asdict(self._settings))

    @torch.inference_mode()
    def validate(self, weights: Path) -> dict[str, float]:
        """On held-out clips at every QP: distances of base and networks, with code and without.

        Beside them the code's bits per pixel, and the share of its values that are not zero.
        """
        if not self._held_out:
            return {}
        codec, _ = load_codec(weights)
        codec.to(self._device)
        sums: dict[str, float] = defaultdict(float)
        for batch in self._validation:
            frames, decoded = (
                part.to(self._device).float() / 255 for part in (batch.frames, batch.decoded)
            )
            code = rounded(codec.sem_enc(frames, decoded))
            sums["used"] += float((code != 0).float().mean())
            sums["bpp"] += float(codec.prior.bits(code).sum()) / frames[0, 0].numel()
            for name, made in (
                ("_base", decoded),
                ("_zero", codec.lfn(decoded, None)),
                ("", codec.lfn(decoded, code)),
            ):
                sums[f"l1{name}"] += float(F.l1_loss(made, frames))
                if self._perception is not None:
                    sums[f"perceptual{name}"] += float(self._perceived(made, frames))
        return {name: total / len(self._validation) for name, total in sums.items()}

    @cached_property
    def _validation(self) -> list[Batch]:
        """The middle of every held-out video at all QPs, in the middle of the picture."""
        settings, code, batches = self._settings, Coder(), []
        for video in self._held_out:
            frames = neighbours(video, settings.frames, 0.5)
            top, left = ((length - settings.crop) // 2 for length in frames[0].shape[:2])
            size = settings.crop
            clip = [frame[top : top + size, left : left + size] for frame in frames]
            batches += [stacked([(clip, code(clip, point))]) for point in settings.points]
        return batches


def _hardened(ends: tuple[float, float], through: float) -> float:
    """Geometric passage from one temperature to the other over the first half."""
    first, last = ends
    return float(first * (last / first) ** min(1.0, 2 * through))
