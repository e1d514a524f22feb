"""What tables are made from: scores, complexity, and what the command line chose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from vcmflow.core.bd import Curve, Fit
from vcmflow.core.choices import Choice
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.mot import Tracked, follow
from vcmflow.core.rows import Row, read_csv
from vcmflow.core.scores import PSEUDO, Level, Method, curve, find_method, one_task, select, wide
from vcmflow.core.titles import Titles
from vcmflow.core.tracks import read_tracks
from vcmflow.core.truth import read_truth
from vcmflow.score.registry import accuracy_of

# What is read of the measures of ``vcmflow stage trajectory``.
TRAJECTORY = (
    *("variant", "embedding", "embedder", "sampler", "differs", "parameters", "sequence", "n"),
    *("dimension", "flicker", "step_to_random", "step_to_own", "turning", "neighbours"),
    "correlation",
)

Scene = tuple[str, str]  # dataset, scene


@dataclass(frozen=True)
class FollowedSequence:
    """The tracks of a sequence: its name, the counts, true identities, and found ones."""

    sequence: str
    counts: Tracked
    objects: int
    ids: int


@dataclass(frozen=True)
class Inputs:
    """Everything that a table may be made from; each uses a part.

    Attributes:
        table: name of the table.
        scores: of one or more datasets (``core.scores.read_scores``).
        complexity: sampler -> what choosing frames costs.
        trajectories: measures per variant of the ablation and sequence, as text.
        choices: of each sequence, the choices of frames that were tried.
        tracked: how well the tracks of each sequence follow its ground truth.
        task: the task whose accuracy the table is about; empty: the only one there is.
        anchors: methods that the others are measured against.
        tests: the paper's method; one for each anchor, differing from each other in the codec.
        standards: the tracking based method ("standard method" in the paper), likewise.
        methods: methods of the rows, for tables that leave a choice; empty: all.
        points: operating points of the rows of Tables 5 and 6; empty: chosen by the table.
        fit: interpolation between the points of a curve.
        min_map: smallest acceptable mAP on uncompressed frames; None for no such check.
        min_jaccard: the same for the mean Jaccard index.
        rising: codecs whose rate rises with their operating points.
        lossless: codecs that give the kept frames back as they were.
        titles: words for methods and codecs.
        note: what the numbers were measured on, for captions.
    """

    table: str
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    complexity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    trajectories: Sequence[Row] = ()
    choices: Sequence[Sequence[Choice]] = ()
    tracked: Sequence[FollowedSequence] = ()
    task: str = ""
    anchors: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    standards: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    fit: Fit = "pchip"
    min_map: float | None = None
    min_jaccard: float | None = None
    rising: frozenset[str] = frozenset()
    lossless: frozenset[str] = frozenset()
    titles: Titles = field(default_factory=Titles)
    note: str = ""

    def need(self, *names: str) -> None:
        """Raise unless each of these parts was given."""
        flags = {"anchors": "anchor", "tests": "test", "standards": "standard"}
        flags["tracked"] = "tracks"
        for name in names:
            if not len(getattr(self, name)):
                raise VcmflowError(f"table {self.table} needs --{flags.get(name, name)}")

    def rows(self, level: Level, task: str = "") -> pd.DataFrame:
        """The scores of single sequences, of scenes or of datasets, one row per condition."""
        return wide(self.scores, level, task)

    def chosen_task(self) -> tuple[str, str]:
        """The task that the table is about, and its accuracy's metric."""
        task = one_task(self.scores, self.task)
        return task, accuracy_of(self.scores, task).accuracy

    def method(self, name: str) -> Method:
        """What a method is a chain of."""
        return find_method(self.scores, name)

    def curves(self, rows: pd.DataFrame, method: str, metric: str) -> dict[Scene, Curve]:
        """The curve of a method in each scene, for the rows of the level "scene"."""
        return {
            (str(key[0]), str(key[1])): curve(part, metric)
            for key, part in select(rows, method).groupby(["dataset", "scene"], sort=False)
        }

    def codecs(self, names: Sequence[str]) -> str:
        """The words for the codecs of methods: "random access and all-intra"."""
        codecs = dict.fromkeys(self.method(name).codec for name in names)
        return " and ".join(self.titles.of(codec) for codec in codecs)

    def caption(self, text: str, task: str = "") -> str:
        """A caption with what every caption has to say: which data, and whose ground truth."""
        parts = [text]
        if self.scores.empty:
            return " ".join([text, *([f"{self.note.rstrip('.')}."] if self.note else [])])
        pseudo = self.scores[self.scores["status"] == PSEUDO]
        if len(pseudo) and (not task or (pseudo["task"] == task).any()):
            parts.append(
                "Ground truth is pseudo ground truth: what the same model finds on the "
                "uncompressed frames."
            )
        if self.note:
            parts.append(self.note if self.note.endswith(".") else f"{self.note}.")
        return " ".join(parts)


def read_trajectories(paths: Sequence[Path]) -> tuple[Row, ...]:
    """Read the measures of trajectories (``vcmflow stage trajectory``) of all variants.

    Raises:
        VcmflowError: a file is missing, is something else, or has no rows.
    """
    found: list[Row] = []
    for path in paths:
        rows = read_csv(path, TRAJECTORY)
        if not rows:
            raise VcmflowError(f"{path}: has no rows")
        found += rows
    return tuple(found)


def read_tracked(tracks: Sequence[Path], truths: Sequence[Path]) -> list[FollowedSequence]:
    """Compare tracks (``<sequence>.json``) with the ground truth of the same sequences.

    Raises:
        VcmflowError: not as many of one as of the other, or a file is broken.
    """
    if len(tracks) != len(truths):
        raise VcmflowError(f"--tracks has {len(tracks)} files, --truths {len(truths)}")
    found = []
    for path, file in zip(tracks, truths, strict=True):
        truth, own = read_truth(file), read_tracks(path)
        real = {a.object_id for a in truth.annotations if not (a.crowd or a.ignore)}
        ids = {track.id for frame in own for track in frame}
        counts = follow(truth, own, path.stem)
        found.append(FollowedSequence(path.stem, counts, len(real), len(ids)))
    return found


def read_complexity(path: Path) -> dict[str, dict[str, float]]:
    """Read what choosing the frames costs: ``manifold`` or ``tracking`` -> number's name -> number.

    The file is that of the stage complexity: exact numbers under each method's name, and under
    ``measured`` the method's speed on the machine of the run; null stands for "not known".

    Raises:
        VcmflowError: it is missing or something else.
    """
    content: Any = read_json(path)
    try:
        return {
            method: {
                "params_millions": _known(content[method]["parameters_millions"]),
                "gmacs_per_frame": _known(content[method]["gmacs_per_frame"]),
                "frames_per_second": _known(content["measured"][method]["frames_per_second"]),
                "latency_ms": _known(content["measured"][method]["latency_ms"]),
            }
            for method in ("manifold", "tracking")
        }
    except (KeyError, TypeError, ValueError):
        raise VcmflowError(
            f"{path}: not a file of complexity (manifold and tracking with parameters_millions, "
            "gmacs_per_frame, and frames_per_second and latency_ms under measured)"
        ) from None


def _known(value: Any) -> float:
    return math.nan if value is None else float(value)
