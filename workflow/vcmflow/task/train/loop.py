"""The training loop that all mini models share: deterministic, resumable, logged."""

from __future__ import annotations

import copy
import csv
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.task.train.augment import augment
from vcmflow.task.train.types import Sample, Trainee
from vcmflow.task.weights import save_weights


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        steps: number of batches.
        batch: pictures per batch.
        rate: highest learning rate (AdamW); warm-up over 5 % of the steps, then a cosine to 1 %.
        decay: weight decay.
        average: per-step share kept by the running average of the weights that is stored.
        seed: decides first weights, the order of pictures and their changes.
        precision: "float32", or "bfloat16" for mixed precision where the processor is good at it.
        every: steps between two lines of progress and of the log.
        validate_every: steps between two validations; the last step always validates.
    """

    steps: int
    batch: int = 8
    rate: float = 1e-3
    decay: float = 0.02
    average: float = 0.997
    seed: int = 0
    precision: str = "float32"
    every: int = 50
    validate_every: int = 1000

    def __post_init__(self) -> None:
        for key in ("steps", "batch", "every", "validate_every"):
            if getattr(self, key) < 1:
                raise VcmflowError(f"{key} {getattr(self, key)}; allowed: 1 or more")
        if self.precision not in ("float32", "bfloat16"):
            raise VcmflowError(f"precision {self.precision!r}; allowed: float32, bfloat16")

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        warm = max(1, round(0.05 * self.steps))
        if step < warm:
            return self.rate * (step + 1) / warm
        done = (step - warm) / max(1, self.steps - warm)
        return self.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


Validate = Callable[[Path], dict[str, float]]


def train(
    trainee: Trainee,
    samples: Sequence[Sample],
    schedule: Schedule,
    validate: Validate,
    out: Path,
    log: Path,
    checkpoint: Path,
) -> dict[str, float]:
    """Train, and write the averaged weights and the log.

    A run that was cut off goes on from ``checkpoint`` and ends with the same weights as one that
    was not: what a step does depends on the seed and the step's number alone.

    Args:
        trainee: the untrained network and its loss.
        samples: training pictures, all of one size.
        schedule: see there.
        validate: accuracy of a weights file on held-out pictures, by name.
        out: the safetensors file to write.
        log: CSV: step, learning rate, mean loss and its parts, validation accuracy.
        checkpoint: written at every validation, removed at the end.

    Returns:
        the last validation's accuracy.

    Raises:
        VcmflowError: no samples, a checkpoint of another run, or a loss that is not finite.
    """
    if not samples:
        raise VcmflowError("no training pictures")
    module = trainee.module
    average = copy.deepcopy(module).eval()
    optimiser = torch.optim.AdamW(_groups(module, schedule.decay), lr=schedule.rate)
    rows: list[dict[str, str]] = []
    first = 0
    if checkpoint.is_file():
        first, rows = _resume(checkpoint, module, average, optimiser, schedule)
    begun, scores = time.monotonic(), dict[str, float]()
    sums: dict[str, float] = {}
    for step in range(first, schedule.steps):
        module.train()
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate_at(step)
        batch = _batch(samples, schedule, step)
        with torch.autocast(
            next(module.parameters()).device.type,
            torch.bfloat16,
            enabled=schedule.precision == "bfloat16",
        ):
            parts = trainee.losses(batch)
        loss = torch.stack([part.float() for part in parts.values()]).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimiser.step()
        _follow(average, module, min(schedule.average, (step + 1) / (step + 10)))
        for name, part in {"loss": loss, **parts}.items():
            sums[name] = sums.get(name, 0.0) + float(part.detach())
        if not bool(torch.isfinite(loss)):
            raise VcmflowError(f"training {trainee.name}: the loss is not finite at step {step}")
        last = step + 1 == schedule.steps
        due = last or (step + 1) % schedule.validate_every == 0
        if not (due or (step + 1) % schedule.every == 0):
            continue
        row = {"step": str(step + 1), "learning_rate": f"{schedule.rate_at(step):.3g}"}
        count = (step + 1) - int(rows[-1]["step"] if rows else 0)
        row |= {name: f"{value / count:.5f}" for name, value in sums.items()}
        sums = {}
        if due:
            notes = asdict(schedule)
            save_weights(out, average, trainee.name, notes)
            scores = validate(out)
            row |= {f"validation_{name}": f"{value:.4f}" for name, value in scores.items()}
        rows.append(row)
        if due:
            _write_log(log, rows)
            _save(checkpoint, module, average, optimiser, schedule, step + 1, rows)
        passed = time.monotonic() - begun
        left = passed / (step + 1 - first) * (schedule.steps - step - 1)
        said = " ".join(f"{key} {value}" for key, value in row.items() if key != "step")
        print(
            f"train {trainee.name}: step {step + 1}/{schedule.steps}, {said}, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )
    if first == schedule.steps:
        save_weights(out, average, trainee.name, asdict(schedule))
        scores = validate(out)
        _write_log(log, rows)
    checkpoint.unlink(missing_ok=True)
    return scores


def _groups(module: nn.Module, decay: float) -> list[dict[str, object]]:
    """Weight decay for kernels and matrices only: it hurts biases and normalisations."""
    parameters = [value for value in module.parameters() if value.requires_grad]
    return [
        {"params": [value for value in parameters if value.ndim > 1], "weight_decay": decay},
        {"params": [value for value in parameters if value.ndim <= 1], "weight_decay": 0.0},
    ]


def _batch(samples: Sequence[Sample], schedule: Schedule, step: int) -> list[Sample]:
    """Pictures of a step: every epoch has its own order, every use of a picture its own changes."""
    torch.manual_seed(schedule.seed * 1_000_003 + step)
    chosen: list[Sample] = []
    for position in range(step * schedule.batch, (step + 1) * schedule.batch):
        epoch, place = divmod(position, len(samples))
        order = np.random.default_rng([schedule.seed, 1, epoch]).permutation(len(samples))
        rng = np.random.default_rng([schedule.seed, 2, position])
        chosen.append(augment(samples[int(order[place])], rng))
    return chosen


@torch.no_grad()
def _follow(average: nn.Module, module: nn.Module, share: float) -> None:
    """Move the running average of all values towards the present ones."""
    present = module.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(present[name], 1 - share)
        else:
            value.copy_(present[name])


def _write_log(path: Path, rows: Sequence[dict[str, str]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _save(
    path: Path,
    module: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    step: int,
    rows: Sequence[dict[str, str]],
) -> None:
    state = {
        "schedule": asdict(schedule),
        "step": step,
        "rows": list(rows),
        "module": module.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    with whole_file(path) as temporary:
        torch.save(state, temporary)


def _resume(
    path: Path,
    module: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
) -> tuple[int, list[dict[str, str]]]:
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch names no single class for a damaged file
        raise VcmflowError(
            f"{path}: damaged checkpoint ({error}); delete it to start anew"
        ) from None
    if state.get("schedule") != asdict(schedule):
        raise VcmflowError(f"{path}: checkpoint of other settings; delete it to start anew")
    module.load_state_dict(state["module"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"]), list(state["rows"])
