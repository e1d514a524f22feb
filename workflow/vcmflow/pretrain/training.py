"""The training loop: SGD on Eq. (5) plus rotation prediction, with exact resume."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
import torch.distributed as distributed
from torch import nn
from torch.distributed.nn.functional import all_gather
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from vcmflow.core.device import choose_device, steady
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import whole_file
from vcmflow.embed.network import EmbeddingNetwork, seeded_network
from vcmflow.embed.normalise import normalise
from vcmflow.embed.weights import Description, read_resnet18
from vcmflow.pretrain.batches import Batch, Steps
from vcmflow.pretrain.log import Row, Window, collapse_warning, write_log
from vcmflow.pretrain.loss import contrastive_loss, cosine_similarities, semi_hard
from vcmflow.pretrain.settings import PretrainSettings
from vcmflow.pretrain.videos import Split, VideoPool, find_videos, split_videos


@dataclass(frozen=True)
class Machine:
    """What the training runs on; nothing of this changes what is learned (up to rounding).

    Attributes:
        device: "cpu", "cuda" or "auto".
        threads: of the CPU, per process.
        workers: loader processes per training process; 0 loads in the training process.
        cache: bytes for decoded frames.
    """

    device: str = "cpu"
    threads: int = 1
    workers: int = 0
    cache: int = 512 * 2**20


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often the state is saved.

    Attributes:
        path: the file.
        every: steps.
    """

    path: Path
    every: int = 500


@dataclass(frozen=True)
class Trained:
    """The outcome: tensors of an ``EmbeddingNetwork``, their description, and the log."""

    state: dict[str, torch.Tensor]
    description: Description
    rows: list[Row]


@dataclass(frozen=True)
class Place:
    """This process among those that train together."""

    rank: int
    world: int
    device: torch.device


@dataclass
class Progress:
    """What changes from step to step, besides the network and the optimiser."""

    step: int
    rows: list[Row]
    window: Window
    unusable: int


def pretrain(
    source: Path,
    settings: PretrainSettings,
    machine: Machine | None = None,
    initial: Path | None = None,
    checkpoints: Checkpoints | None = None,
    log: Path | None = None,
) -> Trained | None:
    """Train the embedding network on unlabelled videos (2.1, 2.2).

    Started by ``torchrun``, the processes share each step's batch, one GPU each.

    Args:
        source: a folder of videos of any depth, or a text file of paths.
        settings: of the training.
        machine: where it runs.
        initial: torchvision's ResNet-18 to start from; None for random weights.
        checkpoints: where to save the state, and to resume from if it is there.
        log: CSV, rewritten at every checkpoint and at the end.

    Returns:
        What was learned; None in all but the first of several processes.

    Raises:
        VcmflowError: no usable videos, unfit settings, or a loss that is no number.
    """
    machine = machine or Machine()
    split = split_videos(find_videos(source), settings.negative_videos, settings.seed)
    with _processes(machine) as place:
        if settings.pairs % place.world or settings.negatives % place.world:
            raise VcmflowError(
                f"pretrain: pairs ({settings.pairs}) and negatives ({settings.negatives}) must be "
                f"multiples of the {place.world} processes"
            )
        return _train(split, settings, machine, place, initial, checkpoints, log)


