"""The training loop: deterministic, resumed exactly, on any number of GPUs."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import torch
import torch.distributed as distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from vcmflow.core.device import choose_device, set_deterministic
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file
from vcmflow.core.rows import write_csv
from vcmflow.train.trainee import Measured, Place, Row, Schedule, Trainee


@dataclass(frozen=True)
class Machine:
    """What the training runs on; nothing of this changes what is learned (up to rounding).

    Attributes:
        device: "cpu", "cuda" or "auto".
        threads: of the CPU, per process.
        workers: loader processes per training process; 0 loads in the training process.
    """

    device: str = "cpu"
    threads: int = 1
    workers: int = 0


@dataclass(frozen=True)
class Output:
    """What is written.

    Attributes:
        weights: at every validation and at the end.
        log: CSV, rewritten at every checkpoint and at the end.
        checkpoint: the state, to resume from if it is there; removed at the end.
        every: steps between two checkpoints.
    """

    weights: Path
    log: Path
    checkpoint: Path
    every: int = 500


@dataclass
class _State:
    """What changes from step to step.

    Attributes:
        network: on its device.
        average: running average of the network's values, if there is one.
        optimiser: of the network.
        step: steps made.
        rows: of the log.
        sums: of what was measured since the last row.
        counts: of what was counted since the beginning.
    """

    network: nn.Module
    average: nn.Module | None
    optimiser: torch.optim.Optimizer
    step: int = 0
    rows: list[Row] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)

    def stored(self) -> nn.Module:
        """The network whose values are the result."""
        return self.network if self.average is None else self.average


def train(name: str, trainee: Trainee, machine: Machine, out: Output) -> list[Row]:
    """Train, and write weights and log.

    A training that was cut off goes on from its checkpoint and ends with the same weights as one
    that was not: what a step does depends on the seed and the step's number alone. Started by
    ``torchrun``, the processes share each step's batch, one GPU each.

    Args:
        name: the trainee's, for messages.
        trainee: what learns.
        machine: where it runs.
        out: what is written, by the first of several processes.

    Returns:
        The log.

    Raises:
        VcmflowError: unfit settings or data, a damaged checkpoint, or a loss that is no number.
    """
    cv2.setNumThreads(1)
    with _processes(machine, trainee.schedule) as place:
        return _train(name, trainee, machine, place, out)


def _train(name: str, trainee: Trainee, machine: Machine, place: Place, out: Output) -> list[Row]:
    schedule = trainee.schedule
    data = trainee.data(place)
    network = trainee.network.to(place.device)
    _channels_last(network)
    average = copy.deepcopy(network).eval() if schedule.average else None
    state = _State(network, average, trainee.optimiser(network))
    content = [trainee.identity, asdict(schedule), place.world]
    fingerprint = hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
    _resume(out.checkpoint, fingerprint, state, place)
    model = _together(network, place)
    loader: DataLoader[Any] = DataLoader(
        data,
        batch_size=None,
        sampler=range(state.step, schedule.steps),
        num_workers=machine.workers,
        pin_memory=place.device.type == "cuda",
        worker_init_fn=_start_worker,
    )
    begun, first = time.monotonic(), state.step
    for batch in _batches(loader):
        step = state.step
        network.train()
        rate = trainee.learning_rate(step)
        for group in state.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1)
        torch.manual_seed(schedule.seed * 1_000_003 + step)
        measured = trainee.loss(model, batch, step, place)
        state.optimiser.zero_grad(set_to_none=True)
        measured.loss.backward()  # type: ignore[no-untyped-call]
        if schedule.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), schedule.clip)
        state.optimiser.step()
        if state.average is not None:
            _follow(state.average, network, min(schedule.average, (step + 1) / (step + 10)))
        state.step += 1
        means = _count(measured, state, place)
        if not math.isfinite(means["loss"]):
            raise VcmflowError(
                f"{name}: the loss is {means['loss']} at step {state.step}; lower learning_rate"
            )
        last = state.step == schedule.steps
        checked = schedule.validate_every and state.step % schedule.validate_every == 0
        if last or checked or state.step % schedule.log_every == 0:
            row = _row(state, rate)
            if place.rank == 0:
                if checked and not last:
                    row |= _validate(trainee, state, out.weights)
                left = (schedule.steps - state.step) * (time.monotonic() - begun)
                _tell(name, row, schedule.steps, left / (state.step - first))
                warning = trainee.warning(state.rows)
                if warning is not None:
                    print(f"warning: {warning}", file=sys.stderr, flush=True)
        if place.rank == 0 and state.step % out.every == 0:
            _save(out.checkpoint, fingerprint, state)
            _write_log(out.log, state.rows)
    if place.rank == 0:
        scores = _validate(trainee, state, out.weights)
        state.rows[-1] |= scores
        _write_log(out.log, state.rows)
        out.checkpoint.unlink(missing_ok=True)  # a later training is another one
        said = "".join(f", {key} {value:.4f}" for key, value in scores.items())
        print(f"{name}: trained{said}", file=sys.stderr, flush=True)
    return state.rows


def _channels_last(network: nn.Module) -> None:
    """Lay pictures' weights out as processors like them; ``Module.to`` refuses those of clips."""
    for value in [*network.parameters(), *network.buffers()]:
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=torch.channels_last)


