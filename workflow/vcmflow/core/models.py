"""Models on the command line: an instance, its weights file and its device make a loaded model."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import Entry, build, parameters


def load_model(
    models: Mapping[str, Entry],
    key: str,
    instance: str,
    weights: Path | None,
    device: str,
    threads: int,
) -> Any:
    """Build a model of a task, deterministic, and warn where it has no weights.

    Args:
        models: registry of builders from ``weights`` (None: fixed random values, for tests and for
            counting operations), ``device`` and ``threads``, as far as they have such parameters,
            to a model.
        key: ``detector`` or ``model``: the flag, and what names the model in the instance.
        instance: as on the command line (``vcmflow.core.options``).
        weights: its weights file.
        device: "auto", "cpu" or "cuda".
        threads: of the CPU.

    Raises:
        VcmflowError: an unknown model, option or device, or weights that do not fit.
    """
    name, options = parse_instance(instance, key)
    if importlib.util.find_spec("torch"):
        from vcmflow.core.device import choose_device, set_deterministic

        set_deterministic(threads)
        device = choose_device(device)
    elif device == "auto":  # a model of another library
        device = "cpu"
    offered = {"weights": weights, "device": device, "threads": threads}
    model = build(models, name, key, options, offered=offered)
    if weights is None and "weights" in parameters(models[name].builder):
        print(
            f"warning: no weights were given: {name} runs with fixed random values, which find "
            "nothing real; good for timing only",
            file=sys.stderr,
            flush=True,
        )
    return model


def check_files(videos: Sequence[Path], others: Mapping[str, Sequence[object] | None]) -> None:
    """Check that videos exist and that other flags have one value for each.

    Raises:
        VcmflowError: they do not.
    """
    for flag, values in others.items():
        if values is not None and len(values) != len(videos):
            raise VcmflowError(f"{flag} has {len(values)} entries for {len(videos)} videos")
    for video in videos:
        if not video.exists():
            raise VcmflowError(f"{video}: no such video")


def check_count(args: argparse.Namespace, *names: str) -> None:
    """Check that flags are 1 or more.

    Raises:
        VcmflowError: one is not.
    """
    for name in names:
        if getattr(args, name) < 1:
            flag = name.replace("_", "-")
            raise VcmflowError(f"--{flag} is {getattr(args, name)}; allowed: 1 or more")
