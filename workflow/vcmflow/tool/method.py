"""A method for one's own video: a chain of instances with the files that they need."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vcmflow.core.errors import VcmflowError
from vcmflow.core.options import parse_instance
from vcmflow.core.registry import build, find, hint
from vcmflow.encode.codec import Codec
from vcmflow.encode.registry import CODECS, check_points
from vcmflow.reconstruct.reconstructor import Reconstructor
from vcmflow.reconstruct.registry import RECONSTRUCTORS
from vcmflow.select.look import Looking

DEFAULTS = Path(__file__).with_name("defaults.yaml")
PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Method:
    """What chooses frames, what codes them, what rebuilds the rest.

    Attributes:
        sampler: an instance as on the command line (``vcmflow.core.options``).
        codec: likewise.
        reconstructor: likewise.
        codec_weights: weights file of a learned codec.
        reconstructor_weights: weights file of a learned reconstructor.
        looking: with what needs of sampler and codec are computed.
    """

    sampler: str = "uniform"
    codec: str = "vvenc"
    reconstructor: str = "flow"
    codec_weights: Path | None = None
    reconstructor_weights: Path | None = None
    looking: Looking = field(default_factory=lambda: Looking(embedding="grey"))


def parse_keep(text: str) -> Fraction:
    """The share of frames to keep: ``1/3``, ``0.25``, or ``1`` for all.

    Raises:
        VcmflowError: not above 0 and at most 1.
    """
    try:
        keep = Fraction(text)
    except (ValueError, ZeroDivisionError):
        keep = Fraction(0)
    if not 0 < keep <= 1:
        raise VcmflowError(f"--keep {text}; allowed: a share above 0 and at most 1, such as 1/3")
    return keep


def count_of_share(n: int, keep: Fraction) -> int:
    """m, the nearest number to ``keep`` of n frames, but both ends at least."""
    return min(n, max(2, math.floor(n * keep + Fraction(1, 2))))


def load_codec(
    method: Method, point: float, device: str, threads: int
) -> tuple[str, dict[str, Any], Codec]:
    """Name, options and codec of a method, checked with its operating point.

    Raises:
        VcmflowError: no such codec, option or point.
    """
    name, options = parse_instance(method.codec, "codec")
    find(CODECS, name, "codec")
    check_points(name, [point])
    return name, options, build_codec(name, options, method.codec_weights, device, threads)


def build_codec(
    name: str, options: Mapping[str, Any], weights: Path | None, device: str, threads: int
) -> Codec:
    """Build a codec; see ``core.registry.build``."""
    offered = {"weights": weights, "device": device, "threads": threads}
    codec: Codec = build(CODECS, name, "codec", options, offered=offered)
    return codec


def build_reconstructor(
    instance: str, weights: Path | None, device: str, threads: int
) -> Reconstructor:
    """Build a reconstructor of frames.

    Raises:
        VcmflowError: no such reconstructor or option, or one that takes no frames.
    """
    name, options = parse_instance(instance, "reconstructor")
    if "frames" not in find(RECONSTRUCTORS, name, "reconstructor").takes:
        raise VcmflowError(f"reconstructor {name!r} takes no frames")
    offered = {"weights": weights, "device": device, "threads": threads}
    made: Reconstructor = build(RECONSTRUCTORS, name, "reconstructor", options, offered=offered)
    return made


def named_method(name: str, params: Path | None = None) -> Method:
    """A method by its name in settings.

    Args:
        name: of ``methods``.
        params: a params.yaml; None takes the one in the working directory, and those that come with
            the package where there is none.

    Raises:
        VcmflowError: no such method, or broken settings.
    """
    # Settings take a third of a second to load, which those who name no method need not wait for.
    from vcmflow.config.load import load_settings, plain, read_yaml

    if params is None and not PARAMS.is_file():
        where, settings, trained = DEFAULTS, read_yaml(DEFAULTS), Path()
    else:
        where = params or PARAMS
        loaded = load_settings(where)
        settings = plain(loaded)
        trained = where.parent / "results" / str(settings["preset"]) / "train"
    methods = settings["methods"]
    if name not in methods:
        raise VcmflowError(
            f"{where}: no method {name!r}; allowed: {', '.join(methods)}{hint(name, methods)}"
        )
    chain = methods[name]

    def part(section: str, table: str, key: str, instance: str) -> tuple[str, Path | None]:
        return _instance(settings[section][table][instance], key, trained)

    sampler, codec, reconstructor = (chain[key] for key in ("sampler", "codec", "reconstructor"))
    result = Method(
        sampler=part("sample", "samplers", "sampler", sampler)[0],
        codec=part("encode", "codecs", "codec", codec)[0],
        codec_weights=part("encode", "codecs", "codec", codec)[1],
        reconstructor=part("reconstruct", "reconstructors", "reconstructor", reconstructor)[0],
        reconstructor_weights=part("reconstruct", "reconstructors", "reconstructor", reconstructor)[
            1
        ],
    )
    looking = result.looking
    embedding = settings["sample"]["samplers"][sampler].get("embedding")
    embedding = embedding or settings["encode"]["codecs"][codec].get("embedding")
    if embedding:
        instance, weights = part("embed", "embeddings", "embedder", embedding)
        looking = replace(looking, embedding=instance, weights=weights)
    importance = settings["encode"]["codecs"][codec].get("importance")
    if importance:
        instance, weights = part("importance", "maps", "map", importance)
        looking = replace(looking, map=instance, map_weights=weights)
    if "track" in settings:
        track = settings["track"]
        instance, weights = _instance(track["detector"], "detector", trained)
        tracker, _ = _instance(track["tracker"], "tracker", trained)
        looking = replace(looking, detector=instance, detector_weights=weights, tracker=tracker)
    return replace(result, looking=looking)


# Keys of an instance that are the workflow's and no option of the plug-in.
_OURS = (
    *("title", "short", "point", "ladder", "keep_every", "embedding", "importance"),
    *("weights", "training", "optional"),
)


def _instance(settings: Mapping[str, Any], key: str, trained: Path) -> tuple[str, Path | None]:
    """An instance as on the command line, and its weights file."""
    own = {name: value for name, value in settings.items() if name not in _OURS}
    weights = settings.get("weights")
    if settings.get("training"):
        weights = trained / settings["training"] / "weights.safetensors"
    return json.dumps({key: own.pop(key), **own}), None if weights is None else Path(weights)


def describe(instance: Mapping[str, Any], key: str) -> str:
    """An instance in as few words as the command line takes."""
    rest = {name: value for name, value in instance.items() if name != key}
    return str(instance[key]) if not rest else json.dumps({key: instance[key], **rest})