def _together(network: nn.Module, place: Place) -> nn.Module:
    if place.world == 1:
        return network
    if place.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(network)


def _count(measured: Measured, state: _State, place: Place) -> dict[str, float]:
    """Add a step to the state's sums and counts, and return its means over the processes."""
    means = {"loss": measured.loss, **measured.means}
    values = torch.tensor(
        [
            float(value.detach() if isinstance(value, torch.Tensor) else value)
            for value in (*means.values(), *measured.counts.values())
        ],
        dtype=torch.float64,
        device=place.device,
    )
    if place.world > 1:
        distributed.all_reduce(values)
        values[: len(means)] /= place.world
    found = values.tolist()
    for name, value in zip(means, found, strict=False):
        state.sums[name] = state.sums.get(name, 0.0) + value
    for name, value in zip(measured.counts, found[len(means) :], strict=True):
        state.counts[name] = state.counts.get(name, 0.0) + value
    return dict(zip(means, found, strict=False))


def _row(state: _State, rate: float) -> Row:
    """Close the means since the last row and add a row to the log."""
    steps = state.step - (state.rows[-1]["step"] if state.rows else 0)
    row = {"step": float(state.step), "learning_rate": rate}
    row |= {name: total / steps for name, total in state.sums.items()}
    row |= state.counts
    state.sums = {}
    state.rows.append(row)
    return row


def _validate(trainee: Trainee, state: _State, weights: Path) -> Row:
    trainee.save(weights, state.stored(), state.counts)
    return {f"validation_{key}": value for key, value in trainee.validate(weights).items()}


def _tell(name: str, row: Row, steps: int, left: float) -> None:
    said = ", ".join(f"{key} {value:.4g}" for key, value in row.items() if key != "step")
    print(
        f"{name}: step {row['step']:.0f}/{steps}: {said}, {left:.0f} s left",
        file=sys.stderr,
        flush=True,
    )


def _write_log(path: Path, rows: Sequence[Row]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(path, columns, [{key: f"{value:.8g}" for key, value in row.items()} for row in rows])


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, share: float) -> None:
    """Move the running average of all values towards the present ones."""
    present = network.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(present[name], 1 - share)
        else:
            value.copy_(present[name])


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """Yield the loader's batches; what a loader process says is wrong is one line again."""
    try:
        yield from loader
    except VcmflowError as error:
        line = str(error).strip().splitlines()[-1]
        raise VcmflowError(line.removeprefix("vcmflow.core.errors.VcmflowError: ")) from None


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # a thread pool does not survive the fork


def _save(path: Path, fingerprint: str, state: _State) -> None:
    content: dict[str, Any] = {
        "fingerprint": fingerprint,
        "network": state.network.state_dict(),
        "average": None if state.average is None else state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
    }
    content |= {key: getattr(state, key) for key in _PLAIN}
    with whole_file(path) as temporary:
        torch.save(content, temporary)


_PLAIN = ("step", "rows", "sums", "counts")


def _resume(path: Path, fingerprint: str, state: _State, place: Place) -> None:
    """Load a checkpoint into the state, if there is one of this training."""
    if not path.is_file():
        return
    try:
        saved: Mapping[str, Any] = torch.load(
            intact(path), map_location=place.device, weights_only=True
        )
        fits = saved["fingerprint"] == fingerprint
    except Exception:  # torch.load lets all kinds out of a damaged file
        raise VcmflowError(f"{path}: damaged checkpoint; remove it to start anew") from None
    if not fits:
        said = "a checkpoint of other settings or data; training starts anew"
        print(f"{path}: {said}", file=sys.stderr, flush=True)
        return
    state.network.load_state_dict(saved["network"])
    state.optimiser.load_state_dict(saved["optimiser"])
    if state.average is not None:
        state.average.load_state_dict(saved["average"])
    for key in _PLAIN:
        setattr(state, key, saved[key])
    print(f"{path}: resuming after step {state.step}", file=sys.stderr, flush=True)


@contextmanager
def _processes(machine: Machine, schedule: Schedule) -> Iterator[Place]:
    """Join the other training processes, if ``torchrun`` started several, and leave them after."""
    name = choose_device(machine.device)
    set_deterministic(machine.threads)
    auto = schedule.precision == "auto" and name == "cuda"
    mixed = schedule.precision == "bfloat16" or auto
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Place(0, 1, torch.device(name), mixed)
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device(name, local) if name == "cuda" else torch.device(name)
    if name == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if name == "cuda" else "gloo")
    try:
        yield Place(distributed.get_rank(), world, device, mixed)
    finally:
        distributed.destroy_process_group()