def _train(
    split: Split,
    settings: PretrainSettings,
    machine: Machine,
    place: Place,
    initial: Path | None,
    checkpoints: Checkpoints | None,
    log: Path | None,
) -> Trained | None:
    total = settings.total_steps(len(split.positive))
    network = seeded_network(settings.dimension, settings.seed)
    if initial is not None:
        try:
            network.backbone.load_state_dict(read_resnet18(initial))
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise VcmflowError(f"{initial}: does not fit ResNet-18 ({reason})") from None
    network = network.to(place.device)
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    fingerprint = _fingerprint(split, settings, place, initial)
    progress = Progress(0, [], Window(), 0)
    if checkpoints is not None:
        progress = _resume(checkpoints.path, fingerprint, network, optimiser, place) or progress
    model: nn.Module = network
    if place.world > 1:
        if _on_gpu(place):
            model = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        model = DistributedDataParallel(model)
    pools = _pools(split, settings, machine, place)
    loader: DataLoader[Batch] = DataLoader(
        Steps(*pools, settings, place.rank, place.world),
        batch_size=None,
        sampler=range(progress.step, total),
        num_workers=machine.workers,
        pin_memory=_on_gpu(place),
        worker_init_fn=_start_worker,
    )
    mixed = settings.precision == "bfloat16" or (settings.precision == "auto" and _on_gpu(place))
    model.train()
    started, first_step = time.monotonic(), progress.step
    for batch in _batches(loader):
        rate = learning_rate(progress.step, total, settings)
        for group in optimiser.param_groups:
            group["lr"] = rate
        measured = _step(model, optimiser, batch, settings, progress.step / total, place, mixed)
        progress.step += 1
        if not math.isfinite(measured["loss"]):
            raise VcmflowError(
                f"pretrain: the loss is {measured['loss']} at step {progress.step}; "
                "lower learning_rate"
            )
        progress.unusable += round(measured.pop("unusable"))
        progress.window.add(measured)
        last = progress.step == total
        if progress.step % settings.log_every == 0 or last:
            row = _row(progress, rate, settings, len(split.positive))
            progress.rows.append(row)
            if place.rank == 0:
                _tell(row, total, (time.monotonic() - started) / (progress.step - first_step))
                warning = collapse_warning(progress.rows, max(100.0, 0.1 * total))
                if warning is not None:
                    print(f"warning: {warning}", file=sys.stderr, flush=True)
        due = checkpoints is not None and progress.step % checkpoints.every == 0
        if checkpoints is not None and due and place.rank == 0:
            _save(checkpoints.path, fingerprint, network, optimiser, progress)
            if log is not None:
                write_log(log, progress.rows)
    if place.rank != 0:
        return None
    if log is not None:
        write_log(log, progress.rows)
    about = {
        "settings": asdict(settings),
        "steps": total,
        "positive_videos": len(split.positive),
        "negative_videos": len(split.negative),
        "unusable_draws": progress.unusable,
        "initial": "random" if initial is None else initial.name,
    }
    state = {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    description = Description(settings.dimension, settings.short_side, about)
    return Trained(state, description, progress.rows)


def learning_rate(step: int, total: int, settings: PretrainSettings) -> float:
    """Return the learning rate of a step (0-based): a linear rise, then half a cosine to zero."""
    rise = settings.warmup * total
    if step < rise:
        return settings.learning_rate * (step + 1) / math.ceil(rise)
    through = (step - rise) / max(1.0, total - rise)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * through))


def _step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    settings: PretrainSettings,
    through: float,
    place: Place,
    mixed: bool,
) -> dict[str, float]:
    """Make one step and return what was measured, averaged over the processes."""
    pictures = torch.cat([batch.anchors, batch.positives, batch.negatives])
    pictures = normalise(pictures.to(place.device, non_blocking=True))
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    turns = batch.turns.to(place.device, non_blocking=True)
    with torch.autocast(place.device.type, torch.bfloat16) if mixed else nullcontext():
        embeddings, logits = model(pictures)
    embeddings, logits = embeddings.float(), logits.float()
    pairs = len(batch.anchors)
    anchors, positives, negatives = embeddings.split([pairs, pairs, len(batch.negatives)])
    if place.world > 1:
        # With gradients, so that every anchor sees them all.
        negatives = torch.cat(all_gather(negatives))  # type: ignore[no-untyped-call]
    similarities = cosine_similarities(anchors, positives, negatives)
    quantile = settings.radius_start + through * (settings.radius_end - settings.radius_start)
    mined = semi_hard(similarities, quantile, settings.hardest)
    keep = mined.keep if settings.mining else torch.ones_like(mined.keep)
    contrastive = contrastive_loss(similarities, keep, settings.temperature)
    rotation = functional.cross_entropy(logits, turns)
    # Without the task its head still takes part, at weight 0, as several processes demand.
    weight = settings.rotation_weight if settings.rotation else 0.0
    loss = contrastive + weight * rotation
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    values = torch.tensor(
        [
            float(loss.detach()),
            float(contrastive.detach()),
            float(rotation.detach()) if settings.rotation else 0.0,
            float(similarities.positive.detach().mean()),
            float(similarities.negative.detach().mean()),
            float((logits.argmax(dim=1) == turns).float().mean()) if settings.rotation else 0.0,
            mined.radius if settings.mining else 0.0,
            mined.share if settings.mining else 1.0,
            float(len(batch.unusable)),
        ],
        dtype=torch.float64,
        device=place.device,
    )
    if place.world > 1:
        distributed.all_reduce(values)
        values[:-1] /= place.world
    names = (
        "loss",
        "contrastive_loss",
        "rotation_loss",
        "positive_similarity",
        "negative_similarity",
        "rotation_accuracy",
        "radius",
        "kept_share",
        "unusable",
    )
    return dict(zip(names, values.tolist(), strict=True))


