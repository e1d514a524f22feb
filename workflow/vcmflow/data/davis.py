"""DAVIS 2016 and 2017: frames as JPEG, objects as the palette indices of PNG masks.

Layout below the root (the folder ``DAVIS`` of the archive): ``JPEGImages/<resolution>/<sequence>/
00000.jpg``, ``Annotations/<resolution>/<sequence>/00000.png``, ``ImageSets/<year>/<set>.txt``.
Masks of 2017 hold object ids (0 background, 255 void); those of 2016 one merged foreground {0,255}.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact
from vcmflow.core.listing import check_picture_gaps, list_pictures, walk
from vcmflow.data.types import (
    DatasetConfig,
    Gaps,
    Loader,
    PlannedSequence,
    SequenceSpec,
    Source,
    SourceFrame,
    TruthObject,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FPS = 24.0
VOID = 255
MOST_OBJECTS = 64  # in masks without a palette, where ids and grey levels look alike

# The validation set of DAVIS 2017 with the number of frames of each sequence, so that it can be
# planned where the data are not. They add up to the published 1999 frames.
VAL_2017 = {
    "bike-packing": 69,
    "blackswan": 50,
    "bmx-trees": 80,
    "breakdance": 84,
    "camel": 90,
    "car-roundabout": 75,
    "car-shadow": 40,
    "cows": 104,
    "dance-twirl": 90,
    "dog": 60,
    "dogs-jump": 66,
    "drift-chicane": 52,
    "drift-straight": 50,
    "goat": 90,
    "gold-fish": 78,
    "horsejump-high": 50,
    "india": 81,
    "judo": 34,
    "kite-surf": 50,
    "lab-coat": 47,
    "libby": 49,
    "loading": 50,
    "mbike-trick": 79,
    "motocross-jump": 40,
    "paragliding-launch": 80,
    "parkour": 100,
    "pigs": 79,
    "scooter-black": 43,
    "shooting": 40,
    "soapbox": 99,
}
# DAVIS 2016 lacks these of them; the rest are its 20 validation sequences (1376 frames).
ONLY_2017 = frozenset(
    (
        "bike-packing",
        "dogs-jump",
        "gold-fish",
        "india",
        "judo",
        "lab-coat",
        "loading",
        "mbike-trick",
        "pigs",
        "shooting",
    )
)


def davis(
    year: Literal[2016, 2017] | None = None,
    resolution: Annotated[str, Field(min_length=1)] = "480p",
    gaps: Gaps = "error",
    annotation_type: Literal["masks", "none"] = "masks",
) -> Loader:
    """Loader of the DAVIS layout.

    Args:
        year: 2017 (object ids), 2016 (all objects merged into one), None to tell by the masks.
        resolution: folder of frames and masks.
        gaps: a jump in the frame numbers is an error, or accepted.
        annotation_type: masks, or none, for sequences that have no masks.
    """

    def plan(config: DatasetConfig) -> Iterator[PlannedSequence]:
        # `val` (from the table above), one of ImageSets, a list, or `auto`: those on disk.
        frames, masks = _folders(config.path, resolution)
        known = _validation(year)
        for name in _names(config, frames, year):
            inputs = (frames / name, masks / name)[: 1 if annotation_type == "none" else 2]
            length = known.get(name) if config.sequences == "val" else None
            yield PlannedSequence(name, None, name, length, inputs)

    def read(spec: SequenceSpec) -> Source:
        frames_root, masks_root = _folders(spec.path, resolution)
        pictures = list_pictures(frames_root / spec.sequence)
        masks: list[Path] | list[None] = [None] * len(pictures)
        if annotation_type == "masks":
            masks = _masks_of(pictures, masks_root / spec.sequence)
        if gaps == "error":
            check_picture_gaps(pictures)
        taken = [(pictures[i], masks[i]) for i in spec.chosen_frames(len(pictures))]
        return Source(spec.fps or FPS, _frames(taken, year))

    return Loader(annotation_type, plan, read)


def _folders(root: Path, resolution: str) -> tuple[Path, Path]:
    return root / "JPEGImages" / resolution, root / "Annotations" / resolution


def _validation(year: int | None) -> dict[str, int]:
    return {
        name: frames for name, frames in VAL_2017.items() if year != 2016 or name not in ONLY_2017
    }


def _names(config: DatasetConfig, frames: Path, year: int | None) -> list[str]:
    chosen = config.sequences
    if isinstance(chosen, tuple):
        return list(chosen)
    if not isinstance(chosen, str):
        raise VcmflowError("sequences: DAVIS has no cameras; give a list of names, val or auto")
    if chosen == "val":
        return list(_validation(year))
    if chosen == "auto":
        if not frames.is_dir():
            raise VcmflowError(
                f"sequences: auto needs the data, and there is no folder {frames}; download it, or "
                "name the sequences, or use val"
            )
        names = [folder.name for folder, files in walk(frames) if folder.parent == frames and files]
        if not names:
            raise VcmflowError(f"sequences: no folder of frames in {frames}")
        return names
    return _image_set(config.path / "ImageSets", chosen, year)


def _image_set(sets: Path, name: str, year: int | None) -> list[str]:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise VcmflowError(f"sequences: {name!r} is not a set; allowed: auto, val, train, a list")
    # DAVIS 2017 lists names, DAVIS 2016 pairs of files: /JPEGImages/480p/<name>/00000.jpg /Annot…
    for path in (sets / str(year or 2017) / f"{name}.txt", sets / "480p" / f"{name}.txt"):
        if path.is_file():
            break
    else:
        raise VcmflowError(
            f"sequences: no set {name!r} in {sets}; allowed: val, auto, a set in that folder, "
            "or a list of names"
        )
    names = []
    try:
        lines = intact(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise VcmflowError(f"{path}: not a list of names in UTF-8") from None
    for line in lines:
        words = line.split()
        if words:
            names.append(Path(words[0]).parent.name if "/" in words[0] else words[0])
    return list(dict.fromkeys(names))


def _masks_of(pictures: list[Path], folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise VcmflowError(
            f"{folder}: no such folder of masks; for sequences without masks use"
            f" `annotation_type: none`"
        )
    masks = {path.stem: path for path in folder.glob("*.png")}
    missing = [path.name for path in pictures if path.stem not in masks]
    if missing:
        raise VcmflowError(
            f"{folder}: {len(missing)} of {len(pictures)} frames have no mask, the first is "
            f"{missing[0]}"
        )
    stems = {path.stem for path in pictures}
    extra = sorted(path.name for stem, path in masks.items() if stem not in stems)
    if extra:
        raise VcmflowError(
            f"{pictures[0].parent}: frames missing: {len(extra)} masks have no frame, the first is "
            f"{extra[0]}"
        )
    return [masks[path.stem] for path in pictures]


def _frames(taken: list[tuple[Path, Path | None]], year: int | None) -> Iterator[SourceFrame]:
    from vcmflow.core.pictures import read_picture

    for path, mask in taken:
        picture = read_picture(path)
        objects: tuple[TruthObject, ...] = ()
        if mask is not None:
            objects = _objects(mask, picture.shape[:2], year)
        yield SourceFrame(path.name, picture, objects)


def _objects(path: Path, size: tuple[int, ...], year: int | None) -> tuple[TruthObject, ...]:
    from vcmflow.core.pictures import read_labels

    labels, indexed = read_labels(path)
    if labels.shape != size:
        raise VcmflowError(
            f"{path}: the mask is {labels.shape[1]}x{labels.shape[0]}, its frame is "
            f"{size[1]}x{size[0]}"
        )
    return tuple(
        TruthObject("object", object_id, mask=mask)
        for object_id, mask in _split(path, labels, indexed, year)
    )


def _split(
    path: Path, labels: npt.NDArray[np.uint8], indexed: bool, year: int | None
) -> list[tuple[int, npt.NDArray[np.bool_]]]:
    import numpy as np

    values = np.unique(labels)
    if year == 2016 or (year is None and not indexed and set(values.tolist()) <= {0, 255}):
        foreground = labels > 0
        return [(1, foreground)] if foreground.any() else []
    if not indexed and int(values.max()) > MOST_OBJECTS:
        raise VcmflowError(
            f"{path}: grey levels up to {int(values.max())} are not object ids; masks of DAVIS "
            "2017 are indexed, for merged masks of 0 and 255 use `year: 2016`"
        )
    return [(int(v), labels == v) for v in values if v not in (0, VOID)]
