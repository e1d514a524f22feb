"""What the training loop asks of something that learns.

A trainee is one file and one line of ``vcmflow.train.registry``: settings, whose fields are the
options that a user has, and the trainee itself, which brings data, network and loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import Dataset

Row = dict[str, float]


@dataclass(frozen=True)
class Files:
    """What the command line may give a trainee to read; which of it is needed, the trainee says.

    Attributes:
        videos: a folder of videos of any depth, or a text file of paths.
        sequences: folders with frames.mkv and truth.json to learn from.
        validation_sequences: such folders to validate on.
        initial_weights: a checkpoint to start from.
        cache: bytes for decoded frames; does not change what is learned.
    """

    videos: Path | None = None
    sequences: tuple[Path, ...] = ()
    validation_sequences: tuple[Path, ...] = ()
    initial_weights: Path | None = None
    cache: int = 512 * 2**20


@dataclass(frozen=True)
class Schedule:
    """How the loop goes about it.

    Attributes:
        steps: of the optimiser.
        seed: of the random numbers that torch draws in a step.
        precision: ``float32``, ``bfloat16`` (mixed), or ``auto``: mixed on a GPU.
        log_every: steps per row of the log.
        validate_every: steps between two validations; 0: at the end only.
        average: per-step share kept by the running average of the weights that is stored; 0: the
            weights themselves are stored.
        clip: largest norm of the gradient; None for any.
    """

    steps: int
    seed: int
    precision: str = "float32"
    log_every: int = 50
    validate_every: int = 0
    average: float = 0.0
    clip: float | None = None


@dataclass(frozen=True)
class Place:
    """This process among those that train together.

    Attributes:
        rank: its number, from 0.
        world: how many there are.
        device: where its network is.
        mixed: whether convolutions and products are computed in bfloat16.
    """

    rank: int
    world: int
    device: torch.device
    mixed: bool = False

    def autocast(self) -> AbstractContextManager[object]:
        """A context for what may be computed in bfloat16."""
        if not self.mixed:
            return nullcontext()
        import torch

        return torch.autocast(self.device.type, torch.bfloat16)


@dataclass(frozen=True)
class Measured:
    """What one step gives.

    Attributes:
        loss: scalar, to go down.
        means: what else was measured; the log has its mean over steps and processes.
        counts: what was counted; the log has its sum since the beginning.
    """

    loss: Tensor
    means: Mapping[str, Tensor | float] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)


class Trainee(Protocol):
    """A network with its data and its loss."""

    @property
    def schedule(self) -> Schedule:
        """How long and how to train."""
        ...

    @property
    def network(self) -> nn.Module:
        """The untrained network, on the CPU; the same for the same settings."""
        ...

    @property
    def identity(self) -> Any:
        """JSON value that a checkpoint must agree with to be resumed: settings, files."""
        ...

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Make the optimiser of the network, which is on its device now.

        A group of parameters with a ``share`` has so many times the learning rate.
        """
        ...

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        ...

    def data(self, place: Place) -> Dataset[Any]:
        """Step -> this process's share of its batch, which depends on seed and step alone."""
        ...

    def loss(self, model: nn.Module, batch: Any, step: int, place: Place) -> Measured:
        """Measure a batch; ``model`` is the network, and has to be called as a whole."""
        ...

    def warning(self, rows: Sequence[Row]) -> str | None:
        """What is wrong with the training, if the last row of the log says so."""
        ...

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        """Write the weights, whole or not at all."""
        ...

    def validate(self, weights: Path) -> Mapping[str, float]:
        """Accuracy of stored weights on data that were held out, by name; may be empty."""
        ...


def warm_cosine(step: int, steps: int, rise: float, peak: float, floor: float = 0.0) -> float:
    """A linear rise, then half a cosine.

    Args:
        step: from 0.
        steps: of the whole training.
        rise: steps until the peak.
        peak: highest value.
        floor: last value as a share of the peak.
    """
    if step < rise:
        return peak * (step + 1) / math.ceil(rise)
    through = (step - rise) / max(1, steps - rise)
    return peak * (floor + (1 - floor) * (1 + math.cos(math.pi * through)) / 2)


def adamw(network: nn.Module, learning_rate: float, decay: float) -> torch.optim.Optimizer:
    """AdamW; no decay for biases and normalisations, which it hurts.

    Args:
        network: what learns.
        learning_rate: highest one.
        decay: weight decay.
    """
    import torch

    parameters = [value for value in network.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in parameters if value.ndim > 1], "weight_decay": decay},
        {"params": [value for value in parameters if value.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate)