def _batches(loader: DataLoader[Batch]) -> Iterator[Batch]:
    """Yield the loader's batches; what a loader process says is wrong is one line again."""
    try:
        yield from loader
    except VcmflowError as error:
        line = str(error).strip().splitlines()[-1]
        raise VcmflowError(line.removeprefix("vcmflow.core.errors.VcmflowError: ")) from None


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # a thread pool does not survive the fork


def _pools(
    split: Split, settings: PretrainSettings, machine: Machine, place: Place
) -> tuple[VideoPool, VideoPool]:
    """Open the two sets of videos and decode what the memory budget holds."""
    share = len(split.negative) / (len(split.negative) + len(split.positive))
    pools = (
        VideoPool(split.positive, settings.short_side, int(machine.cache * (1 - share))),
        VideoPool(split.negative, settings.short_side, int(machine.cache * share)),
    )
    kept = sum(pool.preload() for pool in pools)
    if place.rank == 0:
        print(
            f"{len(split.positive)} videos for pairs, {len(split.negative)} for negatives; "
            f"{kept} of them kept in memory",
            file=sys.stderr,
            flush=True,
        )
    return pools


def _row(progress: Progress, rate: float, settings: PretrainSettings, videos: int) -> Row:
    return {
        "step": float(progress.step),
        "epoch": progress.step * settings.pairs / videos,
        **progress.window.close(),
        "learning_rate": rate,
        "unusable_videos": float(progress.unusable),
    }


def _tell(row: Row, total: int, seconds_per_step: float) -> None:
    left = (total - row["step"]) * seconds_per_step
    print(
        f"step {row['step']:.0f}/{total}: loss {row['loss']:.3f}, similarity "
        f"{row['positive_similarity']:.3f} (neighbours) {row['negative_similarity']:.3f} "
        f"(others), rotation {row['rotation_accuracy']:.2f}, {left:.0f} s left",
        file=sys.stderr,
        flush=True,
    )


def _fingerprint(
    split: Split, settings: PretrainSettings, place: Place, initial: Path | None
) -> str:
    """Return what a checkpoint must agree with to be resumed."""
    files = [*split.positive, *split.negative, *([] if initial is None else [initial])]
    content = [
        asdict(settings),
        place.world,
        [(path.name, path.stat().st_size if path.is_file() else -1) for path in files],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _save(
    path: Path,
    fingerprint: str,
    network: EmbeddingNetwork,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    with whole_file(path) as temporary:
        torch.save(
            {
                "fingerprint": fingerprint,
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": progress.step,
                "rows": progress.rows,
                "sums": progress.window.sums,
                "count": progress.window.count,
                "unusable": progress.unusable,
            },
            temporary,
        )


def _resume(
    path: Path,
    fingerprint: str,
    network: EmbeddingNetwork,
    optimiser: torch.optim.Optimizer,
    place: Place,
) -> Progress | None:
    """Load a checkpoint into network and optimiser; None if there is none of this training."""
    if not path.is_file():
        return None
    try:
        saved: dict[str, Any] = torch.load(path, map_location=place.device, weights_only=True)
        fits = saved["fingerprint"] == fingerprint
    except Exception:  # torch.load lets all kinds out of a damaged file
        raise VcmflowError(f"{path}: damaged checkpoint; remove it to start anew") from None
    if not fits:
        print(
            f"{path}: a checkpoint of other settings or videos; training starts anew",
            file=sys.stderr,
            flush=True,
        )
        return None
    network.load_state_dict(saved["network"])
    optimiser.load_state_dict(saved["optimiser"])
    print(f"{path}: resuming after step {saved['step']}", file=sys.stderr, flush=True)
    return Progress(
        saved["step"], saved["rows"], Window(saved["sums"], saved["count"]), saved["unusable"]
    )


def _on_gpu(place: Place) -> bool:
    return place.device.type == "cuda"


@contextmanager
def _processes(machine: Machine) -> Iterator[Place]:
    """Join the other training processes, if ``torchrun`` started several, and leave them after."""
    name = choose_device(machine.device)
    steady(machine.threads)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Place(0, 1, torch.device(name))
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device(name, local) if name == "cuda" else torch.device(name)
    if name == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if name == "cuda" else "gloo")
    try:
        yield Place(distributed.get_rank(), world, device)
    finally:
        distributed.destroy_process_group()
